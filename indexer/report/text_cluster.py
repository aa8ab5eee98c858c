"""``status``, ``orphans`` and ``drift`` as text: what a person has to know first, the counts of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from indexer.query.livefields import Absent
from indexer.query.status import GOOD, Standing
from indexer.report.text import Writer, count, object_name, place

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.cluster.model import Unreadable
    from indexer.manifest.provenance import Span
    from indexer.query.drift import Drift, Drifted, DriftedObject
    from indexer.query.livefields import FieldDifference
    from indexer.query.orphans import NotRunning, Orphan, Orphans
    from indexer.query.status import Status, UnitStatus
    from indexer.query.survey import Surveyed
    from indexer.report.terminal import Terminal

_LOOKS: Final = {
    Standing.IN_SYNC: ("✓", "+", "green"),
    Standing.AHEAD: ("✓", "+", "green"),
    Standing.PROGRESSING: ("…", ".", "cyan"),
    Standing.BEHIND: ("↓", "v", "yellow"),
    Standing.DIVERGED: ("≠", "#", "yellow"),
    Standing.SUSPENDED: ("‖", "=", "yellow"),
    Standing.UNKNOWN: ("?", "?", "yellow"),
    Standing.FAILED: ("✗", "x", "red"),
    Standing.NOT_DEPLOYED: ("✗", "x", "red"),
    Standing.NOT_DEFINED: ("✗", "x", "red"),
}
_FEW: Final = 20
"""Objects of one kind of finding that are shown, unless all are asked for."""


def status(surveyed: Iterable[Surveyed[Status]], terminal: Terminal, root: Path | None, *, verbose: bool) -> str:
    """Units that are not in sync, and with ``verbose`` all."""
    return _all(surveyed, terminal, root, lambda writer, answer: _status(writer, answer, verbose=verbose))


def orphans(surveyed: Iterable[Surveyed[Orphans]], terminal: Terminal, root: Path | None, *, verbose: bool) -> str:
    """What no code defines, what does not run, and why the rest is not listed."""
    return _all(surveyed, terminal, root, lambda writer, answer: _orphans(writer, answer, verbose=verbose))


def drift(surveyed: Iterable[Surveyed[Drift]], terminal: Terminal, root: Path | None, *, verbose: bool) -> str:
    """Fields that are not as Git has them."""
    return _all(surveyed, terminal, root, lambda writer, answer: _drift(writer, answer, verbose=verbose))


def _all(
    surveyed: Iterable[Surveyed[Any]],
    terminal: Terminal,
    root: Path | None,
    show: Callable[[Writer, Any], None],
) -> str:
    writer = Writer(terminal, root)
    for index, one in enumerate(surveyed):
        if index:
            writer.line()
        if one.answer is None:
            writer.heading(f"context {one.matched.context}", "no cluster of this repository")
        else:
            writer.heading(f"cluster {one.matched.cluster}", f"context {one.matched.context}")
        for mismatch in one.matched.mismatches:
            writer.wrapped(mismatch, 2, fg="yellow")
        if one.answer is not None:
            show(writer, one.answer)
        _unreadable(writer, one.unreadable)
    return str(writer)


def _unreadable(writer: Writer, missing: Sequence[Unreadable]) -> None:
    if missing:
        writer.line()
        writer.line(writer.terminal.style("  could not be read, so the answer is without it:", fg="yellow"))
        for one in missing:
            writer.wrapped(f"{one.what}: {one.reason}", 4)


def _status(writer: Writer, answer: Status, *, verbose: bool) -> None:
    shown = [one for one in answer.units if verbose or one.standing not in GOOD]
    for one in shown:
        _unit(writer, one)
    standings = Counter(one.standing for one in answer.units)
    totals = ", ".join(f"{number:,} {standing}" for standing, number in standings.items())
    if shown:
        writer.line()
    writer.line(f"  {count(len(answer.units), 'unit')}{f': {totals}' if totals else ''}")


def _unit(writer: Writer, one: UnitStatus) -> None:
    glyph, ascii_, colour = _LOOKS[one.standing]
    mark = writer.terminal.style(writer.terminal.glyph(glyph, ascii_), fg=colour)
    words = writer.terminal.style(_standing(one), fg=colour)
    applied = f"  {_short(one.applied)}" if one.applied else ""
    writer.line(f"{mark} {one.unit.kind} {one.unit.namespace}/{one.unit.name}  {words}{applied}")
    if one.message and one.standing is not Standing.IN_SYNC:
        writer.wrapped(one.message, 4, dim=True)
    for found in one.places:
        writer.line(f"    {_linked(writer, found.span)}  {found.what}")
    if not one.places and one.definition is not None and one.standing not in GOOD:
        writer.line(f"    {_linked(writer, one.definition)}")


def _standing(one: UnitStatus) -> str:
    if one.commits is None:
        return str(one.standing)
    words = f"{one.standing} {count(one.commits, 'commit')}"
    if one.touched is None:
        return words
    if not one.touched:
        return f"{words}, with nothing that it reads"
    return f"{words} that {'change' if one.commits > 1 else 'changes'} it"


def _orphans(writer: Writer, answer: Orphans, *, verbose: bool) -> None:
    by_reason: dict[str, list[Orphan]] = {}
    for one in answer.orphans:
        by_reason.setdefault(one.why, []).append(one)
    for why, found in by_reason.items():
        _section(writer, f"{why}: {count(len(found), 'object')}", "red")
        _some(writer, found, lambda one: _orphan(writer, one), verbose=verbose)
    if answer.missing:
        _section(writer, f"defined, and not there: {count(len(answer.missing), 'object')}", "yellow")
        _some(writer, answer.missing, lambda one: _missing(writer, one), verbose=verbose)
    writer.line()
    left = sum(answer.filtered.values())
    writer.line(
        f"  {count(answer.defined, 'object')} defined by code; {left:,} left out (--explain says by which rule)"
    )
    if answer.explained:
        for left_out in sorted(answer.explained, key=lambda one: (one.rule, one.object)):
            rule = writer.terminal.style(left_out.rule, fg="blue")
            writer.line(f"    {rule}  {object_name(left_out.object)}: {left_out.why}")


def _orphan(writer: Writer, one: Orphan) -> None:
    unit = f"  {one.unit.kind} {one.unit.namespace}/{one.unit.name}" if one.unit is not None else ""
    since = writer.terminal.style(f"  since {one.created[:10]}", dim=True) if one.created else ""
    writer.line(f"    {object_name(one.object)}{unit}{since}")
    if one.detail:
        writer.wrapped(one.detail, 6, dim=True)


def _missing(writer: Writer, one: NotRunning) -> None:
    where = f"  {_linked(writer, one.definition)}" if one.definition is not None else ""
    writer.line(f"    {object_name(one.object)}{where}")
    if one.reason:
        writer.wrapped(one.reason, 6, dim=True)


def _drift(writer: Writer, answer: Drift, *, verbose: bool) -> None:
    for one in answer.objects:
        _drifted_object(writer, one, verbose=verbose)
    if answer.objects:
        writer.line()
    fields = sum(len(one.fields) for one in answer.objects)
    skipped = sum(answer.skipped.values())
    left = f"; {skipped:,} not compared" if skipped else ""
    writer.line(
        f"  {count(len(answer.objects), 'object')} of {answer.compared:,} differ, in {count(fields, 'field')}{left}"
    )
    for reason, number in sorted(answer.skipped.items()):
        writer.wrapped(f"{number:,}: {reason}", 4, dim=True)


def _drifted_object(writer: Writer, one: DriftedObject, *, verbose: bool) -> None:
    unit = writer.terminal.style(f"  {one.unit.kind} {one.unit.namespace}/{one.unit.name}", dim=True)
    writer.line(f"  {writer.terminal.style(object_name(one.object), bold=True)}{unit}")
    _some(writer, one.fields, lambda field: _field(writer, field, verbose=verbose), verbose=verbose)


def _field(writer: Writer, one: Drifted, *, verbose: bool) -> None:
    from indexer.query.fieldvalue import LONGEST, shown

    found = one.difference
    writer.line(f"    {found.pointer}")
    length = 1 << 20 if verbose else LONGEST
    where = f"  {_linked(writer, one.span)}" if one.span is not None else ""
    git, live = (
        "(not there)" if isinstance(one, Absent) else shown(one, length) for one in (found.rendered, found.live)
    )
    writer.line(f"      git   {git}{where}")
    writer.line(f"      live  {live}{writer.terminal.style(_by(found), dim=True)}")


def _by(found: FieldDifference) -> str:
    """Who wrote the live value, and when; of a field that is not there, nobody says who took it away."""
    if not found.writers or isinstance(found.live, Absent):
        return ""
    last = found.writers[0]
    return f"  by {last.manager}{f', {last.time}' if last.time else ''}"


def _section(writer: Writer, title: str, colour: str) -> None:
    writer.line(f"  {writer.terminal.style(title, fg=colour)}")


def _some(writer: Writer, found: Sequence[Any], show: Callable[[Any], None], *, verbose: bool) -> None:
    for one in found if verbose else found[:_FEW]:
        show(one)
    if len(found) > _FEW and not verbose:
        writer.line(writer.terminal.style(f"    … and {len(found) - _FEW:,} more (-v)", dim=True))


def _linked(writer: Writer, where: Span) -> str:
    link = None if where.source.repository else writer.file_url(where.source.file)
    return writer.terminal.link(writer.terminal.style(place(where), fg="green"), link)


def _short(revision: str) -> str:
    """``main@sha1:3f2c…`` with ten digits of the commit."""
    head, colon, sha = revision.rpartition(":")
    return f"{head}{colon}{sha[:10]}"
