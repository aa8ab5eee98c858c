"""A server that is down, slow or half-broken: what can be read is read, and what cannot be is said."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml
from servers import ApiServer, Fault, Proxy

from indexer.cluster import reader
from indexer.cluster.connection import Patience
from indexer.cluster.kubeconfig import Kubeconfig
from indexer.cluster.model import Listed, LiveObject, Metadata, Trouble, Unreadable
from indexer.cluster.reader import Cluster

QUICK = Patience(connect=60.0, read=120.0, whole=300.0, attempts=3, pause=0.01, longest_pause=0.5)
MAPS = 7


@pytest.fixture(scope="module")
def api(start_api_server) -> ApiServer:
    server = start_api_server("faulty")
    server.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}])
    server.apply(
        [
            *(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named(f"c{n}"), "data": {"a": "b"}}
                for n in range(MAPS)
            ),
            {"apiVersion": "v1", "kind": "Secret", "metadata": _named("door"), "stringData": {"key": "open-sesame"}},
        ]
    )
    return server


def _named(name: str) -> dict[str, str]:
    return {"name": name, "namespace": "shop"}


@pytest.fixture
def through(api, tmp_path, monkeypatch):
    """A cluster behind a proxy with these faults, whose lists have pages of three."""
    monkeypatch.setattr(reader, "_PAGE", 3)
    opened = []

    def start(*faults: Fault, user: dict | None = None) -> tuple[Cluster, Proxy]:
        proxy = Proxy(api, *faults).__enter__()
        (context,) = Kubeconfig.load(str(proxy.kubeconfig(tmp_path / "proxied", user=user))).choose()
        cluster = Cluster(context, QUICK)
        opened.append((cluster, proxy))
        return cluster, proxy

    yield start
    for cluster, proxy in opened:
        cluster.close()
        proxy.__exit__()


def maps(cluster: Cluster) -> Listed:
    resource = cluster.discovery.find("", "ConfigMap")
    assert resource is not None
    return cluster.listed(resource, "shop")


def names(listed: Listed) -> list[str]:
    return [one.id.name for one in listed.items]


EVERY = [f"c{n}" for n in range(MAPS)]


def test_a_list_is_read_by_pages_and_without_the_objects_content(through):
    cluster, proxy = through()
    assert names(maps(cluster)) == EVERY
    asked = [(path, headers["Accept"]) for path, headers in proxy.requests if "/configmaps" in path]
    assert len(asked) == 3
    assert all("limit=3" in path for path, _ in asked)
    assert all(accept.startswith("application/json;as=PartialObjectMetadataList") for _, accept in asked)


def test_a_list_that_expires_on_the_way_begins_again(through):
    cluster, _ = through(Fault("continue=", status=410, times=1))
    listed = maps(cluster)
    assert (names(listed), listed.unreadable) == (EVERY, None)


def test_a_list_that_always_expires_gives_what_was_read(through):
    cluster, _ = through(Fault("continue=", status=410))
    listed = maps(cluster)
    assert names(listed) == EVERY[:3]
    assert listed.unreadable is not None
    assert listed.unreadable.trouble is Trouble.INCOMPLETE
    assert "broke off after 3" in listed.unreadable.reason


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_asked_again(through, status):
    cluster, proxy = through(Fault("/configmaps", status=status, headers={"Retry-After": "0"}, times=2))
    assert names(maps(cluster)) == EVERY
    assert sum("/configmaps" in path for path, _ in proxy.requests) == 5


def test_what_does_not_pass_is_said_with_the_words_of_the_server(through):
    cluster, _ = through(Fault("/configmaps", status=500, body='{"kind": "Status", "message": "etcd is on fire"}'))
    assert maps(cluster).unreadable == Unreadable(
        "configmaps of namespace shop", Trouble.BROKEN, "etcd is on fire (500)"
    )


def test_a_pause_that_is_too_long_is_not_waited_for(through):
    cluster, proxy = through(Fault("/configmaps", status=429, headers={"Retry-After": "3600"}))
    listed = maps(cluster)
    assert listed.unreadable is not None
    assert listed.unreadable.trouble is Trouble.BROKEN
    assert sum("/configmaps" in path for path, _ in proxy.requests) == 1


def test_a_connection_that_is_cut_in_the_middle_of_a_list_is_made_again(through):
    cluster, _ = through(Fault("/configmaps", cut_after=200, times=1))
    listed = maps(cluster)
    assert (names(listed), listed.unreadable) == (EVERY, None)


def test_a_connection_that_is_always_cut_ends_the_list_and_leaves_the_rest(through):
    cluster, _ = through(Fault("/configmaps.*continue=", cut_after=20))
    listed = maps(cluster)
    assert names(listed) == EVERY[:3]
    assert listed.unreadable is not None
    assert listed.unreadable.trouble is Trouble.INCOMPLETE
    namespaces = cluster.discovery.find("", "Namespace")
    assert namespaces is not None
    assert "shop" in names(cluster.listed(namespaces))


def test_what_is_forbidden_is_said_and_the_rest_is_read(through):
    words = '{"kind": "Status", "message": "User \\"me\\" cannot list resource \\"configmaps\\""}'
    cluster, _ = through(Fault("/configmaps", status=403, body=words))
    secrets, namespaces = (cluster.discovery.find("", kind) for kind in ("Secret", "Namespace"))
    assert secrets is not None
    assert namespaces is not None
    configmaps = cluster.discovery.find("", "ConfigMap")
    assert configmaps is not None
    answers = list(cluster.everything([configmaps, secrets, namespaces]))
    assert [bool(one.unreadable) for one in answers] == [True, False, False]
    assert answers[0].unreadable == Unreadable(
        "configmaps", Trouble.FORBIDDEN, 'User "me" cannot list resource "configmaps" (403)'
    )
    assert "shop" in names(answers[2])


def test_a_kind_that_vanishes_is_absent(through):
    cluster, _ = through(Fault("/configmaps", status=404))
    listed = maps(cluster)
    assert listed.unreadable is not None
    assert listed.unreadable.trouble is Trouble.ABSENT


def test_a_server_that_is_silent_is_asked_no_more(through):
    cluster, proxy = through()
    configmaps = cluster.discovery.find("", "ConfigMap")
    assert configmaps is not None
    cluster._connection._patience = Patience(read=0.2, attempts=3, pause=0.01)
    silence = Fault("/configmaps", silent=True)
    proxy.faults.append(silence)
    before = cluster.requests
    answers = [cluster.listed(configmaps, f"n{number}") for number in range(4)]
    assert [one.unreadable and one.unreadable.trouble for one in answers] == [
        Trouble.BROKEN,
        Trouble.UNREACHABLE,
        Trouble.UNREACHABLE,
        Trouble.UNREACHABLE,
    ]
    assert cluster.requests - before == 2


def test_a_server_that_is_down_is_one_answer_for_all(through):
    cluster, proxy = through()
    proxy.__exit__()
    assert cluster.discovery.resources == ()
    assert {one.trouble for one in cluster.flux.unreadable} == {Trouble.UNREACHABLE}
    assert cluster.requests == 1


def test_an_api_that_nobody_answers_for_leaves_the_others(api, through):
    api.apply(
        [
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": "v1beta1.metrics.example.org"},
                "spec": {
                    "group": "metrics.example.org",
                    "version": "v1beta1",
                    "service": {"name": "gone", "namespace": "shop"},
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "insecureSkipTLSVerify": True,
                },
            }
        ]
    )
    api.until(lambda: ("metrics.example.org", "v1beta1") in api.stale())
    cluster, _ = through()
    assert cluster.discovery.find("apps", "Deployment") is not None
    assert [one.what for one in cluster.discovery.unreadable] == ["API metrics.example.org/v1beta1"]


def test_of_a_secret_nothing_but_metadata_is_asked_for(through):
    cluster, proxy = through()
    secrets = cluster.discovery.find("", "Secret")
    assert secrets is not None
    whole = cluster.get(secrets, "shop", "door")
    assert isinstance(whole, LiveObject)
    assert list(whole.body) == ["metadata"]
    assert isinstance(cluster.metadata(secrets, "shop", "door"), Metadata)
    objects, _ = cluster.objects(secrets)
    assert {tuple(one.body) for one in objects} == {("metadata",)}
    assert names(cluster.listed(secrets, "shop")) == ["door"]
    accepted = {headers["Accept"] for path, headers in proxy.requests if "/secrets" in path}
    assert accepted == {
        f"application/json;as={kind};g=meta.k8s.io;v=v1"
        for kind in ("PartialObjectMetadata", "PartialObjectMetadataList")
    }


def plugin(tmp_path: Path, token: str = "admin", expires: str = "") -> dict:  # noqa: S107 - of the test's server
    """A user whose plugin counts its runs."""
    script = tmp_path / "login"
    stamp = f'"expirationTimestamp": "{expires}", ' if expires else ""
    version = "client.authentication.k8s.io/v1"
    answer = f'{{"apiVersion": "{version}", "kind": "ExecCredential", "status": {{{stamp}"token": "{token}"}}}}'
    script.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\necho '{answer}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": version, "command": str(script), "interactiveMode": "Never"}}


def runs(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text().splitlines())


def test_a_plugin_is_asked_once_for_many_requests(through, tmp_path):
    cluster, _ = through(user=plugin(tmp_path))
    assert names(maps(cluster)) == EVERY
    assert runs(tmp_path) == 1


def test_a_token_that_is_not_taken_any_more_is_got_anew_once(through, tmp_path):
    cluster, _ = through(Fault("/configmaps", status=401, times=1), user=plugin(tmp_path))
    assert names(maps(cluster)) == EVERY
    assert runs(tmp_path) == 2


def test_a_token_that_expired_is_got_anew(through, tmp_path):
    cluster, _ = through(user=plugin(tmp_path, expires="2020-01-01T00:00:00Z"))
    assert names(maps(cluster)) == EVERY
    assert runs(tmp_path) == cluster.requests


def test_credentials_that_are_never_taken_are_said_to_be_so(through, tmp_path):
    cluster, _ = through(user=plugin(tmp_path, token="nobody"))  # noqa: S106 - a wrong one
    (lost, *_) = cluster.discovery.unreadable
    assert lost.trouble is Trouble.UNAUTHORIZED
    assert "does not accept the credentials of context proxied: log in again" in lost.reason


def test_a_person_who_acts_as_another_is_that_other(through):
    cluster, _ = through(user={"token": "admin", "as": "nobody", "as-groups": ["visitors", "system:authenticated"]})
    listed = maps(cluster)
    assert listed.unreadable is not None
    assert listed.unreadable.trouble is Trouble.FORBIDDEN
    assert 'User "nobody" cannot list resource "configmaps"' in listed.unreadable.reason


def test_tls_is_checked_unless_the_kubeconfig_says_otherwise(api, tmp_path):
    def asked(**more: object) -> Cluster:
        config = {
            "current-context": "x",
            "clusters": [{"name": "x", "cluster": {"server": api.url, **more}}],
            "users": [{"name": "x", "user": {"token": "admin"}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        }
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        (context,) = Kubeconfig.load(str(tmp_path / "config")).choose()
        cluster = Cluster(context, QUICK)
        assert cluster.discovery is not None
        cluster.close()
        return cluster

    assert asked(**{"insecure-skip-tls-verify": True}).discovery.find("", "Pod") is not None
    assert (
        asked(**{"certificate-authority": str(api.directory / "apiserver.crt")}).discovery.find("", "Pod") is not None
    )
    (lost,) = asked().discovery.unreadable
    assert lost.trouble is Trouble.UNREACHABLE
    assert "is not trusted: " in lost.reason
