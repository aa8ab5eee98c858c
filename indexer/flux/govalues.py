"""Values of Go templates: plain data that knows which inputs it was made of, and how Go prints it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from indexer.deferred import dataclass
from indexer.flux.gotokens import TemplateError
from indexer.manifest.gonumber import float_text
from indexer.manifest.node import Mapping, Node, Sequence


class Unsupported(Exception):
    """Something that Go would do and that is not done here; ``offset`` is where in the template."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class FunctionError(TemplateError):
    """A function that fails on its arguments, as Go's does."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An input that a value was made of."""

    name: str
    """Its path from ``inputs``: ``provider.namespace``."""
    node: Node


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a template: plain data, and what it was made of."""

    data: Any
    origins: tuple[Origin, ...] = ()
    node: Node | None = None
    """The node that holds these very data."""


class Unknowable:
    """An input that only the cluster knows, with the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def child_of(value: Value, key: str | int, start: int = 0) -> Value:
    """An entry of a map or list, with its own node where the value still has one. Raises Unsupported."""
    data = value.data[key]
    if isinstance(data, Unknowable):
        raise Unsupported(data.reason, start)
    if isinstance(value.node, Mapping):
        node = value.node.get(str(key))
    elif isinstance(value.node, Sequence) and isinstance(key, int) and key < len(value.node.items):
        node = value.node.items[key]
    else:
        node = None
    if node is None:
        return Value(data, value.origins)
    prefix = value.origins[0].name if value.origins else ""
    name = f"{prefix}.{key}" if prefix else str(key)
    return Value(data, (Origin(name, node),), node)


def join_origins(values: Iterable[Value]) -> tuple[Origin, ...]:
    """What a function's result was made of."""
    found: dict[int, Origin] = {}
    for value in values:
        for origin in value.origins:
            found.setdefault(id(origin.node), origin)
    return tuple(found.values())


def truth(data: Any) -> bool:
    """Whether Go takes a value for true: what is not empty."""
    return bool(data)


def show(data: Any, *, inner: bool = False) -> str:
    """``%v`` of a value."""
    if isinstance(data, str):
        return data
    if data is None:
        return "<nil>" if inner else "<no value>"
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, float):
        return float_text(data)
    if isinstance(data, list):
        return "[" + " ".join(show(item, inner=True) for item in data) + "]"
    if isinstance(data, dict):
        return "map[" + " ".join(f"{key}:{show(data[key], inner=True)}" for key in sorted(data)) + "]"
    return str(data)


def strval(data: Any) -> str:
    return show(data, inner=True)


def known(data: Any) -> Any:
    """Data without anything that only the cluster knows. Raises Unsupported."""
    if isinstance(data, Unknowable):
        raise Unsupported(data.reason)
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        known(item)
    return data
