"""The error of a node that is a mapping where a scalar belongs, or the other way round.

Rules: kustomize's ``kyaml/yaml`` (``InvalidNodeKindError``).
"""

from __future__ import annotations

from indexer.kustomize.errors import KustomizeError
from indexer.manifest.node import Mapping, Node, Scalar, Sequence, Style

SCALAR = "ScalarNode"
MAPPING = "MappingNode"
SEQUENCE = "SequenceNode"
_PLAIN_WORDS = {SCALAR: "a text or number", MAPPING: "a mapping", SEQUENCE: "a list"}


class WrongKindError(KustomizeError):
    """A node of another kind than the operation needs; ``found`` is go-yaml's name of the kind it has."""

    def __init__(self, node: Node, expected: str) -> None:
        self.found = kind_of(node)
        super().__init__(
            f"wrong node kind: expected {expected} but got {self.found}: node contents:\n{_contents(node)}",
            problem=f"{_PLAIN_WORDS[expected]} belongs here, and this is {_PLAIN_WORDS[self.found]}",
        )
        self.located(node)


def kind_of(node: Node) -> str:
    """go-yaml's name of a node's kind."""
    if isinstance(node, Mapping):
        return MAPPING
    return SEQUENCE if isinstance(node, Sequence) else SCALAR


def _contents(node: Node) -> str:
    """The text of a node as the message quotes it."""
    if isinstance(node, Mapping) and node.fields:
        return "".join(_field(key, value) for key, value in node.items())
    if isinstance(node, Sequence) and node.items:
        return "".join(_item(item) for item in node.items)
    return f"{_inline(node)}\n"


def _field(key: Scalar, value: Node) -> str:
    if isinstance(value, Mapping) and value.fields:
        return f"{_inline(key)}:\n" + "".join(f"  {line}\n" for line in _contents(value).splitlines())
    if isinstance(value, Sequence) and value.items:
        return f"{_inline(key)}:\n{_contents(value)}"
    return f"{_inline(key)}: {_inline(value)}\n"


def _item(item: Node) -> str:
    first, *rest = _contents(item).splitlines()
    return f"- {first}\n" + "".join(f"  {line}\n" for line in rest)


def _inline(node: Node) -> str:
    if isinstance(node, Mapping):
        return "{}"
    if isinstance(node, Sequence):
        return "[]"
    assert isinstance(node, Scalar)
    quote = node.style if node.style in (Style.SINGLE, Style.DOUBLE) else ""
    return f"{quote}{node.text}{quote}"
