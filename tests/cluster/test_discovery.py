from __future__ import annotations

from typing import Any

import pytest

from indexer.cluster.connection import Refused
from indexer.cluster.discovery import discover
from indexer.cluster.flux import source, unit
from indexer.cluster.inventory import decode
from indexer.cluster.model import LiveObject, Metadata, SourceId, Trouble, Unreadable
from indexer.flux.identity import ObjectId, UnitId


class Server:
    """A connection that answers from a table; what is not in it fails."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def get(self, path: str, _query: object = None, accept: str = "") -> Any:  # noqa: ARG002 - as Connection.get
        if path not in self.answers:
            raise Refused(Trouble.BROKEN, "service unavailable (503)", 503)
        return self.answers[path]


DEPLOYMENTS = {
    "name": "deployments",
    "singularName": "deployment",
    "namespaced": True,
    "kind": "Deployment",
    "shortNames": ["deploy"],
    "verbs": ["get", "list"],
}
OLD = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {
        "resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]}, {"name": "pods/log"}]
    },
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": "apps",
                "versions": [{"version": "v1beta1"}, {"version": "v1"}],
                "preferredVersion": {"version": "v1"},
            },
            {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}]},
            {"name": "extensions", "versions": [{"version": "v1beta1"}]},
        ],
    },
    "/apis/apps/v1": {"resources": [DEPLOYMENTS, {"name": "deployments/scale", "kind": "Scale"}]},
    "/apis/apps/v1beta1": {"resources": [DEPLOYMENTS]},
    "/apis/extensions/v1beta1": {"resources": [DEPLOYMENTS]},
}


def test_an_old_server_is_asked_api_by_api_and_the_preferred_version_counts():
    found = discover(Server(OLD))  # type: ignore[arg-type]
    assert [(str(one), one.version) for one in found.resources] == [("pods", "v1"), ("deployments.apps", "v1")]
    assert found.find("apps", "Deployment").short == ("deploy",)
    assert found.unreadable == (Unreadable("API metrics.k8s.io/v1beta1", Trouble.BROKEN, "service unavailable (503)"),)


@pytest.mark.parametrize(
    ("answers", "why"),
    [({}, "service unavailable (503)"), ({"/api": {}, "/apis": {"kind": "Login"}}, "it names no API")],
)
def test_what_names_no_api_is_no_api_server(answers, why):
    found = discover(Server(answers))  # type: ignore[arg-type]
    assert found.resources == ()
    assert found.unreadable == (
        Unreadable("the cluster", Trouble.UNREACHABLE, f"what answers is no API server: {why}"),
    )


def test_ids_of_an_inventory():
    assert decode("apps_web_apps_Deployment", "v1") == ObjectId("apps", "v1", "Deployment", "apps", "web")
    assert decode("_prod__Namespace") == ObjectId("", "", "Namespace", None, "prod")
    role = decode("_system__view_a_rbac.authorization.k8s.io_ClusterRole")
    assert (role.name, role.group) == ("system:view_a", "rbac.authorization.k8s.io")


def live(group: str, kind: str, spec: dict[str, Any], status: dict[str, Any]) -> LiveObject:
    return LiveObject(Metadata(ObjectId(group, "v1", kind, "a", "x"), "u", ""), {"spec": spec, "status": status})


def test_a_kustomization_that_was_never_looked_at():
    found = unit(
        live("kustomize.toolkit.fluxcd.io", "Kustomization", {"sourceRef": {"kind": "GitRepository", "name": "g"}}, {})
    )
    assert found.source == SourceId("GitRepository", "a", "g")
    assert (found.applied, found.attempted, found.inventory, found.ready, found.prune) == (
        None,
        None,
        None,
        None,
        False,
    )


def test_a_release_has_the_chart_version_that_was_deployed_and_its_storage():
    status = {
        "storageNamespace": "store",
        "history": [
            {"name": "r", "namespace": "t", "version": 1, "status": "deployed", "chartVersion": "1.0.0"},
            {"name": "r", "namespace": "t", "version": 2, "status": "failed", "chartVersion": "2.0.0"},
        ],
        "lastAttemptedRevision": "2.0.0",
        "helmChart": "flux-system/a-x",
    }
    spec = {
        "chartRef": {"kind": "OCIRepository", "name": "o", "namespace": "b"},
        "kubeConfig": {"secretRef": {"name": "remote"}},
        "dependsOn": [{"name": "y"}],
    }
    found = unit(live("helm.toolkit.fluxcd.io", "HelmRelease", spec, status))
    assert found.source == SourceId("OCIRepository", "b", "o")
    assert (found.applied, found.attempted, found.storage_namespace) == ("1.0.0", "2.0.0", "store")
    assert [one.number for one in found.history] == [2, 1]
    assert found.chart == SourceId("HelmChart", "flux-system", "a-x")
    assert (found.remote, found.depends_on) == ("secret remote", (UnitId("HelmRelease", "a", "y"),))


def test_the_ref_of_a_source_is_the_one_that_wins_and_its_url_holds_no_password():
    spec = {"url": "https://me:secret@git.example.org/x", "ref": {"branch": "main", "tag": "v1", "commit": "abc"}}
    found = source(live("source.toolkit.fluxcd.io", "GitRepository", spec, {}))
    assert (found.url, found.ref) == ("https://git.example.org/x", "commit abc")
    assert source(live("source.toolkit.fluxcd.io", "GitRepository", {}, {})).ref == "branch master"
    assert source(live("source.toolkit.fluxcd.io", "OCIRepository", {}, {})).ref == "tag latest"
    bucket = source(live("source.toolkit.fluxcd.io", "Bucket", {"bucketName": "b", "endpoint": "s3"}, {}))
    assert (bucket.url, bucket.ref) == ("s3", "bucket b")
