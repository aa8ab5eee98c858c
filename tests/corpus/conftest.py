"""The corpus: real public repositories, each checked out and indexed once a session, its builds recorded."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from material import NAMES, SHARED

import indexer.flux.kustomization
from indexer.cli.main import run
from indexer.git.repository import Repository
from indexer.git.tree import Tree
from indexer.index.location import locate
from indexer.index.read import connect
from indexer.kustomize.build import build
from indexer.kustomize.errors import KustomizeError
from indexer.manifest.emit import emit
from indexer.manifest.node import Mapping
from indexer.manifest.scalars import to_data
from indexer.query.scope import Scope


@dataclass(frozen=True)
class Call:
    """One call of the engine by the Flux room, and what came of it."""

    tree: Tree
    directory: str
    kustomization: str
    """The file that Flux generates, as text."""
    documents: tuple[str, ...]
    """What was built, as text; empty where it failed."""
    error: str | None


@dataclass(frozen=True)
class Indexed:
    """A repository of the corpus with its index."""

    name: str
    path: Path
    repository: Repository
    scope: Scope
    status: int
    """The exit code of ``fluxidx build``."""
    stderr: str
    report: dict[str, Any]
    """``fluxidx build -o json``."""
    calls: tuple[Call, ...] = field(repr=False)


class Recorder:
    """Stands in front of the engine and keeps every distinct call."""

    def __init__(self) -> None:
        self.calls: dict[tuple[int, str, str], Call] = {}

    def __call__(self, tree: Any, directory: str, options: Any, *, kustomization: Mapping, **shared: Any) -> Any:
        real: Tree = tree.tree
        text = emit(to_data(kustomization))
        key = id(real), directory, text
        try:
            built = build(tree, directory, options, kustomization=kustomization, **shared)
        except KustomizeError as error:
            self.calls[key] = Call(real, directory, text, (), str(error))
            raise
        documents = tuple(emit(to_data(resource.root)) for resource in built.resources)
        self.calls[key] = Call(real, directory, text, documents, None)
        return built


@pytest.fixture(
    scope="session",
    params=NAMES or [pytest.param("", marks=pytest.mark.skip(reason=f"no corpus at {SHARED / 'corpus'}"))],
)
def indexed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    """A repository of the corpus, indexed by ``fluxidx build``."""
    path = tmp_path_factory.mktemp("corpus") / request.param
    subprocess.run([SHARED / "corpus" / "checkout", request.param, path], check=True, capture_output=True)
    recorder = Recorder()
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.setattr(indexer.flux.kustomization, "build", recorder)
        # What other processes build is not recorded.
        status = run(["build", "--jobs", "1", "--repo", str(path), "-o", "json"])
    repository = Repository.open(path)
    with connect(locate(None, repository.git_dir)) as index:
        yield Indexed(
            name=request.param,
            path=path,
            repository=repository,
            scope=Scope.of(index, repository),
            status=status,
            stderr=stderr.getvalue(),
            report=json.loads(stdout.getvalue()),
            calls=tuple(recorder.calls.values()),
        )
    repository.close()
