"""From what a controller says of a failure to the line of the repository that a person has to look at.

The messages are kustomize-controller's and helm-controller's; they name objects (``Deployment/shop/api``), fields
(``spec.template.spec.containers[0].image``), files of the artifact and variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from indexer.deferred import regex
from indexer.index.read import Row
from indexer.manifest.provenance import Source, Span
from indexer.query.rows import span
from indexer.query.scope import Scope

_OBJECT: Final = regex(r"\b([A-Z][A-Za-z0-9]+)/(?:([a-z0-9][a-z0-9.-]*)/)?([a-z0-9][a-z0-9.:-]*)")
_FIELD: Final = regex(
    r"\.?\b((?:spec|metadata|data|stringData|rules|subjects|roleRef|webhooks)(?:[.\[][\w.\-\[\]/]*\w\]?)?)"
)
_INDEX: Final = regex(r"\[(\w[^\]]*)\]")
_FILE: Final = regex(r"(?:/[\w.-]+)+/?([\w./-]*\.ya?ml)|([\w./-]+\.ya?ml)")
_VARIABLE: Final = regex(r'variable (?:not set[^"]*"|")([A-Za-z_]\w*)"')
_LINE: Final = regex(r"\bline (\d+)\b")
_START: Final = regex(r"\S")


@dataclass(frozen=True, slots=True)
class Place:
    """A line that a message speaks of."""

    span: Span
    what: str
    """``Deployment/shop/api /spec/replicas``, ``apps/api.yaml``, ``${DOMAIN}``."""


def places(scope: Scope, unit_id: int, message: str) -> tuple[Place, ...]:
    """The lines of the unit's objects, fields, files and variables that a message names, in its order, each once."""
    found = [*_objects(scope, unit_id, message), *_variables(scope, unit_id, message)]
    if not found:
        found = list(_files(scope, unit_id, message))
    return tuple(dict.fromkeys(found))


def _objects(scope: Scope, unit_id: int, message: str) -> Iterator[Place]:
    pointers = [_pointer(match[1]) for match in _FIELD.finditer(message)]
    for match in _OBJECT.finditer(message):
        kind, namespace, name = match[1], match[2] or "", match[3].rstrip(".:")
        rows = scope.rows(
            "SELECT * FROM objects WHERE unit_id = :unit AND kind = :kind AND name = :name "
            "AND (namespace = :namespace OR namespace = '' OR :namespace = '')",
            unit=unit_id,
            kind=kind,
            namespace=namespace,
            name=name,
        )
        for row in rows[:1]:
            shown = f"{kind}/{namespace}/{name}" if namespace else f"{kind}/{name}"
            fields = [place for pointer in pointers if (place := _field(scope, row, pointer, shown)) is not None]
            definition = span(row)
            yield from fields or ([Place(definition, shown)] if definition is not None else [])


def _field(scope: Scope, row: Row, pointer: str, shown: str) -> Place | None:
    """The contribution that set a field, which is not the object's whole definition; None where no line is known."""
    rows = scope.rows(
        "SELECT * FROM contributions WHERE object_id = :object AND overridden = 0 AND fields LIKE :field "
        "ORDER BY contribution_id DESC",
        object=row["object_id"],
        field=f'%"{pointer}%',
    )
    for one in rows:
        where = span(one)
        if where is not None:
            return Place(where, f"{shown} {pointer}")
    return None


def _pointer(path: str) -> str:
    """``spec.ports[0].name`` as ``/spec/ports/0/name``."""
    return "/" + _INDEX.sub(r".\1", path).replace("~", "~0").replace("/", "~1").replace(".", "/")


def _variables(scope: Scope, unit_id: int, message: str) -> Iterator[Place]:
    for match in _VARIABLE.finditer(message):
        rows = scope.rows(
            "SELECT s.* FROM substitutions s WHERE s.unit_id = :unit AND s.variable = :variable AND s.file IS NOT NULL",
            unit=unit_id,
            variable=match[1],
        )
        for row in rows[:1]:
            where = span(row)
            if where is not None:
                yield Place(where, f"${{{match[1]}}}")


def _files(scope: Scope, unit_id: int, message: str) -> Iterator[Place]:
    """Files that the unit reads; the controller names them below a temporary directory of its own."""
    rows = scope.rows("SELECT unit_id, path FROM inputs WHERE unit_id = :unit AND access = 'read'", unit=unit_id)
    paths = [row["path"] for row in rows]
    line = _LINE.search(message)
    number = int(line[1]) if line is not None else 1
    for match in _FILE.finditer(message):
        tail = (match[1] or match[2]).lstrip("./")
        for path in paths:
            if path == tail or path.endswith(f"/{tail}") or match[0].endswith(f"/{path}"):
                yield Place(Span(Source(None, path), number, 1, number, 1), path)
                break
