"""Where clusters begin that no bootstrap left its mark on: Kustomizations that nothing deploys (section 8.2)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from indexer.deferred import NamedTuple
from indexer.flux.config import ClusterConfig
from indexer.flux.discover import EntryPoint, File, home_of, yaml_files
from indexer.flux.generate import generate
from indexer.flux.kustomization import clamped
from indexer.flux.resources import (
    KustomizationSpec,
    is_kustomization,
    is_source,
    items_of,
    name_of,
    namespace_of,
    read_kustomization,
)
from indexer.flux.versions import COMPONENTS
from indexer.git import sourceignore
from indexer.git.artifact import ArtifactTree
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.build import Options, build
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.kustomization import FILE_NAMES
from indexer.kustomize.loader import LoadRestrictor
from indexer.kustomize.nodes import put
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Scalar

_LISTS: Final = ("resources", "components", "bases", "patches", "patchesStrategicMerge")


class _Deployed(NamedTuple):
    """What a Kustomization deploys, as far as it is of interest here."""

    places: frozenset[tuple[str, int]] = frozenset()
    """Where the Kustomizations among it stand: the file and the position there."""
    kustomizations: tuple[Mapping, ...] = ()
    itself: Mapping | None = None
    """The Kustomization itself, as it is among what it deploys."""
    sources: tuple[Mapping, ...] = ()
    controllers: tuple[str, ...] = ()
    """The file with the controllers of Flux that are among it."""


class _Root(NamedTuple):
    """A Kustomization of Flux as a file has it; a patch of one looks the same."""

    file: File
    spec: KustomizationSpec
    deployed: _Deployed

    @property
    def directory(self) -> str:
        return clamped(self.spec.path)

    @property
    def place(self) -> tuple[str, int]:
        return self.file.path, self.spec.root.pos


def roots(tree: Tree, files: list[File], cache: BuildCache) -> Iterator[EntryPoint]:
    """The clusters that begin in ``files``, which hold objects of Flux.

    A Kustomization that deploys itself is how a cluster begins; where there is one, others that nothing deploys are
    kept for later or for show. Without one, all of them are applied by hand, each to the cluster in whose directory it
    lies.
    """
    tree = ArtifactTree(tree, sourceignore.load(tree))
    every = [
        _Root(file, spec, _deployed(tree, spec, files, cache))
        for file in files
        for spec in map(read_kustomization, filter(is_kustomization, file.objects))
    ]
    loose = [one for one in every if not any(_deploys(other, one) and not _deploys(one, other) for other in every)]
    own = {one.directory: one for one in reversed(loose) if one.deployed.itself is not None}
    if own:
        yield from (_syncing_itself(tree, one) for one in own.values())
        return
    sources = {(namespace_of(one), name_of(one)) for file in files for one in file.objects if is_source(one)}
    groups: dict[str, list[_Root]] = {}
    for one in loose:
        if tree.kind(one.directory) is EntryKind.DIRECTORY or _source_of(one.spec) in sources:
            groups.setdefault(home_of(one.file.path), []).append(one)
    for home, group in groups.items():
        paths = tuple(dict.fromkeys(one.file.path for one in group))
        beside = [one for file in files if file.path in paths for one in file.objects if not is_kustomization(one)]
        yield EntryPoint(ClusterConfig(home), paths, (*beside, *(one.spec.root for one in group)))


def _deploys(one: _Root, other: _Root) -> bool:
    return other.place in one.deployed.places


def _source_of(spec: KustomizationSpec) -> tuple[str, str] | None:
    return (spec.source.namespace, spec.source.name) if spec.source is not None else None


def _syncing_itself(tree: Tree, root: _Root) -> EntryPoint:
    files: tuple[str, ...] = (root.file.path,)
    objects = root.file.objects
    if root.spec.source is None and root.deployed.itself is not None:
        # The file is a patch; the overlay with it is what is applied by hand.
        files = (_file_of(tree, root.directory) or root.file.path, *root.deployed.controllers)
        objects = (_with_source(root.deployed),)
    if not any(map(is_source, objects)):
        objects = (*root.deployed.sources, *objects)
    return EntryPoint(ClusterConfig(root.directory), files, objects)


def _with_source(deployed: _Deployed) -> Mapping:
    """A Kustomization that deploys itself; where its overlay cannot be built, its source is that of what is patched."""
    assert deployed.itself is not None
    itself = read_kustomization(deployed.itself)
    for one in map(read_kustomization, deployed.kustomizations):
        reference = one.spec.get("sourceRef")
        if itself.source is None and (one.namespace, one.name) == (itself.namespace, itself.name) and reference:
            return put(itself.root, ("spec", "sourceRef"), reference)
    return itself.root


def _deployed(tree: Tree, spec: KustomizationSpec, files: list[File], cache: BuildCache) -> _Deployed:
    directory = clamped(spec.path)
    if tree.kind(directory) is not EntryKind.DIRECTORY:
        return _Deployed()
    try:
        kustomization = generate(tree, directory, spec, cache.documents)
        built = build(tree, directory, Options(LoadRestrictor.NONE), kustomization=kustomization, cache=cache)
        objects = [resource.root for resource in built.resources]
    except (KustomizeError, ManifestError, TreeError):
        # What cannot be had here, a file of another site mostly, does not hide the rest. The root of a repository that
        # cannot be built is another one's, or no path is given, as in a patch.
        read = _listed(tree, directory, cache) if directory else ()
        objects = [one for file in files if file.path in read for one in file.objects]
    deployed = list(filter(is_kustomization, objects))
    return _Deployed(
        frozenset((one.source.file, one.pos) for one in deployed),
        tuple(deployed),
        next((one for one in deployed if _is_same(read_kustomization(one), spec)), None),
        tuple(filter(is_source, objects)),
        tuple({one.source.file for one in objects if posixpath.basename(one.source.file) == COMPONENTS}),
    )


def _is_same(one: KustomizationSpec, other: KustomizationSpec) -> bool:
    return (one.namespace, one.name, clamped(one.path)) == (other.namespace, other.name, clamped(other.path))


def _listed(tree: Tree, directory: str, cache: BuildCache) -> set[str]:
    """The files that a directory's kustomization files list, or all where there are none."""
    found: set[str] = set()
    waiting = [directory]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        if tree.kind(path) is EntryKind.FILE:
            found.add(path)
            continue
        file = _file_of(tree, path)
        try:
            listed = set(yaml_files(tree, path)) if file is None else _entries(tree, path, file, cache)
        except (ManifestError, TreeError):
            continue
        waiting += listed - seen
        seen |= listed
    return found


def _entries(tree: Tree, directory: str, file: str, cache: BuildCache) -> set[str]:
    """Raises ManifestError and TreeError."""
    return {
        clamped(posixpath.join(directory, entry.text))
        for document in cache.documents.documents(tree, file)
        if isinstance(document.node, Mapping)
        for field in _LISTS
        for item in items_of(document.node.get(field))
        if isinstance(entry := item.get("path") if isinstance(item, Mapping) else item, Scalar) and entry.text
    }


def _file_of(tree: Tree, directory: str) -> str | None:
    """The kustomization file of a directory."""
    paths = (posixpath.join(directory, name) for name in FILE_NAMES)
    return next((path for path in paths if tree.kind(path) is EntryKind.FILE), None)
