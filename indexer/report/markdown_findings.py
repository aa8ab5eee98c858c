"""Findings as Markdown, and the comment of ``check``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from indexer.manifest.node import Span
from indexer.query.check import Checked
from indexer.query.findings import Finding, Grouped, Severity, grouped
from indexer.query.gate import Gate
from indexer.query.rules.catalogue import Rule
from indexer.report.markdown import Comment, code, plain
from indexer.report.text import count

Link = Callable[[Span], str | None]
"""The page of the forge that shows a span; None where there is none."""
_SIGNS: Final = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "💡"}
_RELATED: Final = 5


def check(answer: Checked, rules: Mapping[str, Rule], gate: Gate, link: Link, clusters: Sequence[str] = ()) -> str:
    """The comment of ``check``; with ``clusters``, one about these alone."""
    comment = Comment("fluxidx check", clusters)
    found = grouped(answer.findings)
    sign = "❌" if gate.fails(answer.findings) else "✅"
    comment.add(f"{sign} **fluxidx check**: {tally(found) or 'nothing found'} in {names(answer.clusters)}")
    add(comment, answer.findings, rules, link)
    if answer.unjudged:
        references = count(sum(one.references for one in answer.unjudged), "reference")
        namespaces = count(len(answer.unjudged), "namespace")
        comment.add(f"_Not judged: {references} into {namespaces} with charts that are not rendered._")
    return str(comment)


def tally(found: Iterable[Grouped]) -> str:
    """``1 error, 2 notes``; empty where there is nothing."""
    severities = [one.finding.severity for one in found]
    return ", ".join(count(severities.count(one), one) for one in Severity if one in severities)


def names(clusters: Sequence[str]) -> str:
    """``cluster prod``, ``clusters prod, test``, or how many there are."""
    if len(clusters) > _FEW:
        return f"{len(clusters)} clusters"
    return f"cluster{'s' if len(clusters) != 1 else ''} {', '.join(map(plain, clusters))}"


_FEW: Final = 4


def add(comment: Comment, findings: Iterable[Finding], rules: Mapping[str, Rule], link: Link) -> None:
    """Errors and warnings by rule, then the notes, folded."""
    found = grouped(findings)
    groups: dict[tuple[Severity, str], list[Grouped]] = {}
    for one in found:
        if one.finding.severity is not Severity.NOTE:
            groups.setdefault((one.finding.severity, one.finding.rule), []).append(one)
    for (severity, rule), same in groups.items():
        title = f"**{_SIGNS[severity]} {rule}** {plain(rules[rule].summary)}"
        comment.section(title, (_line(one, link) for one in same))
    notes = [one for one in found if one.finding.severity is Severity.NOTE]
    title = f"{_SIGNS[Severity.NOTE]} {count(len(notes), 'note')}"
    comment.section(title, (_line(one, link, named=True) for one in notes), folded=True)


def _line(group: Grouped, link: Link, *, named: bool = False) -> str:
    one = group.finding
    where = [f"{at(one.span, link)}"] if one.span is not None else []
    where += [f"({names(group.clusters)})"] if group.clusters else []
    rule = f"**{one.rule}** " if named else ""
    text = f"- {rule}{' '.join(where)} {plain(one.told)}"
    related = [at(span, link) for span in one.related[:_RELATED]]
    if related:
        more = f" and {len(one.related) - _RELATED} more" if len(one.related) > _RELATED else ""
        text += f" (see {', '.join(related)}{more})"
    return text


def at(span: Span, link: Link) -> str:
    """``file:line``, as a link where the forge has a page for it."""
    text = code(f"{span.source.file}:{span.line}")
    url = link(span)
    return f"[{text}]({url})" if url is not None else text
