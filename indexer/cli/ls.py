"""``fluxidx ls``: the objects in the index."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import click

from indexer.cli.common import Session, shared
from indexer.errors import NotFound
from indexer.query.names import find, parse_many, pattern
from indexer.query.rows import object_of, span, unit_of
from indexer.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.index.read import Row
    from indexer.query.scope import Scope

_SHOWN: Final = "object_id, cluster, kind, namespace, name, file, line, unit_id, unit_kind, unit_namespace, unit_name"
_ORDER: Final = ("cluster", "unit_kind", "unit_namespace", "unit_name", "object_id")
_HEADER: Final = ("CLUSTER", "KIND", "NAMESPACE", "NAME", "DEFINED AT", "UNIT")


@click.command("ls")
@click.argument("words", metavar="[OBJECT]", nargs=-1)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Only objects of this namespace.")
@shared("text", "json", "jsonl")
def command(session: Session, words: Sequence[str], namespace: str | None) -> None:
    """List the objects in the index, or those that OBJECT means.

    OBJECT is KIND/NAME, KIND NAME or KIND/NAMESPACE/NAME; '*' in a name stands for any text.
    """
    columns = _SHOWN if session.output == "text" else "*"
    try:
        rows = session.answer(lambda index: _rows(session.scope(index), words, namespace, columns))
    except NotFound:
        if session.output == "json":
            click.echo("[]")
        raise
    if session.output == "text":
        click.echo(_table([_HEADER, *map(_cells, rows)]))
        return
    from indexer.report.json import dumps, dumps_line

    objects = [_json(row) for row in rows]
    for text in map(dumps_line, objects) if session.output == "jsonl" else [dumps(objects)]:
        click.echo(text)


def _rows(scope: Scope, words: Sequence[str], namespace: str | None, columns: str) -> Sequence[Row]:
    """Rows of view ``objects`` that have at least ``columns``: reading all of them is half the time of a long list."""
    if words:
        return find(scope, parse_many(words, namespace))
    rows = scope.objects(columns)
    if namespace is not None:
        meant = pattern(namespace)
        rows = [row for row in rows if row["namespace"] is not None and meant.fullmatch(row["namespace"])]
    return sorted(rows, key=itemgetter(*_ORDER))


def _json(row: Row) -> dict[str, Any]:
    from indexer.report import json

    return {
        "cluster": row["cluster"],
        "applied_by": row["applied_by"],
        "unit": json.unit(unit_of(row)),
        "object": json.object_id(object_of(row)),
        "role": row["role"],
        "definition": json.span(span(row)),
        "digest": row["digest"],
    }


def _cells(row: Row) -> tuple[str, ...]:
    where = f"{row['file']}:{row['line']}" if row["file"] is not None else "-"
    unit = f"{row['unit_kind']}/{row['unit_namespace']}/{row['unit_name']}"
    cells = row["cluster"], row["kind"], row["namespace"] or "-", row["name"], where, unit
    return tuple(map(one_line, cells))


def _table(rows: Sequence[Sequence[str]]) -> str:
    *columns, last = zip(*rows, strict=True)
    padded = [_padded(column) for column in columns]
    return "\n".join(map("  ".join, zip(*padded, last, strict=True)))


def _padded(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    return [cell.ljust(width) for cell in column]
