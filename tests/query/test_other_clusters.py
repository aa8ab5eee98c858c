"""Objects that a hub applies through ``kubeConfig`` are on the other cluster, and the answers say who applies them."""

import json
import subprocess

import pytest

from indexer.cli.main import run

HUB = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {path: ./hub, sourceRef: {kind: GitRepository, name: flux-system}}
"""
APP = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: app, namespace: staging}
spec:
  path: ./app
  sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
  kubeConfig: {secretRef: {name: spoke}}
"""
CONFIG = """[[cluster]]
name = "hub"
entry = ["hub.yaml"]
"""
FILES = {
    ".fluxidx.toml": CONFIG,
    "hub.yaml": HUB,
    "hub/app.yaml": APP,
    "app/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm, namespace: x}\n",
}
SPOKE = "hub/staging/spoke"


@pytest.fixture
def ask(tmp_path, capsys):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, check=True)

    def fluxidx(*arguments):
        code = run([*arguments, "--repo", str(tmp_path), "-q"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if "json" in arguments else printed.out + printed.err

    return fluxidx


def test_ls_names_the_cluster_that_the_object_is_on(ask):
    rows = {row["object"]["name"]: (row["cluster"], row["applied_by"]) for row in ask("ls", "-o", "json")[1]}
    assert rows == {"app": ("hub", None), "cm": (SPOKE, "hub")}
    for cluster, names in (("hub", ["app"]), (SPOKE, ["cm"])):
        assert [row["object"]["name"] for row in ask("ls", "-o", "json", "--cluster", cluster)[1]] == names


def test_units_are_the_hubs_and_name_their_target(ask):
    rows = {row["unit"]["name"]: (row["cluster"], row["target"]) for row in ask("units", "-o", "json")[1]}
    assert rows == {"flux-system": ("hub", None), "app": ("hub", SPOKE)}
    assert f"to cluster {SPOKE}" in ask("units")[1]


def test_where_says_who_applies_it_and_goes_up_to_the_hub(ask):
    (match,) = ask("where", "cm/cm", "-o", "json", "--cluster", SPOKE)[1]["matches"]
    assert (match["cluster"], match["applied_by"]) == (SPOKE, "hub")
    assert [link["unit"]["name"] for link in match["chain"]] == ["app", "flux-system"]
    text = ask("where", "cm/cm")[1]
    assert f"cluster {SPOKE}" in text
    assert "applied by hub through kubeConfig" in text


def test_what_says_it_from_the_file(ask):
    (file,) = ask("what", "app/cm.yaml", "-o", "json")[1]["files"]
    assert {(row["cluster"], row["applied_by"]) for row in file["deploys"]} == {(SPOKE, "hub")}
    assert "applied by hub through kubeConfig" in ask("what", "app/cm.yaml")[1]


def test_a_source_that_no_file_defines_is_a_guess(ask):
    (match,) = ask("where", "cm/cm", "-o", "json")[1]["matches"]
    guess = "taken for this repository: a guess, since no file defines the source"
    assert {"hop": "source", "reason": f"GitRepository flux-system/flux-system: {guess}"} in match["unresolved"]
