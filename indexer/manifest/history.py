"""From a rendered tree to the spans that made it: who set each field, and what lost.

A build leaves its history in the nodes (``source``, ``pos``, ``op``, ``prev``, ``gone``); here it is read back.
"""

from __future__ import annotations

from collections.abc import Iterator

from indexer.manifest.node import (
    NOWHERE,
    Mapping,
    Node,
    Operation,
    Sequence,
    overridden,
    pointer,
    span_of,
)
from indexer.manifest.provenance import Contribution, Role, Source

__all__ = ["Contribution", "contributions"]


class _Collector:
    """Gathers (operation, span) → fields in the order of first sight."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, Source, int, bool], tuple[Operation, list[str]]] = {}

    def add(self, node: Node, path: tuple[str, ...], *, lost: bool = False) -> None:
        if node.op is None or node.source is NOWHERE:
            return
        key = (id(node.op), node.source, node.pos, lost)
        _, fields = self.found.setdefault(key, (node.op, []))
        fields.append(pointer(path))

    def visit(self, node: Node, path: tuple[str, ...]) -> None:
        """Records what put ``node`` and all below it in place; an untouched tree of the definition costs nothing."""
        for past in overridden(node):
            self.add(past, path, lost=True)
        if isinstance(node, Mapping):
            if node.touched or node.prev is not None:
                for text, (_, value) in node.fields.items():
                    if _has_history(value):
                        self.visit(value, (*path, text))
                for removal in node.gone:
                    self.removal(removal.at, removal.op, (*path, removal.key))
                if node.op is not None and not node.fields:
                    self.add(node, path)
            else:
                self.add(node, path)
        elif isinstance(node, Sequence):
            if node.touched or node.prev is not None:
                for index, item in enumerate(node.items):
                    if _has_history(item):
                        self.visit(item, (*path, str(index)))
                for removal in node.gone:
                    self.removal(removal.at, removal.op, (*path, removal.key))
                if node.op is not None and not node.items:
                    self.add(node, path)
            else:
                self.add(node, path)
        else:
            self.add(node, path)

    def removal(self, at: Node, op: Operation, path: tuple[str, ...]) -> None:
        if at.source is not NOWHERE:
            _, fields = self.found.setdefault((id(op), at.source, at.pos, False), (op, []))
            fields.append(pointer(path))


def _has_history(node: Node) -> bool:
    """Whether anything but the definition made a node, or something below it."""
    if node.op is not None or node.prev is not None:
        return True
    return isinstance(node, (Mapping, Sequence)) and node.touched


def contributions(root: Mapping) -> tuple[Contribution, ...]:
    """Every span but the definition's that set, replaced or removed something in ``root``, in document order.

    A subtree that one operation put in place whole is one contribution with the pointer of its root.
    """
    collector = _Collector()
    collector.visit(root, ())
    made = [
        Contribution(op.role, op.name, span_of(source, pos), tuple(fields), lost)
        for (_, source, pos, lost), (op, fields) in collector.found.items()
    ]
    return tuple(made + list(_entries(made, collector)))


def _entries(made: list[Contribution], collector: _Collector) -> Iterator[Contribution]:
    """The entries that call the operations, where they are not themselves what was put in place."""
    spans = {contribution.span for contribution in made}
    operations = {op.entry: op for op, _ in collector.found.values()}
    for entry, op in operations.items():
        if entry is not None and entry not in spans:
            # A substitution's name ends with its variables, and one postBuild has many.
            name = op.name.partition(" ")[0] if op.role is Role.SUBSTITUTES else op.name
            yield Contribution(Role.CONFIGURES, f"{name} entry", entry)
