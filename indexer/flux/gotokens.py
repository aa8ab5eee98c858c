"""The words of a Go template with the delimiters ``<<`` and ``>>``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from indexer.deferred import dataclass, regex


class TemplateError(Exception):
    """A template that Go refuses too; ``offset`` is where in its text."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal text of a template, or the inside of an action."""

    text: str
    start: int
    """Where it begins in the template: a literal's first character, an action's ``<<``."""
    end: int
    is_action: bool
    inside: int = 0
    """Where an action's text begins."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an action. ``joined``: no space stands before it."""

    kind: str
    text: str
    value: Any
    start: int
    joined: bool


_LEFT: Final = "<<"
_RIGHT: Final = ">>"
_SPACE: Final = " \t\r\n"
_COMMENT: Final = regex(r"<<(?:-[ \t\r\n])?[ \t\r\n]*/\*")
_END: Final = regex(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|\'(?:\\.|[^\'\\\n])+\'|>>|["`]', re.DOTALL)
_TOKEN: Final = regex(
    r"""
    (?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`) |
    (?P<char>'(?:\\.|[^'\\\n])+') |
    (?P<number>[-+]?(?:
        0[xX][0-9a-fA-F_]+ | 0[bB][01_]+ | 0[oO][0-7_]+ | (?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?
    )) |
    (?P<field>\.[^\W\d]\w*) |
    (?P<variable>\$\w*) |
    (?P<name>[^\W\d]\w*) |
    (?P<declare>:=) | (?P<assign>=) | (?P<comma>,) | (?P<pipe>\|) | (?P<open>\() | (?P<close>\)) | (?P<dot>\.)
    """,
    re.VERBOSE,
)
_ESCAPE: Final = regex(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def lex(text: str) -> Iterator[Piece]:
    """The literals and actions of a template; white space next to ``<<-`` and ``->>`` is left out."""
    at = 0
    trim = False
    while True:
        left = text.find(_LEFT, at)
        end = len(text) if left < 0 else left
        opens_trimmed = left >= 0 and text[left + 2 : left + 3] == "-" and text[left + 3 : left + 4] in tuple(_SPACE)
        first, last = at, end
        if trim:
            while first < last and text[first] in _SPACE:
                first += 1
        if opens_trimmed:
            while last > first and text[last - 1] in _SPACE:
                last -= 1
        if first < last:
            yield Piece(text[first:last], first, last, is_action=False)
        if left < 0:
            return
        inside = left + (4 if opens_trimmed else 2)
        right, is_comment = _close(text, left, inside)
        trim = text[right - 1] == "-" and text[right - 2] in _SPACE and right - 2 >= inside - 1
        at = right + 2
        if not is_comment:
            yield Piece(text[inside : right - 1 if trim else right], left, at, is_action=True, inside=inside)


def _close(text: str, left: int, inside: int) -> tuple[int, bool]:
    """Where the ``>>`` of an action stands, and whether the action is a comment."""
    if _COMMENT.match(text, left):
        end = text.find("*/", inside)
        right = text.find(_RIGHT, end)
        if end < 0 or right < 0 or text[end + 2 : right].strip(_SPACE) not in ("", "-"):
            raise TemplateError("unclosed comment", left)
        return right, True
    for match in _END.finditer(text, inside):
        if match[0] == _RIGHT:
            return match.start(), False
        if len(match[0]) == 1:
            raise TemplateError("unterminated quoted string", match.start())
    raise TemplateError("unclosed action", left)


def tokens(piece: Piece) -> Iterator[Token]:
    """The words of an action. Raises TemplateError."""
    text, at, spaced = piece.text, 0, True
    while at < len(text):
        if text[at] in _SPACE:
            at, spaced = at + 1, True
            continue
        match = _TOKEN.match(text, at)
        start = piece.inside + at
        if match is None:
            raise TemplateError(f"unexpected {text[at]!r} in an action", start)
        kind = match.lastgroup or ""
        yield _token(kind, match[0], start, joined=not spaced)
        at, spaced = match.end(), False


def _token(kind: str, text: str, start: int, *, joined: bool) -> Token:
    value: Any = text
    if kind == "string":
        value = text[1:-1] if text[0] == "`" else unquoted(text[1:-1])
    elif kind == "char":
        kind, value = "number", ord(unquoted(text[1:-1])[:1])
    elif kind == "number":
        plain = text.replace("_", "")
        try:
            value = int(plain, 0 if plain.lstrip("+-")[:1] == "0" and len(plain.lstrip("+-")) > 1 else 10)
        except ValueError:
            try:
                value = float(plain)
            except ValueError:
                raise TemplateError(f"bad number syntax: {text}", start) from None
    elif kind == "field":
        value = text[1:]
    return Token(kind, text, value, start, joined)


def unquoted(text: str) -> str:
    """The text between the quotes of a Go string."""

    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code:
            return chr(int(code, 16))
        return chr(int(match[4], 8)) if match[4] else _ESCAPED.get(match[5], match[5])

    return _ESCAPE.sub(one, text)
