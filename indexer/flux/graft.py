"""An expanded object in nodes: the data that its text gives, laid over the tree that the text was made of.

What did not change keeps its node; what did becomes a scalar that points at the text with the ``${…}``, and remembers
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from indexer.kustomize.nodes import string
from indexer.manifest.gonumber import json_float_text
from indexer.manifest.node import STR, Mapping, Node, Operation, Scalar, Sequence, Style

_INT64: Final = 1 << 63


class Graft:
    """Lays new data over the old tree.

    ``renamed`` gives what a key becomes, ``operation`` what is to be said of a node that stands for old data.
    """

    def __init__(self, renamed: Callable[[str], str], operation: Callable[[Any], Operation]) -> None:
        self._renamed = renamed
        self._operation = operation

    def graft(self, old: Node, before: Any, after: Any) -> Node:
        """The node for ``after`` in the place of ``old``, whose data is ``before``."""
        if after is before and not isinstance(before, int | float):
            return old  # a number could lose digits all the same
        if isinstance(old, Mapping) and isinstance(after, dict):
            return self._mapping(old, before, after)
        if isinstance(old, Sequence) and isinstance(after, list) and len(after) == len(old.items):
            rows = zip(old.items, before, after, strict=True)
            items = [self.graft(*row) for row in rows]
            return old if all(new is o for new, o in zip(items, old.items, strict=True)) else old.derive(items)
        if isinstance(old, Scalar) and not isinstance(after, dict | list):
            after = _through_float(after)
            if (
                before == after
                and isinstance(before, str | bool | None) == isinstance(after, str | bool | None)
                and (isinstance(before, bool) == isinstance(after, bool))
            ):
                return old
        return self._made(after, old, self._operation(before), old)

    def _mapping(self, old: Mapping, before: dict[str, Any], after: dict[str, Any]) -> Mapping:
        fields: dict[str, tuple[Scalar, Node]] = {}
        renamed = {key: self._renamed(key) if "$" in key else key for key in old.fields}
        same = True
        # Of two keys that become one, the later in the sorted text wins.
        for key in sorted(old.fields) if len(set(renamed.values())) < len(renamed) else old.fields:
            key_node, value = old.fields[key]
            new = renamed[key]
            if new not in after:
                same = False
                continue
            was, now = before[key], after[new]
            child = value if now is was and isinstance(was, str) else self.graft(value, was, now)
            same = same and child is value and new == key
            if new != key:
                key_node = string(new, key_node, self._operation(key), key_node)
            fields[new] = (key_node, child)
        for new in after.keys() - fields.keys():
            same = False
            fields[new] = (string(new, old), self._made(after[new], old, self._operation(before), None))
        return old if same else old.derive(fields)

    def _made(self, data: Any, at: Node, op: Operation, prev: Node | None) -> Node:
        if isinstance(data, dict):
            fields = {key: (string(key, at), self._made(value, at, op, None)) for key, value in data.items()}
            return Mapping(fields, source=at.source, pos=at.pos, op=op, prev=prev, touched=True)
        if isinstance(data, list):
            items = [self._made(value, at, op, None) for value in data]
            return Sequence(items, source=at.source, pos=at.pos, op=op, prev=prev, touched=True)
        if isinstance(data, str):
            style = at.style if isinstance(at, Scalar) else Style.PLAIN
            return Scalar(data, STR, style, at.source, at.pos, op, prev)
        return Scalar(_literal(_through_float(data)), None, Style.PLAIN, at.source, at.pos, op, prev)


def _through_float(value: Any) -> Any:
    """Numbers pass through a float64 after substitution."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < _INT64 else number


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json_float_text(value) if isinstance(value, float) else str(value)
