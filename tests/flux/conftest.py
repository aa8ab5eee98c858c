"""Fixtures of the Flux room's tests."""

import subprocess

import pytest

from indexer.flux.config import Config
from indexer.flux.render import render_repository
from indexer.git.repository import Repository

_SYNC = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {url: "https://git.example.org/team/fleet.git", ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  path: ./clusters/one
  sourceRef: {kind: GitRepository, name: flux-system}
"""


@pytest.fixture
def units(tmp_path):
    """Renders the cluster ``one`` of a repository of some files: its units by their names."""

    def render(files, *, bootstrap=True):
        if bootstrap:
            files = {"clusters/one/flux-system/gotk-sync.yaml": _SYNC, **files}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(tmp_path))
        url = "https://git.example.org/team/fleet.git"
        for command in (["init", "-q", "-b", "main"], ["remote", "add", "origin", url], ["add", "-A"]):
            subprocess.run([*git, *command], check=True, capture_output=True)
        subprocess.run([*git, "commit", "-q", "-m", "x"], check=True, capture_output=True)
        repository = Repository.open(tmp_path)
        (cluster,) = render_repository(repository, repository.worktree(), Config())
        assert cluster.name == "one"
        return {str(unit.id): unit for unit in cluster.units}

    return render
