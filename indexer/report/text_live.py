"""``where --live`` as text: the lines of the commit that was applied, then what the cluster says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import Final

from indexer.cluster.model import Condition, LiveSource, LiveUnit, Trouble, Unreadable
from indexer.deferred import regex
from indexer.query.answers import Match, Where
from indexer.query.applied import Applied, Branch, Change
from indexer.query.differing import Differing
from indexer.query.fieldvalue import shown
from indexer.query.live import Asked, Live, LiveWhere
from indexer.query.livefields import Absent
from indexer.query.trace import Mark, MarkKind, Trace
from indexer.report import text_where
from indexer.report.terminal import Terminal
from indexer.report.text import INDENT, LABEL, Writer, count, object_name, place

_HASH: Final = regex(r"\b([0-9a-f]{10})[0-9a-f]{30,54}\b")
_RECENT: Final = 60
"""Seconds after which an answer has an age."""


def render(answer: LiveWhere, terminal: Terminal, root: Path | None, *, verbose: bool = False) -> str:
    """The text of an answer."""
    writer = Writer(terminal, root)
    for one in answer.matches:
        if one.live is not None:
            _match(writer, one.match, one.live, verbose=verbose)
            writer.line()
    rest = [one.match for one in answer.matches if one.live is None and one.match is not None]
    if any(one.live is not None for one in answer.matches):
        _elsewhere(writer, rest)
    elif rest:
        # No cluster had anything to say: then the branch's own answer is what there is.
        writer.line(text_where.render(Where(answer.query, tuple(rest)), terminal, root, verbose=verbose))
        writer.line()
    for asked in answer.clusters:
        _cluster(writer, asked)
    return str(writer).rstrip("\n")


def _match(writer: Writer, match: Match | None, live: Live, *, verbose: bool) -> None:
    place = f"context {live.context}"
    writer.heading(object_name(live.object), f"cluster {match.cluster}, {place}" if match is not None else place)
    if match is not None:
        if match.object.key != live.object.key:
            writer.entries("made by", [(object_name(match.object), "its lines decide what it is", None)])
        text_where.details(writer, match, verbose=verbose)
    _live(writer, live, defined=match is not None)


def _elsewhere(writer: Writer, matches: Sequence[Match]) -> None:
    """Clusters that the code deploys to and that were not asked: a line for each object."""
    rows = [(object_name(one.object), f"on cluster {one.cluster}, which was not asked") for one in matches]
    for name, where in dict.fromkeys(rows):
        writer.line(f"{name} is also defined {where}.")
    if rows:
        writer.line()


def age(read_at: str, now: datetime | None = None) -> str:
    """How long ago an answer was true: ``3 hours ago``; empty where that was just now."""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(read_at)).total_seconds()
    if seconds < _RECENT:
        return ""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{count(int(seconds // length), unit)} ago"
    return ""


def unread(writer: Writer, lost: Iterable[Unreadable]) -> None:
    """What an answer lacks."""
    writer.entries("not seen", [(one.what, one.reason, None) for one in lost], fg="yellow")


def _cluster(writer: Writer, asked: Asked) -> None:
    """What is to be said of a cluster as a whole; nothing where it is as expected."""
    matched = asked.matched
    old = age(asked.read_at)
    if not (matched.mismatches or asked.unreadable or old):
        return
    silent = any(one.trouble in (Trouble.UNREACHABLE, Trouble.UNAUTHORIZED) for one in asked.unreadable)
    name = f"is {matched.cluster}" if matched.cluster else "not asked" if silent else "none of this repository"
    writer.heading(f"Context {matched.context}", name)
    if old:
        writer.entries("read", [(old, asked.read_at, None)], fg="yellow")
    label = "but" if matched.cluster is not None else "because"
    if not silent:
        _sentences(writer, label, matched.mismatches)
    unread(writer, asked.unreadable)
    writer.line()


def _live(writer: Writer, live: Live, *, defined: bool) -> None:
    if live.metadata is None:
        missing = "not to be seen" if live.unreadable else "not in the cluster"
        writer.entries("live", [(missing, "", None)], fg="red")
    elif live.trace is not None:
        _controller(writer, live, live.trace, defined=defined)
    _applied(writer, live.applied, live.branch)
    writer.entries("differs", [_field(field) for field in live.fields], fg="yellow")
    _sentences(writer, "disagree", live.disagreements)
    unread(writer, live.unreadable)


def _sentences(writer: Writer, label: str, texts: Iterable[str]) -> None:
    width = writer.terminal.width - INDENT - LABEL
    rows: list[tuple[str, str, str | None]] = [(line, "", None) for text in texts for line in wrap(text, width)]
    writer.entries(label, rows, fg="yellow")


def _controller(writer: Writer, live: Live, traced: Trace, *, defined: bool) -> None:
    """What controls the object, and what that one says of itself and of its source."""
    arrow = writer.terminal.glyph("← ", "< ")
    rows: list[tuple[str, str, str | None]] = [(f"{arrow}{object_name(owner.id)}", "", None) for owner in traced.owners]
    writer.entries("owned by", rows)
    if live.controlled_from is not None:
        writer.entries("live", [(f"managed from cluster {live.controlled_from}", "labels", None)], fg="green")
    elif live.unit is None:
        word = "not managed by Flux" if not traced.release else "not managed by Flux, but by Helm"
        writer.entries("live", [(word, "" if defined else "and no code here defines it", None)], fg="red")
    else:
        by = f"managed by {live.unit.id.spoken}"
        writer.entries("live", [(by, _marks(traced.marks, live.unit), None)], fg="green")
        _unit(writer, live.unit)
    if live.chart is not None:
        _source(writer, live.chart)
    if live.source is not None:
        _source(writer, live.source)
    if traced.release is not None:
        one = traced.release
        text = f"{one.namespace}/{one.name} revision {one.number}"
        writer.entries("release", [(text, one.status, None)])
    origins = [mark.says for mark in traced.marks if mark.kind is MarkKind.ORIGIN]
    writer.entries("origin", [(text, "annotation of kustomize", None) for text in origins])


def _marks(marks: Iterable[Mark], unit: LiveUnit) -> str:
    return ", ".join(dict.fromkeys(mark.kind.value for mark in marks if mark.unit == unit.id))


def _unit(writer: Writer, unit: LiveUnit) -> None:
    if unit.target_namespace:
        writer.entries("target", [(unit.target_namespace, "", None)])
    if unit.suspended:
        writer.entries("suspended", [("yes", "nothing is applied until it is resumed", None)], fg="yellow")
    _status(writer, unit.ready)


def _source(writer: Writer, source: LiveSource) -> None:
    facts = (source.chart, source.version, source.url, source.ref)
    name = f"{source.id.kind} {source.id.namespace}/{source.id.name}"
    rows: list[tuple[str, str, str | None]] = [(name, "  ".join(filter(None, facts)), None)]
    if source.revision:
        rows.append((f"holds {short(source.revision)}", "", None))
    if source.origin_url or source.origin_revision:
        origin = "  ".join(filter(None, (source.origin_url, short(source.origin_revision or ""))))
        rows.append(("made of", origin, None))
    writer.entries("from", rows)
    _status(writer, source.ready, "")


def _status(writer: Writer, state: Condition | None, label: str = "status") -> None:
    if state is None:
        writer.entries(label, [("unknown", "its controller has not looked at it yet", None)], fg="yellow")
        return
    words = {"True": "ready", "False": "failed"}.get(state.status, "in progress")
    colour = {"True": "green", "False": "red"}.get(state.status, "yellow")
    writer.entries(label, [(f"{words} since {state.since}", short(state.message), None)], fg=colour)


def _applied(writer: Writer, applied: Applied | None, branch: Branch | None) -> None:
    """The revision that decides, what became of a newer one, and what the branch says."""
    if applied is None:
        return
    writer.entries("applied", [(short(applied.revision or "nothing yet"), applied.reason or "", None)])
    if applied.failure is not None:
        writer.entries("newer", [(short(applied.failure), "", None)], fg="red")
    if branch is not None:
        text, colour = _branch(branch)
        writer.entries("branch", [(text, _distance(branch), None)], fg=colour)


def _branch(branch: Branch) -> tuple[str, str]:
    where = place(branch.definition) if branch.definition is not None else "lines that are not known"
    match branch.change:
        case Change.SAME:
            return "the same on the branch", "green"
        case Change.MOVED:
            return f"moved to {where} on the branch", "green"
        case Change.CHANGED:
            return f"changed on the branch: {where}", "yellow"
        case Change.DELETED:
            return "deleted on the branch", "red"
    return f"only on the branch: {where}", "yellow"


def _distance(branch: Branch) -> str:
    parts = []
    if branch.ahead:
        parts.append(f"{count(branch.ahead, 'commit')} not applied yet")
    if branch.behind:
        parts.append(f"{count(branch.behind, 'commit')} of the cluster not on the branch")
    return ", ".join(parts)


def _field(one: Differing) -> tuple[str, str, str | None]:
    field = one.field
    live = "nothing" if isinstance(field.live, Absent) else shown(field.live)
    if field.writers:
        writer = field.writers[0]
        who = f"written by {writer.manager} ({writer.operation}) {writer.time}".rstrip()
    else:
        who = "by whom is not recorded"
    where = f" ({place(one.span)})" if one.span is not None else ""
    return field.pointer, f"Git says {shown(field.rendered)}{where}, the cluster {live}: {who}", None


def short(text: str) -> str:
    """A text with its commits and digests cut to ten digits."""
    return _HASH.sub(r"\1", text)
