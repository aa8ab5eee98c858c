"""A Git repository of a few files, as the tests of this room write it down."""

import subprocess
import textwrap

from indexer.flux.config import Config
from indexer.flux.render import render_repository
from indexer.git.repository import Repository

URL = "https://git.example.org/team/fleet.git"


def source(name="flux-system", url=URL, ref="branch: main", namespace="flux-system"):
    return f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{url: {url}, ref: {{{ref}}}}}
"""


def kustomization(name, path, more="", kind="GitRepository", of="flux-system"):
    return f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec:
  path: {path}
  sourceRef: {{kind: {kind}, name: {of}}}
""" + textwrap.indent(textwrap.dedent(more), "  ")


def config_map(name="cm", data="{a: b}", namespace="apps"):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {data}\n"


def sync(cluster):
    return f"{source()}---\n{kustomization('flux-system', f'./clusters/{cluster}')}"


class Fleet:
    """A Git repository of some files."""

    def __init__(self, root):
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", URL)

    def git(self, *args):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *args], cwd=self.root, check=True, capture_output=True)

    def commit(self, rev):
        """The full sha of a revision."""
        return subprocess.check_output(["git", "rev-parse", rev], cwd=self.root, text=True).strip()

    def write(self, **files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self

    def render(self, config=None):
        repository = Repository.open(self.root)
        try:
            return {c.name: c for c in render_repository(repository, repository.worktree(), config or Config())}
        finally:
            repository.close()

    def units(self, config=None, cluster=None):
        clusters = self.render(config)
        chosen = clusters[cluster] if cluster else next(iter(clusters.values()))
        return {unit.id.name: unit for unit in chosen.units}
