"""A repository with a cluster whose HelmReleases the tests write."""

import subprocess
import textwrap

import pytest

from indexer.flux.config import Config
from indexer.flux.render import render_repository
from indexer.git.repository import Repository

URL = "https://git.example.org/team/fleet.git"
SYNC = f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{url: {URL}, ref: {{branch: main}}}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: flux-system, namespace: flux-system}}
spec:
  path: ./clusters/prod
  sourceRef: {{kind: GitRepository, name: flux-system}}
"""


class Fleet:
    """A Git repository with one cluster, ``prod``."""

    def __init__(self, root):
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", URL)
        self.write("clusters/prod/flux-system/gotk-sync.yaml", SYNC)

    def git(self, *args):
        subprocess.run(["git", *args], cwd=self.root, check=True, capture_output=True)

    def write(self, path, text):
        """Writes a file, its indentation taken off."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))

    def chart(self, directory="charts/demo", name="demo", more="", **templates):
        """Writes a chart whose templates are ``templates``, by name without ending."""
        self.write(f"{directory}/Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 1.2.3\n{textwrap.dedent(more)}")
        for template, text in templates.items():
            self.write(f"{directory}/templates/{template}.yaml", text)

    def release(self, spec, *, chart="./charts/demo", name="web", file="release"):
        """Writes a HelmRelease in namespace ``apps`` with a chart of the repository; its spec begins in line 10."""
        head = f"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: {name}, namespace: apps}}
spec:
  chart:
    spec:
      chart: {chart}
      version: 1.2.3
      sourceRef: {{kind: GitRepository, name: flux-system, namespace: flux-system}}
"""
        self.write(f"clusters/prod/{file}.yaml", head + textwrap.indent(textwrap.dedent(spec), "  "))

    def units(self, config=None):
        """The units of the cluster by kind and name."""
        repository = Repository.open(self.root)
        (cluster,) = render_repository(repository, repository.worktree(), config or Config())
        return {f"{unit.id.kind}/{unit.id.name}": unit for unit in cluster.units}

    def unit(self, name="web", config=None):
        return self.units(config)[f"HelmRelease/{name}"]


@pytest.fixture
def fleet(tmp_path):
    return Fleet(tmp_path)
