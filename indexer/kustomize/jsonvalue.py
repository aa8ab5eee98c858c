"""What is left of a tree that kustomize converts to JSON and back: types without their spelling.

Rules: kustomize's ``RNode.MarshalJSON`` and ``UnmarshalJSON`` (kustomize-semantics.md §10). Numbers pass through
float64, dates become strings, and scalars are spelled as go-yaml v3 spells them, which decides on their later fate: a
quoted one stays a string when it is overwritten.
"""

from __future__ import annotations

import re
from typing import Any, Final

from indexer.deferred import regex
from indexer.manifest.gojson import dumps
from indexer.manifest.gonumber import float_text
from indexer.manifest.node import STR, Mapping, Node, Operation, Scalar, Sequence, Style
from indexer.manifest.scalars import resolve, to_data, to_data_11

_OLD_BOOL: Final = regex(r"(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)\Z")
_BASE_60: Final = regex(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z", re.ASCII)
_NOT_PLAIN: Final = regex(
    r"""[-?:](?:\s|\Z)|[,\[\]{}#&*!|>'"%@`\s]|---|\.\.\.|.*(?::(?:\s|\Z)|\s#|\s\Z|[\x00-\x1f\x7f])"""
)


def scalar(data: Any, at: Node, op: Operation | None, prev: Node | None) -> Scalar:
    """The scalar that a JSON value becomes, standing where ``at`` stands."""
    text, style = _spelled(data)
    return Scalar(text, None, style, at.source, at.pos, op, prev)


def _spelled(data: Any) -> tuple[str, Style]:
    if data is None:
        return "null", Style.PLAIN
    if isinstance(data, bool):
        return "true" if data else "false", Style.PLAIN
    if isinstance(data, (int, float)):
        return float_text(float(data)), Style.PLAIN
    text = str(data)
    if "\n" in text:
        return text, Style.LITERAL
    if resolve(text) != STR or _OLD_BOOL.match(text) or _BASE_60.match(text):
        return text, Style.DOUBLE
    return text, Style.SINGLE if _NOT_PLAIN.match(text) else Style.PLAIN


def key(text: str, at: Node, op: Operation) -> Scalar:
    """A new key of a mapping, standing where ``at`` stands."""
    return scalar(text, at, op, None)


def converted(root: Mapping) -> Mapping:
    """The object after its way through JSON; nodes that it does not change are shared.

    The caller has made sure that ``to_data`` accepts the object.
    """
    result = _converted(root, in_flow=False)
    assert isinstance(result, Mapping)
    return result


def _converted(node: Node, *, in_flow: bool) -> Node:
    if isinstance(node, Mapping):
        in_flow = in_flow or node.flow
        fields: dict[str, tuple[Scalar, Node]] | None = None
        for text, (name, value) in node.fields.items():
            new = _converted(value, in_flow=in_flow)
            if new is not value:
                fields = dict(node.fields) if fields is None else fields
                fields[text] = (name, new)
        return node if fields is None else node.derive(fields)
    if isinstance(node, Sequence):
        in_flow = in_flow or node.flow
        items = [_converted(item, in_flow=in_flow) for item in node.items]
        return node.derive(items) if any(a is not b for a, b in zip(items, node.items, strict=True)) else node
    assert isinstance(node, Scalar)
    data = "" if in_flow and not node.text and node.style is Style.PLAIN and node.tag is None else to_data(node)
    text, style = _spelled(data)
    # What an operation put here may stand in several places, which only the round trip makes independent.
    if text == node.text and style is node.style and node.tag is None and node.op is None:
        return node
    return Scalar(text, None, style, node.source, node.pos, node.op, node.prev)


def reread(node: Node) -> Node:
    """An item of a list: kustomize writes its value as JSON and reads that as YAML.

    The caller has made sure that ``to_data`` accepts it.
    """
    if isinstance(node, Mapping):
        fields: dict[str, tuple[Scalar, Node]] = {}
        for text in sorted(node.fields):
            name, value = node.fields[text]
            fields[text] = (Scalar(text, None, Style.DOUBLE, name.source, name.pos), reread(value))
        return Mapping(fields, flow=True, source=node.source, pos=node.pos)
    if isinstance(node, Sequence):
        return Sequence([reread(item) for item in node.items], flow=True, source=node.source, pos=node.pos)
    assert isinstance(node, Scalar)
    data = node.text if node.style is Style.FOLDED else to_data(node)
    text, style = (data, Style.DOUBLE) if isinstance(data, str) else (dumps(data), Style.PLAIN)
    return Scalar(text, None, style, node.source, node.pos)


def value_11(node: Node, op: Operation) -> Node:
    """A value of a patch, typed by YAML 1.1 as JSON sees it, put there by ``op``."""
    if isinstance(node, Mapping):
        fields: dict[str, tuple[Scalar, Node]] = {}
        for name, value in (*node.items(), *node.duplicate):
            (text,) = to_data_11(Mapping({name.text: (name, Scalar(""))}))
            fields[text] = (key(text, name, op), value_11(value, op))
        return Mapping(fields, source=node.source, pos=node.pos, op=op)
    if isinstance(node, Sequence):
        return Sequence([value_11(item, op) for item in node.items], source=node.source, pos=node.pos, op=op)
    return scalar(to_data_11(node), node, op, None)


def from_data(data: Any, at: Node) -> Node:
    """A tree of JSON data, all of it standing where ``at`` stands."""
    if isinstance(data, dict):
        fields: dict[str, tuple[Scalar, Node]] = {
            text: (scalar(text, at, None, None), from_data(value, at)) for text, value in data.items()
        }
        return Mapping(fields, source=at.source, pos=at.pos)
    if isinstance(data, list):
        return Sequence([from_data(item, at) for item in data], source=at.source, pos=at.pos)
    return scalar(data, at, None, None)
