from __future__ import annotations

import base64
import json
import shutil
import stat
import subprocess

import pytest

from indexer.cluster.credentials import CredentialError, run_plugin
from indexer.cluster.kubeconfig import Kubeconfig
from indexer.cluster.reader import Cluster

GIVEN = "t"
VERSION = "client.authentication.k8s.io/v1"
CLUSTER = {
    "server": "https://here",
    "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "us"}}],
}


@pytest.fixture
def plugin(tmp_path):
    """A plugin that notes how it was started and answers with ``answer``."""

    def made(answer: str, status: int = 0) -> dict:
        script = tmp_path / "login"
        (tmp_path / "answer").write_text(answer)
        script.write_text(
            f'#!/bin/sh\nenv > {tmp_path}/env\necho "$@" > {tmp_path}/args\ncat {tmp_path}/answer\nexit {status}\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return {"apiVersion": VERSION, "command": str(script), "interactiveMode": "Never"}

    return made


def answer(version: str = VERSION, **status: str) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


def started(tmp_path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)


def test_a_plugin_gets_its_arguments_its_environment_and_the_cluster(plugin, tmp_path, monkeypatch):
    monkeypatch.setenv("OWN", "1")
    spec = plugin(answer(token=GIVEN, expirationTimestamp="2020-01-02T03:04:05Z")) | {
        "args": ["get", "token"],
        "env": [{"name": "PROFILE", "value": "prod"}],
        "provideClusterInfo": True,
    }
    credential = run_plugin(spec, CLUSTER)
    assert credential.token == GIVEN
    assert credential.expired
    assert (tmp_path / "args").read_text().split() == ["get", "token"]
    environment = started(tmp_path)
    assert (environment["PROFILE"], environment["OWN"]) == ("prod", "1")
    assert json.loads(environment["KUBERNETES_EXEC_INFO"]) == {
        "apiVersion": VERSION,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://here", "config": {"audience": "us"}}},
    }


def test_a_certificate_is_a_credential_too(plugin):
    credential = run_plugin(plugin(answer(clientCertificateData="C", clientKeyData="K")), {})
    assert (credential.token, credential.certificate, credential.key) == (None, "C", "K")
    assert not credential.expired


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        ("", 1, "ended with status 1: log in again"),
        ("hello", 0, "did not answer with an ExecCredential"),
        (answer(), 0, "neither with a token nor with a certificate"),
        (answer(clientCertificateData="C"), 0, "neither with a token nor with a certificate"),
        (answer("client.authentication.k8s.io/v1beta1", token=GIVEN), 0, "answered in client.*v1beta1"),
    ],
)
def test_a_plugin_that_gives_no_credential_is_said_to(plugin, said, status, message):
    with pytest.raises(CredentialError, match=message):
        run_plugin(plugin(said, status), {})


def test_a_plugin_that_is_not_there_is_named_with_the_hint_of_the_kubeconfig():
    spec = {"apiVersion": VERSION, "command": "no-such-plugin", "installHint": "brew install it\n"}
    with pytest.raises(CredentialError, match=r"no-such-plugin is not there, or not on PATH: brew install it$"):
        run_plugin(spec, {})


def test_a_plugin_that_has_to_ask_a_person_is_not_run_without_a_terminal(plugin):
    with pytest.raises(CredentialError, match="no terminal"):
        run_plugin(plugin(answer(token=GIVEN)) | {"interactiveMode": "Always"}, {})


def test_an_old_version_of_the_protocol_is_refused(plugin):
    with pytest.raises(CredentialError, match="v1alpha1"):
        run_plugin(plugin(answer(token=GIVEN)) | {"apiVersion": "client.authentication.k8s.io/v1alpha1"}, {})


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl")
@pytest.mark.parametrize("informed", [True, False])
def test_kubectl_starts_a_plugin_in_the_same_way(plugin, api_server, tmp_path, informed):
    environment = [{"name": "PROFILE", "value": "prod"}]
    spec = plugin(answer(token="admin")) | {"args": ["a", "b c"], "env": environment}  # noqa: S106 - of a test's server
    spec |= {"provideClusterInfo": informed}
    authority = base64.b64encode((api_server.directory / "apiserver.crt").read_bytes()).decode()
    cluster = {
        "server": api_server.url,
        "certificate-authority-data": authority,
        "tls-server-name": "kubernetes.default",
    }
    config = {
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": cluster}],
        "users": [{"name": "x", "user": {"exec": spec}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    command = ["kubectl", "--kubeconfig", str(tmp_path / "config"), "get", "namespaces"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = started(tmp_path), (tmp_path / "args").read_text()
    (context,) = Kubeconfig.load(str(tmp_path / "config")).choose()
    found = Cluster(context)
    assert found.discovery.find("", "Namespace") is not None
    found.close()
    ours = started(tmp_path), (tmp_path / "args").read_text()
    assert ours[1] == theirs[1]
    for name in ("PROFILE", "PWD", "PATH"):
        assert ours[0].get(name) == theirs[0].get(name)
    told = [json.loads(one[0]["KUBERNETES_EXEC_INFO"]) for one in (ours, theirs)]
    assert _without_nulls(told[0]) == _without_nulls(told[1])


def _without_nulls(value):
    """kubectl writes out what is empty."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return value
