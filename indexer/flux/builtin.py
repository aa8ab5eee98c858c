"""Fields that the built-in types of Kubernetes do not have: the controller reads an object into its type, and they are
gone without a word (section 4.9 of the Flux rules).
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from indexer.kustomize.nodes import text_at
from indexer.manifest.node import Mapping, Node, Sequence

_DATA: Final = "kubernetes-0.36.json"

Fields = dict[str, str]
"""Field → the name of its type, "*" before that of a map's values, "" for what is not looked into."""


class _Types(NamedTuple):
    kinds: dict[tuple[str, str], str]
    fields: dict[str, Fields]


@lru_cache(maxsize=1)
def _types() -> _Types:
    data = json.loads(Path(__file__).with_name(_DATA).read_bytes())
    kinds = {
        (version, kind): name or kind
        for version, listed in data["kinds"].items()
        for kind, _, name in (entry.partition(":") for entry in listed.split())
    }
    fields = {
        name: {field: kind for field, _, kind in (entry.partition(":") for entry in listed.split())}
        for name, listed in data["types"].items()
    }
    return _Types(kinds, fields)


def without_unknown_fields(root: Mapping) -> Mapping:
    """An object as its type holds it; one of a kind that is not built in stays as it is."""
    kind = _types().kinds.get((text_at(root, "apiVersion"), text_at(root, "kind")))
    if kind is None:
        return root
    typed = _typed(root, kind)
    assert isinstance(typed, Mapping)
    return typed


def _typed(node: Node, kind: str) -> Node:
    """``node`` without what its type does not have. What is of another shape than the type is left to the server."""
    if isinstance(node, Sequence):
        items = [_typed(item, kind) for item in node.items]
        return node if all(new is old for new, old in zip(items, node.items, strict=True)) else node.derive(items)
    if not isinstance(node, Mapping):
        return node
    known = None if kind.startswith("*") else _types().fields[kind]
    fields = {}
    same = True
    for name, (key, value) in node.fields.items():
        below = kind[1:] if known is None else known.get(name)
        if below is None:
            same = False
            continue
        new = _typed(value, below) if below else value
        same = same and new is value
        fields[name] = (key, new)
    return node if same else node.derive(fields)
