"""Findings as text: by rule, the worst first, each with the line to look at; and the answer of ``check``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from indexer.git.text import storable
from indexer.query.check import Checked
from indexer.query.findings import Finding, Grouped, Severity, grouped
from indexer.query.gate import Gate
from indexer.query.rules.catalogue import Rule
from indexer.report.terminal import Terminal
from indexer.report.text import Writer, count, place, some

_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_RELATED: Final = 3
"""Further lines of a finding that are listed; more are counted."""


def render(
    answer: Checked, rules: Mapping[str, Rule], gate: Gate, terminal: Terminal, root: Path | None, *, verbose: bool
) -> str:
    """The text of an answer. Notes are counted, unless ``verbose`` or where the gate asks for them."""
    writer = Writer(terminal, root)
    shown = [one for one in answer.findings if verbose or one.severity is not Severity.NOTE or gate.stops(one)]
    write(writer, shown, rules, verbose=verbose)
    if shown:
        writer.line()
    total = grouped(answer.findings)
    parts = [
        count(number, severity)
        for severity in Severity
        if (number := sum(one.finding.severity is severity for one in total))
    ]
    hidden = len(total) - len(grouped(shown))
    more = " (-v shows the notes)" if hidden else ""
    clusters = count(len(answer.clusters), "cluster")
    verdict = f"{', '.join(parts)} in {clusters}{more}" if parts else f"Nothing found in {clusters}"
    writer.line(terminal.style(verdict, bold=True))
    if answer.ignored:
        writer.line(terminal.style(f"{count(answer.ignored, 'finding')} more, which the repository ignores", dim=True))
    _unjudged(writer, answer, verbose=verbose)
    return str(writer)


def write(writer: Writer, findings: Iterable[Finding], rules: Mapping[str, Rule], *, verbose: bool) -> None:
    """Findings by severity and rule; one fault on several clusters is told once."""
    groups: dict[tuple[Severity, str], list[Grouped]] = {}
    for one in grouped(findings):
        groups.setdefault((one.finding.severity, one.finding.rule), []).append(one)
    for index, ((severity, name), same) in enumerate(groups.items()):
        if index:
            writer.line()
        head = writer.terminal.style(f"{severity} {name}", bold=True, fg=_COLOURS[severity])
        summary = f"{rules[name].summary}" if name in rules else ""
        tally = f"  ({len(same)})" if len(same) > 1 else ""
        writer.line(f"{head}{tally}  {writer.terminal.style(summary, dim=True)}")
        for one in same:
            _finding(writer, one, verbose=verbose)


def _finding(writer: Writer, one: Grouped, *, verbose: bool) -> None:
    finding, terminal = one.finding, writer.terminal
    where = _position(finding) if finding.span is not None else "nowhere in this repository"
    room = terminal.width - len(where) - 4
    on = some(one.clusters, max(room, 12)) if one.clusters else ""
    link = writer.file_url(finding.file) if finding.file is not None else None
    writer.line(f"  {terminal.link(where, link)}  {terminal.style(on, fg='cyan')}")
    writer.wrapped(storable(finding.message), 4)
    if finding.live:
        writer.wrapped(storable(f"in the cluster: {finding.live}"), 4, fg="cyan")
    listed = finding.related if verbose else finding.related[:_RELATED]
    for span in listed:
        writer.line(terminal.style(f"    {terminal.glyph('↳', '>')} {storable(place(span))}", dim=True))
    if len(listed) < len(finding.related):
        writer.line(terminal.style(f"      and {count(len(finding.related) - len(listed), 'more line')}", dim=True))


def _position(finding: Finding) -> str:
    """``file:line``, as editors and terminals open it: the first line of what may be a whole document."""
    span = finding.span
    assert span is not None
    elsewhere = f"  ({span.source.repository})" if span.source.repository else ""
    return f"{storable(span.source.file)}:{span.line}{elsewhere}"


def _unjudged(writer: Writer, answer: Checked, *, verbose: bool) -> None:
    if not answer.unjudged:
        return
    references = count(sum(one.references for one in answer.unjudged), "reference")
    namespaces = count(len(answer.unjudged), "namespace")
    note = f"Not judged: {references} into {namespaces} with charts that are not rendered and may define what they name"
    writer.wrapped(note if verbose else f"{note} (-v lists them)", 0, dim=True)
    for one in answer.unjudged if verbose else ():
        charts = some([f"{release.namespace}/{release.name}" for release in one.releases], 60)
        line = f"  {one.cluster} {one.namespace}: {count(one.references, 'reference')}, charts of {charts}"
        writer.line(writer.terminal.style(line, dim=True))


def catalogue(rules: Sequence[Rule], terminal: Terminal) -> str:
    """The rules by family."""
    writer = Writer(terminal, None)
    width = max(len(rule.name) for rule in rules)
    for index, family in enumerate(dict.fromkeys(rule.family for rule in rules)):
        if index:
            writer.line()
        writer.line(terminal.style(family, bold=True))
        for rule in rules:
            if rule.family is family:
                severity = terminal.style(f"{rule.severity:<7}", fg=_COLOURS[rule.severity])
                scope = "  (impact)" if rule.of_changes else ""
                writer.line(f"  {rule.name:<{width}}  {severity}  {rule.summary}{scope}")
    return str(writer)
