"""The comment of ``impact``: what has to be seen at once, then everything, folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from indexer.flux.model import UnitId
from indexer.git.changes import SideName
from indexer.query.fieldvalue import cut, spelt
from indexer.query.findings import Finding, grouped
from indexer.query.gate import Gate
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
)
from indexer.query.impact.diff import Diffs
from indexer.query.impact.live import Said, not_asked
from indexer.query.rules.catalogue import Rule
from indexer.report import impact_words, markdown_findings
from indexer.report.impact_units import happens, unknown, untouched
from indexer.report.markdown import Comment, code, fenced, plain
from indexer.report.markdown_findings import Link
from indexer.report.text import count, object_name, position
from indexer.report.text_impact import tally

_SIGNS: Final = {
    ChangeKind.ADDED: "➕",
    ChangeKind.REMOVED: "➖",
    ChangeKind.CHANGED: "✏️",
    ChangeKind.MOVED: "➡️",
}
_CAUSES: Final = 10
_FIELDS: Final = 5


def render(
    answer: Impact,
    findings: Sequence[Finding],
    rules: Mapping[str, Rule],
    gate: Gate,
    link: Link,
    *,
    clusters: Sequence[str] = (),
    said: Sequence[Said] | None = None,
    with_diff: bool = False,
) -> str:
    """The comment; with ``clusters``, one about these alone; with ``said``, what live ones say."""
    comment = Comment("fluxidx impact", clusters)
    found = markdown_findings.tally(grouped(findings))
    sign = "❌" if gate.fails(findings) else "✅"
    comment.add(f"{sign} **fluxidx impact**: {tally(answer)}{f'; {found}' if found else ''}")
    markdown_findings.add(comment, findings, rules, link)
    comment.section("**What reaches far**", _causes(answer.lines))
    if said is not None:
        comment.section("**In the clusters**", impact_words.markdown(said, not_asked(answer, said)))
    for names, lines in _clusters(answer, link):
        title = f"<b>{markdown_findings.names(names)}</b>: {count(len(lines), 'change')}"
        comment.section(title, lines, folded=True)
    comment.section("Changed lines without effect", _idle(answer.lines), folded=True)
    comment.section("Not known", _unrendered(answer), folded=True)
    if with_diff:
        _add_diffs(comment, answer)
    return str(comment)


def _causes(lines: Iterable[Accounted]) -> list[str]:
    """The lines of the change that change several objects, those that reach farthest first."""
    wide = [one for one in lines if one.reach is not None and one.reach.objects > 1 and one.side is SideName.HEAD]
    wide.sort(key=lambda one: -(one.reach.objects if one.reach is not None else 0))
    rows = []
    for one in wide[:_CAUSES]:
        assert one.reach is not None
        reach = f"{count(one.reach.objects, 'object')} in {markdown_findings.names(one.reach.clusters)}"
        rows.append(f"- {code(_lines(one))} changes {reach}")
    if len(wide) > _CAUSES:
        rows.append(f"- and {count(len(wide) - _CAUSES, 'more line')}")
    return rows


def _lines(one: Accounted) -> str:
    return position(one.file, None, [one.lines]) if one.lines is not None else one.file


# Clusters


def _clusters(answer: Impact, link: Link) -> Iterator[tuple[list[str], list[str]]]:
    """The changes of each cluster; clusters on which the same happens are one."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for cluster in answer.clusters:
        alike.setdefault(tuple(_cluster(cluster, link)), []).append(cluster.cluster)
    for lines, names in alike.items():
        yield names, list(lines)


def _cluster(cluster: ClusterImpact, link: Link) -> Iterator[str]:
    if cluster.change is not None:
        yield f"- the cluster is {cluster.change}"
    for unit in cluster.units:
        yield _unit(unit, link)
    for one in cluster.objects:
        yield _object(one, link)


def _unit(one: UnitChange, link: Link) -> str:
    detail = f": {plain(one.detail)}" if one.detail else ""
    return f"- **{_name(one.unit)}** {happens(one)}{detail}{_because(one.cause, link)}"


def _name(unit: UnitId) -> str:
    return plain(unit.spoken)


def _object(one: ObjectChange, link: Link) -> str:
    head = f"- {_SIGNS[one.change]} **{plain(object_name(one.object))}**"
    if one.change is ChangeKind.MOVED and one.before_unit is not None:
        head += f" from {_name(one.before_unit)} to {_name(one.unit)}"
    if not one.fields:
        return f"{head}{_because(one.cause, link)}"
    fields = [f"  - {_field(field)}{_because(field.cause, link)}" for field in one.fields[:_FIELDS]]
    if len(one.fields) > _FIELDS:
        fields.append(f"  - and {count(len(one.fields) - _FIELDS, 'more field')}")
    return "\n".join([head, *fields])


def _field(one: FieldChange) -> str:
    if one.redacted:
        return f"{code(one.path)} {one.change} (redacted)"
    values = {
        ChangeKind.ADDED: f"+ {cut(spelt(one.after))}",
        ChangeKind.REMOVED: f"- {cut(spelt(one.before))}",
    }.get(one.change, f"{cut(spelt(one.before))} → {cut(spelt(one.after))}")
    return f"{code(one.path or '/')} {code(values)}"


def _because(cause: Cause | Unexplained, link: Link) -> str:
    if isinstance(cause, Unexplained):
        return ""
    if cause.side is SideName.BASE:
        return f" ({code(f'{cause.span.source.file}:{cause.span.line}')} went)"
    return f" ({markdown_findings.at(cause.span, link)})"


# The rest


def _idle(lines: Iterable[Accounted]) -> list[str]:
    return [f"- {code(_lines(one))} {plain(one.reason or '')}" for one in lines if one.reach is None]


def _unrendered(answer: Impact) -> list[str]:
    rows = [
        f"- **{_name(unit)}** ({plain(', '.join(clusters))}){when}: {plain(reason)}"
        for reason, units in unknown(one for one in answer.unrendered if one.touched)
        for unit, when, clusters in units
    ]
    return [*rows, *(f"- {note}" for note in untouched(answer))]


def _add_diffs(comment: Comment, answer: Impact) -> None:
    """The diff of each object, once for all clusters on which it is the same, as long as there is room."""
    diffs = Diffs(answer)
    seen: dict[tuple[str, tuple[str, ...]], None] = {}
    for cluster in answer.clusters:
        for one in cluster.objects:
            lines = diffs.of(one)
            if lines:
                seen.setdefault((object_name(one.object), lines[2:]))
    for index, (name, body) in enumerate(seen):
        block = f"<details><summary>{plain(name)}</summary>\n\n{fenced('diff', body)}\n\n</details>"
        if not comment.add(block):
            comment.end(len(seen) - index)
            return
