"""Field specs: the paths that transformers write to, and the walk that finds them.

Rules: kustomize's ``api/types/fieldspec.go`` and ``api/filters/fieldspec`` (kustomize-semantics.md §7).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from typing import Final

from indexer.deferred import dataclass, field, regex
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.resid import Gvk
from indexer.manifest.node import NOWHERE, Mapping, Node, Operation, Scalar, Sequence
from indexer.manifest.scalars import is_null

ANY_KIND: Final = Gvk("", "", "")
Setter = Callable[[Node], Node]
_NO_FIELD: Final = regex(r"[-+]?[0-9]+|[-*]|\[.*\]", re.ASCII)


class Create(Enum):
    """The kind of node that a missing leaf becomes."""

    NOTHING = "nothing"
    SCALAR = "scalar"
    MAPPING = "mapping"
    SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """Where a transformer writes: a path in the resources that a (partly blank) group, version and kind select."""

    path: str
    gvk: Gvk = ANY_KIND
    create: bool = False
    at: Node | None = field(default=None, compare=False)
    """The entry of a ``configurations`` file that gave it; None for a built-in one."""

    @property
    def segments(self) -> tuple[str, ...]:
        return split_path(self.path)


def split_path(path: str) -> tuple[str, ...]:
    r"""Segments of a path whose separator is ``/`` and whose escape is ``\/``; a leading slash means nothing."""
    pieces = path.split("/")
    parts: list[str] = []
    for piece in pieces[1:] if len(pieces) > 1 and not pieces[0] else pieces:
        if parts and parts[-1].endswith("\\"):
            parts[-1] = parts[-1][:-1] + "/" + piece
        else:
            parts.append(piece)
    return tuple(parts)


def merge_specs(existing: tuple[FieldSpec, ...], incoming: Iterable[FieldSpec]) -> tuple[FieldSpec, ...]:
    """``existing`` with what it does not have yet; raises on two that differ in ``create`` alone."""
    if existing is incoming:
        return existing
    result = list(existing)
    by_path: defaultdict[str, list[FieldSpec]] = defaultdict(list)
    for spec in existing:
        by_path[spec.path].append(spec)
    for spec in incoming:
        known = by_path[spec.path]
        same = next((one for one in known if one.gvk.is_selected(spec.gvk)), None)
        if same is None:
            result.append(spec)
            known.append(spec)
        elif same.create != spec.create:
            raise KustomizeError("conflicting fieldspecs").located(spec.at)
    return tuple(result)


def new_node(create: Create, op: Operation | None = None) -> Node:
    """The empty node that a missing field becomes."""
    if create is Create.MAPPING:
        return Mapping({}, op=op, touched=True)
    if create is Create.SEQUENCE:
        return Sequence([], op=op, touched=True)
    return Scalar("", op=op)


def apply(root: Mapping, spec: FieldSpec, setter: Setter, create: Create, describe: Callable[[], object]) -> Mapping:
    """``root`` with ``setter`` applied to every node that ``spec.path`` reaches (the very same node if none changed).

    ``describe`` gives the resource's id for an error message. Whether ``spec`` selects the resource is the caller's
    question.
    """
    try:
        result = _walk(root, spec.segments, setter, create if spec.create else Create.NOTHING)
    except KustomizeError as error:
        raise error.wrapped(f"considering field '{spec.path}' of object {describe()}: ") from None
    assert isinstance(result, Mapping)
    return result


def _walk(node: Node, path: tuple[str, ...], setter: Setter, create: Create) -> Node:
    if not path:
        return setter(node)
    if isinstance(node, Sequence):
        return _walk_items(node, path, setter, create)
    if isinstance(node, Mapping):
        return _walk_field(node, path, setter, create)
    if is_null(node):
        return node
    raise KustomizeError("expected sequence or mapping node").located(node)


def _walk_items(node: Sequence, path: tuple[str, ...], setter: Setter, create: Create) -> Node:
    changed = False
    items: list[Node] = []
    for item in node.items:
        try:
            new = _walk(item, path, setter, create)
        except KustomizeError as error:
            raise error.wrapped(f"visit traversal on path: [{' '.join(path)}]: ") from None
        changed = changed or new is not item
        items.append(new)
    return node.derive(items) if changed else node


def _walk_field(node: Mapping, path: tuple[str, ...], setter: Setter, create: Create) -> Node:
    name, listed = _part(path[0])
    if name is None:
        raise _no_field(path[0], node)
    if not name:
        return _walk(node, path[1:], setter, create)
    if listed:
        kind, may_create = Create.SEQUENCE, False
    elif create is Create.NOTHING:
        kind, may_create = Create.NOTHING, False
    else:
        kind, may_create = (create if len(path) == 1 else Create.MAPPING), True
    found = node.get(name)
    if found is None:
        if not may_create:
            return node
        value = _walk(new_node(kind), path[1:], setter, create)
        return node.with_field(Scalar(name), value)
    value = found
    if kind is not Create.NOTHING and is_null(found):
        value = new_node(kind)
        value.prev = found
        value.source, value.pos = found.source, found.pos
    new = _walk(value, path[1:], setter, create)
    return node if new is found else node.with_field(node.fields[name][0], new)


@cache
def _part(part: str) -> tuple[str | None, bool]:
    """The field that a part of a path names, and whether a list is expected there. Blanks name the mapping itself.

    None is no field: kustomize takes a number or ``[k=v]`` for an item of a list, though by then it is inside of one.
    """
    name = part.removesuffix("[]")
    field = name.strip()
    return None if not name or _NO_FIELD.fullmatch(field) else field, name != part


def _no_field(part: str, node: Mapping) -> KustomizeError:
    from indexer.kustomize.fieldpath import lookup  # only messages need it

    name = part.removesuffix("[]")
    if not name:
        return KustomizeError("cannot set or create an empty field name").located(node)
    try:
        found = lookup(node, (name,))
    except KustomizeError as error:
        return error.wrapped(f"fieldName: {name}: ")
    raise AssertionError(found)


def set_scalar(old: Node, text: str, tag: str | None, at: Node | None, op: Operation | None) -> Scalar:
    """The scalar that takes the place of ``old``: it keeps the style, so a quoted value stays a string.

    ``at`` is the node of the kustomization file that a person would edit to change the value.
    """
    if not isinstance(old, Scalar):
        kind = "MappingNode" if isinstance(old, Mapping) else "SequenceNode"
        raise KustomizeError(f"wrong node kind: expected ScalarNode but got {kind}").located(old)
    place = at if at is not None else old
    known = old.source is not NOWHERE or old.op is not None
    return Scalar(text, tag, old.style, place.source, place.pos, op, old if known else None)
