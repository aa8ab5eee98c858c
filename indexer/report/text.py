"""Answers for a person: at home on 80 columns, every position as a clickable ``file:line``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from indexer.deferred import regex
from indexer.git.text import storable

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.flux.identity import ObjectId
    from indexer.manifest.provenance import Span
    from indexer.report.terminal import Terminal

INDENT: Final = 2
LABEL: Final = 13
"""Columns of the label that begins each line of an answer."""
SELF_EVIDENT: Final = {"resource", "resources entry", "generator"}
"""Operations whose names say no more than their role does."""


class Writer:
    """Lines of text in columns; it knows the terminal, so that no report has to."""

    def __init__(self, terminal: Terminal, root: Path | None) -> None:
        self.terminal = terminal
        self._root = root
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def line(self, text: str = "") -> None:
        """Ends a line. What a repository or a cluster has put into ``text`` reaches no terminal as a command."""
        text = text.rstrip()
        self._lines.append(text if text.isprintable() else self._tame(text))

    def _tame(self, text: str) -> str:
        """``text`` with its control characters spelled out, but for those of the terminal's colours and links."""
        if not (self.terminal.colour or self.terminal.links):
            return storable(text)
        return "".join(part if index % 2 else storable(part) for index, part in enumerate(_STYLED.split(text)))

    def heading(self, left: str, right: str) -> None:
        """A bold title, with ``right`` at the right margin where both fit."""
        gap = self.terminal.width - len(left) - len(right)
        bold = self.terminal.style(left, bold=True)
        dim = self.terminal.style(right, fg="cyan")
        self.line(f"{bold}{' ' * gap}{dim}" if gap >= 2 else f"{bold}  {dim}")

    def entries(self, label: str, rows: Sequence[tuple[str, str, str | None]], **style: Any) -> None:
        """Rows of (text, detail, link of the text) under one label; details share a column where they fit into it."""
        start = INDENT + LABEL
        column = max((len(text) for text, _, _ in rows), default=0) + 2
        fits = all(start + column + len(detail) <= self.terminal.width for _, detail, _ in rows)
        for index, (text, detail, link) in enumerate(rows):
            head = f"{label if index == 0 else '':<{LABEL}}"
            shown = self.terminal.link(self.terminal.style(text, **style), link)
            grey = self.terminal.style(detail, dim=True)
            if fits and detail:
                self.line(f"{'':{INDENT}}{self.label(head)}{shown}{' ' * (column - len(text))}{grey}")
            else:
                self.line(f"{'':{INDENT}}{self.label(head)}{shown}")
                if detail:
                    self.wrapped(detail, start + 2, dim=True)

    def wrapped(self, text: str, indent: int, **style: Any) -> None:
        """Words on as many lines as they need."""
        line = ""
        for word in text.split(" "):
            if line and indent + len(line) + 1 + len(word) > self.terminal.width:
                self.line(" " * indent + self.terminal.style(line, **style))
                line = word
            else:
                line = f"{line} {word}" if line else word
        self.line(" " * indent + self.terminal.style(line, **style))

    def label(self, text: str) -> str:
        return self.terminal.style(text, fg="blue")

    def file_url(self, file: str) -> str | None:
        """A ``file:`` URL of a file of the indexed repository, where the terminal can follow it."""
        if self._root is None or not self.terminal.links:
            return None
        from urllib.parse import quote

        return f"file://{quote(str(self._root / file), errors='surrogateescape')}"


_STYLED: Final = regex(r"(\x1b\[(?:[01249]|[39][0-7])m|\x1b\]8;;[^\x1b]*\x1b\\)")
"""What ``Terminal.style`` and ``Terminal.link`` put around a text."""


def one_line(name: str) -> str:
    """A name as a line of text can hold it."""
    return name.replace("\n", "\\n")


def position(file: str, repository: str | None, lines: Iterable[tuple[int, int]]) -> str:
    """``file:12``, ``file:3-9`` or ``file:3-9,12``; runs of lines are joined."""
    runs: list[list[int]] = []
    for first, last in sorted(lines):
        if runs and first <= runs[-1][1] + 1:
            runs[-1][1] = max(runs[-1][1], last)
        else:
            runs.append([first, last])
    shown = [f"{first}" if first == last else f"{first}-{last}" for first, last in runs[:_RUNS]]
    more = ",…" if len(runs) > _RUNS else ""
    elsewhere = f"  ({repository})" if repository else ""
    return f"{one_line(file)}:{','.join(shown)}{more}{elsewhere}"


_RUNS: Final = 4


def place(span: Span) -> str:
    return position(span.source.file, span.source.repository, [(span.line, span.end_line)])


def object_name(value: ObjectId) -> str:
    """``Deployment shop/api``."""
    return one_line(value.spoken)


def through_kube_config(applied_by: str | None) -> str:
    """What to say behind a unit that another cluster's Flux applies from there."""
    return f"  (applied by {applied_by} through kubeConfig)" if applied_by else ""


def some(texts: Sequence[str], room: int) -> str:
    """As many of ``texts`` as fit into ``room`` columns, at least one, and how many more there are."""
    shown = ""
    for index, text in enumerate(texts):
        rest = len(texts) - index - 1
        longer = f"{shown}, {text}" if shown else text
        if shown and len(longer) + (len(f" +{rest}") if rest else 0) > room:
            return f"{shown} +{rest + 1}"
        shown = longer
    return shown


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
