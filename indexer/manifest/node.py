"""The tree of a YAML document whose every node knows where it was written and what it replaced.

A node is built once and never changed afterwards, so trees are shared freely: an overlay that changes one field
copies the containers on the path to it and nothing else. A node that took another's place points at it through
``prev``; that pointer is the whole cost of history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from indexer.deferred import NamedTuple, dataclass
from indexer.manifest.provenance import Role, Source, Span

__all__ = [
    "BINARY",
    "BOOL",
    "FLOAT",
    "INT",
    "MERGE",
    "NOWHERE",
    "NULL",
    "STR",
    "TIMESTAMP",
    "Mapping",
    "Node",
    "Operation",
    "Removal",
    "Role",
    "Scalar",
    "Sequence",
    "Source",
    "Span",
    "Style",
    "leaves",
    "overridden",
    "pack",
    "pointer",
    "relocated",
    "span_of",
    "stamped",
    "unpack",
]


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One thing that a build did: the patch, the transformer entry, the generator … Compared by identity."""

    role: Role
    name: str
    """What it is called in kustomize or Flux: ``strategic merge patch``, ``images``, ``namePrefix`` …"""
    entry: Span | None = None
    """The lines that call it, for example the entry of a kustomization file's ``patches`` list."""


# A position packed into one int: line, column, end line, end column (24 bits each; from 0, the end exclusive),
# because four attributes a node cost more than all the rest of it.
_BITS: Final = 24
_MASK: Final = (1 << _BITS) - 1
NOWHERE: Final = Source(None, "")


def pack(line: int, column: int, end_line: int, end_column: int) -> int:
    """Packs a 0-based position with an exclusive end column."""
    return ((((line << _BITS) | column) << _BITS | end_line) << _BITS) | end_column


def unpack(pos: int) -> tuple[int, int, int, int]:
    """The 0-based (line, column, end line, exclusive end column) of a packed position."""
    return pos >> 3 * _BITS, pos >> 2 * _BITS & _MASK, pos >> _BITS & _MASK, pos & _MASK


def span_of(source: Source, pos: int) -> Span:
    """The span of a packed position; an empty text has a span of one column."""
    line, column, end_line, end_column = unpack(pos)
    return Span(source, line + 1, column + 1, end_line + 1, max(end_column, column + 1 if end_line == line else 1))


STR: Final = "!!str"
INT: Final = "!!int"
FLOAT: Final = "!!float"
BOOL: Final = "!!bool"
NULL: Final = "!!null"
TIMESTAMP: Final = "!!timestamp"
BINARY: Final = "!!binary"
MERGE: Final = "!!merge"


class Style(StrEnum):
    """How a scalar is written."""

    PLAIN = ""
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"


class Node:
    """What scalars, mappings and sequences have in common.

    ``source`` and ``pos`` say where the text that a person would edit stands; ``op`` is the operation that put it
    here (None: it is part of the plain definition); ``prev`` is the node whose place it took.
    """

    __slots__ = ("op", "pos", "prev", "source")
    source: Source
    pos: int
    op: Operation | None
    prev: Node | None

    @property
    def span(self) -> Span | None:
        """Where it was written, or None for a node that no text made."""
        return None if self.source is NOWHERE else span_of(self.source, self.pos)


class Scalar(Node):
    """A scalar: its text, style, and its tag where that does not follow from the text (else None)."""

    __slots__ = ("style", "tag", "text")

    def __init__(
        self,
        text: str,
        tag: str | None = None,
        style: Style = Style.PLAIN,
        source: Source = NOWHERE,
        pos: int = 0,
        op: Operation | None = None,
        prev: Node | None = None,
    ) -> None:
        self.text = text
        self.tag = tag
        self.style = style
        self.source = source
        self.pos = pos
        self.op = op
        self.prev = prev

    def __repr__(self) -> str:
        return f"Scalar({self.text!r}, {self.tag!r})"


class Removal(NamedTuple):
    """A field or item that was taken away: remembered on the container that held it."""

    key: str
    """The key, or the item's index or merge key in a sequence."""
    node: Node
    """What was removed."""
    op: Operation
    at: Node
    """The node that asked for it (a ``$patch`` or ``null`` in a patch, an ``op: remove``)."""


class Mapping(Node):
    """A mapping: ``fields`` maps the text of a key to (key, value) in the order of the text.

    ``flow`` is true for ``{}`` style. ``duplicate`` holds later occurrences of keys that occur twice (kustomize
    refuses them only when it converts the object to JSON). ``touched`` is true where anything below may differ from
    what was parsed, so that an untouched tree need not be walked. ``gone`` are removals, oldest first.
    """

    __slots__ = ("duplicate", "fields", "flow", "gone", "touched")

    def __init__(
        self,
        fields: dict[str, tuple[Scalar, Node]],
        flow: bool = False,
        source: Source = NOWHERE,
        pos: int = 0,
        op: Operation | None = None,
        prev: Node | None = None,
        *,
        touched: bool = False,
        gone: tuple[Removal, ...] = (),
        duplicate: tuple[tuple[Scalar, Node], ...] = (),
    ) -> None:
        self.fields = fields
        self.flow = flow
        self.source = source
        self.pos = pos
        self.op = op
        self.prev = prev
        self.touched = touched
        self.gone = gone
        self.duplicate = duplicate

    def __repr__(self) -> str:
        return f"Mapping({list(self.fields)})"

    def get(self, key: str) -> Node | None:
        """The value of ``key``, or None where it is absent."""
        found = self.fields.get(key)
        return found[1] if found is not None else None

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.fields.values())

    def derive(self, fields: dict[str, tuple[Scalar, Node]], gone: tuple[Removal, ...] = ()) -> Mapping:
        """This mapping with other fields (``fields`` is taken over, not copied) and further removals.

        Where a key that occurs twice is missing in ``fields``, its second occurrence takes its place.
        """
        duplicate = self.duplicate
        for key, value in duplicate:
            if key.text not in fields:
                fields[key.text] = (key, value)
                duplicate = tuple(entry for entry in duplicate if entry[1] is not value)
        return Mapping(
            fields, self.flow, self.source, self.pos, self.op, self.prev,
            touched=True, gone=self.gone + gone, duplicate=duplicate,
        )  # fmt: skip

    def with_field(self, key: Scalar, value: Node) -> Mapping:
        """This mapping with ``value`` under ``key``; an existing key keeps its node and place."""
        fields = dict(self.fields)
        old = fields.get(key.text)
        fields[key.text] = (old[0] if old is not None else key, value)
        return self.derive(fields)

    def without(self, key: str, *removal: Removal) -> Mapping:
        """This mapping without ``key``; ``removal`` is remembered."""
        return self.derive({k: v for k, v in self.fields.items() if k != key}, removal)


class Sequence(Node):
    """A sequence of nodes; ``flow``, ``touched`` and ``gone`` as in a mapping."""

    __slots__ = ("flow", "gone", "items", "touched")

    def __init__(
        self,
        items: list[Node],
        flow: bool = False,
        source: Source = NOWHERE,
        pos: int = 0,
        op: Operation | None = None,
        prev: Node | None = None,
        *,
        touched: bool = False,
        gone: tuple[Removal, ...] = (),
    ) -> None:
        self.items = items
        self.flow = flow
        self.source = source
        self.pos = pos
        self.op = op
        self.prev = prev
        self.touched = touched
        self.gone = gone

    def __repr__(self) -> str:
        return f"Sequence({self.items!r})"

    def derive(self, items: list[Node], gone: tuple[Removal, ...] = ()) -> Sequence:
        """This sequence with other items (taken over, not copied) and further removals."""
        return Sequence(
            items, self.flow, self.source, self.pos, self.op, self.prev, touched=True, gone=self.gone + gone
        )


def relocated(node: Node, *, op: Operation | None, prev: Node | None, at: Node | None = None) -> Node:
    """A copy of ``node`` alone (children shared) with another operation and history, and the position of ``at``."""
    place = node if at is None else at
    if isinstance(node, Scalar):
        return Scalar(node.text, node.tag, node.style, place.source, place.pos, op, prev)
    if isinstance(node, Mapping):
        return Mapping(
            node.fields, node.flow, place.source, place.pos, op, prev,
            touched=True, gone=node.gone, duplicate=node.duplicate,
        )  # fmt: skip
    assert isinstance(node, Sequence)
    return Sequence(node.items, node.flow, place.source, place.pos, op, prev, touched=True, gone=node.gone)


def stamped(node: Node, op: Operation) -> Node:
    """A deep copy of ``node`` in which every node was put there by ``op``: how a patch's tree enters a build."""
    if isinstance(node, Scalar):
        return Scalar(node.text, node.tag, node.style, node.source, node.pos, op, node.prev)
    if isinstance(node, Mapping):
        fields = {k: (key, stamped(value, op)) for k, (key, value) in node.fields.items()}
        duplicate = tuple((key, stamped(value, op)) for key, value in node.duplicate)
        return Mapping(fields, node.flow, node.source, node.pos, op, node.prev, gone=node.gone, duplicate=duplicate)
    assert isinstance(node, Sequence)
    items = [stamped(item, op) for item in node.items]
    return Sequence(items, node.flow, node.source, node.pos, op, node.prev, gone=node.gone)


def overridden(node: Node) -> Iterator[Node]:
    """What ``node`` replaced, newest first."""
    past = node.prev
    while past is not None:
        yield past
        past = past.prev


def pointer(parts: Iterable[str]) -> str:
    """A JSON pointer (RFC 6901) from its unescaped parts."""
    parts = tuple(parts)
    text = "/".join(("", *parts))
    if "~" in text or text.count("/") > len(parts):
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return text


def leaves(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every leaf (scalar, empty mapping, empty sequence) with its path, in document order."""
    if isinstance(node, Mapping) and node.fields:
        for text, (_, value) in node.fields.items():
            yield from leaves(value, (*path, text))
    elif isinstance(node, Sequence) and node.items:
        for index, item in enumerate(node.items):
            yield from leaves(item, (*path, str(index)))
    else:
        yield path, node
