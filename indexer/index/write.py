"""One repository's part of an index is replaced in one transaction, as far as it is different."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from indexer.flux.model import Cluster, Unit, UnitId
from indexer.index.location import Location
from indexer.index.read import storable
from indexer.index.rows import REPOSITORY, UNIT, Rows, Values
from indexer.index.writer import Writer, writing

_DIGEST: Final = UNIT.index("digest")
_MANY: Final = 500
"""Keys in one statement."""


class Build(NamedTuple):
    """What is indexed: the row of view ``builds``."""

    repository: str
    """What tells this repository from others in the same index: the path of its common git directory."""
    root: str
    """Where its files are: the working tree, or the git directory of a bare repository."""
    revision: str | None
    """The revision as it was asked for; None for the working tree."""
    head: str | None
    """The commit that was read, or that the working tree is based on; None before the first commit."""
    fingerprint: str
    """Equal as long as a build would give the same rows."""
    engine: str
    """Version of the program."""
    built_at: str
    """ISO 8601, UTC."""
    refs: Sequence[str] = ()
    """Branches and tags of the repository that sources were looked up by."""


def replace(location: Location, build: Build, clusters: Sequence[Cluster]) -> None:
    """Puts what was rendered in place of all that the index held of this repository.

    What has not changed keeps its rows, and rows of other repositories stay. Readers see the old rows until this
    returns, and for good where it does not. Raises IndexNewer, IndexUnusable.
    """
    with writing(location) as writer:
        held = _Held(writer, storable(build.repository))
        if held.repository is not None and held.keeps_any(clusters):
            _update(writer, held, build, clusters)
        else:
            _delete(writer, storable(build.repository))
            _insert(writer, build, clusters)


def _insert(writer: Writer, build: Build, clusters: Iterable[Cluster]) -> None:
    rows = Rows(writer)
    rows.add_repository(*_values(build))
    for cluster in clusters:
        number = rows.add_cluster(storable(cluster.name), _entry(cluster))
        keys = [rows.key("unit") for _ in cluster.units]
        first = {unit.id: key for unit, key in reversed(list(zip(cluster.units, keys, strict=True)))}
        for unit, key in zip(cluster.units, keys, strict=True):
            rows.add_unit(key, rows.header(number, unit, _parent(unit, first)))
            rows.add_contents(key, unit)
        rows.write()
    rows.write()


def _delete(writer: Writer, repository: str) -> None:
    """Deletes all rows of a repository; the rows below go along."""
    mine = {"name": repository}
    # First what refers to files, which PostgreSQL would not let go before.
    writer.execute("DELETE FROM cluster WHERE repository_id IN (SELECT id FROM repository WHERE name = :name)", mine)
    writer.execute("DELETE FROM repository WHERE name = :name", mine)


class _Held:
    """What the index holds of a repository, as far as it tells what can stay."""

    def __init__(self, writer: Writer, name: str) -> None:
        found = writer.execute("SELECT id FROM repository WHERE name = :name", {"name": name})
        self.repository: int | None = found[0][0] if found else None
        self.clusters: dict[str, tuple[int, str]] = {}
        """Key and entry by name."""
        self.units: dict[tuple[int, str, str, str], _Unit] = {}
        """By the cluster's key, kind, namespace and name."""
        if found:
            mine = {"repository": self.repository}
            sql = "SELECT name, id, entry FROM cluster WHERE repository_id = :repository"
            self.clusters = {name: (key, entry) for name, key, entry in writer.execute(sql, mine)}
            columns = ", ".join(f'unit."{column}"' for column in ("id", *UNIT))
            joined = "unit JOIN cluster ON cluster.id = unit.cluster_id WHERE cluster.repository_id = :repository"
            for key, *header in writer.execute(f"SELECT {columns} FROM {joined}", mine):  # noqa: S608 - names of our own columns
                self.units[header[0], header[1], header[2], header[3]] = _Unit(key, tuple(header))

    def unit(self, cluster: int, unit: Unit) -> _Unit | None:
        """The rows of a unit."""
        return self.units.get((cluster, unit.id.kind, storable(unit.id.namespace), storable(unit.id.name)))

    def keeps_any(self, clusters: Iterable[Cluster]) -> bool:
        """Whether the rows of any unit can stay."""
        return any(
            _same(self.unit(self.clusters[storable(cluster.name)][0], unit), unit)
            for cluster in clusters
            if storable(cluster.name) in self.clusters
            for unit in cluster.units
        )


class _Unit(NamedTuple):
    """A unit as the index holds it."""

    key: int
    header: Values
    """Its row without the key."""


def _same(held: _Unit | None, unit: Unit) -> bool:
    """Whether the rows below a unit are those that would be written."""
    return held is not None and unit.digest is not None and held.header[_DIGEST] == unit.digest


def _update(writer: Writer, held: _Held, build: Build, clusters: Iterable[Cluster]) -> None:
    """Writes what differs. A unit that is still there keeps its row, to which its children point."""
    assert held.repository is not None
    rows = Rows(writer, held.repository)
    _set(writer, "repository", held.repository, dict(zip(REPOSITORY, _values(build), strict=True)))
    gone = {unit.key for unit in held.units.values()}
    emptied: set[int] = set()
    changed: list[tuple[int, Values]] = []
    for cluster in clusters:
        name, entry = storable(cluster.name), _entry(cluster)
        known = held.clusters.pop(name, None)
        number = rows.add_cluster(name, entry) if known is None else known[0]
        if known is not None and known[1] != entry:
            _set(writer, "cluster", number, {"entry": entry})
        keys: dict[UnitId, int] = {}
        for unit in cluster.units:
            there = held.unit(number, unit)
            keys[unit.id] = rows.key("unit") if there is None else there.key
        for unit in cluster.units:
            key, there = keys[unit.id], held.unit(number, unit)
            header = rows.header(number, unit, _parent(unit, keys))
            gone.discard(key)
            if there is None:
                rows.add_unit(key, header)
            elif there.header != header:
                changed.append((key, header))
            if not _same(there, unit):
                rows.add_contents(key, unit)
                if there is not None:
                    emptied.add(key)
    loose = _Loose(writer, gone | emptied, gone | {key for key, _ in changed})
    _delete_where(writer, "object", "unit_id", emptied)
    _delete_where(writer, "input", "unit_id", emptied)
    _delete_where(writer, "unit", "id", gone)
    _delete_where(writer, "cluster", "id", {key for key, _ in held.clusters.values()})
    rows.write()
    for key, header in changed:
        _set(writer, "unit", key, dict(zip(UNIT, header, strict=True)))
    loose.delete()


class _Loose:
    """Files and sights that units point at which are about to change: some may then be nobody's."""

    def __init__(self, writer: Writer, emptied: Collection[int], changed: Collection[int]) -> None:
        self._writer = writer
        self._files = self._in("SELECT DISTINCT file_id FROM object WHERE unit_id IN", emptied)
        self._files |= self._in("SELECT DISTINCT file_id FROM unit WHERE id IN", changed)
        for table in ("contribution", "substitution"):
            joined = f"{table} JOIN object ON object.id = {table}.object_id"
            self._files |= self._in(f"SELECT DISTINCT {table}.file_id FROM {joined} WHERE object.unit_id IN", emptied)  # noqa: S608 - names of our own tables
        self._sights = self._in("SELECT DISTINCT sight_id FROM input WHERE unit_id IN", emptied)

    def _in(self, sql: str, keys: Collection[int]) -> set[int]:
        rows = [row for numbers in _numbers(keys) for row in self._writer.execute(f"{sql} ({numbers})")]
        return {row[0] for row in rows if row[0] is not None}

    def delete(self) -> None:
        """Deletes those that nothing points at any more."""
        tables = ("unit", "object", "contribution", "substitution")
        unused = " AND ".join(f"NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.file_id = file.id)" for table in tables)  # noqa: S608 - names of our own tables
        _delete_where(self._writer, "file", "id", self._files, f" AND {unused}")
        unused = "NOT EXISTS (SELECT 1 FROM input WHERE input.sight_id = sight.id)"
        _delete_where(self._writer, "sight", "id", self._sights, f" AND {unused}")


def _delete_where(writer: Writer, table: str, column: str, keys: Collection[int], condition: str = "") -> None:
    for numbers in _numbers(keys):
        writer.execute(f"DELETE FROM {table} WHERE {column} IN ({numbers}){condition}")  # noqa: S608 - our own names and numbers


def _numbers(keys: Collection[int]) -> Iterator[str]:
    """Keys as lists for SQL, none of them too long for a database."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _MANY):
        yield ", ".join(map(str, ordered[start : start + _MANY]))


def _set(writer: Writer, table: str, key: int, values: Mapping[str, Any]) -> None:
    columns = ", ".join(f'"{column}" = :{column}' for column in values)
    writer.execute(f"UPDATE {table} SET {columns} WHERE id = :id", {**values, "id": key})  # noqa: S608 - names of our own columns


def _parent(unit: Unit, keys: Mapping[UnitId, int]) -> int | None:
    return keys.get(unit.parent) if unit.parent is not None else None


def _entry(cluster: Cluster) -> str:
    return json.dumps([storable(file) for file in cluster.entry])


def _values(build: Build) -> Values:
    """The row of a build without its key."""
    texts = (storable(build.repository), storable(build.root), build.revision, build.head, build.fingerprint)
    return (*texts, build.engine, build.built_at, json.dumps([storable(ref) for ref in build.refs]))
