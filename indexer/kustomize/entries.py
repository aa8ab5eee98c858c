"""Adding entries to mappings of texts: what ``labels`` and ``commonAnnotations`` have in common.

Rules: kustomize's ``api/filters/labels`` and ``api/filters/annotations`` (kustomize-semantics.md §7, §8.3, §8.4).

What one entry adds to several places of an object is one node to kustomize: whatever later sets it in one of those
places sets it in all. So one ``Scalar`` stands in all of them here, and ``unify`` is for those who set it.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping

from indexer.kustomize.fieldspec import Create, FieldSpec, set_scalar
from indexer.kustomize.nodes import string
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selection import Selection
from indexer.kustomize.wrongkind import MAPPING, WrongKindError
from indexer.manifest.node import STR, Mapping, Node, Operation, Scalar, Sequence, Style
from indexer.manifest.scalars import is_null


class EntrySetter:
    """Adds the same entries to mappings of one resource."""

    def __init__(self, pairs: AbstractMapping[str, str], at: Node, op: Operation) -> None:
        self._op = op
        self._entries: list[tuple[Scalar, Scalar]] = []
        self._replaced: dict[int, tuple[Node, Scalar]] = {}
        for key in sorted(pairs):
            key_node, value_node = at.fields.get(key, (at, at)) if isinstance(at, Mapping) else (at, at)
            new_key = Scalar(key, None, Style.PLAIN, key_node.source, key_node.pos, op)
            self._entries.append((new_key, string(pairs[key], value_node, op)))

    def apply(self, res: Resource, selection: Selection) -> None:
        """Adds the entries wherever a spec points. Raises KustomizeError where that is no mapping."""
        self._replaced = {}
        selection.apply(res, self._set, Create.MAPPING)
        if self._replaced:
            res.root = unify(res.root, self._replaced)

    def _set(self, node: Node) -> Node:
        if is_null(node):
            return node
        if not isinstance(node, Mapping):
            raise WrongKindError(node, MAPPING)
        fields = dict(node.fields)
        for key, value in self._entries:
            old_key, old = fields.get(key.text, (key, None))
            fields[key.text] = (old_key, self._value(old, value))
        return node.derive(fields)

    def _value(self, old: Node | None, value: Scalar) -> Scalar:
        if old is None or old is value:
            return value
        if not isinstance(old, Scalar):
            return string(value.text, value, self._op, old)
        if old.op is self._op:
            return old
        known = self._replaced.get(id(old))
        if known is not None:
            return known[1]
        new = set_scalar(old, value.text, STR, value, self._op)
        if old.op is not None:
            self._replaced[id(old)] = (old, new)
        return new


def unify(root: Mapping, replaced: AbstractMapping[int, tuple[Node, Node]]) -> Mapping:
    """``root`` with every occurrence of a replaced node (by ``id``: the node, the new one) replaced."""
    result = _unified(root, replaced)
    assert isinstance(result, Mapping)
    return result


def _unified(node: Node, replaced: AbstractMapping[int, tuple[Node, Node]]) -> Node:
    found = replaced.get(id(node))
    if found is not None:
        return found[1]
    if isinstance(node, Mapping) and node.touched:
        fields = {text: (key, _unified(value, replaced)) for text, (key, value) in node.fields.items()}
        changed = any(fields[text][1] is not value for text, (_, value) in node.fields.items())
        return node.derive(fields) if changed else node
    if isinstance(node, Sequence) and node.touched:
        items = [_unified(item, replaced) for item in node.items]
        return node.derive(items) if any(a is not b for a, b in zip(items, node.items, strict=True)) else node
    return node


def add_entries(
    resmap: ResMap, pairs: AbstractMapping[str, str], at: Node, specs: tuple[FieldSpec, ...], op: Operation
) -> None:
    """Adds ``pairs`` (written at ``at``) to all resources, at the places that ``specs`` give."""
    if not pairs:
        return
    selection = Selection(specs)
    for res in resmap:
        EntrySetter(pairs, at, op).apply(res, selection)
