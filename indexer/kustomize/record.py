"""Strict decoding of YAML nodes into records, as Go's JSON decoder fills a struct, with every field's node kept.

Go's rules: unknown fields are refused, names match in any case, a null is the zero value, and the first error in the
order of the sorted keys is the one that is reported.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from enum import Enum
from typing import Any, Final

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError
from indexer.manifest.gojson import dumps
from indexer.manifest.node import Mapping, Node, Scalar, Sequence
from indexer.manifest.scalars import to_data, to_data_11


class Struct(NamedTuple):
    """A Go struct: its name in messages, and its fields by their JSON names."""

    name: str
    fields: AbstractMapping[str, Type]

    def __str__(self) -> str:
        return f"types.{self.name}"


class ListOf(NamedTuple):
    item: Type

    def __str__(self) -> str:
        return f"[]{self.item}"


class Basic(NamedTuple):
    """A Go basic type, ``map[string]string`` or ``interface {}``."""

    name: str

    def __str__(self) -> str:
        return self.name


Type = Struct | ListOf | Basic

STRING: Final = Basic("string")
EMBEDDED: Final = Basic("string")
"""A text of a struct within the struct: what would become a text elsewhere is refused there, however it is read."""
BOOL: Final = Basic("bool")
INT: Final = Basic("int")
INT64: Final = Basic("int64")
STRINGS: Final = ListOf(STRING)
STRING_MAP: Final = Basic("map[string]string")
ANY: Final = Basic("interface {}")


class Reading(Enum):
    """How a text is decoded."""

    STRICT = "strict"
    """A kustomization file: unknown fields are refused."""
    LOOSE = "loose"
    """A file of its own: unknown fields are passed over, numbers and booleans are texts where those are wanted."""
    OBJECT = "object"
    """The configuration of a plugin: as loose, but it has been an object first, and is typed like one."""


class Record:
    """A decoded struct: values by field name, with the zero value for what is absent, and the node of each field."""

    __slots__ = ("node", "nodes", "struct", "values")

    def __init__(self, struct: Struct, node: Node) -> None:
        self.struct = struct
        self.node = node
        self.values: dict[str, Any] = {}
        self.nodes: dict[str, Node] = {}

    def __contains__(self, name: str) -> bool:
        """Whether the field is given and not null."""
        return name in self.values

    def text(self, name: str) -> str:
        value = self.values.get(name, "")
        assert isinstance(value, str)
        return value

    def flag(self, name: str) -> bool:
        return bool(self.values.get(name, False))

    def number(self, name: str) -> int:
        value = self.values.get(name, 0)
        assert isinstance(value, int)
        return value

    def texts(self, name: str) -> list[str]:
        return list(self.values.get(name, ()))

    def pairs(self, name: str) -> dict[str, str]:
        return dict(self.values.get(name, {}))

    def records(self, name: str) -> list[Record]:
        return list(self.values.get(name, ()))

    def record(self, name: str) -> Record | None:
        value = self.values.get(name)
        assert value is None or isinstance(value, Record)
        return value

    def at(self, name: str, index: int | None = None, key: str | None = None) -> Node:
        """The node of a field, of an item of it, or of the value under a key of it; the record's where it is absent."""
        node = self.nodes.get(name)
        if node is None:
            return self.node
        if index is not None and isinstance(node, Sequence):
            return node.items[index]
        if key is not None and isinstance(node, Mapping):
            return node.get(key) or node
        return node


def decode(node: Node, struct: Struct, reading: Reading = Reading.STRICT) -> Record:
    """Decodes a mapping; raises KustomizeError with Go's message (``json: unknown field "x"`` …)."""
    if not isinstance(node, Mapping):
        raise _mismatch(node, f"Go value of type {struct}")
    return _struct(node, struct, (), reading)


def _struct(node: Mapping, struct: Struct, path: tuple[str, ...], reading: Reading) -> Record:
    record = Record(struct, node)
    # Of equal keys the last counts.
    last = {_key_text(key, reading): value for key, value in (*node.items(), *node.duplicate)}
    entries = sorted(last.items(), key=lambda entry: entry[0].encode("utf-8", "surrogateescape"))
    folded = {name.lower(): name for name in struct.fields}
    for key, value in entries:
        name = key if key in struct.fields else folded.get(key.lower())
        if name is None and reading is not Reading.STRICT:
            continue
        if name is None:
            raise KustomizeError(f'json: unknown field "{key}"', problem=f"unknown field {key!r}").located(value)
        decoded = _value(value, struct.fields[name], struct.name, (*path, name), reading)
        if decoded is not None:
            record.values[name] = decoded
            record.nodes[name] = value
        else:
            record.values.pop(name, None)
            record.nodes.pop(name, None)
    return record


def _data(node: Node, reading: Reading) -> Any:
    return to_data(node) if reading is Reading.OBJECT else to_data_11(node)


def _key_text(key: Scalar, reading: Reading) -> str:
    """Keys become strings as YAML 1.1 reads them (``n`` is ``false``)."""
    value = _data(key, reading)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _value(node: Node, want: Type, owner: str, path: tuple[str, ...], reading: Reading) -> Any:
    """The decoded value; None for a null."""
    if isinstance(node, Scalar) and _data(node, reading) is None:
        return None
    field = f"Go struct field {owner}.{'.'.join(path)} of type {want}"
    if isinstance(want, Struct):
        if not isinstance(node, Mapping):
            raise _mismatch(node, field)
        return _struct(node, want, path, reading)
    if isinstance(want, ListOf):
        if not isinstance(node, Sequence):
            raise _mismatch(node, field)
        return [_item(item, want.item, owner, path, reading) for item in node.items]
    if want is ANY:
        return _data(node, reading)
    if want is STRING_MAP:
        if not isinstance(node, Mapping):
            raise _mismatch(node, field)
        last = {_key_text(key, reading): value for key, value in (*node.items(), *node.duplicate)}
        return {key: _item(value, STRING, owner, path, reading) for key, value in last.items()}
    return _basic(node, want, field, reading)


def _item(node: Node, want: Type, owner: str, path: tuple[str, ...], reading: Reading) -> Any:
    value = _value(node, want, owner, path, reading)
    if value is not None:
        return value
    return Record(want, node) if isinstance(want, Struct) else ""


def _basic(node: Node, want: Basic, field: str, reading: Reading) -> Any:
    if not isinstance(node, Scalar):
        raise _mismatch(node, field)
    value = _data(node, reading)
    if want in (STRING, EMBEDDED) and isinstance(value, str):
        return value
    if want is STRING and reading is not Reading.STRICT:
        return dumps(value)
    if want is BOOL and isinstance(value, bool):
        return value
    if want in (INT, INT64) and not isinstance(value, bool):
        if isinstance(value, int):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
    raise _mismatch(node, field)


def _mismatch(node: Node, into: str) -> KustomizeError:
    if isinstance(node, Mapping):
        kind = "object"
    elif isinstance(node, Sequence):
        kind = "array"
    else:
        value = to_data_11(node)
        kind = "bool" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
        if kind == "number" and into.endswith(("int", "int64")):
            kind = f"number {value}"
    where = into.removeprefix("Go struct field ").split(" of type ")[0]
    return KustomizeError(
        f"json: cannot unmarshal {kind} into {into}",
        problem=f"{where} cannot be {'an' if kind[0] in 'aeiou' else 'a'} {kind}",
    ).located(node)
