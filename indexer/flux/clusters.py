"""Whole clusters taken from the store: one that rests on nothing that changed is not looked at unit by unit.

That is possible for clusters that rest on the files of the indexed repository alone. Where charts are at hand, sources
are composed of others, or anything was read elsewhere, the units are looked at.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import overload

from indexer.flux.config import Config
from indexer.flux.discover import EntryPoint
from indexer.flux.model import Cluster, Inputs, SourceRef, Unit, UnitId, UnitState
from indexer.flux.packing import (
    Packed,
    canonical,
    digest,
    pack_objects,
    pack_rows,
    pack_span,
    pack_tree,
    packed_objects,
    unpack_span,
)
from indexer.flux.sources import Sources
from indexer.flux.standing import Kept, Standing
from indexer.flux.store import SIZE, LostRows, Record, Store, engine
from indexer.flux.storedobjects import StoredObjects
from indexer.git.recording import Present, RecordingTree
from indexer.git.tree import Tree, TreeError
from indexer.kustomize.layer import Unmatched

Recipe = tuple[str, str]
"""How an artifact is packed: the directory that is its root, and its ``spec.ignore``."""


class Ground:
    """What a cluster, and those that it brings objects to, rest on besides the inputs of their units."""

    def __init__(self, home: Tree) -> None:
        self.recording = RecordingTree(home)
        """What was read for no unit in particular."""
        self.recipes: set[Recipe] = set()
        self.marked: set[str] = set()
        """Files that were looked at for markers."""
        self.refs: set[str] = set()
        """Branches and tags of the repository that sources were looked up by."""
        self.is_firm = True
        """Whether nothing else was needed, so that all of it can be looked at again."""

    def rest_on(self, recipe: Recipe | None) -> None:
        """An artifact is used; None: it is more than files of the repository."""
        if recipe is None:
            self.is_firm = False
        else:
            self.recipes.add(recipe)

    def give_way(self, *signs: object) -> None:
        """Gives up where there is any sign that the cluster rests on more."""
        self.is_firm = self.is_firm and not any(signs)


class KeptClusters:
    """The clusters in a store."""

    def __init__(self, sources: Sources, config: Config, store: Store) -> None:
        self._sources = sources
        self._store = store
        self._standing = Standing(sources.tree, store)
        self._present = Present(sources.tree)
        self._still: set[bytes] = set()
        """Parts of records that were found to hold: most directories are looked at by many clusters."""
        files = [_content(path) for cluster in config.clusters for path in cluster.objects]
        charts = find_spec("helm_python") is not None
        told = config.clusters, config.sources, files, charts, sources.remotes, sources.branch
        self._common = digest(repr(told).encode("utf-8", "surrogateescape"))

    def key(self, entry: EntryPoint) -> bytes | None:
        """What stands for all that is known of a cluster before it is rendered."""
        if self._sources.config.sources:
            return None
        try:
            objects = tuple(digest(canonical(pack_tree(root))) for root in entry.objects)
        except (RecursionError, ValueError):
            return None
        own = (repr(entry.config), entry.files, objects, entry.bootstrap, self._sources.tree.root)
        return digest(canonical(("cluster", engine(), self._common, own)))

    def find(self, key: bytes, wants_trees: Callable[[str, UnitId], bool] | None) -> list[Cluster] | None:
        """The clusters that were kept under a key and still hold, unless the trees of any of their units are wanted."""
        if wants_trees is None:
            return None
        kept = self._kept(key)
        if kept is None:
            return None
        found = self._unpacked(kept)
        if wants_trees is not no_trees and any(wants_trees(one.name, unit.id) for one in found for unit in one.units):
            return None
        return found

    def _kept(self, key: bytes) -> Kept | None:
        """The record under a key that still holds."""
        kept = self._standing.find(key)
        if kept is not None and self._packs_the_same(kept.recipes) and self._store.has(kept.record):
            self._standing.note(key, kept, dict)
            return kept
        for record in self._store.find(key):
            parts, recipes = marshal.loads(record.inputs)  # noqa: S302 - see the store
            if all(map(self._holds, parts)) and self._packs_the_same(recipes):
                kept = Kept(record.id, recipes, record.outcome)
                self._standing.note(key, kept, partial(_read, parts))
                return kept
        return None

    def given(self, name: bytes) -> list[Cluster]:
        """The clusters of a record that a copy of this process has added just now."""
        found = self._store.record(name)
        assert found is not None
        key, record, _ = found
        parts, recipes = marshal.loads(record.inputs)  # noqa: S302 - see the store
        kept = Kept(name, recipes, record.outcome)
        self._standing.note(key, kept, partial(_read, parts))
        return self._unpacked(kept)

    def keep(self, key: bytes, clusters: list[Cluster], ground: Ground) -> list[Cluster]:
        """Stores clusters, and returns them with their digest."""
        seen = RecordingTree(self._sources.tree)
        seen.absorb(ground.recording)
        for unit in (unit for cluster in clusters for unit in cluster.units):
            seen.read_files.update(unit.inputs.read)
            seen.listed.update(unit.inputs.listed)
            seen.absent |= unit.inputs.absent
        for file in ground.marked:
            seen.kind(file)
            try:
                seen.blob(file)
            except TreeError:
                continue
        try:
            recipes = tuple((recipe, self._digest(recipe)) for recipe in sorted(ground.recipes))
            inputs = canonical((_parts(seen), recipes))
            name = digest(key + inputs)
            used = b"".join(bytes.fromhex(unit.digest) for one in clusters for unit in one.units if unit.digest)
            outcome = marshal.dumps([(one.name, one.entry) for one in clusters])
            rows = marshal.dumps((used, *(marshal.dumps([_pack(unit) for unit in one.units]) for one in clusters)))
            self._store.add(key, Record(name, inputs, outcome), rows)
            self._standing.note(key, Kept(name, recipes, outcome), lambda: seen.read_files)
        except (RecursionError, ValueError):
            return clusters
        return [one._replace(digest=name.hex()) for one in clusters]

    def _digest(self, recipe: Recipe) -> str:
        return self._sources.packed(*recipe).ignore.digest

    def _holds(self, part: bytes) -> bool:
        """Whether what a record says of one directory is still so."""
        if part in self._still:
            return True
        if not self._present.matches(*marshal.loads(part)):  # noqa: S302
            return False
        self._still.add(part)
        return True

    def _packs_the_same(self, recipes: Iterable[tuple[Recipe, str]]) -> bool:
        return all(self._digest(recipe) == before for recipe, before in recipes)

    def _unpacked(self, kept: Kept) -> list[Cluster]:
        if self._store.begins_to_use(kept.record):
            used = _part(self._store, kept.record, 0)
            self._store.use(used[at : at + SIZE] for at in range(0, len(used), SIZE))
        return [
            Cluster(name, entry, StoredUnits(name, self._store, kept.record, number), digest=kept.record.hex())
            for number, (name, entry) in enumerate(marshal.loads(kept.outcome), 1)  # noqa: S302
        ]

    def remember(self) -> None:
        """Leaves behind what makes the next build faster, where this one looked at all clusters."""
        self._standing.remember()


def _part(store: Store, record: bytes, number: int) -> bytes:
    """A part of the rows of a record: what it uses, or the units of one of its clusters. Raises LostRows."""
    rows = store.rows(record)
    if rows is None:
        raise LostRows
    part: bytes = marshal.loads(rows)[number]  # noqa: S302
    return part


class StoredUnits(Sequence[Unit]):
    """The units of a cluster, read when somebody looks at them: before the store is closed. Raises LostRows."""

    def __init__(self, cluster: str, store: Store, record: bytes, number: int) -> None:
        self._cluster = cluster
        self._store = store
        self._record = record
        self._number = number
        """Which of the record's clusters it is, from 1."""
        self._units: tuple[Unit, ...] | None = None

    def _all(self) -> tuple[Unit, ...]:
        if self._units is None:
            packed = marshal.loads(_part(self._store, self._record, self._number))  # noqa: S302
            self._units = tuple(_unpack(self._cluster, one, self._store) for one in packed)
        return self._units

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, index: int) -> Unit: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Unit]: ...

    def __getitem__(self, index: int | slice) -> Unit | Sequence[Unit]:
        return self._all()[index]


def _parts(seen: RecordingTree) -> tuple[bytes, ...]:
    """What was seen, by directory, in the form that ``Present`` compares: equal bytes where the same was seen."""
    parts: dict[str, tuple[dict[str, str], dict[str, str], list[str]]] = {}

    def part(path: str) -> tuple[dict[str, str], dict[str, str], list[str]]:
        return parts.setdefault(path.rpartition("/")[0], ({}, {}, []))

    for path, blob in sorted(seen.read_files.items()):
        part(path)[0][path] = blob
    for path, listing in sorted(seen.listed.items()):
        part(path)[1][path] = listing
    for path in sorted(seen.absent):
        part(path)[2].append(path)
    return tuple([canonical((read, listed, tuple(absent))) for read, listed, absent in parts.values()])


def _read(parts: Iterable[bytes]) -> dict[str, str]:
    """The files that were read, with their blobs."""
    return {path: blob for part in parts for path, blob in marshal.loads(part)[0].items()}  # noqa: S302


def _pack(unit: Unit) -> Packed:
    """A unit without its objects where those are stored already, under its digest."""
    return (
        tuple(unit.id),
        unit.state.value,
        unit.reason,
        None if unit.source is None else tuple(unit.source),
        unit.path,
        unit.directory,
        None if unit.parent is None else tuple(unit.parent),
        pack_span(unit.definition),
        (unit.inputs.read, unit.inputs.listed, tuple(unit.inputs.absent)),
        unit.target,
        tuple((one.operation, pack_span(one.span), one.reason) for one in unit.unmatched),
        unit.digest,
        len(unit.objects),
        pack_rows(pack_objects(unit.objects), {}) if unit.digest is None and unit.objects else None,
    )


def _unpack(cluster: str, packed: Packed, store: Store) -> Unit:
    named, state, reason, source, path, directory, parent, definition, inputs, target, unmatched, *more = packed
    name, count, rows = more
    if name is not None:
        rows = store.rows(bytes.fromhex(name))
        if rows is None:
            raise LostRows
    return Unit(
        cluster=cluster,
        id=UnitId(*named),
        state=UnitState(state),
        reason=reason,
        source=None if source is None else SourceRef(*source),
        path=path,
        directory=directory,
        parent=None if parent is None else UnitId(*parent),
        definition=unpack_span(definition),
        objects=StoredObjects(count, partial(packed_objects, rows)) if rows is not None else (),
        inputs=Inputs(inputs[0], inputs[1], frozenset(inputs[2])),
        target=target,
        unmatched=tuple(Unmatched(operation, unpack_span(span), why) for operation, span, why in unmatched),
        digest=name,
    )


def no_trees(_cluster: str, _unit: UnitId) -> bool:
    """For those who want the tree of no object."""
    return False


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
