"""Typed data to YAML, byte for byte as kustomize prints it (spec 16): JSON written by go-yaml v2.

Keys in natural order, indentation 2, sequences not indented, and a scalar style that go-yaml's reader takes back for
the same string; lines fold at a space past column 80.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cmp_to_key, lru_cache
from typing import Any, Final

from indexer.deferred import regex
from indexer.manifest.errors import EmitError
from indexer.manifest.gonumber import float_text, json_float_text
from indexer.manifest.node import INT, STR, Style
from indexer.manifest.scalars import resolve_11

_WIDTH: Final = 80
_LONGEST_KEY: Final = 128
"""Bytes of a key that is written as ``key:``; longer ones are written as ``? key``."""
_CACHED: Final = 200
"""Longer strings hardly occur twice."""
# Of a class of characters, the smaller half is named: compiling the other one takes as long as parsing ten files.
_NO_TEXT: Final = r"\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\U00010000-\U0010ffff"
_UNPRINTABLE: Final = regex(rf"[\0-\t\x0b-\x1f{_NO_TEXT}]")
_REFUSED: Final = regex(r"[\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS: Final = "\n\r\x85\u2028\u2029"
_BREAK: Final = regex(f"[{_BREAKS}]")
_BREAK_AND_REST: Final = regex(f"^[^{_BREAKS}]*|[{_BREAKS}][^{_BREAKS}]*")
_FOLDED_BREAKS: Final = regex(" *\x85[ \x85]*")
_NOT_PLAIN: Final = regex(
    f"---|[.]{{3}}|[ #,\\[\\]{{}}&*!|>'\"%@`]|[-?:](?:[ \t]|\\Z)|.*(?::(?:[ \t]|\\Z)|[ \t{_BREAKS}]#|[{_BREAKS}]| \\Z)",
    re.DOTALL,
)
_NOT_LITERAL: Final = regex(" (?:[\n\u2028\u2029]|\\Z)")
_NOT_SINGLE: Final = regex(" [\u2028\u2029]|[\u2028\u2029] ")
_SIXTY: Final = regex(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_ESCAPED: Final = regex(rf"[\0-\x1f\"\\\u2028\u2029{_NO_TEXT}]")
_ANY: Final = regex(".", re.DOTALL)
_ESCAPES: Final = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\xa0": "\\_", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def emit(data: Any) -> str:
    """The text of one object, without a document separator, ending in a newline.

    ``data`` is what ``to_data`` gives. Raises EmitError for a string with control characters that YAML cannot hold.
    """
    parts: list[str] = []
    _Emitter(parts.append).root(data)
    return "".join(parts)


class _Emitter:
    """Writes nodes; ``fresh`` is true where the line is empty because a literal block ended it."""

    def __init__(self, put: Callable[[str], None]) -> None:
        self.put = put
        self.fresh = True

    def root(self, data: Any) -> None:
        if isinstance(data, dict) and data:
            self.mapping(data, 0, inline=True)
        elif isinstance(data, list) and data:
            self.sequence(data, 0, inline=True)
        else:
            self.scalar(data, 0, 0)
        if not self.fresh:
            self.put("\n")

    def mapping(self, data: dict[str, Any], indent: int, *, inline: bool) -> None:
        """Writes the fields at ``indent``; ``inline``: the line already stands there."""
        put = self.put
        pad = " " * indent
        for key in _ordered(tuple(data)):
            if not inline:
                put(pad if self.fresh else "\n" + pad)
            inline = False
            self.fresh = False
            value = data[key]
            text = _key(key)
            if text is None:
                put("? ")
                self.scalar(key, indent + 2, indent + 2)
                put((pad if self.fresh else "\n" + pad) + ":")
                self.fresh = False
                self.after_key(value, indent)
                continue
            put(text + ":")
            kind = value.__class__
            if kind is dict and value:
                self.mapping(value, indent + 2, inline=False)
            elif kind is list and value:
                self.sequence(value, indent, inline=False)
            else:
                put(" ")
                self.scalar(value, indent + 2, indent + len(text) + 2)

    def after_key(self, value: Any, indent: int) -> None:
        """The value of a key in the ``? key`` form, which begins on the line of its colon."""
        self.put(" ")
        if isinstance(value, dict) and value:
            self.mapping(value, indent + 2, inline=True)
        elif isinstance(value, list) and value:
            self.sequence(value, indent + 2, inline=True)
        else:
            self.scalar(value, indent + 2, indent + 2)

    def sequence(self, data: list[Any], indent: int, *, inline: bool) -> None:
        put = self.put
        dash = " " * indent + "- "
        for item in data:
            if inline:
                put("- ")
            else:
                put(dash if self.fresh else "\n" + dash)
            inline = False
            self.fresh = False
            kind = item.__class__
            if kind is dict and item:
                self.mapping(item, indent + 2, inline=True)
            elif kind is list and item:
                self.sequence(item, indent + 2, inline=True)
            else:
                self.scalar(item, indent + 2, indent + 2)

    def scalar(self, value: Any, indent: int, column: int) -> None:
        """Writes a leaf from ``column`` on; its further lines stand at ``indent``."""
        kind = value.__class__
        if kind is str:
            style, text = _styled(value) if len(value) <= _CACHED else _choose(value)
            if style is Style.LITERAL:
                self.put(_literal(text, " " * indent))
                self.fresh = text[-1] in _BREAKS
                return
            if column + len(text) > _WIDTH or style is Style.SINGLE:
                text = _wrapped(style, text, column, " " * indent)
        elif value is None:
            text = "null"
        elif kind is bool:
            text = "true" if value else "false"
        elif kind is int:
            text = str(value)
        elif kind is float:
            text = _float(value)
        else:
            text = "{}" if kind is dict else "[]"
        self.fresh = False
        self.put(text)


@lru_cache(maxsize=1 << 13)
def _ordered(keys: tuple[str, ...]) -> tuple[str, ...]:
    if all(key.isalpha() for key in keys):
        return tuple(sorted(keys))
    return tuple(sorted(keys, key=cmp_to_key(_compare)))


def _compare(a: str, b: str) -> int:
    """go-yaml's natural order: digits by their number, letters after everything else."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x == y:
            continue
        letters = x.isalpha(), y.isalpha()
        if all(letters):
            return -1 if x < y else 1
        if any(letters):
            return -1 if letters[1] else 1
        start = 0
        if x == "0" or y == "0":
            before = a[:i]
            digits = before[len(before.rstrip("0123456789")) :] if before.isascii() else _digits_before(before)
            start = int(digits.strip("0") != "")
        (number_a, end_a), (number_b, end_b) = _number_from(a, i, start), _number_from(b, i, start)
        if number_a != number_b:
            return -1 if number_a < number_b else 1
        if end_a != end_b:
            return -1 if end_a < end_b else 1
        return -1 if x < y else 1
    return len(a) - len(b)


def _digits_before(text: str) -> str:
    start = len(text)
    while start and text[start - 1].isdecimal():
        start -= 1
    return text[start:]


def _number_from(text: str, start: int, number: int) -> tuple[int, int]:
    """The number at ``start`` and where it ends, in the 64-bit arithmetic of Go."""
    end = start
    while end < len(text) and text[end].isdecimal():
        number = number * 10 + ord(text[end]) - ord("0")
        end += 1
    return (number + (1 << 63)) % (1 << 64) - (1 << 63), end


@lru_cache(maxsize=1 << 14)
def _key(text: str) -> str | None:
    """A key as it is written before its colon; None where it needs the ``? key`` form."""
    if len(text.encode(errors="replace")) > _LONGEST_KEY or _BREAK.search(text):
        return None
    return _choose(text)[1]


def _choose(text: str) -> tuple[Style, str]:
    """The style of a string, and its text with quotes and escapes in that style."""
    if _REFUSED.search(text):
        raise EmitError("yaml: control characters are not allowed")
    if "\x85" in text:
        # The JSON that kustomize makes of an object is read as YAML, where this is a line break in a quoted scalar.
        text = _FOLDED_BREAKS.sub(lambda found: "\n" * (found[0].count("\x85") - 1) or " ", text)
    unprintable = _UNPRINTABLE.search(text) is not None
    if "\n" in text:
        if not unprintable and not _NOT_LITERAL.search(text):
            return Style.LITERAL, text
    elif resolve_11(text) == STR and not _SIXTY.match(text) and not unprintable:
        if not _NOT_PLAIN.match(text):
            return Style.PLAIN, text
        if not _NOT_SINGLE.search(text):
            return Style.SINGLE, "'" + text.replace("'", "''") + "'"
    # go-yaml looks for a byte order mark at the start of the text wherever it is in it, and so escapes all.
    escaped = _ANY if text[:1] == "\ufeff" else _ESCAPED
    return Style.DOUBLE, '"' + escaped.sub(_escape, text) + '"'


_styled = lru_cache(maxsize=1 << 15)(_choose)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    short = _ESCAPES.get(character)
    return short or (f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}")


def _wrapped(style: Style, text: str, column: int, pad: str) -> str:
    """A plain or quoted text over as many lines as it takes; all but the first begin with ``pad``."""
    if style is Style.SINGLE and _BREAK.search(text):
        pieces = _BREAK_AND_REST.findall(text)
        folded = [_fold(style, pieces[0], column, pad)]
        for piece in pieces[1:]:
            rest = piece[1:]
            indent = pad if rest and rest != "'" else ""
            folded.append(piece[0] + indent + _fold(style, rest, len(pad), pad))
        return "".join(folded)
    return _fold(style, text, column, pad)


def _fold(style: Style, text: str, column: int, pad: str) -> str:
    """Breaks a text at single spaces past the width; double quotes can do so at the first of several."""
    if column + len(text) <= _WIDTH or " " not in text:
        return text
    quote = int(style is not Style.PLAIN)
    parts = []
    start = 0
    at = text.find(" ", max(_WIDTH + 1 - column, 0))
    while at >= 0:
        more = text[at + 1 : at + 2] == " "
        if quote < at < len(text) - 1 - quote and text[at - 1] != " " and (style is Style.DOUBLE or not more):
            parts.append(text[start:at])
            parts.append("\n" + pad + ("\\" if more else ""))
            start = at + 1
            at = text.find(" ", start + max(_WIDTH + 1 - len(pad) - more, 0))
        else:
            at = text.find(" ", at + 1)
    return "".join(parts) + text[start:]


def _literal(text: str, pad: str) -> str:
    """A literal block: header and lines, without a newline that the text does not have."""
    hint = "2" if text[0] == " " or text[0] in _BREAKS else ""
    chomp = "" if text[-1] in _BREAKS else "-"
    if not chomp and (len(text) == 1 or text[-2] in _BREAKS):
        chomp = "+"
    return f"|{hint}{chomp}\n" + re.sub(f"(^|(?<=[{_BREAKS}]))(?=[^{_BREAKS}])", pad, text)


def _float(value: float) -> str:
    """A float after its way through JSON: what looks like an integer of 64 bits is printed as one."""
    text = json_float_text(value)
    if resolve_11(text) == INT:
        return "0" if text == "-0" else text
    return float_text(value)
