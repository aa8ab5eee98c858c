"""``what`` as text: for each file the objects it has a part in, by cluster and unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.manifest.provenance import Role
from indexer.report.text import SELF_EVIDENT, Writer, count, object_name, one_line, position, some, through_kube_config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.flux.identity import ObjectId
    from indexer.query.answers import Deployed, File, What
    from indexer.report.terminal import Terminal

SHOWN: Final = 20
"""Objects of one unit that are listed; more are counted, unless all are asked for."""


def render(answer: What, terminal: Terminal, root: Path | None, *, verbose: bool = False) -> str:
    """The text of an answer."""
    writer = Writer(terminal, root)
    deploying = [file for file in answer.files if file.deploys]
    for index, file in enumerate(deploying):
        if index:
            writer.line()
        _file(writer, file, verbose=verbose)
    silent: dict[str, list[File]] = {}
    for file in answer.files:
        if not file.deploys:
            silent.setdefault(file.reason or "", []).append(file)
    if silent:
        if deploying:
            writer.line()
        writer.line(terminal.style("Deploys nothing", bold=True))
    for reason, files in silent.items():
        for file in files:
            writer.line(f"  {terminal.link(_title(file), writer.file_url(file.file))}")
        writer.wrapped(reason, 4, dim=True)
    return str(writer)


def _title(file: File) -> str:
    return position(file.file, None, [file.lines]) if file.lines else one_line(file.file)


def _file(writer: Writer, file: File, *, verbose: bool) -> None:
    objects = {(row.cluster, row.unit, row.object) for row in file.deploys}
    clusters = list(dict.fromkeys(row.cluster for row in file.deploys))
    tally = count(len(objects), "object") + (f" on {count(len(clusters), 'cluster')}" if len(clusters) > 1 else "")
    writer.heading(_title(file), tally)
    alike: dict[str, list[str]] = {}
    for cluster in clusters:
        block = Writer(writer.terminal, None)
        _cluster(block, [row for row in file.deploys if row.cluster == cluster], verbose=verbose)
        alike.setdefault(str(block), []).append(cluster)
    for block_text, names in alike.items():
        label = "cluster" if len(names) == 1 else "clusters"
        writer.wrapped(f"{label} {', '.join(names)}", 2, fg="cyan")
        writer.line(block_text)


def _cluster(writer: Writer, rows: Sequence[Deployed], *, verbose: bool) -> None:
    units: dict[str, dict[ObjectId, list[Deployed]]] = {}
    deploys: dict[str, dict[str, set[ObjectId]]] = {}
    for row in rows:
        unit = f"{row.unit.kind} {row.unit.namespace}/{row.unit.name}{through_kube_config(row.applied_by)}"
        if row.role is Role.DEPLOYS and not verbose:
            deploys.setdefault(row.operation, {}).setdefault(unit, set()).add(row.object)
        else:
            units.setdefault(unit, {}).setdefault(row.object, []).append(row)
    for unit, objects in units.items():
        writer.line(f"    {writer.terminal.style(unit, bold=True)}")
        shown = list(objects.items()) if verbose else list(objects.items())[:SHOWN]
        width = min(max(len(object_name(one)) for one, _ in shown), 44)
        for one, parts in shown:
            _object(writer, object_name(one), width, parts)
        if len(objects) > len(shown):
            writer.line(f"      … and {count(len(objects) - len(shown), 'more object')} (-v lists all)")
    for unit, below in deploys.items():
        writer.line(f"    {writer.terminal.style(unit, bold=True)}, which this file defines, deploys")
        children = sorted(below, key=lambda name: (name != unit, name))
        for child in children[:SHOWN]:
            through = "" if child == unit else f" through {child}"
            writer.line(f"      {count(len(below[child]), 'object')}{through}")
        if len(children) > SHOWN:
            rest = sum(len(below[child]) for child in children[SHOWN:])
            units_left = count(len(children) - SHOWN, "more unit")
            writer.line(f"      … and {count(rest, 'object')} through {units_left} (-v lists all)")


def _object(writer: Writer, name: str, width: int, parts: Sequence[Deployed]) -> None:
    """One object, and what the file does to it, one row for each operation."""
    rows: dict[tuple[Role, str], list[Deployed]] = {}
    for part in parts:
        rows.setdefault((part.role, part.operation), []).append(part)
    for index, ((role, operation), same) in enumerate(rows.items()):
        lines = position("", None, [(one.span.line, one.span.end_line) for one in same])
        fields = list(dict.fromkeys(field for one in same for field in one.fields if field))
        how = str(role) if operation in SELF_EVIDENT else f"{role}: {operation}"
        head = f"      {name if index == 0 else '':<{width}}  {how}  {lines}"
        room = writer.terminal.width - len(head) - 2
        detail = some(fields, room) if fields and room > 20 else ""
        writer.line(f"{head}  {writer.terminal.style(detail, dim=True)}")
