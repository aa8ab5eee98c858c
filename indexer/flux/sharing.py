"""Builds that the Kustomizations of many clusters share: a directory is built once for all that add nothing to it."""

from __future__ import annotations

import posixpath
from typing import Any

from indexer.flux.generate import MERGED_FIELDS
from indexer.flux.kustomization import BuiltUnit, build_unit, clamped
from indexer.flux.objects import Digests
from indexer.flux.resources import KustomizationSpec
from indexer.git.recording import RecordingTree
from indexer.git.tree import EntryKind, Tree
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.kustomization import FILE_NAMES
from indexer.kustomize.remote import Remotes


class SharedBuilds:
    """What ``kustomize build`` gave for each directory. Trees are told apart by identity, so they are kept."""

    def __init__(self, cache: BuildCache, remotes: Remotes, digests: Digests) -> None:
        self._cache = cache
        self._remotes = remotes
        self._digests = digests
        self._kept: dict[tuple[Any, ...], tuple[BuiltUnit, RecordingTree]] = {}

    def build(self, spec: KustomizationSpec, recording: RecordingTree) -> BuiltUnit:
        """What ``build_unit`` gives for ``spec``, built unless it was before. Raises UnitFailure."""
        key = _key(spec, recording.tree)
        if key is None:
            return build_unit(spec, recording, self._cache, self._remotes)
        if key not in self._kept:
            own = recording.fresh()
            try:
                built = build_unit(spec, own, self._cache, self._remotes)
            finally:
                recording.absorb(own)
            if any(resource.origin is not None for resource in built.resources):
                # Annotations of the origin may come from the Kustomization itself and point there.
                return built
            self._kept[key] = built, own
            self._digests.keep(built.resources)
            return built
        built, own = self._kept[key]
        recording.absorb(own)
        return built._replace(spec=spec)


def _key(spec: KustomizationSpec, tree: Tree) -> tuple[Any, ...] | None:
    """What a build depends on besides files; None where a Kustomization brings something of its own to it."""
    if any(spec.at(field) is not None for field in MERGED_FIELDS):
        return None
    directory = clamped(spec.path)
    if any(tree.kind(posixpath.join(directory, name)) is EntryKind.FILE for name in FILE_NAMES):
        return id(tree), directory
    # The list of files that the controller makes is said to come from the Kustomization's path.
    at = spec.at("path") or spec.root
    return id(tree), directory, at.source, at.pos
