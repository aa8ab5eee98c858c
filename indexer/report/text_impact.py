"""``impact`` as text: on each cluster what happens to units and objects, with the changed lines that do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import unified_diff
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from indexer.flux.model import UnitId
from indexer.git.changes import SideName
from indexer.query.fieldvalue import cut, spelt
from indexer.query.findings import Finding
from indexer.query.impact import (
    Accounted,
    Cause,
    ChangeKind,
    ClusterImpact,
    FieldChange,
    Impact,
    ObjectChange,
    Unexplained,
    UnitChange,
    UnitChangeKind,
)
from indexer.query.impact.diff import Diffs
from indexer.query.rules.catalogue import Rule
from indexer.report import text_findings
from indexer.report.impact_units import happens, unknown, untouched
from indexer.report.terminal import Terminal
from indexer.report.text import Writer, count, object_name, position

SHOWN: Final = 12
"""Objects of a unit, and fields of an object, that are shown; more are counted, unless all are asked for."""
_SHARED: Final = 3
"""So many objects that change in the same way are told as one."""
SIGNS: Final = {
    ChangeKind.ADDED: ("+", "green"),
    ChangeKind.REMOVED: ("-", "red"),
    ChangeKind.CHANGED: ("~", "yellow"),
    ChangeKind.MOVED: (">", "cyan"),
}
_UNIT_COLOUR: Final = {
    UnitChangeKind.ADDED: "green",
    UnitChangeKind.RECOVERS: "green",
    UnitChangeKind.RESUMED: "green",
    UnitChangeKind.REMOVED: "red",
    UnitChangeKind.FAILS: "red",
}


def render(
    answer: Impact,
    findings: Sequence[Finding],
    rules: Mapping[str, Rule],
    terminal: Terminal,
    root: Path | None,
    *,
    verbose: bool = False,
    with_diff: bool = False,
) -> str:
    """The text of an answer."""
    return _Report(answer, Writer(terminal, root), Diffs(answer) if with_diff else None, verbose=verbose).text(
        findings, rules
    )


class _Report:
    def __init__(self, answer: Impact, writer: Writer, diffs: Diffs | None, *, verbose: bool) -> None:
        self._answer = answer
        self._writer = writer
        self._terminal = writer.terminal
        self._diffs = diffs
        self._verbose = verbose

    def text(self, findings: Sequence[Finding], rules: Mapping[str, Rule]) -> str:
        writer, answer = self._writer, self._answer
        arrow = self._terminal.glyph("→", "->")
        writer.heading(f"{_side(answer.base)} {arrow} {_side(answer.head)}", tally(answer))
        if answer.chosen is not None:
            writer.line(self._dim(f"compared from where this branch left {answer.chosen}"))
        self._reaches()
        self._clusters()
        self._idle()
        self._unrendered()
        self._findings(findings, rules)
        return str(writer)

    def _dim(self, text: str) -> str:
        return self._terminal.style(text, dim=True)

    # What happens

    def _clusters(self) -> None:
        alike: dict[str, list[str]] = {}
        for cluster in self._answer.clusters:
            block = _Report(self._answer, Writer(self._terminal, None), self._diffs, verbose=self._verbose)
            block._cluster(cluster)
            alike.setdefault(str(block._writer), []).append(cluster.cluster)
        for text, names in alike.items():
            self._writer.line()
            self._writer.wrapped(f"{'cluster' if len(names) == 1 else 'clusters'} {', '.join(names)}", 0, fg="cyan")
            self._writer.line(text)

    def _cluster(self, cluster: ClusterImpact) -> None:
        if cluster.change is not None:
            self._writer.line(self._terminal.style(f"  the cluster is {cluster.change}", bold=True))
        units: dict[UnitId, tuple[list[UnitChange], list[ObjectChange]]] = {}
        for change in cluster.units:
            units.setdefault(change.unit, ([], []))[0].append(change)
        for one in cluster.objects:
            units.setdefault(one.unit, ([], []))[1].append(one)
        for unit, (changes, objects) in sorted(units.items()):
            waits = "  suspended: Flux does none of this yet" if any(one.suspended for one in objects) else ""
            self._writer.line(f"  {self._terminal.style(unit.spoken, bold=True)}{self._dim(waits)}")
            for change in changes:
                self._unit_change(change)
            self._objects(objects)

    def _unit_change(self, one: UnitChange) -> None:
        said = f"the unit {happens(one)}"
        styled = self._terminal.style(said, fg=_UNIT_COLOUR.get(one.change, "yellow"))
        self._row(4, styled, said, _places([one.cause]))
        if one.detail:
            self._writer.wrapped(one.detail, 8)

    def _objects(self, objects: Sequence[ObjectChange]) -> None:
        groups: dict[object, list[ObjectChange]] = {}
        for one in objects:
            groups.setdefault(_likeness(one), []).append(one)
        shown = 0
        for same in groups.values():
            if not self._verbose and shown >= SHOWN:
                break
            if len(same) >= _SHARED and self._diffs is None:
                self._many(same)
                shown += len(same)
            else:
                for one in same:
                    self._object(one)
                shown += len(same)
        if shown < len(objects):
            self._writer.line(self._dim(f"    … and {count(len(objects) - shown, 'more object')} (-v lists all)"))

    def _many(self, same: Sequence[ObjectChange]) -> None:
        """Objects that change in the same way: what happens once, then their names."""
        sign, colour = SIGNS[same[0].change]
        head = f"{sign} {count(len(same), 'object')}"
        causes = [field.cause for field in same[0].fields] or [same[0].cause]
        self._row(4, self._terminal.style(head, fg=colour), head, _places(causes))
        names = [object_name(one.object) for one in same]
        listed = names if self._verbose else names[:SHOWN]
        more = f" … and {len(names) - len(listed)} more" if len(names) > len(listed) else ""
        self._writer.wrapped(", ".join(listed) + more, 6, dim=True)
        self._fields(same[0].fields)

    def _object(self, one: ObjectChange) -> None:
        sign, colour = SIGNS[one.change]
        head = f"{sign} {object_name(one.object)}"
        causes = (
            [one.cause, *(field.cause for field in one.fields)]
            if one.change is not ChangeKind.CHANGED
            else [field.cause for field in one.fields] or [one.cause]
        )
        self._row(4, self._terminal.style(head, fg=colour), head, _places(causes))
        if one.change is ChangeKind.MOVED and one.before_unit is not None:
            self._writer.line(f"      moved from {one.before_unit.spoken}")
        if one.counterpart is not None and one.change is ChangeKind.ADDED:
            self._writer.line(self._dim(f"      in place of {object_name(one.counterpart)}: its content changed"))
        if self._diffs is not None:
            self._diff(one)
        else:
            self._fields(one.fields)

    def _row(self, indent: int, styled: str, plain: str, places: str) -> None:
        """What happens, and where its lines stand: beside it where both fit, else below."""
        gap = self._terminal.width - indent - len(plain) - len(places)
        where = self._terminal.style(places, dim=True)
        if not places or gap >= 2:
            self._writer.line(f"{' ' * indent}{styled}{' ' * max(gap, 0) if places else ''}{where}")
            return
        self._writer.line(f"{' ' * indent}{styled}")
        self._writer.wrapped(places, indent + 4, dim=True)

    def _fields(self, fields: Sequence[FieldChange]) -> None:
        several = len({(one.cause.span if isinstance(one.cause, Cause) else one.cause) for one in fields}) > 1
        shown = fields if self._verbose else fields[:SHOWN]
        for one in shown:
            self._field(one, with_line=several)
        if len(shown) < len(fields):
            self._writer.line(self._dim(f"      … and {count(len(fields) - len(shown), 'more field')} (-v lists all)"))

    def _field(self, one: FieldChange, *, with_line: bool) -> None:
        line = f":{one.cause.span.line}" if with_line and isinstance(one.cause, Cause) else ""
        if line and isinstance(one.cause, Cause) and one.cause.side is SideName.BASE:
            line = f"{line} (before)"
        text = _has_lines(one.before) or _has_lines(one.after)
        said = "" if text and not one.redacted else self._values(one)
        path = one.path or "/"
        if len(path) + len(said) + len(line) + 10 <= self._terminal.width:
            self._row(6, f"{path}  {self._coloured(one, said)}", f"{path}  {said}", line)
        else:
            self._row(6, path, path, line)
            if said:
                self._writer.line(f"        {self._coloured(one, said)}")
        if text and not one.redacted:
            self._text(one)

    def _values(self, one: FieldChange) -> str:
        if one.redacted:
            return {ChangeKind.ADDED: "added", ChangeKind.REMOVED: "removed"}.get(one.change, "changed") + " (redacted)"
        arrow = self._terminal.glyph("→", "->")
        if one.change is ChangeKind.ADDED:
            return f"+ {cut(spelt(one.after))}"
        if one.change is ChangeKind.REMOVED:
            return f"- {cut(spelt(one.before))}"
        return f"{cut(spelt(one.before))} {arrow} {cut(spelt(one.after))}"

    def _coloured(self, one: FieldChange, said: str) -> str:
        return self._terminal.style(said, fg=SIGNS[one.change][1])

    def _text(self, one: FieldChange) -> None:
        """A text of several lines, as the lines that differ."""
        before, after = (str(value).splitlines() if value is not None else [] for value in (one.before, one.after))
        lines = [line for line in list(unified_diff(before, after, n=0, lineterm=""))[2:] if not line.startswith("@@")]
        shown = lines if self._verbose else lines[:SHOWN]
        for line in shown:
            self._writer.line(f"        {self._terminal.style(line, fg='green' if line[0] == '+' else 'red')}")
        if len(shown) < len(lines):
            self._writer.line(self._dim(f"        … and {count(len(lines) - len(shown), 'more line')} (-v shows all)"))

    def _diff(self, one: ObjectChange) -> None:
        assert self._diffs is not None
        for line in self._diffs.of(one)[2:]:
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            self._writer.line(f"      {self._terminal.style(line, fg=colour) if colour else line}")

    # The lines of the change

    def _reaches(self) -> None:
        """Lines that change more than one object: one cause, and how far it reaches."""
        wide = [one for one in self._told if _is_wide(one)]
        if not wide:
            return
        self._writer.line()
        width = max(len(_at(one)) for one in wide)
        for one in sorted(wide, key=lambda each: -_size(each)):
            self._writer.wrapped(f"{_at(one).ljust(width)}  {_reach(one)}", 2)

    @cached_property
    def _told(self) -> list[Accounted]:
        """The lines of the change that are worth telling: not those that others took the place of."""
        replaced = {
            (file.base, hunk.base)
            for file in self._answer.changes.files
            for hunk in file.hunks
            if hunk.base is not None and hunk.head is not None
        }
        return [
            one
            for one in self._answer.lines
            if one.side is SideName.HEAD
            or one.lines is None
            or not any(
                file == one.file and lines[0] <= one.lines[0] and one.lines[1] <= lines[1] for file, lines in replaced
            )
        ]

    def _idle(self) -> None:
        idle = [one for one in self._told if one.reach is None]
        if not idle:
            return
        self._writer.line()
        self._writer.line(self._terminal.style("Changed lines without effect", bold=True))
        by_reason: dict[str, dict[tuple[str, SideName], list[tuple[int, int]]]] = {}
        for one in idle:
            lines = by_reason.setdefault(one.reason or "", {}).setdefault((one.file, one.side), [])
            lines += [one.lines] if one.lines is not None else []
        for reason, files in by_reason.items():
            shown = list(files.items()) if self._verbose else list(files.items())[:SHOWN]
            for (file, side), lines in shown:
                gone = "  (removed)" if side is SideName.BASE else ""
                self._writer.line(f"  {position(file, None, lines) if lines else file}{gone}")
            if len(shown) < len(files):
                self._writer.line(self._dim(f"  … and {count(len(files) - len(shown), 'more file')} (-v lists all)"))
            self._writer.wrapped(reason, 4, dim=True)

    # What is not known, and what is wrong

    def _unrendered(self) -> None:
        shown = [one for one in self._answer.unrendered if one.touched or self._verbose]
        if shown:
            self._writer.line()
            self._writer.line(self._terminal.style("Not known", bold=True, fg="yellow"))
        for reason, units in unknown(shown, verbose=self._verbose):
            for unit, when, clusters in units if self._verbose else units[:SHOWN]:
                told = f"{'cluster' if len(clusters) == 1 else 'clusters'} {', '.join(clusters)}{when}"
                self._writer.line(f"  {unit.spoken}  {self._dim(told)}")
            if len(units) > SHOWN and not self._verbose:
                self._writer.line(self._dim(f"  … and {count(len(units) - SHOWN, 'more unit')} (-v lists all)"))
            self._writer.wrapped(reason, 4, dim=True)
        rest = [] if self._verbose else untouched(self._answer)
        if rest:
            self._writer.line()
        for note in rest:
            self._writer.wrapped(f"{note} (-v lists them)", 0, dim=True)

    def _findings(self, findings: Sequence[Finding], rules: Mapping[str, Rule]) -> None:
        if findings:
            self._writer.line()
            text_findings.write(self._writer, findings, rules, verbose=self._verbose)


def tally(answer: Impact) -> str:
    """``3 objects, 1 unit on 2 clusters``."""
    objects = sum(len(cluster.objects) for cluster in answer.clusters)
    units = len({(one.cluster, one.unit) for cluster in answer.clusters for one in cluster.units})
    if not objects and not units:
        return "nothing changes on any cluster"
    what = ", ".join(
        part for part in (count(units, "unit") if units else "", count(objects, "object") if objects else "") if part
    )
    return f"{what} on {count(len(answer.clusters), 'cluster')}"


def _side(side: Any) -> str:
    short = f" ({side.commit[:10]})" if side.commit is not None and not side.commit.startswith(side.label) else ""
    return f"{side.label}{short}"


def _places(causes: Iterable[Cause | Unexplained]) -> str:
    """Where the lines of causes stand: ``apps/api.yaml:3,12``."""
    files: dict[tuple[str, SideName], list[tuple[int, int]]] = {}
    reasons: dict[str, None] = {}
    for cause in causes:
        if isinstance(cause, Unexplained):
            reasons[cause.reason] = None
        else:
            files.setdefault((cause.span.source.file, cause.side), []).append((cause.span.line, cause.span.end_line))
    shown = [
        position(file, None, lines) + (" (before)" if side is SideName.BASE else "")
        for (file, side), lines in files.items()
    ]
    return " ".join(shown) if shown else "; ".join(reasons)


def _likeness(one: ObjectChange) -> object:
    """Equal for objects that change in the same way, by the same lines."""
    fields = tuple((f.path, f.change, repr(f.before), repr(f.after), f.redacted, f.cause) for f in one.fields)
    return one.change, one.before_unit, fields, None if fields else one.cause, one.counterpart is None


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def _is_wide(one: Accounted) -> bool:
    return one.reach is not None and (one.reach.objects > 1 or len(one.reach.clusters) > 1)


def _size(one: Accounted) -> int:
    return one.reach.objects if one.reach is not None else 0


def _at(one: Accounted) -> str:
    gone = " (removed)" if one.side is SideName.BASE else ""
    return (position(one.file, None, [one.lines]) if one.lines is not None else one.file) + gone


def _reach(one: Accounted) -> str:
    assert one.reach is not None
    clusters = f" on {count(len(one.reach.clusters), 'cluster')}" if len(one.reach.clusters) > 1 else ""
    units = f" and {count(one.reach.units, 'unit')}" if one.reach.units else ""
    return f"changes {count(one.reach.objects, 'object')}{units}{clusters}"
