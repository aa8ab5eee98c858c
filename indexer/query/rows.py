"""From rows of the views to what answers are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.flux.identity import ObjectId, UnitId
from indexer.manifest.provenance import Source, Span

if TYPE_CHECKING:
    from indexer.index.read import Row


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
    if not text or text == "[]":
        return ()
    if "\\" not in text:
        # A list of texts without escapes, as the index writes it. Few others are met, and importing json takes 2 ms.
        return tuple(text[2:-2].split('","'))
    import json

    return tuple(json.loads(text))
