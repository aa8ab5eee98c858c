"""``fluxidx units``: what deploys objects, as a tree from the entry points down."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from indexer.cli.common import Session, shared
from indexer.flux.lack import lack_of
from indexer.query.rows import span, unit_of
from indexer.report.absent import left_alone
from indexer.report.text import Writer, count

if TYPE_CHECKING:
    from indexer.index.read import Row
    from indexer.report.terminal import Terminal

_MARKS: Final = {
    "rendered": ("✓", "+", "green"),
    "failed": ("✗", "!", "red"),
    "unresolved": ("?", "?", "yellow"),
    "suspended": ("‖", "=", "yellow"),
}
"""State → mark, the same without Unicode, colour."""
_ORDER: Final = ("cluster", "kind", "namespace", "name", "unit_id")


@click.command("units")
@shared("text", "json", "jsonl")
def command(session: Session) -> None:
    """Show the Kustomizations, HelmReleases, ResourceSets … in the index, each below the one that deploys it."""
    units = session.answer(lambda index: session.scope(index).units)
    rows = sorted(units.values(), key=lambda row: tuple(row[key] for key in _ORDER))
    if session.output == "text":
        if rows:
            click.echo(_text(rows, session.terminal, verbose=session.verbose))
        return
    from indexer.report.json import dumps, dumps_line

    shown = [_json(row) for row in rows]
    for text in map(dumps_line, shown) if session.output == "jsonl" else [dumps(shown)]:
        click.echo(text)


def _json(row: Row) -> dict[str, Any]:
    from indexer.report import json

    keys = ("kind", "namespace", "name", "url", "ref")
    return {
        "cluster": row["cluster"],
        "unit": json.unit(unit_of(row, "")),
        "state": row["state"],
        "reason": row["reason"],
        "source": {key: row[f"source_{key}"] for key in keys} if row["source_kind"] is not None else None,
        "path": row["path"],
        "parent": json.unit(unit_of(row, "parent_")) if row["parent_kind"] is not None else None,
        "definition": json.span(span(row)),
        "objects": row["objects"],
        "target": row["target"],
    }


def _text(rows: Sequence[Row], terminal: Terminal, *, verbose: bool) -> str:
    writer = Writer(terminal, None)
    lacks = {row["unit_id"]: lack_of(row["state"], row["reason"]) for row in rows}
    quiet = {} if verbose else {unit: lack for unit, lack in lacks.items() if lack is not None}
    for cluster in dict.fromkeys(row["cluster"] for row in rows):
        if str(writer):
            writer.line()
        own = [row for row in rows if row["cluster"] == cluster]
        objects = sum(row["objects"] for row in own)
        writer.heading(cluster, f"{count(len(own), 'unit')}, {count(objects, 'object')}")
        _Forest(writer, own, quiet).write()
    if quiet:
        writer.line()
        for sentence in left_alone(quiet.values()):
            writer.wrapped(sentence, 0, dim=True)
    return str(writer)


class _Forest:
    """The trees of one cluster; the ``quiet`` units without their reason."""

    def __init__(self, writer: Writer, rows: Sequence[Row], quiet: Container[int]) -> None:
        self._writer = writer
        self._quiet = quiet
        self._terminal = writer.terminal
        self._rows = rows
        self._written: set[int] = set()
        self._children: dict[int | None, list[Row]] = {}
        known = {row["unit_id"] for row in rows}
        for row in rows:
            parent = row["parent_id"] if row["parent_id"] in known and row["parent_id"] != row["unit_id"] else None
            self._children.setdefault(parent, []).append(row)

    def write(self) -> None:
        for root in self._children.get(None, []):
            self._unit(root, "", "")
        # Units that deploy each other in a circle hang from no entry point.
        for row in self._rows:
            self._unit(row, "", "")

    def _unit(self, row: Row, branch: str, below: str) -> None:
        if row["unit_id"] in self._written:
            return
        self._written.add(row["unit_id"])
        children = self._children.get(row["unit_id"], [])
        mark, ascii_mark, colour = _MARKS[row["state"]]
        mark = self._terminal.glyph(mark, ascii_mark)
        name = f"{row['kind']} {'/'.join(filter(None, (row['namespace'], row['name'])))}"
        self._row(branch, mark, name, row, colour)
        if row["reason"] and row["unit_id"] not in self._quiet:
            bar = self._terminal.glyph("│", "|") if children else " "
            self._reason(f"{below}{bar}   ", row["reason"])
        for child in children:
            last = child is children[-1]
            joint = self._terminal.glyph("└─ ", "`- ") if last else self._terminal.glyph("├─ ", "|- ")
            self._unit(child, below + joint, below + ("   " if last else self._terminal.glyph("│  ", "|  ")))

    def _row(self, branch: str, mark: str, name: str, row: Row, colour: str) -> None:
        rendered = row["state"] == "rendered"
        has_all = rendered or (row["unit_id"] in self._quiet and row["objects"])
        right = count(row["objects"], "object") if has_all else row["state"]
        detail = f"  {row['path']}" if row["path"] else ""
        detail += f"  to cluster {row['target']}" if row["target"] else ""
        room = self._terminal.width - len(branch) - 2 - len(name) - len(right) - 2
        if len(detail) > room:
            detail = ""
        gap = " " * (max(room - len(detail), 0) + 2)
        style = self._terminal.style
        left = f"{style(branch, dim=True)}{style(mark, fg=colour)} {name}{style(detail, dim=True)}"
        self._writer.line(f"{left}{gap}{right if rendered else style(right, fg=colour)}")

    def _reason(self, indent: str, reason: str) -> None:
        block = Writer(self._terminal, None)
        block.wrapped(reason, len(indent))
        for line in str(block).splitlines():
            self._writer.line(self._terminal.style(indent + line.lstrip(), dim=True))
