"""What the built-in types of Kubernetes make of an object: the controller reads it into its type, and writes that out.

Fields that the type does not have are gone without a word, and so are those that it leaves out when they are empty;
those that it always writes come; quantities become canonical (section 4.9 of the Flux rules). What is of another shape
than the type is left to the server, which refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from operator import is_
from pathlib import Path
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.nodes import string, text_at
from indexer.manifest.gojson import dumps
from indexer.manifest.node import (
    BOOL,
    FLOAT,
    INT,
    NULL,
    STR,
    Mapping,
    Node,
    Removal,
    Scalar,
    Sequence,
    relocated,
)
from indexer.manifest.scalars import is_null, tag_of, to_data

_DATA: Final = "kubernetes-0.36.json"
_POINTER, _LIST, _MAP = "?", "-", "*"
_EMPTY: Final = frozenset({"", "0", "0.0", "false", "False", "FALSE", "~", "null", "Null", "NULL"})
"""All spellings of a scalar that may be empty; what it is depends on its tag."""
_TAGS: Final = {"string": {STR}, "bytes": {STR}, "number": {INT, FLOAT}, "bool": {BOOL}}
_ZEROS: Final = {
    "string": Scalar("", STR), "number": Scalar("0", INT), "bool": Scalar("false", BOOL), "intstr": Scalar("0", INT),
    "quantity": Scalar("0", STR),
}  # fmt: skip
_NULL: Final = Scalar("null", NULL)

_Convert = Callable[[Node], Node]


class _Field(NamedTuple):
    optional: bool
    """Left out where it is empty."""
    tags: frozenset[str]
    """Of the scalars of this kind that may be empty."""
    collects: bool
    """A list or map, which is empty without items."""
    convert: _Convert | None
    """None for what stays as it is."""
    zero: Node
    """What is written for null, and for a field that is not there but not optional."""


class _Type(NamedTuple):
    fields: dict[str, _Field]
    always: tuple[tuple[str, _Field], ...]


@cache
def _data() -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    data = json.loads(Path(__file__).with_name(_DATA).read_bytes())
    kinds = {
        (version, kind): name or kind
        for version, listed in data["kinds"].items()
        for kind, _, name in (entry.partition(":") for entry in listed.split())
    }
    return kinds, data["types"]


@cache
def _type(name: str) -> _Type:
    fields = {}
    for entry in _data()[1][name].split():
        field, _, kind = entry.partition(":")
        fields[field.removesuffix("!")] = _field(kind or "string", optional=not field.endswith("!"))
    return _Type(fields, tuple((name, field) for name, field in fields.items() if not field.optional))


@cache
def _root(name: str) -> _Type:
    """The type of a kind, whose status is not sent."""
    fields, always = _type(name)
    return _Type(fields, tuple(entry for entry in always if entry[0] != "status"))


@cache
def _field(kind: str, *, optional: bool) -> _Field:
    tags = frozenset({NULL} | _TAGS.get(kind, set()))
    return _Field(optional, tags, kind.startswith((_LIST, _MAP)), _converter(kind), _zero(kind))


def _zero(kind: str) -> Node:
    if kind[:1].isupper():
        return Mapping({name: (Scalar(name), field.zero) for name, field in _type(kind).always})
    return _ZEROS.get(kind, _NULL)


@cache
def _converter(kind: str) -> _Convert | None:
    if kind[:1].isupper():
        known = _type(kind)
        return lambda node: _written(node, known) if isinstance(node, Mapping) else node
    if kind.startswith(_POINTER):
        return _converter(kind[1:])
    if kind.startswith((_LIST, _MAP)):
        convert, zero = _converter(kind[1:]), _zero(kind[1:])
        return lambda node: _each(node, convert, zero)
    return {"quantity": _quantity, "bytes": _bytes}.get(kind)


def round_trip(root: Mapping) -> Mapping:
    """An object as its type writes it, without a status that it does not have; of no built-in kind: as it is."""
    kind = _data()[0].get((text_at(root, "apiVersion"), text_at(root, "kind")))
    return root if kind is None else _written(root, _root(kind))


def _written(node: Mapping, known: _Type) -> Mapping:
    fields: dict[str, tuple[Scalar, Node]] = {}
    gone: tuple[Removal, ...] = ()
    same = True
    for name, entry in node.fields.items():
        field = known.fields.get(name)
        if field is None:
            same = False
            continue
        value = entry[1]
        new = value
        if _is_empty(value, field):
            if field.optional:
                same = False
                if value.op is not None:
                    gone += (Removal(name, value, value.op, value),)
                continue
            if is_null(value) and field.zero is not _NULL:
                new = _at(value, field.zero)
        elif field.convert is not None:
            new = field.convert(value)
        if new is value:
            fields[name] = entry
        else:
            same = False
            fields[name] = (entry[0], new)
    for name, field in known.always:
        if name not in fields:
            same = False
            fields[name] = (Scalar(name), field.zero)
    return node if same else with_fields(node, fields, gone)


def _is_empty(value: Node, field: _Field) -> bool:
    if isinstance(value, Scalar):
        if value.text not in _EMPTY:
            return False
        tag = tag_of(value)
        return tag in field.tags and not (tag == STR and value.text)
    if not field.collects:
        return False
    # What emptied it is remembered on it, and must not be lost.
    if isinstance(value, Mapping):
        return not value.fields and not value.gone
    assert isinstance(value, Sequence)
    return not value.items and not value.gone


def _each(node: Node, convert: _Convert | None, zero: Node) -> Node:
    """The items of a list or map as their type writes them; a null among them is the type's zero."""

    def item(value: Node) -> Node:
        if is_null(value):
            return value if zero is _NULL else _at(value, zero)
        return value if convert is None else convert(value)

    if isinstance(node, Sequence):
        items = [item(value) for value in node.items]
        return node if all(map(is_, items, node.items)) else with_items(node, items)
    if isinstance(node, Mapping):
        fields = {name: (key, item(value)) for name, (key, value) in node.fields.items()}
        same = all(fields[name][1] is value for name, (_, value) in node.fields.items())
        return node if same else with_fields(node, fields)
    return node


def _quantity(node: Node) -> Node:
    if not isinstance(node, Scalar):
        return node
    from indexer.flux.quantity import canonical_quantity  # which loads fractions

    is_text = tag_of(node) == STR
    text = canonical_quantity(node.text if is_text else dumps(to_data(node)))
    if text is None or (is_text and text == node.text):
        return node
    return string(text, node, node.op, node.prev)


def _bytes(node: Node) -> Node:
    if not isinstance(node, Scalar) or not ("\n" in node.text or "\r" in node.text):
        return node
    return string("".join(node.text.split()), node, node.op, node.prev)


def _at(node: Node, zero: Node) -> Node:
    return relocated(zero, op=node.op, prev=node.prev, at=node)


def with_fields(node: Mapping, fields: dict[str, tuple[Scalar, Node]], gone: tuple[Removal, ...] = ()) -> Mapping:
    """``node`` with other fields; unlike by ``derive`` not marked as touched: what put it in place whole still did."""
    return Mapping(
        fields, node.flow, node.source, node.pos, node.op, node.prev,
        touched=node.touched, gone=node.gone + gone, duplicate=node.duplicate,
    )  # fmt: skip


def with_items(node: Sequence, items: list[Node]) -> Sequence:
    """The same for a list."""
    return Sequence(items, node.flow, node.source, node.pos, node.op, node.prev, touched=node.touched, gone=node.gone)
