"""From rendered units to the rows of the tables that indexer.index.schema names, in the order of their columns.

What the files of one directory did to an object is a bundle, and so is what a unit saw of a directory. Bundles with
equal rows are one: the directory of a base did the same to the objects of every cluster that takes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from indexer.flux.model import Inputs, RenderedObject, Unit
from indexer.flux.packing import canonical, digest
from indexer.index.read import storable
from indexer.index.writer import Writer
from indexer.manifest.node import Source, Span

# Parents before children: the order of insertion.
KEYED: Final = ("repository", "file", "gvk", "cluster", "unit", "object", "bundle")
BUNDLED: Final = ("contribution", "substitution", "sight")
TABLES: Final = (*KEYED, *BUNDLED, "part", "input")
REPOSITORY: Final = ("name", "root", "revision", "head", "fingerprint", "engine", "built_at", "refs")
UNIT: Final = (
    "cluster_id", "kind", "namespace", "name", "state", "reason", "source_kind", "source_namespace", "source_name",
    "source_url", "source_ref", "path", "directory", "parent_kind", "parent_namespace", "parent_name", "target",
    "parent_id", "objects", "digest", "file_id", "document", "line", "column", "end_line", "end_column",
)  # fmt: skip
"""The columns of these two tables after ``id``."""
_NOWHERE: Final = (None,) * 6

Values = tuple[Any, ...]
_Bundle = tuple[tuple[Values, ...], ...]
"""Rows for each of the tables BUNDLED, without the key of the bundle."""


@lru_cache(maxsize=4096)
def _pointers(fields: tuple[str, ...]) -> str:
    return json.dumps(fields, separators=(",", ":"))


class Rows:
    """The new rows of one build, by table, with keys that no other row in the index has.

    Of a repository that keeps rows, files and bundles that the index has keep theirs, too.
    """

    def __init__(self, writer: Writer, repository: int | None = None) -> None:
        self.of: dict[str, list[Values]] = {table: [] for table in TABLES}
        self._writer = writer
        self._next = {table: 1 + (writer.execute(f"SELECT max(id) FROM {table}")[0][0] or 0) for table in KEYED}  # noqa: S608 - names of our own tables
        known = writer.execute('SELECT "group", version, kind, id FROM gvk')
        self._gvks = {(group, version, kind): key for group, version, kind, key in known}
        self._sources: dict[Source, tuple[int, str]] = {}
        self._files: dict[tuple[str, str], int] = {}
        self._bundles: dict[_Bundle, int] = {}
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
            *self._span(unit.definition)[1],
        )

    def add_contents(self, key: int, unit: Unit) -> None:
        """The rows below a unit: its objects, and what it was rendered from."""
        for item in unit.objects:
            self._object(key, item)
        self.of["input"].extend((key, self._bundle(((), (), sights))) for sights in _sights(unit.inputs))

    def _object(self, unit: int, item: RenderedObject) -> None:
        key = self._insert(
            "object",
            unit,
            self._gvk(item.id.group, item.id.version, item.id.kind),
            storable(item.id.namespace or ""),
            storable(item.id.name),
            item.role.value,
            item.digest,
            *self._span(item.definition)[1],
        )
        told: dict[str, tuple[list[Values], list[Values]]] = {}
        for place, part in enumerate(item.contributions):
            directory, at = self._span(part.span)
            row = (
                place,
                part.role.value,
                storable(part.operation),
                _pointers(part.fields),
                int(part.overridden),
                *at,
            )
            told.setdefault(directory, ([], []))[0].append(row)
        for place, filled in enumerate(item.substitutions):
            directory, at = self._span(filled.span)
            row = (
                place,
                storable(filled.variable),
                _pointers(filled.fields),
                storable(filled.supplied_by),
                int(filled.redacted),
                *at,
            )
            told.setdefault(directory, ([], []))[1].append(row)
        self.of["part"].extend((key, self._bundle((*map(tuple, rows), ()))) for rows in told.values())

    def _bundle(self, rows: _Bundle) -> int:
        """The key of the bundle of these rows, which are written unless they are there already."""
        key = self._bundles.get(rows)
        if key is None:
            content = digest(canonical(rows))
            sql = "SELECT id FROM bundle WHERE repository_id = :repository AND digest = :digest"
            key = self._held(sql, digest=content)
            if key is None:
                key = self._insert("bundle", self.repository, content)
                for table, each in zip(BUNDLED, rows, strict=True):
                    self.of[table].extend((key, *row) for row in each)
            self._bundles[rows] = key
        return key

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

    def _span(self, span: Span | None) -> tuple[str, Values]:
        """The directory of a span, and its columns."""
        if span is None:
            return "", _NOWHERE
        source = span.source
        found = self._sources.get(source)
        if found is None:
            file = self._file(storable(source.repository or ""), storable(source.file))
            found = self._sources[source] = file, _directory(source.file)
        file, directory = found
        return directory, (file, source.document, span.line, span.column, span.end_line, span.end_column)

    def _file(self, origin: str, path: str) -> int:
        key = self._files.get((origin, path))
        if key is None:
            sql = "SELECT id FROM file WHERE path = :path AND origin = :origin AND repository_id = :repository"
            key = self._held(sql, path=path, origin=origin)
            self._files[origin, path] = key = key or self._insert("file", self.repository, origin, path)
        return key

    def _held(self, sql: str, **values: Any) -> int | None:
        """The key of a row that the index holds of this repository."""
        if self._is_new:
            return None
        found = self._writer.execute(sql, {**values, "repository": self.repository})
        return int(found[0][0]) if found else None


def _sights(inputs: Inputs) -> Iterator[tuple[Values, ...]]:
    """What a unit was rendered from, by directory."""
    seen = [("read", storable(path), blob) for path, blob in inputs.read.items()]
    seen += [("listed", storable(path), blob) for path, blob in inputs.listed.items()]
    seen += [("absent", storable(path), "") for path in inputs.absent]
    found: dict[str, list[Values]] = {}
    for sight in seen:
        found.setdefault(_directory(sight[1]), []).append(sight)
    for sights in found.values():
        sights.sort()
        yield tuple([(place, *sight) for place, sight in enumerate(sights)])


def _directory(path: str) -> str:
    return path.rpartition("/")[0]
