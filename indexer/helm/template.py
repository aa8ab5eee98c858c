"""Where in a template the document of a rendered object stands, and which values that document refers to.

A template is no YAML, so only what its text says beyond doubt is used; where that is not enough, the place of an
object is its whole template.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from indexer.deferred import NamedTuple, regex
from indexer.manifest.node import Source, Span

_SEPARATOR: Final = regex(r"(?:\{\{.*?\}\})?---\s*(?:#.*)?")
_KIND: Final = regex(r"""kind:\s*["']?([A-Za-z0-9]+)["']?\s*(?:#.*)?""")
_NAME: Final = regex(r"""\s+name:\s*["']?([a-z0-9.-]+)["']?\s*(?:#.*)?""")
_TOP: Final = regex(r"[A-Za-z]+:")
_SILENT: Final = regex(r"\s*(?:#.*|\{\{-?\s*(?:if|else|end|with|range|define|/\*|\$\w+\s*:?=).*\}\}\s*)?")
"""A line that makes no output of its own."""
_VALUES: Final = regex(r"\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")


class Document(NamedTuple):
    """One document of a template."""

    first: int
    """Line of its first field (of its text, where a helper writes all of it), from 1."""
    last: int
    begin: int
    """Line of all that belongs to it, with the conditions around it."""
    kind: str
    """"" where no line says it plainly."""
    name: str


def documents(text: str) -> list[Document]:
    """The documents of a template that have text of their own."""
    lines = text.splitlines()
    cuts = [-1, *(n for n, line in enumerate(lines) if _SEPARATOR.fullmatch(line)), len(lines)]
    found = []
    for begin, end in pairwise(cuts):
        part = lines[begin + 1 : end]
        loud = [n for n, line in enumerate(part) if _SILENT.fullmatch(line) is None]
        if loud:
            last = max(n for n, line in enumerate(part) if line.strip())
            kind = next((m[1] for line in part if (m := _KIND.fullmatch(line))), "")
            found.append(Document(begin + 2 + loud[0], begin + 2 + last, begin + 2, kind, _name(part)))
    return found


def _name(lines: list[str]) -> str:
    """The name below ``metadata``, where it is written out."""
    inside = False
    for line in lines:
        if _TOP.match(line):
            inside = line.startswith("metadata:")
        elif inside and (found := _NAME.fullmatch(line)):
            return found[1]
    return ""


def place(text: str, source: Source, kind: str, name: str) -> Span:
    """Where an object of this kind and name stands in a template that made it."""
    lines = text.splitlines()
    alike = [one for one in documents(text) if one.kind in (kind, "")]
    if len(alike) > 1:
        alike = [one for one in alike if one.kind == kind and one.name == name] or alike
    if len(alike) != 1:
        return Span(source, 1, 1, max(len(lines), 1), max(len(lines[-1]) if lines else 0, 1))
    one = alike[0]
    return Span(source, one.first, 1, one.last, max(len(lines[one.last - 1]), 1))


def references(text: str, span: Span) -> frozenset[tuple[str, ...]]:
    """The paths below ``.Values`` that the document at a span names, conditions around it included."""
    begin = max((one.begin for one in documents(text) if one.first <= span.line), default=1)
    part = "\n".join(text.splitlines()[begin - 1 : span.end_line])
    return frozenset(tuple(found[1].strip(".").split(".")) for found in _VALUES.finditer(part))
