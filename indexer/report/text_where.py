"""``where`` as text: the definition, what changed it, what deploys it, who wrote it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from indexer.manifest.provenance import Role
from indexer.report.text import (
    INDENT,
    LABEL,
    SELF_EVIDENT,
    Writer,
    count,
    object_name,
    place,
    position,
    some,
    through_kube_config,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.manifest.provenance import Contribution
    from indexer.query.answers import Match, Where
    from indexer.report.terminal import Terminal

LIST_FROM: Final = 11
"""This many matches are listed by one line each, unless all details are asked for."""

_FIELD_LINES: Final = 2
"""Lines that the fields of one change may take, unless all details are asked for."""
_SHORT: Final = 10
_SHA: Final = "[0-9a-f]{40,64}"

_LABELS: Final = {
    Role.DEFINES: "defined",
    Role.GENERATES: "generated",
    Role.CONFIGURES: "listed",
    Role.PATCHES: "patched",
    Role.TRANSFORMS: "transformed",
    Role.REPLACES: "replaced",
    Role.VALUES: "values",
    Role.SUBSTITUTES: "substituted",
}
_ORDER: Final = list(_LABELS)


def render(answer: Where, terminal: Terminal, root: Path | None, *, verbose: bool = False) -> str:
    """The text of an answer."""
    writer = Writer(terminal, root)
    if len(answer.matches) >= LIST_FROM and not verbose:
        _list(writer, answer.matches)
    else:
        for index, match in enumerate(answer.matches):
            if index:
                writer.line()
            _match(writer, match, verbose=verbose)
    return str(writer)


def _list(writer: Writer, matches: Sequence[Match]) -> None:
    for cluster in dict.fromkeys(match.cluster for match in matches):
        here = [match for match in matches if match.cluster == cluster]
        writer.heading(f"{count(len(here), 'object')}", f"cluster {cluster}")
        for match in here:
            where = place(match.definition) if match.definition else f"made by {match.unit}"
            link = writer.file_url(match.definition.source.file) if match.definition else None
            writer.line(f"  {object_name(match.object)}")
            writer.line(f"    {writer.terminal.link(writer.terminal.style(where, fg='green'), link)}")
    writer.line()
    writer.line(writer.terminal.style("Narrow the question, or ask with -v, for everything about each.", dim=True))


def _match(writer: Writer, match: Match, *, verbose: bool) -> None:
    writer.heading(object_name(match.object), f"cluster {match.cluster}")
    details(writer, match, verbose=verbose)


def details(writer: Writer, match: Match, *, verbose: bool) -> None:
    """Everything about one object but its name."""
    changes = [one for one in match.contributions if one.role is not Role.DEPLOYS and not _said(one, match)]
    for role in _ORDER:
        _changes(writer, _LABELS[role], [one for one in changes if one.role is role], verbose=verbose)
    _variables(writer, match)
    _deployment(writer, match)
    _origin(writer, match)
    writer.entries("unresolved", [(hop.hop, hop.reason, None) for hop in match.unresolved], fg="yellow")


def _said(one: Contribution, match: Match) -> bool:
    """Whether an entry that calls something holds, in its own lines, what it put in place: that is shown anyway."""
    return one.role is Role.CONFIGURES and any(
        other is not one
        and other.span.source == one.span.source
        and one.span.line <= other.span.line <= other.span.end_line <= one.span.end_line
        for other in match.contributions
        if other.role not in (Role.CONFIGURES, Role.DEPLOYS)
    )


def _changes(writer: Writer, label: str, changes: Sequence[Contribution], *, verbose: bool) -> None:
    """The contributions of one role; those of one operation in one document are one row."""
    groups: dict[tuple[object, ...], list[Contribution]] = {}
    for one in changes:
        groups.setdefault((one.operation, one.span.source, one.overridden), []).append(one)
    rows = []
    for group in groups.values():
        first = group[0]
        fields = [field for one in group for field in one.fields if field]
        lines = [(one.span.line, one.span.end_line) for one in group]
        text = position(first.span.source.file, first.span.source.repository, lines)
        words = [] if first.operation in SELF_EVIDENT else [first.operation]
        if first.overridden:
            words.append("overridden later")
        if fields:
            room = _FIELD_LINES * (writer.terminal.width - INDENT - LABEL - 2) - len("  ".join(words))
            words.append(some(list(dict.fromkeys(fields)), 1 << 20 if verbose else room))
        link = None if first.span.source.repository else writer.file_url(first.span.source.file)
        rows.append((text, "  ".join(words), link))
    writer.entries(label, rows, fg="green")


def _variables(writer: Writer, match: Match) -> None:
    rows = []
    for one in match.substitutions:
        where = f"  {place(one.span)}" if one.span else ""
        link = writer.file_url(one.span.source.file) if one.span and not one.span.source.repository else None
        rows.append((f"${{{one.variable}}}", f"{one.supplied_by}{where}{'  (hidden)' if one.redacted else ''}", link))
    writer.entries("variables", rows)


def _deployment(writer: Writer, match: Match) -> None:
    """The unit, the units above it, and the source they read."""
    rows = []
    for index, link in enumerate(match.chain):
        entry = "  (entry point)" if index == len(match.chain) - 1 else ""
        entry += through_kube_config(match.applied_by) if index == 0 else ""
        arrow = writer.terminal.glyph("← ", "< ") if index else ""
        where = place(link.definition) if link.definition else "definition unknown"
        url = writer.file_url(link.definition.source.file) if link.definition else None
        rows.append((f"{arrow}{link.unit.kind} {link.unit.namespace}/{link.unit.name}{entry}", where, url))
    writer.entries("deployed by", rows)
    if match.chain[0].path:
        writer.entries("path", [(match.chain[0].path, "", None)])
    source = match.source
    if source is not None:
        detail = "  ".join(filter(None, (source.url, source.ref)))
        writer.entries("source", [(f"{source.kind} {source.namespace}/{source.name}", detail, None)])


def _origin(writer: Writer, match: Match) -> None:
    writer.entries("revision", [(re.sub(_SHA, lambda sha: sha[0][:_SHORT], match.revision), "", None)])
    if match.commit is not None:
        sha = match.commit.sha[:_SHORT]
        who = f"{match.commit.author}, {match.commit.date[:10]}"
        writer.entries("last commit", [(f"{sha}  {who}", f'"{match.commit.subject}"', None)])
    if match.link is not None:
        writer.entries("link", [(match.link, "", match.link)], underline=writer.terminal.colour or None)
