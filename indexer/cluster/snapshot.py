"""What a cluster said, kept in the index, so that a question can be asked again without it.

A snapshot holds what questions read: all units and sources, the objects that were looked at, or all of them where a
question went through all. Of an object it keeps metadata alone, of annotations those that say who made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from indexer.cluster.codec import decode, encode
from indexer.cluster.model import (
    Discovery,
    FluxState,
    Listed,
    LiveObject,
    LiveSource,
    LiveUnit,
    Metadata,
    Resource,
    Trouble,
    Unreadable,
    Wanted,
    ready,
)
from indexer.cluster.reader import Cluster
from indexer.flux.identity import ObjectId
from indexer.git.text import storable
from indexer.index.location import Location
from indexer.index.read import Index, Row
from indexer.index.writer import Writer, writing

_KEPT: Final = (
    "config.kubernetes.io/",
    "meta.helm.sh/",
    "helm.sh/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "fluxcd.controlplane.io/",
    "kubernetes.io/service-account.name",
    "apf.kubernetes.io/",
)
"""Beginnings of the annotations that say who made an object."""

Key = tuple[str, str, str, str]


def save(location: Location, cluster: Cluster) -> None:
    """Puts what ``cluster`` said into an index, in the place of what it said before.

    The objects of an earlier snapshot stay beside the new ones, unless the cluster was gone through as a whole: a
    question about one object says nothing of the others. Raises IndexNewer, IndexUnusable.
    """
    complete = cluster.went_through is not None
    with writing(location) as writer:
        before = _find(writer, cluster)
        known = _objects_of(writer, before) if before is not None and not complete else {}
        was_complete = bool(before is not None and before[1])
        if before is not None:
            writer.execute("DELETE FROM live_cluster WHERE id = :id", {"id": before[0]})
        _Rows(writer).add(cluster, {**known, **cluster.seen}, complete=complete or was_complete)


def _find(writer: Writer, cluster: Cluster) -> tuple[int, int] | None:
    """The key of the cluster's snapshot, and whether it is complete."""
    rows = writer.execute(
        "SELECT id, complete FROM live_cluster WHERE context = :context AND server = :server",
        {"context": storable(cluster.context), "server": storable(cluster.server)},
    )
    return (rows[0][0], rows[0][1]) if rows else None


def _objects_of(writer: Writer, before: tuple[int, int]) -> dict[Key, Metadata]:
    rows = writer.execute("SELECT document FROM live_object WHERE live_cluster_id = :id", {"id": before[0]})
    found = [decode(Metadata, document) for (document,) in rows]
    return {one.id.key: one for one in found}


class _Rows:
    """The rows of one snapshot, with keys that no other row has."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        known = writer.execute('SELECT "group", version, kind, id FROM gvk')
        self._gvks: dict[tuple[str, ...], int] = {(group, version, kind): key for group, version, kind, key in known}

    def add(self, cluster: Cluster, objects: dict[Key, Metadata], *, complete: bool) -> None:
        key = self._next("live_cluster")
        discovery, flux = cluster.discovery, cluster.flux
        lost = tuple(dict.fromkeys((*flux.unreadable, *(cluster.went_through or ()))))
        head = (storable(cluster.context), storable(cluster.server), cluster.read_at, int(complete))
        self._writer.insert("live_cluster", [(key, *head, encode(discovery.resources), encode(lost))])
        self._insert("live_unit", key, [_unit(unit) for unit in flux.units])
        self._insert("live_source", key, [_source(source) for source in flux.sources])
        self._insert("live_object", key, [self._object(one) for one in objects.values()])

    def _insert(self, table: str, owner: int, rows: Sequence[tuple[Any, ...]]) -> None:
        first = self._next(table)
        self._writer.insert(table, [(number, owner, *row) for number, row in enumerate(rows, first)])

    def _object(self, one: Metadata) -> tuple[Any, ...]:
        kept = {key: value for key, value in one.annotations.items() if key.startswith(_KEPT)}
        id_ = one.id
        return (
            self._gvk(id_),
            storable(id_.namespace or ""),
            storable(id_.name),
            one.uid,
            one.created,
            _document(replace(one, annotations=kept)),
        )

    def _gvk(self, id_: ObjectId) -> int:
        gvk = (id_.group, id_.version, id_.kind)
        if gvk not in self._gvks:
            self._gvks[gvk] = self._next("gvk")
            self._writer.insert("gvk", [(self._gvks[gvk], *map(storable, gvk))])
        return self._gvks[gvk]

    def _next(self, table: str) -> int:
        highest = self._writer.execute(f"SELECT max(id) FROM {table}")[0][0]  # noqa: S608 - names of our own tables
        return 1 + int(highest or 0)


def _document(value: Any) -> str:
    return encode(value).replace("\x00", "")


def _unit(unit: LiveUnit) -> tuple[Any, ...]:
    state = ready(unit.conditions)
    said = (state.status, state.reason, storable(state.message)) if state is not None else (None, None, None)
    names = (unit.id.kind, storable(unit.id.namespace), storable(unit.id.name))
    return (*names, int(unit.suspended), *said, unit.applied, unit.attempted, unit.path, _document(unit))


def _source(source: LiveSource) -> tuple[Any, ...]:
    state = ready(source.conditions)
    said = (state.status, state.reason, storable(state.message)) if state is not None else (None, None, None)
    names = (source.id.kind, storable(source.id.namespace), storable(source.id.name))
    return (*names, *said, source.url, source.ref, source.revision, _document(source))


class Snapshot:
    """A cluster as it was when it was last asked; answers as ``Cluster`` does, without it."""

    def __init__(self, index: Index, row: Row) -> None:
        self.context: str = row["context"]
        self.server: str = row["server"]
        self.read_at: str = row["read_at"]
        self.complete = bool(row["complete"])
        """Whether it holds every object that could be listed."""
        self._index = index
        self._row = row

    @cached_property
    def discovery(self) -> Discovery:
        return Discovery(decode(tuple[Resource, ...], self._row["discovery"]))

    @cached_property
    def flux(self) -> FluxState:
        units = tuple(decode(LiveUnit, row["document"]) for row in self._rows("live_unit"))
        sources = tuple(decode(LiveSource, row["document"]) for row in self._rows("live_source"))
        return FluxState(units, sources, decode(tuple[Unreadable, ...], self._row["unreadable"]))

    @cached_property
    def _objects(self) -> dict[Key, Metadata]:
        found = [decode(Metadata, row["document"]) for row in self._rows("live_object")]
        return {one.id.key: one for one in found}

    def _rows(self, table: str) -> list[Row]:
        return self._index.rows(
            f"SELECT document FROM {table} WHERE live_cluster_id = :id ORDER BY id",  # noqa: S608 - names of our own tables
            {"id": self._row["id"]},
        )

    def get(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        version: str | None = None,  # noqa: ARG002 - as ``Cluster.get``
    ) -> LiveObject | Unreadable:
        found = self.metadata(resource, namespace, name)
        if isinstance(found, Unreadable):
            return found
        return self._not_kept(f"the fields of {resource}/{name}")

    def each(self, wanted: Iterable[Wanted]) -> Iterator[LiveObject | Unreadable]:
        return (self.get(*one[:3]) for one in wanted)

    def metadata(self, resource: Resource, namespace: str | None, name: str) -> Metadata | Unreadable:
        place = namespace if resource.namespaced else None
        found = self._objects.get((resource.group, resource.kind, place or "", name))
        if found is not None:
            return found
        what = f"{resource}/{name}{f' in {place}' if place else ''}"
        return Unreadable(what, Trouble.ABSENT, "it was not there") if self.complete else self._not_kept(what)

    def listed(
        self, resource: Resource, namespace: str | None = None, *, name: str | None = None, labels: str | None = None
    ) -> Listed:
        wanted = dict(pair.split("=", 1) for pair in (labels or "").split(",") if pair)
        items = tuple(
            one
            for one in self._objects.values()
            if (one.id.group, one.id.kind) == (resource.group, resource.kind)
            and namespace in (None, one.id.namespace)
            and name in (None, one.id.name)
            and wanted.items() <= one.labels.items()
        )
        return Listed(resource, items, None if self.complete else self._not_kept(str(resource)))

    def everything(self, resources: Iterable[Resource]) -> Iterator[Listed]:
        for resource in resources:
            yield self.listed(resource)

    def _not_kept(self, what: str) -> Unreadable:
        return Unreadable(what, Trouble.NOT_KEPT, f"the snapshot of {self.read_at} does not hold it: ask the cluster")


def snapshots(index: Index, contexts: Sequence[str] = ()) -> tuple[Snapshot, ...]:
    """The snapshots of these contexts, or all that the index holds, by name."""
    rows = index.rows("SELECT * FROM live_cluster ORDER BY context, server")
    return tuple(Snapshot(index, row) for row in rows if not contexts or row["context"] in contexts)
