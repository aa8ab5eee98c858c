"""One repository's part of an index is replaced in one transaction, as far as it is different."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from indexer.deferred import NamedTuple
from indexer.flux.model import Cluster, Unit, UnitId
from indexer.git.text import storable
from indexer.index.location import Location
from indexer.index.rows import REPOSITORY, UNIT, Rows, Values
from indexer.index.writer import Writer, writing

_DIGEST: Final = UNIT.index("digest")
_Named = tuple[str, ...]
_MANY: Final = 500
"""Keys in one statement."""


class Build(NamedTuple):
    """What is indexed: the row of view ``builds``."""

    repository: str
    """What tells this repository from others in the same index: see ``Location.name_of``."""
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
        if held.repository is not None and _keeps_any(held, clusters):
            _Update(writer, held, held.repository).write(build, clusters)
        else:
            _delete(writer, storable(build.repository))
            _insert(writer, build, clusters)


def _insert(writer: Writer, build: Build, clusters: Iterable[Cluster]) -> None:
    rows = Rows(writer)
    rows.add_repository(*_values(build))
    for cluster in clusters:
        number = rows.add_cluster(storable(cluster.name), _entry(cluster), cluster.digest)
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
    for table in ("cluster", "bundle"):
        sql = f"DELETE FROM {table} WHERE repository_id IN (SELECT id FROM repository WHERE name = :name)"  # noqa: S608 - names of our own tables
        writer.execute(sql, mine)
    writer.execute("DELETE FROM repository WHERE name = :name", mine)


class _Held:
    """What the index holds of a repository, as far as it tells what can stay."""

    def __init__(self, writer: Writer, name: str) -> None:
        self._writer = writer
        found = writer.execute("SELECT id FROM repository WHERE name = :name", {"name": name})
        self.repository: int | None = found[0][0] if found else None
        self.clusters: dict[str, _Cluster] = {}
        """By name."""
        if found:
            sql = "SELECT name, id, entry, digest FROM cluster WHERE repository_id = :repository"
            of = {"repository": self.repository}
            self.clusters = {row[0]: _Cluster(*row[1:]) for row in writer.execute(sql, of)}

    def units(self, cluster: int) -> dict[_Named, _Unit]:
        """The units of a cluster, by kind, namespace and name."""
        columns = ", ".join(f'"{column}"' for column in ("id", *UNIT))
        sql = f"SELECT {columns} FROM unit WHERE cluster_id = :cluster"  # noqa: S608 - names of our own columns
        units: dict[_Named, _Unit] = {}
        for row in self._writer.execute(sql, {"cluster": cluster}):
            named = row[2], row[3], row[4]
            # Names that differ in what cannot be stored: nobody will ask for the second.
            units[named if named not in units else (*named, str(row[0]))] = _Unit(row[0], tuple(row[1:]))
        return units


class _Cluster(NamedTuple):
    """A cluster as the index holds it."""

    key: int
    entry: str
    digest: str | None


class _Unit(NamedTuple):
    """A unit as the index holds it."""

    key: int
    header: Values
    """Its row without the key."""


def _keeps_any(held: _Held, clusters: Iterable[Cluster]) -> bool:
    """Whether any rows below a cluster can stay: else it is simpler, and faster, to begin anew."""
    for cluster in clusters:
        there = held.clusters.get(storable(cluster.name))
        if there is None:
            continue
        if _same(there, cluster):
            return True
        units = held.units(there.key)
        if any(_same(units.get(_name(unit)), unit) for unit in cluster.units):
            return True
    return False


def _name(unit: Unit) -> _Named:
    return unit.id.kind, storable(unit.id.namespace), storable(unit.id.name)


def _same(held: _Unit | _Cluster | None, now: Unit | Cluster) -> bool:
    """Whether the rows below are those that would be written."""
    if held is None or now.digest is None:
        return False
    return now.digest == (held.header[_DIGEST] if isinstance(held, _Unit) else held.digest)


class _Update:
    """Writes what differs. A unit that is still there keeps its row, to which its children point."""

    def __init__(self, writer: Writer, held: _Held, repository: int) -> None:
        self._writer = writer
        self._held = held
        self._rows = Rows(writer, repository)
        self._gone: set[int] = set()
        """Units that are no more."""
        self._emptied: set[int] = set()
        """Units with other rows below them."""
        self._changed: list[tuple[int, Values]] = []
        """Units with another row."""

    def write(self, build: Build, clusters: Iterable[Cluster]) -> None:
        writer, rows, left = self._writer, self._rows, dict(self._held.clusters)
        _set(writer, "repository", rows.repository, dict(zip(REPOSITORY, _values(build), strict=True)))
        for cluster in clusters:
            held = left.pop(storable(cluster.name), None)
            if held is None or not _same(held, cluster):
                self._cluster(cluster, held)
        for held in left.values():
            self._gone |= {unit.key for unit in self._held.units(held.key).values()}
        loose = _Loose(writer, self._gone | self._emptied, self._gone | {key for key, _ in self._changed})
        _delete_where(writer, "object", "unit_id", self._emptied)
        _delete_where(writer, "input", "unit_id", self._emptied)
        _delete_where(writer, "unit", "id", self._gone)
        _delete_where(writer, "cluster", "id", {held.key for held in left.values()})
        rows.write()
        for key, header in self._changed:
            _set(writer, "unit", key, dict(zip(UNIT, header, strict=True)))
        loose.delete()

    def _cluster(self, cluster: Cluster, held: _Cluster | None) -> None:
        entry = _entry(cluster)
        if held is None:
            number, units = self._rows.add_cluster(storable(cluster.name), entry, cluster.digest), {}
        else:
            number, units = held.key, self._held.units(held.key)
            _set(self._writer, "cluster", number, {"entry": entry, "digest": cluster.digest})
        there = {unit.id: units.pop(_name(unit), None) for unit in cluster.units}
        keys = {unit: self._rows.key("unit") if held is None else held.key for unit, held in there.items()}
        for unit in cluster.units:
            self._unit(unit, keys[unit.id], there[unit.id], self._rows.header(number, unit, _parent(unit, keys)))
        self._gone |= {unit.key for unit in units.values()}

    def _unit(self, unit: Unit, key: int, held: _Unit | None, header: Values) -> None:
        if held is None:
            self._rows.add_unit(key, header)
        elif held.header != header:
            self._changed.append((key, header))
        if not _same(held, unit):
            self._rows.add_contents(key, unit)
            if held is not None:
                self._emptied.add(key)


class _Loose:
    """Files and bundles that units point at which are about to change: some may then be nobody's."""

    def __init__(self, writer: Writer, emptied: Collection[int], changed: Collection[int]) -> None:
        self._writer = writer
        self._files = self._in("SELECT DISTINCT file_id FROM object WHERE unit_id IN", emptied)
        self._files |= self._in("SELECT DISTINCT file_id FROM unit WHERE id IN", changed)
        parts = "SELECT DISTINCT part.bundle_id FROM part JOIN object ON object.id = part.object_id"
        self._bundles = self._in(f"{parts} WHERE object.unit_id IN", emptied)
        self._bundles |= self._in("SELECT DISTINCT bundle_id FROM input WHERE unit_id IN", emptied)

    def _in(self, sql: str, keys: Collection[int]) -> set[int]:
        rows = [row for numbers in _numbers(keys) for row in self._writer.execute(f"{sql} ({numbers})")]
        return {row[0] for row in rows if row[0] is not None}

    def delete(self) -> None:
        """Deletes those that nothing points at any more."""
        unused = _unused("bundle", "part", "input")
        bundles = self._in(f"SELECT id FROM bundle WHERE {unused} AND id IN", self._bundles)  # noqa: S608 - names of our own tables
        for table in ("contribution", "substitution"):
            self._files |= self._in(f"SELECT DISTINCT file_id FROM {table} WHERE bundle_id IN", bundles)  # noqa: S608
        _delete_where(self._writer, "bundle", "id", bundles)
        unused = _unused("file", "unit", "object", "contribution", "substitution")
        _delete_where(self._writer, "file", "id", self._files, f" AND {unused}")


def _unused(table: str, *others: str) -> str:
    """The condition that no row of other tables points at one of ``table``."""
    return " AND ".join(f"NOT EXISTS (SELECT 1 FROM {one} WHERE {one}.{table}_id = {table}.id)" for one in others)  # noqa: S608 - names of our own tables


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
