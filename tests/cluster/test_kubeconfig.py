from __future__ import annotations

import os

import pytest

from indexer.cluster.errors import KubeconfigError
from indexer.cluster.kubeconfig import Context, Kubeconfig
from indexer.cluster.reader import Cluster

FIRST = """\
apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: here, cluster: {server: "https://first", certificate-authority: ca.crt}}
users:
- {name: me, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/login, interactiveMode: Never}}}
contexts:
- {name: one, context: {cluster: here, user: me, namespace: shop}}
"""
SECOND = """\
current-context: two
clusters:
- {name: here, cluster: {server: "https://second"}}
- {name: there, cluster: {server: "https://there"}}
users:
- {name: me, user: {token: other}}
contexts:
- {name: one, context: {cluster: there, user: me}}
- {name: two, context: {cluster: there, user: me}}
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config").write_text(FIRST)
    (tmp_path / "second").write_text(SECOND)
    return f"{tmp_path}/a/config", f"{tmp_path}/second"


def test_of_several_files_the_first_that_says_something_wins(files):
    config = Kubeconfig.load(None, {"KUBECONFIG": os.pathsep.join(("/none", *files))})
    assert config.current == "one"
    assert sorted(config.contexts) == ["one", "two"]
    assert config.contexts["one"].server == "https://first"
    assert config.contexts["one"].namespace == "shop"
    assert config.contexts["two"].server == "https://there"
    assert "exec" in config.contexts["two"].user


def test_files_and_plugins_are_beside_the_kubeconfig_that_names_them(files, tmp_path):
    context = Kubeconfig.load(None, {"KUBECONFIG": files[0]}).contexts["one"]
    assert context.cluster["certificate-authority"] == f"{tmp_path}/a/ca.crt"
    assert context.user["exec"]["command"] == f"{tmp_path}/a/bin/login"


def test_the_file_of_the_option_is_the_only_one(files):
    config = Kubeconfig.load(files[1], {"KUBECONFIG": files[0]})
    assert config.current == "two"


def test_the_home_directory_is_the_last_place(tmp_path):
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(SECOND)
    assert Kubeconfig.load(None, {"HOME": str(tmp_path)}).current == "two"


def test_contexts_are_chosen_by_name_all_or_the_current_one(files):
    config = Kubeconfig.load(None, {"KUBECONFIG": os.pathsep.join(files)})
    assert [one.name for one in config.choose()] == ["one"]
    assert [one.name for one in config.choose(["two", "one", "two"])] == ["two", "one"]
    assert {one.name for one in config.choose(every=True)} == {"one", "two"}


def test_an_unknown_context_is_answered_with_what_comes_close(files):
    config = Kubeconfig.load(files[1], {})
    with pytest.raises(KubeconfigError, match=r"no context 'tow' in .*second: is two meant\?"):
        config.choose(["tow"])


def test_in_a_pod_the_service_account_is_used(tmp_path, monkeypatch):
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("t")
    (account / "namespace").write_text("tools\n")
    monkeypatch.setattr("indexer.cluster.kubeconfig.SERVICE_ACCOUNT", account)
    pod = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}
    (context,) = Kubeconfig.load(None, pod).choose()
    assert (context.name, context.server, context.namespace) == ("in-cluster", "https://[fd00::1]:443", "tools")
    assert context.user == {"tokenFile": f"{account}/token"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", ":1:.*: correct this kubeconfig"),
        ("- a\n", ":1: is no kubeconfig"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "broken").write_text(text)
    with pytest.raises(KubeconfigError, match=message):
        Kubeconfig.load(str(tmp_path / "broken"))


def test_nothing_to_ask_is_said_with_what_to_do(tmp_path):
    with pytest.raises(KubeconfigError, match=r"no cluster to ask.*--kubeconfig"):
        Kubeconfig.load(None, {"HOME": str(tmp_path)}).choose()


def test_no_current_context_is_said_with_those_there_are(tmp_path):
    (tmp_path / "config").write_text(SECOND.replace("current-context: two\n", ""))
    with pytest.raises(KubeconfigError, match="name one with --context: one, two"):
        Kubeconfig.load(str(tmp_path / "config")).choose()


@pytest.mark.parametrize(
    ("cluster", "asked"),
    [
        ({"server": "127.0.0.1:1"}, "http://127.0.0.1:1 does not answer: Connection refused"),
        (
            {"server": "127.0.0.1:1", "insecure-skip-tls-verify": True},
            "https://127.0.0.1:1 does not answer: Connection refused",
        ),
        (
            {"server": "ftp://127.0.0.1"},
            "context x cannot be used: its server ftp://127.0.0.1 is no http or https address: correct the kubeconfig",
        ),
    ],
)
def test_a_server_without_a_scheme_means_what_it_means_to_kubectl(cluster, asked):
    reader = Cluster(Context("x", cluster, {}, None))
    assert [(one.what, one.reason) for one in reader.discovery.unreadable] == [("the cluster", asked)]
    reader.close()
