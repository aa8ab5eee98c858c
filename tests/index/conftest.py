"""A rendering made by hand."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.cli.main import run
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
from indexer.index.write import Build
from indexer.manifest.history import Contribution
from indexer.manifest.node import Role, Source, Span

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


def span(file: str, line: int, end_line: int, repository: str | None = None, document: int = 0) -> Span:
    return Span(Source(repository, file, document), line, 1, end_line, 9)


def _cluster(name: str = "prod") -> Cluster:
    """Two Kustomizations, one below the other; a HelmRelease and a Kustomization that could not be rendered."""
    root = UnitId("Kustomization", "flux-system", "flux-system")
    apps = UnitId("Kustomization", "flux-system", "apps")
    source = SourceRef(
        "GitRepository", "flux-system", "flux-system", "https://git.example.org/fleet.git", "branch main"
    )
    bar = RenderedObject(
        ObjectId("", "v1", "Namespace", None, "bar"),
        Role.DEFINES,
        span("apps/base/namespace.yaml", 1, 6),
        "aa" * 32,
        (
            Contribution(
                Role.PATCHES,
                "strategic merge patch",
                span("apps/prod/patch.yaml", 3, 3, document=1),
                ("/metadata/labels/a", "/metadata/labels/ü"),
            ),
            Contribution(
                Role.TRANSFORMS, "labels", span("base.yaml", 4, 5, "other"), ("/metadata/labels",), overridden=True
            ),
        ),
        (
            Substitution("DOMAIN", ("/metadata/annotations/d",), "inline", span("clusters/prod/apps.yaml", 14, 14)),
            Substitution("TOKEN", ("/metadata/annotations/t",), "Secret flux-system/vars TOKEN", None, redacted=True),
        ),
    )
    settings = RenderedObject(ObjectId("", "v1", "ConfigMap", "bar", "settings"), Role.GENERATES, None, "bb" * 32, ())
    return Cluster(
        name,
        (f"clusters/{name}/gotk-sync.yaml",),
        (
            Unit(
                name, apps, UnitState.RENDERED, None, source, "./apps/prod", "apps/prod", root,
                span("clusters/prod/apps.yaml", 1, 15), (bar, settings),
                Inputs(
                    {"apps/base/namespace.yaml": "11" * 20}, {"apps/prod": "22" * 20}, frozenset({"apps/prod/x.yaml"})
                ),
            ),
            Unit(
                name, root, UnitState.RENDERED, None, source, "./", "", None,
                span("clusters/prod/gotk-sync.yaml", 14, 30),
                inputs=Inputs({"apps/base/namespace.yaml": "11" * 20}),
            ),
            Unit(
                name, UnitId("HelmRelease", "bar", "redis"), UnitState.UNRESOLVED,
                "expanded by chart redis of HelmRepository bar/redis: edit the values at apps/redis.yaml:7:5",
                None, None, None, apps, None,
            ),
            Unit(
                name, UnitId("Kustomization", "flux-system", "infra"), UnitState.FAILED,
                "infra/kustomization.yaml:3:5: no such file", source, "./infra", "infra", root, None,
            ),
        ),
    )  # fmt: skip


def _build(repository: str = "/srv/fleet/.git", fingerprint: str = "f1") -> Build:
    return Build(repository, "/srv/fleet", None, "c" * 40, fingerprint, "1.0", "2025-01-31T12:00:00+00:00")


@pytest.fixture
def cluster() -> Callable[..., Cluster]:
    return _cluster


@pytest.fixture
def build() -> Callable[..., Build]:
    return _build


@dataclass
class Paused:
    """A process that writes an index and stops in the middle until ``go``."""

    process: subprocess.Popen[str]

    def go(self) -> None:
        self.process.communicate("go\n", timeout=300)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=300)


_WRITER = """
import pickle, sys
from pathlib import Path
from indexer.index import engine, write, writer
from indexer.index.location import locate

def pausing(insert):
    def insert_and_pause(self, table, rows):
        insert(self, table, rows)
        if table == "object":
            print("half", flush=True)
            sys.stdin.readline()
    return insert_and_pause

for kind in writer._SQLite, engine._Writer:
    kind.insert = pausing(kind.insert)
write.replace(locate(sys.argv[1], Path()), *pickle.loads(Path(sys.argv[2]).read_bytes()))
"""


@pytest.fixture
def paused_writer(tmp_path: Path) -> Iterator[Callable[[str, Build, list[Cluster]], Paused]]:
    """Starts a process that replaces the rows of a build and waits when half of the new ones are written."""
    started: list[Paused] = []

    def start(index: str, build: Build, clusters: list[Cluster]) -> Paused:
        values = tmp_path / "values.pickle"
        values.write_bytes(pickle.dumps((build, clusters)))
        command = [sys.executable, "-c", _WRITER, index, str(values)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        started.append(Paused(process))
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def rendering(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stands in for the Flux room; the list grows by one for each rendering."""
    calls: list[int] = []

    def render_repository(*_: object, **__: object) -> list[Cluster]:
        calls.append(1)
        return [_cluster("prod"), _cluster("staging")]

    stand_in = types.ModuleType("indexer.flux.render")
    stand_in.__dict__["render_repository"] = render_repository
    monkeypatch.setitem(sys.modules, "indexer.flux.render", stand_in)
    return calls


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A Git repository with one commit."""
    root = tmp_path / "fleet"
    (root / "clusters").mkdir(parents=True)
    (root / "clusters" / "readme.txt").write_text("one\n")
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    return root


@pytest.fixture
def fluxidx(
    repository: Path, any_index: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in the repository: exit code, standard output, standard error."""
    monkeypatch.chdir(repository)
    monkeypatch.setenv("FLUXIDX_INDEX", any_index)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
