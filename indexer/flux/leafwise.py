"""``postBuild`` one text at a time, which gives the same as expanding the whole object wherever that can be told.

The controller writes an object as YAML, expands that and reads it again. Most texts with variables are one short line
(``host: app.${DOMAIN}``) that stays one, or a block of lines that keep their number; and what they say then depends on
nothing around them but how far they are indented. So each of them is written, expanded and read alone. Whatever could
have an effect beyond itself is left to a round trip of the whole object: keys, texts that are long enough to be folded,
expressions over several lines, values with line breaks, quotes, comments and the marks of YAML in a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from indexer.deferred import regex
from indexer.flux.goyaml import dump
from indexer.flux.substitute import Lookup, Part, SubstitutionError, expand, parse
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.scalars import to_data_11

_WIDTH: Final = 70
"""Columns that the writer never folds; it does beyond 80, at a space."""
# A quoted text without escapes, or a plain one that neither begins like anything else nor holds a colon or a hash that
# would end it.
_LINE: Final = regex(
    r"""x: (?:"[ !#-\[\]-~]*"|'[ -&(-~]*'|(?:[A-Za-z0-9/._~+$(^\\]|-(?! ))(?:(?!: |:\n| #| \n)[ -~])*)\n""",
)
_BLOCK: Final = "x: |"
_OTHER_BREAKS: Final = regex("[\r\x85\u2028\u2029]")

Path = tuple[str, ...]


def leafwise(data: Any, texts: Sequence[tuple[Path, str]], lookup: Lookup) -> Any:
    """``data`` with ``texts``, all that hold a ``$``, expanded; None where that takes the whole object.

    What holds no variable is shared with ``data``.
    """
    changed: dict[str, Any] = {}
    for path, text in texts:
        value = _expanded(text, lookup) if _fits(path, text) and _is_value(data, path, text) else None
        if value is None:
            return None
        _note(changed, path, value[0])
    return _with(data, changed)


def _fits(path: Path, text: str) -> bool:
    """Whether the writer does not fold a text, wherever that stands; it never folds a block."""
    return "\n" in text or " " not in text or 2 * len(path) + len(path[-1]) + len(text) < _WIDTH


def _is_value(data: Any, path: Path, text: str) -> bool:
    """Whether ``text`` is what stands at ``path``, and not the key."""
    for part in path:
        data = data[int(part)] if isinstance(data, list) else data[part]
    return data is text and "$" not in path[-1]


def _expanded(text: str, lookup: Lookup) -> tuple[Any] | None:
    """What a text becomes, None where that cannot be told from it alone."""
    written = _written(text)
    if written is None:
        return None
    lines, parts = written
    try:
        expanded = expand(parts, lookup)
    except SubstitutionError:
        return None
    return _value(expanded) if expanded.count("\n") == lines else None


@lru_cache(maxsize=4096)
def _written(text: str) -> tuple[int, tuple[Part, ...]] | None:
    """The number of lines and the parts of a text as it is written, None where it does not stand alone."""
    written = dump({"x": text})
    if not _stands_alone(written):
        return None
    try:
        if written.startswith(_BLOCK):
            if text[0] in " $\n":
                return None  # the first line tells how far a block is indented
            for line in written.split("\n"):
                parse(line)  # which fails where an expression goes on in the next
        return written.count("\n"), parse(written)
    except SubstitutionError:
        return None


def _stands_alone(written: str) -> bool:
    if written.startswith(_BLOCK):
        return _OTHER_BREAKS.search(written) is None
    return _LINE.fullmatch(written) is not None


@lru_cache(maxsize=4096)
def _value(written: str) -> tuple[Any] | None:
    """What an expanded text says, None where it could say something else among others."""
    if not _stands_alone(written):
        return None
    try:
        node = parse_stream(written.encode(errors="surrogateescape"), "", limit=1)[0].node
        value = to_data_11(node) if node is not None else None
    except ManifestError:
        return None
    if not isinstance(value, dict) or value.keys() != {"x"} or isinstance(value["x"], float):
        return None  # a float may be none that JSON has
    return (value["x"],)


def _note(changed: dict[str, Any], path: Path, value: Any) -> None:
    for part in path[:-1]:
        changed = changed.setdefault(part, {})
    changed[path[-1]] = _Leaf(value)


class _Leaf:
    """A new value, as opposed to a mapping of what is new below."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _with(data: Any, changed: dict[str, Any] | _Leaf | None) -> Any:
    """``data`` with the new leaves; untouched parts are the same objects."""
    if changed is None:
        return data
    if isinstance(changed, _Leaf):
        return changed.value
    if isinstance(data, list):
        return [_with(item, changed.get(str(index))) for index, item in enumerate(data)]
    return {key: _with(value, changed.get(key)) for key, value in data.items()}
