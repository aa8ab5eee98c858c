"""The expansion grammar of ``postBuild``: what ``${VAR}`` and its operators mean to kustomize-controller.

It looks like a shell's and is not: ``:-``, ``:=``, ``:+`` and ``:?`` are one operator, ``$name`` is no expansion, and
any ``${`` that is not understood is an error for the whole object. Section 4.8 of the Flux rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from indexer.deferred import NamedTuple, regex


class SubstitutionError(Exception):
    """A text that cannot be expanded; the message is the controller's, without its prefixes."""

    def __init__(self, message: str, expression: str = "") -> None:
        super().__init__(message)
        self.expression = expression
        """The text from the ``${`` that is at fault."""


class Expansion(NamedTuple):
    """One ``${…}``."""

    name: str
    operator: str
    arguments: tuple[Part, ...]
    text: str
    """As it is written."""


Part = str | Expansion
Lookup = Callable[[Expansion], str | None]
"""The value of an expansion's variable, or None where it is not set."""

NAME: Final = regex(r"[_A-Za-z][_A-Za-z0-9]*")
"""What a variable may be called; anything else fails the unit, used or not."""

_DEFAULTS: Final = frozenset({"=", ":=", ":-", ":+", ":?"})


class UnknownVariable(Exception):
    """Raised by a ``Lookup`` for a variable whose value cannot be known here: its expansion stays as it is written."""


def parse(text: str) -> tuple[Part, ...]:
    """The literal texts and expansions of ``text``. Raises SubstitutionError."""
    return _Parser(text).parse()


def expand(parts: tuple[Part, ...], lookup: Lookup) -> str:
    """The text with every expansion evaluated. Raises SubstitutionError for a variable that is not set."""
    return "".join(part if isinstance(part, str) else _evaluate(part, lookup) for part in parts)


def expansions(parts: tuple[Part, ...]) -> Iterator[Expansion]:
    """Every expansion, nested ones included."""
    for part in parts:
        if isinstance(part, Expansion):
            yield part
            yield from expansions(part.arguments)


def is_default(expansion: Expansion) -> bool:
    """Whether the expansion has a text of its own for a variable that is empty or not set."""
    return expansion.operator in _DEFAULTS


_ASCII_NAME: Final = regex("[A-Za-z0-9_]*")


@cache
def _ordinary(stops: str) -> re.Pattern[str]:
    """Text without anything that could end a literal or escape something."""
    return re.compile(rf"[^$\\{re.escape(stops)}]+")


class _Parser:
    """A cursor over the text. Every method leaves it behind what was read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def parse(self) -> tuple[Part, ...]:
        parts: list[Part] = []
        while self.at < len(self.text):
            literal = self.literal("", "$")
            if literal:
                parts.append(literal)
            if self.text.startswith("${", self.at):
                parts.append(self.expansion())
        return tuple(parts)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def fail(self, message: str, start: int) -> SubstitutionError:
        end = self.text.find("\n", start)
        return SubstitutionError(message, self.text[start : end if end >= 0 else None][:80])

    def literal(self, stops: str, escapes: str = "") -> str:
        """Text up to ``${`` or one of ``stops``.

        With a dollar in ``escapes``, two are one; with a backslash, one is dropped before another and before '/'.
        """
        found: list[str] = []
        text = self.text
        ordinary = _ordinary(stops)
        while self.at < len(text):
            if (plain := ordinary.match(text, self.at)) is not None:
                found.append(plain[0])
                self.at = plain.end()
                continue
            char, following = text[self.at], text[self.at + 1 : self.at + 2]
            if char == "$" and following == "{":
                break
            doubled = char == "$" == following and "$" in escapes
            escaped = char == "\\" and "\\" in escapes and following in ("/", "\\")
            if not (doubled or escaped) and char in stops:
                break
            found.append(following if doubled or escaped else char)
            self.at += 2 if doubled or escaped else 1
        return "".join(found)

    def run(self, accepted: str, most: int) -> str:
        start = self.at
        while self.at - start < most and self.peek() and self.peek() in accepted:
            self.at += 1
        return self.text[start : self.at]

    def name(self) -> str:
        start = self.at
        ascii_name = _ASCII_NAME.match(self.text, start)
        assert ascii_name is not None
        self.at = ascii_name.end()
        while self.peek() and (self.peek() == "_" or self.peek().isalpha() or self.peek().isdecimal()):
            self.at += 1
        return self.text[start : self.at]

    def expansion(self) -> Expansion:
        start = self.at
        self.at += 2
        if self.peek() == "#":
            self.at += 1
            name, operator = self.name(), "length"
            arguments: tuple[Part, ...] = ()
            if not name:
                raise self.fail("bad substitution", start)
        else:
            name = self.name()
            if not name:
                raise self.fail("unable to parse variable name", start)
            operator, arguments = self.operation(start)
        if self.peek() != "}":
            raise self.fail("bad substitution" if operator else "missing closing brace", start)
        self.at += 1
        return Expansion(name, operator, arguments, self.text[start : self.at])

    def operation(self, start: int) -> tuple[str, tuple[Part, ...]]:
        first = self.peek()
        if first == "=" or (first == ":" and self.text[self.at + 1 : self.at + 2] in ("=", "-", "?", "+")):
            operator = self.run(":=-?+", 1 if first == "=" else 2)
            return operator, self.default(start)
        if first == ":":
            self.at += 1
            offset = self.argument(":}", start)
            if self.peek() == "}":
                return ":", (offset,)
            if not self.run(":", len(self.text)):
                raise self.fail("bad substitution", start)
            return ":", (offset, self.argument("}", start))
        if first and first in ",^":
            return self.run(",^", 2), ()
        if first == "/":
            return self.replacement(start)
        if first and first in "#%":
            return self.run(first, 2), (self.argument("}", start),)
        return "", ()

    def default(self, start: int) -> tuple[Part, ...]:
        parts: list[Part] = []
        while self.peek() != "}":
            parts.append(self.argument("}", start))
        return tuple(parts)

    def argument(self, stops: str, start: int, escapes: str = "") -> Part:
        """Either one nested expansion or one literal, which may not be empty."""
        if self.text.startswith("${", self.at):
            return self.expansion()
        literal = self.literal(stops, escapes)
        if not literal:
            raise self.fail("unable to parse substitution within function", start)
        return literal

    def replacement(self, start: int) -> tuple[str, tuple[Part, ...]]:
        self.at += 1
        operator = "/" + self.run("/#%", 1)
        pattern = self.argument("/", start, "$\\")
        if not self.run("/", len(self.text)):
            raise self.fail("bad substitution", start)
        if self.peek() == "}":
            return operator, (pattern,)
        return operator, (pattern, self.argument("}", start, "$\\"))


def _evaluate(expansion: Expansion, lookup: Lookup) -> str:
    try:
        arguments = tuple(expand((part,), lookup) for part in expansion.arguments)
        value = lookup(expansion)
    except UnknownVariable:
        return expansion.text
    if value is None:
        if expansion.operator not in _DEFAULTS:
            raise SubstitutionError(f'variable not set (strict mode): "{expansion.name}"', expansion.text)
        value = ""
    return _apply(expansion.operator, value, arguments)


def _apply(operator: str, value: str, arguments: tuple[str, ...]) -> str:
    match operator:
        case "length":
            return str(len(value.encode(errors="surrogateescape")))
        case "," | "^":
            return _change_case(operator, value[:1]) + value[1:]
        case ",," | "^^":
            return _change_case(operator, value)
        case ":":
            return _substring(value, arguments)
        case "/" | "//" | "/#" | "/%":
            return _replace(operator, value, arguments)
        case "#" | "##":
            return _trim(value, arguments[0], longest=operator == "##")
        case "%" | "%%":
            return _trim(value[::-1], arguments[0][::-1], longest=operator == "%%")[::-1]
    return value or "".join(arguments)


def _change_case(operator: str, text: str) -> str:
    """Upper or lower case, one character for one character."""
    changed = (char.lower() if operator[0] == "," else char.upper() for char in text)
    return "".join(new if len(new) == 1 else old for old, new in zip(text, changed, strict=True))


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None


def _substring(value: str, arguments: tuple[str, ...]) -> str:
    """Counted in bytes; an offset or length that is no number leaves the value whole."""
    octets = value.encode(errors="surrogateescape")
    offset = _integer(arguments[0])
    if offset is None:
        return value
    if offset < 0:
        offset = max(0, len(octets) + offset)
    if len(arguments) == 1:
        cut = octets[offset:]
    else:
        length = _integer(arguments[1])
        if length is None:
            return value
        cut = octets[offset : max(offset, len(octets) + length) if length < 0 else offset + length]
    return cut.decode(errors="surrogateescape")


def _replace(operator: str, value: str, arguments: tuple[str, ...]) -> str:
    old, new = arguments[0], arguments[1] if len(arguments) == 2 else ""
    if operator in ("/", "//"):
        return value.replace(old, new, 1 if operator == "/" else -1)
    if len(arguments) == 1:
        return value
    if operator == "/#":
        return new + value[len(old) :] if value.startswith(old) else value
    return value[: len(value) - len(old)] + new if value.endswith(old) else value


def _trim(value: str, glob: str, *, longest: bool) -> str:
    pattern = _glob(glob)
    if pattern is None:
        return value
    lengths = range(len(value), 0, -1) if longest else range(1, len(value) + 1)
    return next((value[n:] for n in lengths if pattern.fullmatch(value, 0, n)), value)


def _glob(glob: str) -> re.Pattern[str] | None:
    """A shell pattern whose wildcards match '/' too; None where it is malformed."""
    tokens = re.compile(r"\*|\?|\\.|\[\^?(?:\\.|[^\]\\-])(?:\\.|[^\]\\])*\]|[^*?\[\\]", re.DOTALL)
    out: list[str] = []
    at = 0
    while at < len(glob):
        token = tokens.match(glob, at)
        if token is None:
            return None
        text, at = token.group(), token.end()
        if text == "*":
            out.append(".*")
        elif text == "?":
            out.append(".")
        elif text[0] == "[" and len(text) > 1:
            members = re.sub(r"\\(.)|([\[&~|])", lambda found: re.escape(found[1] or found[2]), text[1:-1])
            out.append(f"[{members}]")
        else:
            out.append(re.escape(text[-1]))
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        return None
