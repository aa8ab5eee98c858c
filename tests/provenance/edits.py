"""Edits that a person could make at a span: another value of the same type, in the scalar's own style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from indexer.manifest.node import BOOL, FLOAT, INT, Scalar, unpack
from indexer.manifest.scalars import tag_of

FRESH = "zq7"
"""What no text of the corpus holds."""
_NUMBER = "4177"
_OPPOSITE = {"true": "false", "yes": "no", "on": "off", "y": "n"}
_WORD = re.compile(r"[A-Za-z0-9]+")
_EMPTY = ("", "null", "~", "Null", "NULL")
_NAME = re.compile(r"(\bname: *['\"]?[\w.-]+)")
_ENTRY = re.compile(r"[\w-]+:\s|- |\{.*\S|\[.*\S", re.DOTALL)
"""How a mapping or list begins."""
_OPPOSITE |= {value: key for key, value in _OPPOSITE.items()}


def edited(text: str, pos: int) -> Iterator[str]:
    """``text`` with another value at a packed position: the plainest edit first, then some for values used in part."""
    line, column, end_line, end_column = unpack(pos)
    starts = [0, *accumulate(len(row) + 1 for row in text.split("\n"))]
    first, last = starts[line] + column, min(starts[end_line] + end_column, len(text))
    before, raw, after = text[:first], text[first:last], text[last:]
    for value in _values(raw):
        yield before + value + after


def _values(raw: str) -> Iterator[str]:
    content = raw.rstrip()
    quote, rest = content[:1], raw[len(content) :]
    if content in _EMPTY:
        yield from (f' "{FRESH}"{rest}', f" {{{FRESH}: {FRESH}}}{rest}", f" [{{{FRESH}: {FRESH}}}]{rest}")
    elif content.replace(" ", "") in ("{}", "[]"):
        yield from (f"{{{FRESH}: {FRESH}}}",) if quote == "{" else (f"[{FRESH}]", f"[{{{FRESH}: {FRESH}}}]")
    elif _ENTRY.match(content):
        yield from (value + rest for value in _entries(content))
    elif quote in "'\"" and content[-1] == quote and len(content) > 1:
        yield from (f"{quote}{value}{quote}" for value in (content[1:-1] + FRESH, *_words(content[1:-1])))
    elif quote in "|>" and "\n" in content:
        header, _, body = content.partition("\n")
        yield from (f"{header}\n{value}{rest}" for value in (body + FRESH, _parts(body)))
    else:
        yield from (value + rest for value in _words(content))


def _entries(text: str) -> Iterator[str]:
    """A mapping with another field, or called otherwise."""
    if text[0] == "{":
        yield f"{{{FRESH}: {FRESH}, {text[1:]}"
    elif text[0] == "[":
        yield f"[{FRESH}, {text[1:]}"
    yield _NAME.sub(lambda name: name[1] + FRESH, text, count=1)


def _words(text: str) -> Iterator[str]:
    yield _plain(text)
    yield _parts(text)
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


def _parts(text: str) -> str:
    """Every word changed: a value may be used in part."""
    return _WORD.sub(lambda word: word[0] + FRESH, text)
