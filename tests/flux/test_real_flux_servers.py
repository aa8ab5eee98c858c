"""The servers that tests start: pinned, found or built, several at once, and gone in the end."""

import os
import select
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
from servers import Refused, Unavailable, binaries, binary, find
from servers.binaries import MODULES, NAMES
from servers.process import SECONDS

PINS = {
    "etcd": "go.etcd.io/etcd/server/v3 v3.6.5",
    "flux": "github.com/fluxcd/flux2/v2 v2.9.5",
    "helm-controller": "github.com/fluxcd/helm-controller v1.6.3",
    "kube-apiserver": "k8s.io/kubernetes v1.35.4",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5 v5.8.1",
    "kustomize-controller": "github.com/fluxcd/kustomize-controller v1.9.4",
    "source-controller": "github.com/fluxcd/source-controller v1.9.1",
}


def test_every_program_is_pinned_with_its_sums():
    assert set(NAMES) == set(PINS)
    for name, pin in PINS.items():
        assert pin in (MODULES / name / "go.mod").read_text()
        assert f"{pin} h1:" in (MODULES / name / "go.sum").read_text()


def test_assets_come_before_path_and_path_before_the_cache(tmp_path, monkeypatch):
    for folder in ("assets", "path", "cache"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "etcd").touch(mode=0o755)
    monkeypatch.setenv("FLUXIDX_ORACLES", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    assert find("etcd") == tmp_path / "assets" / "etcd"
    monkeypatch.delenv("KUBEBUILDER_ASSETS")
    assert find("etcd") == tmp_path / "path" / "etcd"
    monkeypatch.setenv("PATH", "")
    assert find("etcd") == tmp_path / "cache" / "etcd"


def test_without_go_it_is_said_why(tmp_path, monkeypatch):
    monkeypatch.setenv("FLUXIDX_ORACLES", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(Unavailable, match="Go is not installed"):
        binary("etcd")


def test_what_cannot_be_built_at_once_is_tried_again_after_the_others(monkeypatch, capsys):
    tried, pauses = [], []

    def answer(name):
        tried.append(name)
        if name == "etcd" and tried.count(name) < 3:
            raise Unavailable("go build in etcd: 502 Bad Gateway")

    monkeypatch.setattr(binaries, "_provide", answer)
    monkeypatch.setattr(binaries, "sarif_schema", lambda: None)
    monkeypatch.setattr(binaries, "kubernetes_types", lambda: None)
    monkeypatch.setattr(binaries.shutil, "which", lambda _: "go")
    monkeypatch.setattr(binaries.time, "sleep", pauses.append)
    assert binaries.provide(["etcd", "flux"]) == {}
    assert (tried, pauses) == (["etcd", "flux", "etcd", "etcd"], [0, 10, 60])
    assert capsys.readouterr().err == "etcd: go build in etcd: 502 Bad Gateway\n" * 2


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 failed")])
def test_what_is_missing_skips_a_test_and_fails_it_in_ci(tmp_path, ci, outcome):
    (tmp_path / "test_it.py").write_text("def test_it(start_api_server):\n    start_api_server('a')\n")
    environment = {"PATH": "", "FLUXIDX_ORACLES": str(tmp_path), "CI": ci, "PYTHONPATH": str(MODULES.parent.parent)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "servers.fixtures",
        "-rsf",
        str(tmp_path),
        "--rootdir",
        str(tmp_path),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert outcome in done.stdout
    assert "Go is not installed" in done.stdout


def test_two_clusters_at_once(start_api_server):
    one, two = start_api_server("one"), start_api_server("two")
    one.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "only-here"}} for _ in range(1))
    assert one.get("v1", "Namespace", "only-here")["status"] == {"phase": "Active"}
    with pytest.raises(Refused, match="not found") as refused:
        two.get("v1", "Namespace", "only-here")
    assert refused.value.status == 404


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv of util-linux is not installed")
def test_nothing_outlives_tests_that_are_killed(tmp_path):
    program = f"""\
        import sys, time
        from pathlib import Path
        from servers import ApiServer
        server = ApiServer(Path({str(tmp_path)!r}))
        server.start()
        print(*(process.pid for process in server._processes), flush=True)
        time.sleep(600)
        """
    environment = os.environ | {"PYTHONPATH": str(MODULES.parent.parent)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        started = [os.pidfd_open(int(pid)) for pid in child.stdout.readline().split()]
        child.send_signal(signal.SIGKILL)
    assert len(started) == 2
    for process in started:
        ended, _, _ = select.select([process], [], [], SECONDS)
        os.close(process)
        assert ended
