"""Edits that a person could make at a span: another value of the same type, in the scalar's own style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from indexer.manifest.node import BOOL, FLOAT, INT, NULL, Scalar, unpack
from indexer.manifest.scalars import tag_of

FRESH = "zq7"
"""What no text of the corpus holds."""
_NUMBER = "4177"
_OPPOSITE = {"true": "false", "yes": "no", "on": "off", "y": "n"}
_ENTRY = re.compile(r"[\w-]+:(\s|$)|\{.*\S")
"""How a mapping begins."""
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
    quote = content[:1]
    if not content:
        yield f' "{FRESH}"{raw}'
    elif content.replace(" ", "") in ("{}", "[]"):
        yield f"{{{FRESH}: {FRESH}}}" if quote == "{" else f"[{FRESH}]"
    elif _ENTRY.match(content) and content[-1] != ":":
        yield re.sub(r"(\bname: *['\"]?[\w.-]+)", lambda name: name[1] + FRESH, content, count=1) + raw[len(content) :]
    elif quote in "'\"" and content[-1] == quote and len(content) > 1:
        yield f"{content[:-1]}{FRESH}{quote}"
        yield f"{quote}{_parts(content[1:-1])}{quote}"
    elif quote in "|>" and "\n" in content:
        header, _, body = content.partition("\n")
        yield f"{content}{FRESH}{raw[len(content) :]}"
        yield f"{header}\n{_parts(body)}{raw[len(content) :]}"
    else:
        yield _plain(content) + raw[len(content) :]
        yield _parts(content) + raw[len(content) :]


def _plain(text: str) -> str:
    tag = tag_of(Scalar(text)) if "\n" not in text else None
    if tag == BOOL or text.lower() in _OPPOSITE:
        other = _OPPOSITE[text.lower()]
        return other.upper() if text.isupper() else other.capitalize() if text[0].isupper() else other
    if tag == NULL:
        return f'"{FRESH}"'
    if tag in (INT, FLOAT) and text[-1].isdigit():
        return text + _NUMBER
    return text + FRESH


def _parts(text: str) -> str:
    """Every word changed: a value may be used in part."""
    return re.sub(r"[A-Za-z0-9]+", lambda word: word[0] + FRESH, text)
