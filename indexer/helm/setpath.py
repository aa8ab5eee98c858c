r"""The grammar of ``helm --set``, which ``targetPath`` of a HelmRelease uses (Helm's ``pkg/strvals``).

``a.b[0].c=value,d={x,y}``: dots and brackets make the path, ``\`` takes the next character as it is, a comma ends a
value and begins another path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexer.deferred import NamedTuple, regex

Value = str | int | bool | None
Path = tuple[str | int, ...]

_MAX_INDEX: Final = 65536
_MAX_DEPTH: Final = 30
_INTEGER: Final = regex(r"[-+]?[0-9]+")
_WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}


class SetError(ValueError):
    """An expression that ``helm --set`` refuses; the message holds no value."""


class Assignment(NamedTuple):
    """One value and where it goes."""

    path: Path
    value: Value | list[Value]


def assignments(path: str, value: str, *, literal: bool = False) -> list[Assignment]:
    """What ``path=value`` sets, as Flux reads a ``targetPath`` and the text that goes there. Raises SetError.

    A text in quotes stays a text, whatever it looks like; with ``literal`` no character of it has a meaning.
    """
    if literal:
        return _Reader(f"{path}={_SPECIAL.sub(_escaped, value)}", typed=False).read()
    if any(value.startswith(quote) and value.endswith(quote) for quote in "'\""):
        return _Reader(f"{path}={value.strip(_QUOTES)}", typed=False).read()
    return _Reader(f"{path}={value}", typed=True).read()


_QUOTES: Final = "'\""
_SPECIAL: Final = regex(r"[\\,\[\]{}]")


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


class _Reader:
    """Reads one expression from its beginning to its end."""

    def __init__(self, text: str, *, typed: bool) -> None:
        self.text = text
        self.at = 0
        self.typed = typed

    def read(self) -> list[Assignment]:
        found: list[Assignment] = []
        while self.at < len(self.text):
            found += self._assignment()
        return found

    def _until(self, stop: str) -> tuple[str, str]:
        """The text before one of some characters, and that character; "" at the end of the expression."""
        text = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in stop:
                return text, char
            if char == "\\":
                char = self.text[self.at : self.at + 1]
                self.at += 1
            text += char
        return text, ""

    def _assignment(self) -> Iterator[Assignment]:
        path: list[str | int] = []
        stop = "=[,."
        while True:
            key, end = self._until(stop)
            if stop == "=[.":
                if key:
                    raise SetError(f'unexpected text after the index in "{_shown(path)}"')
            elif end not in ("", ","):
                path.append(key)
            elif end or key:
                raise SetError(f'"{_shown([*path, key])}" has no value')
            else:
                return
            if not end:
                raise SetError(f'"{_shown(path)}" has no value')
            if end == "=":
                break
            if len(path) > _MAX_DEPTH:
                raise SetError(f"a path has at most {_MAX_DEPTH} parts")
            if end == "[":
                path.append(self._index())
            stop = "=[." if end == "[" else "=[,."
        value = self._value()
        if len(path) > 1 and path[-1] == "":
            raise SetError(f'"{_shown(path)}" ends in no key')
        if path and "" not in path:
            yield Assignment(tuple(path), value)

    def _index(self) -> int:
        text, end = self._until("]")
        if not end or _INTEGER.fullmatch(text) is None:
            raise SetError(f'"{text}" is no index of a list')
        if not 0 <= int(text) <= _MAX_INDEX:
            raise SetError(f"an index lies between 0 and {_MAX_INDEX}")
        return int(text)

    def _value(self) -> Value | list[Value]:
        if self.text[self.at : self.at + 1] != "{":
            return self._typed(self._until(",")[0])
        self.at += 1
        items: list[Value] = []
        end = ","
        while end == ",":
            text, end = self._until(",}")
            items.append(self._typed(text))
        if not end:
            raise SetError("a list must end with }")
        if self.text[self.at : self.at + 1] == ",":
            self.at += 1
        return items

    def _typed(self, text: str) -> Value:
        if not self.typed:
            return text
        lower = text.lower()
        if lower in _WORDS:
            return _WORDS[lower]
        if text == "0":
            return 0
        if not text.startswith("0") and _INTEGER.fullmatch(text) and -(1 << 63) <= int(text) < 1 << 63:
            return int(text)
        return text


def _shown(path: list[str | int]) -> str:
    return ".".join(map(str, path))
