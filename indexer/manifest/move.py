"""Trees put to another place: those of a part of a file, and of a file that has a twin."""

from __future__ import annotations

from collections.abc import Callable

from indexer.manifest.node import Mapping, Node, Scalar, Sequence, Source, pack, unpack

Place = Callable[[int, int], tuple[int, int]]
"""Maps a 0-based (line, column) of the part to that of the whole."""


def shifted(lines: int) -> Place:
    """The place of a part that begins so many lines below the top of the file."""
    return lambda line, column: (line + lines, column)


def move(root: Node, place: Place, source: Source | None = None) -> None:
    """Changes the positions (and source) of a freshly composed tree, in place; what aliases share is moved once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        line, column, end_line, end_column = unpack(node.pos)
        node.pos = pack(*place(line, column), *place(end_line, end_column))
        if source is not None:
            node.source = source
        if isinstance(node, Mapping):
            for pair in (*node.fields.values(), *node.duplicate):
                waiting += pair
        elif isinstance(node, Sequence):
            waiting += node.items


def copied(root: Node, source: Source) -> Node:
    """A freshly composed tree as it stands in another file of the same content; what aliases share stays shared."""
    return _copied(root, source, {})


def _copied(node: Node, source: Source, shared: dict[int, Node]) -> Node:
    if isinstance(node, Scalar):
        return Scalar(node.text, node.tag, node.style, source, node.pos)
    known = shared.get(id(node))
    if known is not None:
        return known
    new: Node
    if isinstance(node, Mapping):
        fields = {text: _pair(pair, source, shared) for text, pair in node.fields.items()}
        duplicate = tuple(_pair(pair, source, shared) for pair in node.duplicate)
        new = Mapping(fields, node.flow, source, node.pos, duplicate=duplicate)
    else:
        assert isinstance(node, Sequence)
        new = Sequence([_copied(item, source, shared) for item in node.items], node.flow, source, node.pos)
    shared[id(node)] = new
    return new


def _pair(pair: tuple[Scalar, Node], source: Source, shared: dict[int, Node]) -> tuple[Scalar, Node]:
    key, value = pair
    return Scalar(key.text, key.tag, key.style, source, key.pos), _copied(value, source, shared)
