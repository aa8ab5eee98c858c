"""``blame`` as text: the rendered document, and beside each line where it was set and what it overrode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indexer.flux.model import Substitution
from indexer.git.blame import Commit
from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping, Node, leaves, pointer, unpack
from indexer.manifest.node import Sequence as List
from indexer.query.blame import Blame, Blamed, Field, Origin, Past
from indexer.query.fieldvalue import cut, spelt
from indexer.report.terminal import Terminal
from indexer.report.text import Writer, object_name, place

_GAP: Final = 2
_NARROW: Final = 24
"""Columns that the document has at least, however long the paths are."""
_PLAIN: Final = {"resource", "generator"}
"""Operations that say no more than that the line stands in the definition."""
_SHORT: Final = {"strategic merge patch": "patch", "JSON 6902 patch": "JSON patch"}
"""What is said beside a line, for operations that are met all the time."""
_SHA: Final = 10


def render(answer: Blame, terminal: Terminal, root: Path | None) -> str:
    """The text of an answer."""
    writer = Writer(terminal, root)
    for index, match in enumerate(answer.matches):
        if index:
            writer.line()
        writer.heading(object_name(match.object), f"{match.unit}  cluster {match.cluster}")
        if answer.field is None:
            _document(writer, match)
        else:
            for field in match.fields:
                _explain(writer, field)
    return str(writer)


# The document


@dataclass(frozen=True, slots=True)
class _Note:
    """One thing to say beside a line."""

    text: str
    detail: str = ""
    lost: str = ""
    """A value that was overridden: it comes first."""
    link: str | None = None


def _document(writer: Writer, match: Blamed) -> None:
    rows = match.document.removesuffix("\n").split("\n")
    beside = _beside(writer, match)
    removed = [line for lines in beside.removed.values() for line in lines]
    widths = [_width(note) for notes in (*beside.notes.values(), *(notes for _, notes in removed)) for note in notes]
    longest = max(map(len, (*rows, *(text for text, _ in removed)))) + _GAP
    column = min(longest, max(writer.terminal.width - max(widths, default=0), _NARROW))
    for number, row in enumerate(rows):
        _row(writer, row, row, beside.notes.get(number, []), column)
        for text, notes in beside.removed.get(number, []):
            _row(writer, text, writer.terminal.style(text, strikethrough=True, dim=True), notes, column)


def _width(note: _Note) -> int:
    """The columns that a note wants on its first line: its place, and a short word beside it."""
    return len(note.text) + (_GAP + len(note.detail) if 0 < len(note.detail) <= _SHA else 0)


def _row(writer: Writer, text: str, shown: str, notes: Sequence[_Note], column: int) -> None:
    """One line of the document with its notes in the second column, those that do not fit below it."""
    pending = [line for note in notes for line in _lines(writer, note, column)]
    if pending and len(text) + _GAP <= column:
        writer.line(shown + " " * (column - len(text)) + pending.pop(0))
    else:
        writer.line(shown)
    for line in pending:
        writer.line(" " * column + line)


def _lines(writer: Writer, note: _Note, column: int) -> list[str]:
    """A note on as many lines as the second column needs, each but the first indented."""
    terminal = writer.terminal
    room = terminal.width - column
    whole = len(note.detail) + _GAP <= room
    lost = note.lost if terminal.colour or not note.lost else f"was {note.lost}"
    pieces = [
        (lost, terminal.style(lost, strikethrough=terminal.colour, dim=True)),
        (note.text, terminal.link(terminal.style(note.text, fg="green"), note.link)),
        *((text, terminal.style(text, dim=True)) for text in ([note.detail] if whole else note.detail.split(" "))),
    ]
    lines, size, apart = [""], 0, 0
    for plain, shown in pieces:
        if not plain:
            continue
        if size and size + apart + len(plain) > room:
            lines.append(" " * _GAP)
            size, apart = _GAP, 0
        lines[-1] += " " * apart + shown
        size += apart + len(plain)
        apart = _GAP if plain in (lost, note.text) else 1
    return lines


@dataclass(frozen=True, slots=True)
class _Beside:
    """What to say, by the number of the document's line."""

    notes: dict[int, list[_Note]]
    removed: dict[int, list[tuple[str, list[_Note]]]]
    """Lines that are not in the document any more, below the line they follow."""


def _beside(writer: Writer, match: Blamed) -> _Beside:
    found = _Beside({}, {})
    root = parse(match.document.encode(errors="surrogateescape"), "")[0].node
    assert root is not None
    lines = {pointer(path): unpack(node.pos) for path, node in leaves(root)}
    for field in match.fields:
        if field.removed:
            line, indent = _end(root, field.path.rpartition("/")[0])
            key = field.path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            text = f"{' ' * indent}{key if writer.terminal.colour else f'# {key}'}"
            found.removed.setdefault(line, []).append((text, list(_notes(writer, field))))
        elif field.path in lines:
            first, _, last, _ = lines[field.path]
            for number, note in _spread(writer, field, first, last):
                found.notes.setdefault(number, []).append(note)
    return found


def _end(root: Node, path: str) -> tuple[int, int]:
    """The last line of the container at a JSON pointer, and how far its fields are indented."""
    node = root
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(key) or node
        elif isinstance(node, List) and key.isdigit() and int(key) < len(node.items):
            node = node.items[int(key)]
    _, column, last, end = unpack(node.pos)
    return (last if end else last - 1), column


def _spread(writer: Writer, field: Field, first: int, last: int) -> Iterator[tuple[int, _Note]]:
    """The notes of a leaf with their lines: a text of several lines has each beside its own, where those are known."""
    span = field.origin.span if field.origin is not None else None
    rows = last - first
    if rows == 0 or span is None or field.overrode or field.substitutions or field.redacted:
        yield from ((first, note) for note in _notes(writer, field))
        return
    height = span.end_line - span.line + 1
    if height not in (rows, rows + 1):
        yield from ((first, note) for note in _notes(writer, field))
        return
    for number in range(rows):
        line = span.line + number + (height - rows)
        at = f"{span.source.file}:{line}"
        yield first + 1 + number, _Note(at, _said(field.origin), link=_url(writer, field.origin))


def _notes(writer: Writer, field: Field) -> Iterator[_Note]:
    origin = field.origin
    if origin is None:
        yield _Note("", "(no line sets it)")
    else:
        said = f"removed by {_name(origin)}" if field.removed else _said(origin)
        yield _Note(place(origin.span), said, link=_url(writer, origin))
    for one in field.substitutions:
        yield _Note(place(one.span) if one.span is not None else "", f"${{{one.variable}}} {one.supplied_by}")
    for past in field.overrode:
        at = place(past.origin.span) if past.origin is not None else ""
        yield _Note(at, _said(past.origin), cut(_shown(past)), _url(writer, past.origin))


def _name(origin: Origin) -> str:
    return _SHORT.get(origin.operation, origin.operation)


def _said(origin: Origin | None) -> str:
    """The operation, where it is not the plain definition."""
    return "" if origin is None or origin.operation in _PLAIN else _name(origin)


def _url(writer: Writer, origin: Origin | None) -> str | None:
    if origin is None or origin.span.source.repository is not None:
        return None
    return writer.file_url(origin.span.source.file)


def _shown(one: Field | Past) -> str:
    return "(redacted)" if one.redacted else spelt(one.value)


# One field


def _explain(writer: Writer, field: Field) -> None:
    writer.line()
    writer.line(writer.terminal.style(field.path or "/", bold=True))
    if field.removed:
        writer.entries("value", [("(removed)", "", None)])
        _origin(writer, "removed by", field.origin)
    else:
        writer.entries("value", [(_shown(field), "", None)])
        _origin(writer, "set by", field.origin)
    _variables(writer, field.substitutions)
    for past in field.overrode:
        lost = writer.terminal.style(_shown(past), strikethrough=True)
        writer.entries("overrode", [(lost, "", None)])
        _origin(writer, "set by", past.origin)


def _origin(writer: Writer, label: str, origin: Origin | None) -> None:
    if origin is None:
        writer.entries(label, [("no line: it is a default, or the build made it", "", None)])
        return
    rows = [(place(origin.span), origin.operation, _url(writer, origin))]
    if origin.entry is not None and origin.entry != origin.span:
        rows.append((place(origin.entry), "calls it", writer.file_url(origin.entry.source.file)))
    writer.entries(label, rows, fg="green")
    if origin.commit is not None:
        writer.entries("last commit", [_commit(origin.commit)])


def _commit(commit: Commit) -> tuple[str, str, None]:
    return f"{commit.sha[:_SHA]}  {commit.author}, {commit.date[:10]}", f'"{commit.subject}"', None


def _variables(writer: Writer, substitutions: Sequence[Substitution]) -> None:
    rows = []
    for one in substitutions:
        where = f"  {place(one.span)}" if one.span is not None else ""
        rows.append((f"${{{one.variable}}}", f"{one.supplied_by}{where}{'  (hidden)' if one.redacted else ''}", None))
    writer.entries("variables", rows)
