"""Where clusters begin: the files that are applied by hand (section 8 of the Flux rules)."""

from __future__ import annotations

import marshal
import posixpath
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from typing import Final

from indexer.deferred import NamedTuple
from indexer.errors import FluxidxError
from indexer.flux.config import ClusterConfig, Config, ConfigError
from indexer.flux.fluxinstance import sync_of
from indexer.flux.resources import (
    is_kustomization,
    is_source,
    name_of,
    namespace_of,
    read_kustomization,
)
from indexer.flux.store import Store
from indexer.flux.synthetic import sync_objects
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.git.worktree import WorkTree
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.nodes import text_at
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Scalar, Source

_MEMO: Final = "what YAML files are worth"
_SYNC_FILE: Final = "gotk-sync.yaml"
_FLUX_SYSTEM: Final = "flux-system"
_MARKS: Final = (b"toolkit.fluxcd.io", b"fluxcd.controlplane.io")
_SYNCED: Final = (b"source.toolkit.fluxcd.io", b"kustomize.toolkit.fluxcd.io")
_INSTANCES: Final = (b"FluxInstance", b"instance")
_TOOLS: Final = ("flux", _FLUX_SYSTEM)
_HOMES: Final = ("clusters", "cluster", "environments", "envs")


class NoEntryPoint(FluxidxError):
    """No cluster can be found in the repository."""


class EntryPoint(NamedTuple):
    """What is applied to one cluster by hand."""

    config: ClusterConfig
    files: tuple[str, ...]
    objects: tuple[Mapping, ...]
    bootstrap: bool = False
    """Whether its source is surely this repository, since a bootstrap or flux-operator made it from a file in it."""

    @property
    def path(self) -> str:
        """The directory that the first Kustomization of the entry syncs."""
        for root in self.objects:
            if is_kustomization(root):
                return posixpath.normpath("/" + read_kustomization(root).path).lstrip("/")
        return ""


class _Worth(Enum):
    """What a file means to those who look for clusters."""

    NOTHING = 0
    FLUX = 1
    """It holds objects of Flux."""
    BEGINNING = 2
    """A cluster may begin with it."""


class File(NamedTuple):
    """A YAML file."""

    path: str
    objects: tuple[Mapping, ...]


def discover(
    tree: Tree, config: Config, cache: BuildCache, is_home: Callable[[str], bool], store: Store | None = None
) -> list[EntryPoint]:
    """Every cluster of a repository, by name. ``is_home`` tells whether a URL means this repository; ``store``
    remembers which files are worth a look.

    Raises NoEntryPoint, and ConfigError for an ``entry`` that cannot be read.
    """
    given = [_configured(tree, cluster, config, cache) for cluster in config.clusters if cluster.entry]
    if given and len(given) == len(config.clusters):
        return given
    sorted_out = _sorted_out(tree, cache, store)
    beginnings = [_parsed(tree, path, cache) for path, worth in sorted_out.items() if worth is _Worth.BEGINNING]
    instances = _instances(beginnings, is_home)
    found = _named([*(one for one in _syncs(beginnings) if not _is_deployed_by(instances, one)), *instances])
    if not found:
        from indexer.flux.roots import roots

        found = _named(roots(tree, _readable(tree, sorted_out, cache), cache))
    found = _with_config(found, config)
    taken = {entry.config.name for entry in given}
    entries = [*given, *(entry for entry in found if entry.config.name not in taken)]
    if not entries:
        raise NoEntryPoint(
            "no cluster found: looked for gotk-sync.yaml, a FluxInstance with spec.sync, and Kustomizations of "
            "kustomize.toolkit.fluxcd.io in all YAML files; name the file that is applied by hand with "
            '[[cluster]] name = "…", entry = ["…"] in .fluxidx.toml'
        )
    return sorted(entries, key=lambda entry: entry.config.name)


def _configured(tree: Tree, cluster: ClusterConfig, config: Config, cache: BuildCache) -> EntryPoint:
    objects: list[Mapping] = []
    bootstrap = False
    for name in cluster.entry:
        try:
            file = _parsed(tree, posixpath.normpath(name), cache)
        except (TreeError, ManifestError) as error:
            why = f'"{name}" of cluster "{cluster.name}" cannot be read: {error}: correct entry'
            raise ConfigError.about(config, name, why) from None
        objects += file.objects
        if not file.objects and posixpath.basename(name) == _SYNC_FILE:
            objects += _placeholder(file).objects
        made = [made for root in file.objects for made in sync_of(root)]
        bootstrap = bootstrap or bool(made)
        objects += made
    return EntryPoint(cluster, cluster.entry, tuple(objects), bootstrap)


def _with_config(found: list[EntryPoint], config: Config) -> list[EntryPoint]:
    """Found clusters with what the configuration says of them by name."""
    open_ = [cluster for cluster in config.clusters if not cluster.entry]
    if len(open_) == len(found) == 1:
        return [found[0]._replace(config=open_[0])]
    names = {entry.config.name for entry in found}
    for cluster in open_:
        if cluster.name not in names:
            raise ConfigError.about(
                config,
                cluster.name,
                f'cluster "{cluster.name}" is none of those found ({", ".join(sorted(names)) or "none"}): '
                "correct its name or give it an entry",
            )
    known = {cluster.name: cluster for cluster in open_}
    return [entry._replace(config=known.get(entry.config.name, entry.config)) for entry in found]


def _sorted_out(tree: Tree, cache: BuildCache, store: Store | None) -> dict[str, _Worth]:
    """The YAML files that are worth anything. A file is looked at once, as long as it does not change."""
    known: dict[str, tuple[str, int]] = {}
    before = None
    if store is not None and (memo := store.memo(_MEMO)) is not None:
        before, known = marshal.loads(memo)  # noqa: S302 - see the store
    names = tree.names if isinstance(tree, WorkTree) else None
    if isinstance(tree, WorkTree) and names == before:
        blobs, seen = tree.blobs, dict(known)
        paths: Iterable[str] = [path for path, (blob, _) in known.items() if blobs.get(path) != blob]
    else:
        seen, paths = {}, yaml_files(tree, "")
    for path in paths:
        try:
            blob = tree.blob(path)
            found = known.get(path)
            seen[path] = found if found is not None and found[0] == blob else (blob, _worth(tree, path, cache).value)
        except TreeError:
            seen[path] = "", _Worth.NOTHING.value
    if store is not None and (names, seen) != (before, known):
        store.remember(_MEMO, marshal.dumps((names, seen)))
    return {path: _Worth(worth) for path, (_, worth) in seen.items() if worth}


def yaml_files(tree: Tree, directory: str) -> Iterator[str]:
    """The YAML files below a directory. Raises TreeError."""
    for entry in tree.list(directory):
        path = posixpath.join(directory, entry.name)
        if entry.kind is EntryKind.DIRECTORY:
            yield from yaml_files(tree, path)
        elif entry.kind is EntryKind.FILE and entry.name.endswith((".yaml", ".yml")):
            yield path


def _worth(tree: Tree, path: str, cache: BuildCache) -> _Worth:
    """Raises TreeError."""
    data = tree.read(path)
    worth = _Worth.FLUX if any(mark in data for mark in _MARKS) else _Worth.NOTHING
    if not _may_begin(path, data, worth):
        return worth
    try:
        file = _parsed(tree, path, cache)
    except ManifestError:
        return worth
    begins = any(True for _ in _syncs([file])) or any(map(sync_of, file.objects))
    return _Worth.BEGINNING if begins else worth


def _may_begin(path: str, data: bytes, worth: _Worth) -> bool:
    """Whether a cluster may begin with a file, by the words in it: to parse all would take long."""
    if posixpath.basename(path) == _SYNC_FILE or (b"instance:" in data and b"sync:" in data):
        return True
    if worth is _Worth.NOTHING:
        return False
    # A source and a Kustomization, or a FluxInstance in whatever way it is written.
    return all(group in data for group in _SYNCED) or (b"sync" in data and any(name in data for name in _INSTANCES))


def _parsed(tree: Tree, path: str, cache: BuildCache) -> File:
    documents = cache.documents.documents(tree, path)
    return File(path, tuple(d.node for d in documents if isinstance(d.node, Mapping)))


def _readable(tree: Tree, paths: Iterable[str], cache: BuildCache) -> list[File]:
    """The files that can be parsed."""
    files = []
    for path in paths:
        with suppress(ManifestError):
            files.append(_parsed(tree, path, cache))
    return files


def _syncs(files: Iterable[File]) -> Iterator[EntryPoint]:
    for file in files:
        if not file.objects and posixpath.basename(file.path) == _SYNC_FILE:
            file = _placeholder(file)
        if (
            file.objects
            and (posixpath.basename(file.path) == _SYNC_FILE or _syncs_itself(file))
            and any(map(is_kustomization, file.objects))
            and not _is_template(file)
        ):
            yield EntryPoint(ClusterConfig(""), (file.path,), file.objects)


def _is_template(file: File) -> bool:
    """Whether a path has a variable, which nothing fills in where files are applied by hand."""
    return any("${" in read_kustomization(root).path for root in file.objects if is_kustomization(root))


def _syncs_itself(file: File) -> bool:
    """Whether a source and a Kustomization of one name sync the directory in which the file lies."""
    sources = {(namespace_of(root), name_of(root)) for root in file.objects if is_source(root)}
    for root in filter(is_kustomization, file.objects):
        path = posixpath.normpath("/" + read_kustomization(root).path).lstrip("/")
        home = posixpath.join(path, namespace_of(root))
        if (namespace_of(root), name_of(root)) in sources and posixpath.dirname(file.path) == home:
            return True
    return False


def _is_deployed_by(instances: list[EntryPoint], sync: EntryPoint) -> bool:
    """Whether a FluxInstance syncs a directory with the sync of a bootstrap in it, which is a part of its cluster."""
    return any(one.path and sync.files[0].startswith(f"{one.path}/") for one in instances)


def _placeholder(file: File) -> File:
    """What ``flux bootstrap`` would write into a ``gotk-sync.yaml`` that only holds a comment."""
    folder = posixpath.dirname(file.path)
    path = posixpath.dirname(folder)
    namespace = posixpath.basename(folder) or _FLUX_SYSTEM
    at = Scalar("", source=Source(None, file.path))
    made = sync_objects(at, name=namespace, namespace=namespace, path=f"./{path}", source=None)
    return File(file.path, tuple(made))


def _instances(files: Iterable[File], is_home: Callable[[str], bool]) -> list[EntryPoint]:
    found: dict[tuple[str, str], EntryPoint] = {}
    homes: set[tuple[str, str]] = set()
    for file in files:
        for root in file.objects:
            objects = sync_of(root)
            if objects:
                entry = EntryPoint(ClusterConfig(""), (file.path,), (root, *objects), bootstrap=True)
                url = text_at(objects[0], "spec", "url")
                found.setdefault((entry.path, url), entry)
                if is_home(url):
                    homes.add((entry.path, url))
    # An instance of another repository (an example, a template) is none of ours, unless all are elsewhere.
    return [entry for key, entry in found.items() if not homes or key in homes]


def home_of(path: str) -> str:
    """The directory that stands for the cluster to which a file belongs."""
    parts = path.split("/")[:-1]
    for index, part in enumerate(parts[:-1]):
        if part in _HOMES:
            return "/".join(parts[: index + 2])
    return "/".join(parts[:-1] if parts and parts[-1] == _FLUX_SYSTEM else parts)


def _named(entries: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Names by the last telling component of the synced path, or by the last one that tells two clusters apart."""
    entries = list(entries)
    paths = [_telling(entry.config.name or entry.path or home_of(entry.files[0])) for entry in entries]
    result: list[EntryPoint] = []
    used: set[str] = set()
    for entry, name in zip(entries, _names(paths), strict=True):
        unique, count = name, 2
        while unique in used:
            unique, count = f"{name}-{count}", count + 1
        used.add(unique)
        result.append(entry._replace(config=entry.config._replace(name=unique)))
    return result


def _names(paths: list[list[str]]) -> list[str]:
    depths = [1] * len(paths)
    for name in {path[-1] for path in paths}:
        same = [index for index, path in enumerate(paths) if path[-1] == name]
        depth = 1
        while depth <= max(len(paths[i]) for i in same) and len({tuple(paths[i][-depth:]) for i in same}) < len(same):
            depth += 1
        for index in same:
            depths[index] = depth if depth <= len(paths[index]) else 1
    names = [path[-depth] for path, depth in zip(paths, depths, strict=True)]
    above = [path[: 1 - depth] for path, depth in zip(paths, depths, strict=True) if depth > 1]
    if all(names.count(one[-1]) == 1 and sum(path[: len(one)] == one for path in paths) == 1 for one in above):
        return names
    # demo/00, demo/01 and prod/00: one component is not enough.
    common = len(posixpath.commonprefix(paths)) if len(paths) > 1 else 0
    return ["-".join(path[min(common, len(path) - 1) :]) for path in paths]


def _telling(path: str) -> list[str]:
    """The components of a path, without the last ones where they only say that Flux is at work there."""
    parts = [part for part in path.split("/") if part] or ["cluster"]
    while len(parts) > 1 and parts[-1] in _TOOLS:
        parts.pop()
    return parts
