"""From rendered units to the rows of the tables that indexer.index.schema names, in the order of their columns.

What the files of one directory did to an object is a bundle, and so is what a unit saw of a directory. Bundles with
equal rows are one: the directory of a base did the same to the objects of every cluster that takes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from indexer.flux.model import Inputs, Unit
from indexer.flux.packing import Packed, canonical, digest, pack_span
from indexer.flux.storedobjects import packed
from indexer.git.text import storable
from indexer.index.writer import Writer

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
_OF_CONTRIBUTION: Final = 2
_OF_SUBSTITUTION: Final = 3
"""Where the span stands in what ``indexer.flux.packing`` makes of them."""
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
        self._sources: dict[tuple[str | None, str], int] = {}
        self._files: dict[tuple[str, str], int] = {}
        self._bundles: dict[bytes, int] = {}
        """By their digest."""
        self._parts: dict[tuple[Packed, Packed], int] = {}
        """Bundles by the packed contributions and substitutions that they are made of."""
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
            *self._span(pack_span(unit.definition)),
        )

    def add_contents(self, key: int, unit: Unit) -> None:
        """The rows below a unit: its objects, and what it was rendered from."""
        for item in packed(unit.objects):
            self._object(key, *item)
        self.of["input"].extend((key, self._bundle(((), (), sights))) for sights in _sights(unit.inputs))

    def _object(
        self,
        unit: int,
        named: Packed,
        role: str,
        definition: Packed | None,
        content: str,
        contributions: Packed,
        substitutions: Packed,
    ) -> None:
        group, version, kind, namespace, name = named
        key = self._insert(
            "object",
            unit,
            self._gvk(group, version, kind),
            storable(namespace or ""),
            storable(name),
            role,
            content,
            *self._span(definition),
        )
        told: dict[str, tuple[list[Packed], list[Packed]]] = {}
        for place, one in enumerate(contributions):
            told.setdefault(_directory_of(one[_OF_CONTRIBUTION]), ([], []))[0].append((place, one))
        for place, one in enumerate(substitutions):
            told.setdefault(_directory_of(one[_OF_SUBSTITUTION]), ([], []))[1].append((place, one))
        self.of["part"].extend([(key, self._part(tuple(some), tuple(more))) for some, more in told.values()])

    def _part(self, contributions: Packed, substitutions: Packed) -> int:
        """The key of the bundle of what the files of a directory did to an object."""
        key = self._parts.get((contributions, substitutions))
        if key is None:
            did = [
                (place, role, storable(operation), _pointers(fields), int(overridden), *self._span(span))
                for place, (role, operation, span, fields, overridden) in contributions
            ]
            filled = [
                (place, storable(name), _pointers(fields), storable(by), int(redacted), *self._span(span))
                for place, (name, fields, by, span, redacted) in substitutions
            ]
            key = self._parts[contributions, substitutions] = self._bundle((tuple(did), tuple(filled), ()))
        return key

    def _bundle(self, rows: _Bundle) -> int:
        """The key of the bundle of these rows, which are written unless they are there already."""
        content = digest(canonical(rows))
        key = self._bundles.get(content)
        if key is None:
            sql = "SELECT id FROM bundle WHERE repository_id = :repository AND digest = :digest"
            key = self._held(sql, digest=content)
            if key is None:
                key = self._insert("bundle", self.repository, content)
                for table, each in zip(BUNDLED, rows, strict=True):
                    self.of[table].extend((key, *row) for row in each)
            self._bundles[content] = key
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

    def _span(self, span: Packed | None) -> Values:
        """The columns of a packed span."""
        if span is None:
            return _NOWHERE
        repository, path, *at = span
        file = self._sources.get((repository, path))
        if file is None:
            file = self._sources[repository, path] = self._file(storable(repository or ""), storable(path))
        return (file, *at)

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


def _directory_of(span: Packed | None) -> str:
    return "" if span is None else _directory(span[1])


def _directory(path: str) -> str:
    return path.rpartition("/")[0]
