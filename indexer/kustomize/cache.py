"""Work that builds share: parsed files, decoded kustomization files, and bases that several overlays use.

A base is the same for every overlay as long as nothing that it read changed and no directory on the way to it makes
a cycle, so its result is kept with what it read; an overlay copies the resources and shares their trees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple
from indexer.git.recording import RecordingTree
from indexer.git.tree import Tree
from indexer.kustomize.loader import Loader, ParseCache
from indexer.manifest.compose import Document

if TYPE_CHECKING:
    from indexer.kustomize.kustomization import Kustomization
    from indexer.kustomize.layer import Unmatched
    from indexer.kustomize.resource import Resource
    from indexer.kustomize.target import Accumulator, BuildState

BlobKey = tuple[str | None, str, str]


class Built(NamedTuple):
    """A base as it was accumulated once."""

    accumulator: Accumulator
    warnings: tuple[str, ...]
    unmatched: tuple[Unmatched, ...]
    visited: frozenset[tuple[str, str]]
    recording: RecordingTree | None


class BuildCache:
    """Shared by all builds of one process; everything in it is keyed by content or by tree."""

    def __init__(self) -> None:
        self.documents = ParseCache()
        self._kustomizations: dict[BlobKey, Kustomization] = {}
        self._resources: dict[int, list[Resource]] = {}
        self._built: dict[tuple[int, str, str], Built] = {}
        self._trees: dict[int, Tree] = {}

    def kustomization(self, key: BlobKey, parse: Callable[[], Kustomization]) -> Kustomization:
        """The decoded file of a blob; a file that cannot be decoded is tried again, for the sake of its message."""
        found = self._kustomizations.get(key)
        if found is None:
            found = self._kustomizations[key] = parse()
        return found

    def resources(
        self, loader: Loader, path: str, make: Callable[[Iterable[Document]], list[Resource]]
    ) -> list[Resource]:
        """Copies of the resources of a file, made once from its documents. Raises KustomizeError."""
        documents = loader.documents(path)
        # The parse cache hands out one list for each blob and keeps it, so the list itself is the key.
        found = self._resources.get(id(documents))
        if found is None:
            found = self._resources[id(documents)] = make(documents)
        return [res.copy() for res in found]

    def built(self, loader: Loader, state: BuildState, build: Callable[[Loader], Accumulator]) -> Accumulator:
        """The accumulated base in a loader's directory, built unless it was before. Raises KustomizeError."""
        if state.metadata or not state.schema.builtin:
            return build(loader)
        tree = loader.tree
        recorded = tree if isinstance(tree, RecordingTree) else None
        base: Tree = recorded.tree if recorded is not None else tree
        key = (id(base), loader.directory, loader.restrictor)
        self._trees[id(base)] = base
        found = self._built.get(key)
        if found is not None and not _on_the_way(loader, found.visited):
            if recorded is not None and found.recording is not None:
                recorded.absorb(found.recording)
        else:
            found = self._build(loader, state, build, recorded)
            if state.schema.builtin:
                self._built[key] = found
        state.warnings += found.warnings
        state.unmatched += found.unmatched
        state.visited |= found.visited
        kept = found.accumulator
        return type(kept)(kept.resmap.copy(), kept.config, kept.vars)

    @staticmethod
    def _build(
        loader: Loader, state: BuildState, build: Callable[[Loader], Accumulator], recorded: RecordingTree | None
    ) -> Built:
        """Builds with empty lists of what is to be remembered beside the result."""
        outer = state.warnings, state.unmatched, state.visited
        state.warnings, state.unmatched, state.visited = [], [], set()
        recording = recorded.fresh() if recorded is not None else None
        if recording is not None:
            loader.tree = recording
        try:
            accumulator = build(loader)
            return Built(
                accumulator,
                tuple(state.warnings),
                tuple(state.unmatched),
                frozenset(state.visited),
                recording,
            )
        finally:
            if recorded is not None and recording is not None:
                recorded.absorb(recording)
            state.warnings, state.unmatched, state.visited = outer


def _on_the_way(loader: Loader, visited: frozenset[tuple[str, str]]) -> bool:
    """Whether a directory of a kept base lies at or above one that led here, which is a cycle to be reported."""
    above: Loader | None = loader.referrer
    while above is not None:
        clone, directory = above.clone, above.directory
        if any(at == clone and (seen in ("", directory) or directory.startswith(seen + "/")) for at, seen in visited):
            return True
        above = above.referrer
    return False
