"""What Go's and slim-sprig's functions do with texts."""

from __future__ import annotations

import re
from typing import Any, Final

from indexer.deferred import regex
from indexer.flux.govalues import FunctionError, Unsupported, strval


def text_of(data: Any) -> str:
    if not isinstance(data, str):
        raise FunctionError(f"wrong type for value; expected string; got {type_of(data)}: convert it with toString")
    return data


def type_of(data: Any) -> str:
    names = {bool: "bool", int: "int64", float: "float64", str: "string", type(None): "nil"}
    return names.get(type(data)) or ("map[string]interface {}" if isinstance(data, dict) else "[]interface {}")


def quoted(text: str) -> str:
    """``%q``."""
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\a": "\\a", "\b": "\\b", "\f": "\\f",
             "\v": "\\v"}  # fmt: skip

    def one(character: str) -> str:
        if character in short:
            return short[character]
        code = ord(character)
        if character.isprintable():
            return character
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    return '"' + "".join(map(one, text)) + '"'


def _cut(text: str, first: int | None, last: int | None) -> str:
    """A slice by bytes, as Go counts."""
    return text.encode(errors="surrogateescape")[first:last].decode(errors="surrogateescape")


def trunc(count: int, text: str) -> str:
    size = len(text_of(text).encode(errors="surrogateescape"))
    if count < 0:
        return _cut(text, size + count, None) if size + count > 0 else text
    return _cut(text, None, count) if size > count else text


def substr(start: int, end: int, text: str) -> str:
    size = len(text_of(text).encode(errors="surrogateescape"))
    if start < 0:
        return _cut(text, None, end)
    return _cut(text, start, None if end < 0 or end > size else end)


def strip_suffix(suffix: str, text: str) -> str:
    return text_of(text).removesuffix(suffix)


def strip_prefix(prefix: str, text: str) -> str:
    return text_of(text).removeprefix(prefix)


def indent(spaces: int, text: str) -> str:
    pad = " " * spaces
    return pad + text_of(text).replace("\n", "\n" + pad)


def title(text: str) -> str:
    return re.sub(r"(^|[^\w])(\w)", lambda found: found[1] + found[2].upper(), text_of(text))


def split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    return text.split(separator, count - 1 if count > 0 else -1) if separator else list(text)


def numbered(parts: list[str]) -> dict[str, str]:
    return {f"_{index}": part for index, part in enumerate(parts)}


def strings(data: Any) -> list[str]:
    if isinstance(data, list):
        return [strval(item) for item in data if item is not None]
    return [] if data is None else [strval(data)]


_NOT_IN_SLUG: Final = regex("[^a-z0-9-_]")
_DASHES: Final = regex("-+")
_SLUG: Final = 63


def slugify(text: str) -> str:
    """A name of lower-case letters, digits and dashes of at most 63 characters, cut at a dash."""
    text = text_of(text).strip()
    if not text.isascii():
        raise Unsupported("slugify of letters outside ASCII is not rendered offline: write the slug itself")
    # English words stand for these two signs.
    slug = text.replace("&", "and").replace("@", "at").lower()
    slug = _DASHES.sub("-", _NOT_IN_SLUG.sub("-", slug)).strip("-_")
    if len(slug) <= _SLUG:
        return slug
    dash = slug.rfind("-", 0, _SLUG + 1)
    return slug[:dash] if dash >= 0 else slug[:_SLUG]


def sprintf(form: str, *given: Any) -> str:
    """``fmt.Sprintf`` with the verbs that are plain."""
    rest = list(given)

    def one(match: re.Match[str]) -> str:
        flags, verb = match[1], match[2]
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        value = rest.pop(0)
        fits = {
            "s": isinstance(value, str),
            "d": isinstance(value, int) and not isinstance(value, bool),
            "q": isinstance(value, str),
            "t": isinstance(value, bool),
            "f": isinstance(value, float),
            "x": isinstance(value, int) and not isinstance(value, bool),
            "v": "." not in flags,
        }
        if not fits.get(verb):
            raise Unsupported(f"printf %{flags}{verb} of this value is not rendered offline")
        if verb not in "dfx":
            value, verb = quoted(value) if verb == "q" else strval(value), "s"
        return str(f"%{flags}{verb}" % value)

    made = re.sub(r"%([-+ 0]*\d*(?:\.\d+)?)(.)", one, text_of(form))
    if rest:
        raise Unsupported("printf with more values than verbs is not rendered offline")
    return made


def sprint(*given: Any) -> str:
    """``fmt.Sprint``: a space stands between two operands neither of which is a text."""
    made = ""
    for index, item in enumerate(given):
        spaced = index and not isinstance(item, str) and not isinstance(given[index - 1], str)
        made += (" " if spaced else "") + strval(item)
    return made
