"""Edits that a person could make at a span: another value of the same type, in the scalar's own style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate, islice

from indexer.manifest.node import BOOL, FLOAT, INT, Scalar, unpack
from indexer.manifest.scalars import tag_of

FRESH = "zq7"
"""What no text of the corpus holds."""
_NUMBER = "4177"
_MOST = 100
"""Edits that are tried before a claim counts as wrong."""
_OPPOSITE = {"true": "false", "yes": "no", "on": "off", "y": "n"}
_WORD = re.compile(r"[A-Za-z0-9]+")
_EMPTY = ("", "null", "~", "Null", "NULL")
_CONTAINER = re.compile(r"[\w-]+:\s|- |\{.*\S|\[.*\S", re.DOTALL)
"""How a mapping or list begins."""
_OPPOSITE |= {value: key for key, value in _OPPOSITE.items()}


def edited(text: str, pos: int) -> Iterator[str]:
    """``text`` with another value at a packed position: the plainest edit first, then some for values used in part."""
    line, column, end_line, end_column = unpack(pos)
    starts = [0, *accumulate(len(row) + 1 for row in text.split("\n"))]
    first, last = starts[line] + column, min(starts[end_line] + end_column, len(text))
    raw = text[first:last]
    content = raw.rstrip()
    rest = raw[len(content) :] + text[last:]
    for value in islice(_values(content, column), _MOST):
        yield text[:first] + value + rest


def _values(text: str, column: int) -> Iterator[str]:
    quote = text[:1]
    if text in _EMPTY:
        yield from (f' "{FRESH}"', f" {{{FRESH}: {FRESH}}}", f" [{{{FRESH}: {FRESH}}}]")
    elif text.replace(" ", "") == "{}":
        yield f"{{{FRESH}: {FRESH}}}"
    elif text.replace(" ", "") == "[]":
        yield from (f"[{FRESH}]", f"[{{{FRESH}: {FRESH}}}]")
    elif _CONTAINER.match(text):
        yield _longer(text, column)
        yield from _words(text)
    elif quote in "'\"" and text[-1] == quote and len(text) > 1:
        yield from (f"{quote}{value}{quote}" for value in (text[1:-1] + FRESH, *_words(text[1:-1])))
    elif quote in "|>" and "\n" in text:
        header, _, body = text.partition("\n")
        yield from (f"{header}\n{value}" for value in (body + FRESH, *_words(body)))
    else:
        yield from _words(text)


def _longer(text: str, column: int) -> str:
    """A mapping with a field more, or a list with an item more."""
    new = FRESH if text[0] in "[-" else f"{FRESH}: {FRESH}"
    if text[0] in "[{":
        return f"{text[0]}{new}, {text[1:]}"
    return f"{'- ' if text[0] == '-' else ''}{new}\n{' ' * column}{text}"


def _words(text: str) -> Iterator[str]:
    """Another value; then every word changed, for what is used in part; then one word after the other."""
    yield _plain(text)
    yield _WORD.sub(lambda word: word[0] + FRESH, text)
    for word in _WORD.finditer(text):
        yield text[: word.end()] + FRESH + text[word.end() :]


def _plain(text: str) -> str:
    tag = tag_of(Scalar(text)) if "\n" not in text else None
    if tag == BOOL or text.lower() in _OPPOSITE:
        other = _OPPOSITE[text.lower()]
        return other.upper() if text.isupper() else other.capitalize() if text[0].isupper() else other
    if tag in (INT, FLOAT) and text[-1].isdigit():
        return text + _NUMBER
    return text + FRESH
