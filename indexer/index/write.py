"""From rendered units to rows: one repository's part of an index is replaced whole, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from indexer.flux.model import Cluster, RenderedObject, Unit
from indexer.index.location import Location
from indexer.index.read import storable
from indexer.index.writer import Writer, writing
from indexer.manifest.node import Source, Span

# Parents before children: the order of insertion. Rows have the columns of indexer.index.schema, in that order.
_KEYED: Final = ("repository", "file", "gvk", "cluster", "unit", "object", "contribution", "substitution", "sight")
_TABLES: Final = (*_KEYED, "input")
_NOWHERE: Final = (None,) * 6

_Tuple = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Build:
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


def replace(location: Location, build: Build, clusters: Iterable[Cluster]) -> None:
    """Puts what was rendered in place of all that the index held of this repository.

    Rows of other repositories stay. Readers see the old rows until this returns, and for good where it does not.
    Raises IndexNewer, IndexUnusable.
    """
    with writing(location) as writer:
        _delete(writer, storable(build.repository))
        rows = _Rows(writer)
        rows.add(build, clusters)
        for table in _TABLES:
            writer.insert(table, rows.of[table])


def _delete(writer: Writer, repository: str) -> None:
    """Deletes all rows of a repository; the rows below go along."""
    mine = {"name": repository}
    # First what refers to files, which PostgreSQL would not let go before.
    writer.execute("DELETE FROM cluster WHERE repository_id IN (SELECT id FROM repository WHERE name = :name)", mine)
    writer.execute("DELETE FROM repository WHERE name = :name", mine)


@lru_cache(maxsize=4096)
def _pointers(fields: tuple[str, ...]) -> str:
    return json.dumps(fields, separators=(",", ":"))


class _Rows:
    """The rows of one build, by table, with keys that no other build in the index has."""

    def __init__(self, writer: Writer) -> None:
        self.of: dict[str, list[_Tuple]] = {table: [] for table in _TABLES}
        self._next = {table: 1 + (writer.execute(f"SELECT max(id) FROM {table}")[0][0] or 0) for table in _KEYED}  # noqa: S608 - names of our own tables
        known = writer.execute('SELECT "group", version, kind, id FROM gvk')
        self._gvks = {(group, version, kind): key for group, version, kind, key in known}
        self._files: dict[Source, int] = {}
        self._paths: dict[tuple[str, str], int] = {}
        self._sights: dict[_Tuple, int] = {}
        self._repository = 0

    def add(self, build: Build, clusters: Iterable[Cluster]) -> None:
        self._repository = self._insert(
            "repository",
            storable(build.repository),
            storable(build.root),
            build.revision,
            build.head,
            build.fingerprint,
            build.engine,
            build.built_at,
            json.dumps([storable(ref) for ref in build.refs]),
        )
        for cluster in clusters:
            entry = json.dumps([storable(file) for file in cluster.entry])
            key = self._insert("cluster", self._repository, storable(cluster.name), entry)
            first = self._next["unit"]
            keys = {unit.id: number for number, unit in reversed(list(enumerate(cluster.units, first)))}
            for unit in cluster.units:
                self._unit(key, unit, keys.get(unit.parent) if unit.parent is not None else None)

    def _unit(self, cluster: int, unit: Unit, parent_key: int | None) -> None:
        source, parent = unit.source, unit.parent
        of_source = (source.kind, source.namespace, source.name, source.url, source.ref) if source else (None,) * 5
        of_parent = (parent.kind, parent.namespace, parent.name) if parent else (None,) * 3
        texts = (unit.reason, *of_source, unit.path, unit.directory, *of_parent, unit.target)
        key = self._insert(
            "unit",
            cluster,
            unit.id.kind,
            storable(unit.id.namespace),
            storable(unit.id.name),
            unit.state.value,
            *(storable(text) if text is not None else None for text in texts),
            parent_key,
            len(unit.objects),
            *self._span(unit.definition),
        )
        for item in unit.objects:
            self._object(key, item)
        inputs = unit.inputs
        seen = [("read", path, blob) for path, blob in inputs.read.items()]
        seen += [("listed", path, blob) for path, blob in inputs.listed.items()]
        seen += [("absent", path, "") for path in sorted(inputs.absent)]
        self.of["input"].extend((key, self._sight(*sight)) for sight in seen)

    def _object(self, unit: int, item: RenderedObject) -> None:
        key = self._insert(
            "object",
            unit,
            self._gvk(item.id.group, item.id.version, item.id.kind),
            storable(item.id.namespace or ""),
            storable(item.id.name),
            item.role.value,
            item.digest,
            *self._span(item.definition),
        )
        for part in item.contributions:
            self._insert(
                "contribution",
                key,
                part.role.value,
                storable(part.operation),
                _pointers(part.fields),
                int(part.overridden),
                *self._span(part.span),
            )
        for filled in item.substitutions:
            self._insert(
                "substitution",
                key,
                storable(filled.variable),
                _pointers(filled.fields),
                storable(filled.supplied_by),
                int(filled.redacted),
                *self._span(filled.span),
            )

    def _insert(self, table: str, *values: Any) -> int:
        key = self._next[table]
        self._next[table] = key + 1
        self.of[table].append((key, *values))
        return key

    def _gvk(self, group: str, version: str, kind: str) -> int:
        key = self._gvks.get((group, version, kind))
        if key is None:
            key = self._gvks[group, version, kind] = self._insert("gvk", *map(storable, (group, version, kind)))
        return key

    def _span(self, span: Span | None) -> _Tuple:
        if span is None:
            return _NOWHERE
        source = span.source
        file = self._files.get(source)
        if file is None:
            file = self._files[source] = self._file(storable(source.repository or ""), storable(source.file))
        return file, source.document, span.line, span.column, span.end_line, span.end_column

    def _file(self, origin: str, path: str) -> int:
        key = self._paths.get((origin, path))
        if key is None:
            key = self._paths[origin, path] = self._insert("file", self._repository, origin, path)
        return key

    def _sight(self, access: str, path: str, blob: str) -> int:
        sight = (access, storable(path), blob)
        key = self._sights.get(sight)
        if key is None:
            key = self._sights[sight] = self._insert("sight", self._repository, *sight)
        return key
