"""``fluxidx sql``: read-only SQL over the documented views."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from numbers import Number
from pathlib import Path
from typing import Any

import click

from indexer.cli.common import Session, shared


@click.command("sql")
@click.argument("query")
@shared("text", "json", "jsonl", question=False)
def command(session: Session, query: str) -> None:
    """Run one SELECT over the views of the index as it is; nothing is built, and nothing can be changed.

    Views: builds, clusters, units, objects, kinds, contributions, substitutions, inputs, and live_clusters, live_units,
    live_sources, live_objects.
    """
    from indexer.index.location import locate
    from indexer.index.read import connect

    # An index that is named needs no repository around it.
    location = locate(session.index_url, Path() if session.index_url else session.repository.git_dir)
    with connect(location) as index:
        columns, rows = index.ask(query)
        if session.output == "text":
            for line in _table(columns, rows):
                click.echo(line)
            return
        objects = (dict(zip(columns, row, strict=True)) for row in rows)
        if session.output == "jsonl":
            for one in objects:
                click.echo(json.dumps(one, ensure_ascii=False, default=_plain))
        else:
            click.echo(json.dumps(list(objects), ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    """A value that JSON does not know: sums are exact decimals on PostgreSQL."""
    if isinstance(value, Number):
        number = float(str(value))
        return int(number) if number.is_integer() else number
    return str(value)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Columns under their names, numbers to the right; NULL is empty."""
    found = list(rows)
    table = [list(columns), *([_cell(value) for value in row] for row in found)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = [bool(found) and all(isinstance(value, Number) for value in column) for column in zip(*found, strict=True)]
    right = right or [False] * len(widths)
    lines = [
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in table
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("\n", "\\n")
