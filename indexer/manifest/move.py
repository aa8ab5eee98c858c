"""Positions of a tree that was parsed from a part of a file."""

from __future__ import annotations

from collections.abc import Callable

from indexer.manifest.node import Mapping, Node, Sequence, Source, pack, unpack

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
