"""An index made by hand: the Namespace bar of a-flux-cluster, and a second cluster that shares it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.flux.model import (
    Cluster,
    Inputs,
    ObjectId,
    RenderedObject,
    SourceRef,
    Substitution,
    Unit,
    UnitId,
    UnitState,
)
from indexer.git.repository import Repository
from indexer.git.text import storable
from indexer.git.tree import Tree
from indexer.index.location import at_path
from indexer.index.read import connect
from indexer.index.write import Build, replace
from indexer.manifest.history import Contribution
from indexer.manifest.node import Role, Source, Span
from indexer.query.scope import Scope

FILES = {
    "clusters/prod/sync.yaml": "kind: GitRepository\n---\nkind: Kustomization\nname: flux-system\n",
    "clusters/prod/apps.yaml": "kind: Kustomization\nmetadata: {name: apps}\nspec: {substitute: {ENV: staging}}\n",
    "apps/kustomization.yaml": "resources:\n- namespace.yaml\npatches:\n- path: patch.yaml\n",
    "apps/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: bar\n",
    "apps/patch.yaml": "kind: Namespace\nmetadata:\n  labels:\n    team: a\n    env: ${ENV}\n",
    "apps/unused.yaml": "apiVersion: v1\nkind: ConfigMap\n",
    "apps/comment.yaml": "# nothing here\n",
    "broken/kustomization.yaml": "resources: [missing.yaml]\n",
    "broken/app.yaml": "kind: Deployment\n",
    "old/kustomization.yaml": "resources:\n- app.yaml\n",
    "old/app.yaml": "kind: Deployment\n",
    "stray.yaml": "kind: Deployment\n",
    "bad.yaml": "a: [\n",
    "left-out/x.yaml": "kind: Deployment\n",
    "README.md": "# Fleet\n",
    ".sourceignore": "# not for Flux\nleft-out/\n",
}

SYNC = UnitId("Kustomization", "flux-system", "flux-system")
APPS = UnitId("Kustomization", "flux-system", "apps")
BROKEN = UnitId("Kustomization", "flux-system", "broken")
FLUX = "kustomize.toolkit.fluxcd.io"
SOURCE = SourceRef("GitRepository", "flux-system", "flux-system", "ssh://git@github.com/acme/fleet", "branch main")


def at(file: str, first: int, last: int | None = None, document: int = 0) -> Span:
    return Span(Source(None, file, document), first, 1, last or first, 9)


def _bar() -> RenderedObject:
    patch = "strategic merge patch"
    return RenderedObject(
        ObjectId("", "v1", "Namespace", None, "bar"),
        Role.DEFINES,
        at("apps/namespace.yaml", 1, 4),
        "digest",
        (
            Contribution(Role.DEFINES, "resource", at("apps/namespace.yaml", 1, 4), ("",)),
            Contribution(Role.CONFIGURES, "resources", at("apps/kustomization.yaml", 2)),
            Contribution(Role.PATCHES, patch, at("apps/patch.yaml", 4), ("/metadata/labels/team",)),
            Contribution(Role.PATCHES, patch, at("apps/patch.yaml", 5), ("/metadata/labels/env",)),
        ),
        (
            Substitution("ENV", ("/metadata/labels/env",), "inline", at("clusters/prod/apps.yaml", 3)),
            Substitution("KEY", ("/metadata/labels/key",), "Secret flux-system/keys KEY", None, redacted=True),
        ),
    )


def _deployed(kind: str, group: str, namespace: str | None, name: str, file: str, last: int) -> RenderedObject:
    span = at(file, 1, last)
    defines = Contribution(Role.DEFINES, "resource", span, ("",))
    return RenderedObject(ObjectId(group, "v1", kind, namespace, name), Role.DEFINES, span, name, (defines,))


def _cluster(name: str) -> Cluster:
    sync = at("clusters/prod/sync.yaml", 3, 4, document=1)
    apps = at("clusters/prod/apps.yaml", 1, 3)
    objects = (
        _bar(),
        _deployed("Deployment", "apps", "shop", "api", "apps/api.yaml", 9),
        _deployed("Deployment", "apps", "shop", "api-worker", "apps/api.yaml", 9),
        _deployed("GitRepository", "source.toolkit.fluxcd.io", "shop", "api", "apps/api.yaml", 9),
        _deployed("Deployment", "apps", None, "lonely", "apps/api.yaml", 9),
        _deployed("Widget", "example.org", "shop", "gear", "apps/api.yaml", 9),
    )
    own = _deployed("Kustomization", FLUX, "flux-system", "apps", "clusters/prod/apps.yaml", 3)
    failed = Inputs({"broken/app.yaml": "4", "broken/kustomization.yaml": "5"})
    reads = Inputs({"apps/namespace.yaml": "1", "apps/kustomization.yaml": "2", "apps/comment.yaml": "3"})
    return Cluster(
        name,
        ("clusters/prod/sync.yaml",),
        (
            Unit(
                name, SYNC, UnitState.RENDERED, None, SOURCE, "./clusters/prod", "clusters/prod", None, sync, (own,)
            ),
            Unit(name, APPS, UnitState.RENDERED, None, SOURCE, "./apps", "apps", SYNC, apps, objects, reads),
            Unit(
                name, BROKEN, UnitState.FAILED, "broken/kustomization.yaml:1:13: no such file: missing.yaml", SOURCE,
                "./broken", "broken", SYNC, apps, (), failed,
            ),
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Fleet:
    root: Path
    repository: Repository
    scope: Scope
    tree: Tree

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def of(self, *clusters: str) -> Scope:
        return Scope.of(self.scope.index, self.repository, clusters)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def fleet(tmp_path: Path):
    root = tmp_path / "fleet"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(tmp_path, "init", "-q", "-b", "main", "fleet")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Add bar")
    git(root, "remote", "add", "origin", "https://user:secret@github.com/acme/fleet.git")
    repository = Repository.open(root)
    location = at_path(tmp_path / "index.db")
    build = Build(
        storable(str(repository.git_dir)), str(root), None, repository.head(), "f", "0", "2026-01-02T03:04:05+00:00"
    )
    replace(location, build, [_cluster("prod"), _cluster("test")])
    with connect(location) as index:
        yield Fleet(root, repository, Scope.of(index, repository), repository.worktree())
