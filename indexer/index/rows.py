"""From rendered units to the rows of the tables that indexer.index.schema names, in the order of their columns."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from indexer.flux.model import RenderedObject, Unit
from indexer.index.read import storable
from indexer.index.writer import Writer
from indexer.manifest.node import Source, Span

# Parents before children: the order of insertion.
KEYED: Final = ("repository", "file", "gvk", "cluster", "unit", "object", "contribution", "substitution", "sight")
TABLES: Final = (*KEYED, "input")
REPOSITORY: Final = ("name", "root", "revision", "head", "fingerprint", "engine", "built_at", "refs")
UNIT: Final = (
    "cluster_id", "kind", "namespace", "name", "state", "reason", "source_kind", "source_namespace", "source_name",
    "source_url", "source_ref", "path", "directory", "parent_kind", "parent_namespace", "parent_name", "target",
    "parent_id", "objects", "digest", "file_id", "document", "line", "column", "end_line", "end_column",
)  # fmt: skip
"""The columns of these two tables after ``id``."""
_NOWHERE: Final = (None,) * 6

Values = tuple[Any, ...]


@lru_cache(maxsize=4096)
def _pointers(fields: tuple[str, ...]) -> str:
    return json.dumps(fields, separators=(",", ":"))


class Rows:
    """The new rows of one build, by table, with keys that no other row in the index has.

    Of a repository that keeps rows, files and sights that the index has keep theirs, too.
    """

    def __init__(self, writer: Writer, repository: int | None = None) -> None:
        self.of: dict[str, list[Values]] = {table: [] for table in TABLES}
        self._writer = writer
        self._next = {table: 1 + (writer.execute(f"SELECT max(id) FROM {table}")[0][0] or 0) for table in KEYED}  # noqa: S608 - names of our own tables
        known = writer.execute('SELECT "group", version, kind, id FROM gvk')
        self._gvks = {(group, version, kind): key for group, version, kind, key in known}
        self._sources: dict[Source, int] = {}
        self._files: dict[tuple[str, str], int] = {}
        self._sights: dict[Values, int] = {}
        self._is_new = repository is None
        self.repository = self.key("repository") if repository is None else repository

    def write(self) -> None:
        """Inserts the rows that are new since the last time."""
        for table in TABLES:
            self._writer.insert(table, self.of[table])
            self.of[table].clear()

    def add_repository(self, *values: Any) -> None:
        self.of["repository"].append((self.repository, *values))

    def add_cluster(self, name: str, entry: str, digest: str | None) -> int:
        return self._insert("cluster", self.repository, name, entry, digest)

    def key(self, table: str) -> int:
        """A key for a row that is to come."""
        key = self._next[table]
        self._next[table] = key + 1
        return key

    def add_unit(self, key: int, header: Values) -> None:
        self.of["unit"].append((key, *header))

    def header(self, cluster: int, unit: Unit, parent_key: int | None) -> Values:
        """The row of a unit without its key."""
        source, parent = unit.source, unit.parent
        of_source = (source.kind, source.namespace, source.name, source.url, source.ref) if source else (None,) * 5
        of_parent = (parent.kind, parent.namespace, parent.name) if parent else (None,) * 3
        texts = (unit.reason, *of_source, unit.path, unit.directory, *of_parent, unit.target)
        return (
            cluster,
            unit.id.kind,
            storable(unit.id.namespace),
            storable(unit.id.name),
            unit.state.value,
            *(storable(text) if text is not None else None for text in texts),
            parent_key,
            len(unit.objects),
            unit.digest,
            *self._span(unit.definition),
        )

    def add_contents(self, key: int, unit: Unit) -> None:
        """The rows below a unit: its objects, and what it was rendered from."""
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

    def _span(self, span: Span | None) -> Values:
        if span is None:
            return _NOWHERE
        source = span.source
        file = self._sources.get(source)
        if file is None:
            file = self._sources[source] = self._file(storable(source.repository or ""), storable(source.file))
        return file, source.document, span.line, span.column, span.end_line, span.end_column

    def _file(self, origin: str, path: str) -> int:
        key = self._files.get((origin, path))
        if key is None:
            sql = "SELECT id FROM file WHERE path = :path AND origin = :origin AND repository_id = :repository"
            key = self._held(sql, path=path, origin=origin)
            self._files[origin, path] = key = key or self._insert("file", self.repository, origin, path)
        return key

    def _sight(self, access: str, path: str, blob: str) -> int:
        sight = (access, storable(path), blob)
        key = self._sights.get(sight)
        if key is None:
            sql = (
                "SELECT id FROM sight "
                "WHERE path = :path AND access = :access AND blob = :blob AND repository_id = :repository"
            )
            key = self._held(sql, path=sight[1], access=access, blob=blob)
            self._sights[sight] = key = key or self._insert("sight", self.repository, *sight)
        return key

    def _held(self, sql: str, **values: str) -> int | None:
        """The key of a row that the index holds of this repository."""
        if self._is_new:
            return None
        found = self._writer.execute(sql, {**values, "repository": self.repository})
        return int(found[0][0]) if found else None
