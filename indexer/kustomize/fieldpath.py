"""Field paths of replacements and vars: how they are split, looked up, and written to.

A path is ``a.b.0.[name=x].c``. Looking up follows one way and takes ``[name=x]`` literally; writing follows every way
and takes ``x`` for a regular expression. Rules: kyaml's ``PathGetter``, ``PathMatcher`` and ``SmarterPathSplitter``
(kustomize-semantics.md §13).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from indexer.deferred import regex
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.regexp import regexp
from indexer.kustomize.structured import dump, parse_text
from indexer.kustomize.wrongkind import MAPPING, SCALAR, SEQUENCE, kind_of
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Operation, Scalar, Sequence
from indexer.manifest.scalars import is_null

_INTEGER: Final = regex(r"[-+]?[0-9]+\Z", re.ASCII)
_KINDS: Final = {Mapping: MAPPING, Sequence: SEQUENCE, Scalar: SCALAR}
_N = TypeVar("_N", Mapping, Sequence, Scalar)


def split_field_path(path: str) -> tuple[str, ...]:
    r"""Segments of a path: ``.`` separates, ``\.`` does not, nor does a dot in brackets.

    Brackets stay around ``[k=v]`` and are dropped from ``[a.b/c]``, which is a key.
    """
    pieces: list[str] = []
    split = path.split(".")
    for piece in split[1:] if len(split) > 1 and not split[0] else split:
        if pieces and pieces[-1].endswith("\\"):
            pieces[-1] = pieces[-1][:-1] + "." + piece
        else:
            pieces.append(piece)
    segments: list[str] = []
    rest = iter(pieces)
    for piece in rest:
        if not piece.startswith("[") or piece.endswith("]"):
            segments.append(piece)
            continue
        while not piece.endswith("]") and (more := next(rest, None)) is not None:
            piece += "." + more
        segments.append(piece if "=" in piece else piece.strip("[]"))
    return tuple(segments)


def lookup(root: Node, path: tuple[str, ...]) -> Node | None:
    """The node at a path, or None where a step is missing. Raises KustomizeError for a step that makes no sense."""
    node: Node | None = root
    for segment in filter(None, map(str.strip, path)):
        node = _step(node, segment) if node is not None else None
        if node is None:
            return None
    return node


def _step(node: Node, segment: str) -> Node | None:
    if _INTEGER.match(segment):
        index = int(segment)
        if index < 0:
            raise KustomizeError(f"array index {index} cannot be negative").located(node)
        items = _items(node)
        return items[index] if index < len(items) else None
    if segment == "-":
        items = _items(node)
        return items[-1] if items else None
    if segment == "*":
        raise KustomizeError("wildcard is not supported in PathGetter")
    if _is_selector(segment):
        field, value = _split_selector(segment)
        return next((item for item in _items(node) if _has(item, field, value)), None)
    return _field(node, segment)


def _has(item: Node, field: str, value: str) -> bool:
    found = item if not field else item.get(field) if isinstance(item, Mapping) else None
    return isinstance(found, Scalar) and found.text == value


def _is_selector(segment: str) -> bool:
    return segment.startswith("[") and segment.endswith("]")


def _is_index(segment: str) -> bool:
    return _INTEGER.match(segment) is not None and int(segment) >= 0


def _split_selector(segment: str) -> tuple[str, str]:
    field, equals, value = segment.removesuffix("]").removeprefix("[").partition("=")
    if not equals:
        raise KustomizeError("list path element must contain fieldName=fieldValue for element to match")
    return field, value


def _expect(node: Node, kind: type[_N]) -> _N | None:
    """``node`` as what a step needs; None for a null. The message leaves out what the node holds: it may be secret."""
    if is_null(node):
        return None
    if isinstance(node, kind):
        return node
    raise KustomizeError(f"wrong node kind: expected {_KINDS[kind]} but got {kind_of(node)}").located(node)


def _items(node: Node) -> list[Node]:
    sequence = _expect(node, Sequence)
    return [] if sequence is None else sequence.items


def _field(node: Node, name: str) -> Node | None:
    if not name:
        scalar = _expect(node, Scalar)
        return scalar if scalar is not None and not scalar.text else None
    mapping = _expect(node, Mapping)
    return None if mapping is None else mapping.get(name)


def replaced_at(root: Node, path: tuple[str, ...], new: Node) -> Node:
    """``root`` with ``new`` in the place of the node that ``lookup`` finds at ``path``."""
    if not path:
        return new
    if not path[0].strip():
        return replaced_at(root, path[1:], new)
    child = _step(root, path[0].strip())
    assert child is not None
    below = replaced_at(child, path[1:], new)
    if isinstance(root, Sequence):
        return root.derive([below if item is child else item for item in root.items])
    assert isinstance(root, Mapping)
    return root.with_field(Scalar(path[0].strip()), below)


class PathWriter:
    """Sets every node that a path reaches; ``hits`` counts them.

    ``setter`` gives the node to stand in the place of one that was reached. With ``leaf``, what is missing is created:
    mappings and sequences as the path needs them, and at its end a node of the kind ``leaf``. ``at`` is where the path
    is written: a created item has its key from there.
    """

    def __init__(
        self,
        setter: Callable[[Node], Node],
        leaf: type[Node] | None = None,
        op: Operation | None = None,
        at: Node | None = None,
    ) -> None:
        self.setter = setter
        self.leaf = leaf
        self.op = op
        self.at = Scalar("") if at is None else at
        self.hits = 0

    def write(self, node: Node, path: tuple[str, ...]) -> Node:
        """``node`` with the path's ends set (the very same node if nothing changed). Raises KustomizeError."""
        if not path:
            self.hits += 1
            return self.setter(node)
        segment, rest = path[0], path[1:]
        if _is_index(segment):
            return self._index(node, int(segment), rest)
        if _is_selector(segment):
            return self._select(node, segment, rest)
        if segment == "*":
            return self._items(node, lambda _: True, rest)
        return self._field(node, segment, rest)

    def _new(self, rest: tuple[str, ...]) -> Node:
        """The empty node that holds ``rest``."""
        segment = rest[0] if rest else ""
        if _is_selector(segment) or _is_index(segment):
            return Sequence([], op=self.op, touched=True)
        if segment or self.leaf is Mapping:
            return Mapping({}, op=self.op, touched=True)
        return Sequence([], op=self.op, touched=True) if self.leaf is Sequence else Scalar("")

    def _field(self, node: Node, name: str, rest: tuple[str, ...]) -> Node:
        found = _field(node, name)
        if found is None:
            if self.leaf is None:
                return node
            new = self.write(self._new(rest), rest)
            # In a null kustomize creates the field too, and prints the null.
            return node.with_field(Scalar(name), new) if isinstance(node, Mapping) else node
        if isinstance(found, Scalar) and rest:
            self._inside(found, rest)
            return node
        new = self.write(found, rest)
        return node.with_field(Scalar(name), new) if new is not found and isinstance(node, Mapping) else node

    def _inside(self, scalar: Scalar, rest: tuple[str, ...]) -> None:
        """Walks on in what the text means, only to count: kustomize writes to a copy of it and drops the copy."""
        try:
            inner = parse_text(scalar)
        except ManifestError as error:
            raise KustomizeError(error.go_message, problem=error.problem).located(scalar) from None
        if inner is None:
            raise KustomizeError("wrong node kind: expected MappingNode but got ").located(scalar)
        self.write(inner, rest)

    def _index(self, node: Node, index: int, rest: tuple[str, ...]) -> Node:
        items = _items(node)
        if index == len(items) and self.leaf is not None and isinstance(node, Sequence):
            return node.derive([*items, self.write(self._new(rest), rest)])
        if index >= len(items):
            raise KustomizeError(f"index {index} specified but only {len(items)} elements found").located(node)
        new = self.write(items[index], rest)
        if new is items[index]:
            return node
        assert isinstance(node, Sequence)
        return node.derive([*items[:index], new, *items[index + 1 :]])

    def _items(self, node: Node, wanted: Callable[[Node], bool], rest: tuple[str, ...]) -> Node:
        items = _items(node)
        new = [self.write(item, rest) if wanted(item) else item for item in items]
        if all(now is before for now, before in zip(new, items, strict=True)):
            return node
        assert isinstance(node, Sequence)
        return node.derive(new)

    def _select(self, node: Node, segment: str, rest: tuple[str, ...]) -> Node:
        field, value = _split_selector(segment)
        wanted = _matcher(field, value)
        before = self.hits
        # The end of a path is the item itself where items are primitive, whatever follows.
        rest = rest if field else ()
        new = self._items(node, wanted, rest)
        if self.hits > before or self.leaf is None or not isinstance(node, Sequence):
            return new
        item: Node = Scalar(value, source=self.at.source, pos=self.at.pos, op=self.op)
        if field:
            item = Mapping({field: (Scalar(field), item)}, op=self.op, touched=True)
        if not wanted(item):
            raise KustomizeError(f"failed to create element for {segment!r}: it would not match").located(node)
        return node.derive([*node.items, self.write(item, rest)])


def _matcher(field: str, pattern: str) -> Callable[[Node], bool]:
    """Whether an item's field, or a primitive item, has a YAML text in which ``pattern`` is found."""
    found = regexp(pattern)

    def matches(item: Node) -> bool:
        node = item if not field else item.get(field) if isinstance(item, Mapping) else None
        return node is not None and found.search(dump(node).strip())

    return matches
