"""The one relation between objects and files that ``where`` and ``what`` read, each from its own end."""

from __future__ import annotations

import json

from indexer.flux.model import ObjectId, UnitId
from indexer.index.read import Row
from indexer.manifest.node import Source, Span

# Every span that had a part in an object: what defines and changes it, where its variables come from, and the
# unit that deploys it with all units above. `what` filters by file, `where` by object, hence they cannot disagree.
# `part` and `place` give the order in which a person wants to read them.
EVIDENCE = """
WITH RECURSIVE ancestors(unit_id, ancestor_id, depth) AS (
    SELECT unit_id, unit_id, 0 FROM units
    UNION
    SELECT a.unit_id, u.parent_id, a.depth + 1 FROM ancestors a JOIN units u ON u.unit_id = a.ancestor_id
    WHERE u.parent_id IS NOT NULL AND a.depth < 100
),
evidence(object_id, part, place, role, operation, fields, overridden,
         repository, file, document, line, column_, end_line, end_column) AS (
    SELECT object_id, 0, contribution_id, role, operation, fields, overridden,
           repository, file, document, line, column_, end_line, end_column
    FROM contributions
    UNION ALL
    SELECT object_id, 1, 0, 'substitutes', variable, fields, 0,
           repository, file, document, line, column_, end_line, end_column
    FROM substitutions
    UNION ALL
    SELECT o.object_id, 2, a.depth, 'deploys', u.kind || ' ' || u.namespace || '/' || u.name, '[]', 0,
           u.repository, u.file, u.document, u.line, u.column_, u.end_line, u.end_column
    FROM objects o JOIN ancestors a ON a.unit_id = o.unit_id JOIN units u ON u.unit_id = a.ancestor_id
)
"""
SUBSTITUTION = 1
"""The ``part`` of the spans that supply variables."""


def span(row: Row) -> Span | None:
    """The span of a row, None where it names no file."""
    if row["file"] is None:
        return None
    source = Source(row["repository"] or None, row["file"], row["document"])
    return Span(source, row["line"], row["column_"], row["end_line"], row["end_column"])


def object_of(row: Row) -> ObjectId:
    return ObjectId(row["group_"], row["version"], row["kind"], row["namespace"] or None, row["name"])


def unit_of(row: Row, prefix: str = "unit_") -> UnitId:
    """The unit in the columns ``prefix`` + kind, namespace, name."""
    return UnitId(row[f"{prefix}kind"], row[f"{prefix}namespace"], row[f"{prefix}name"])


def pointers(text: str | None) -> tuple[str, ...]:
    """The JSON pointers of a ``fields`` column."""
    return tuple(json.loads(text)) if text else ()
