"""YAML as people write it: trees whose scalars are raw text, and the styles around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Node: TypeAlias = "str | dict[str, Node] | list[Node] | Block | Flow | Anchored"
"""A ``str`` is a scalar exactly as it stands in the file: quoted, plain, an alias …"""


@dataclass(frozen=True)
class Block:
    """A literal or folded scalar."""

    header: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Flow:
    """A collection in braces; it holds no Block."""

    node: Node


@dataclass(frozen=True)
class Anchored:
    name: str
    node: Node


def dump(node: Node) -> str:
    """A whole document."""
    if isinstance(node, dict) and node:
        return _mapping(node, "")
    if isinstance(node, list) and node:
        return _sequence(node, "")
    return _after(node, "").strip() + "\n"


def documents(nodes: list[Node]) -> str:
    return "---\n".join(dump(node) for node in nodes)


def flow(node: Node) -> str:
    if isinstance(node, dict):
        return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(flow(item) for item in node) + "]"
    if isinstance(node, Flow):
        return flow(node.node)
    if isinstance(node, Anchored):
        return f"&{node.name} {flow(node.node)}"
    assert isinstance(node, str)
    return node


def has_block(node: Node) -> bool:
    if isinstance(node, dict):
        return any(map(has_block, node.values()))
    if isinstance(node, list):
        return any(map(has_block, node))
    if isinstance(node, Anchored):
        return has_block(node.node)
    return isinstance(node, Block)


def text(value: str) -> Block:
    """A document inside a document: what ``patch: |-`` holds."""
    return Block("|-", tuple(value.rstrip("\n").split("\n")))


def _mapping(node: dict[str, Node], pad: str) -> str:
    return "".join(f"{pad}{key}:{_after(value, pad)}" for key, value in node.items())


def _sequence(node: list[Node], pad: str) -> str:
    lines = []
    for item in node:
        if isinstance(item, dict) and item:
            lines.append(f"{pad}- {_mapping(item, pad + '  ').removeprefix(pad + '  ')}")
        elif isinstance(item, list) and item:
            lines.append(f"{pad}- {_sequence(item, pad + '  ').removeprefix(pad + '  ')}")
        else:
            lines.append(f"{pad}-{_after(item, pad + '  ')}")
    return "".join(lines)


def _after(node: Node, pad: str) -> str:
    """What follows ``key:`` in a mapping indented by ``pad``."""
    if isinstance(node, str):
        return f" {node}\n" if node else "\n"
    if isinstance(node, Block):
        return f" {node.header}\n" + "".join(f"{pad}  {line}\n" if line else "\n" for line in node.lines)
    if isinstance(node, Flow):
        return f" {flow(node.node)}\n"
    if isinstance(node, Anchored):
        return f" &{node.name}{_after(node.node, pad)}"
    if not node:
        return " {}\n" if isinstance(node, dict) else " []\n"
    return "\n" + (_mapping(node, pad + "  ") if isinstance(node, dict) else _sequence(node, pad))
