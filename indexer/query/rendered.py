"""A rendered object beside the live one: which fields differ, and the line of each."""

from __future__ import annotations

from typing import Any

from indexer.cluster.model import LiveObject
from indexer.flux.model import RenderedObject
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Sequence
from indexer.manifest.provenance import Span
from indexer.manifest.scalars import to_data
from indexer.query.livefields import FieldDifference, differences
from indexer.query.redaction import Redaction


def compared(one: RenderedObject, live: LiveObject, redaction: Redaction) -> list[FieldDifference]:
    """The fields of a rendered object that are otherwise in the cluster; none that may hold a secret."""
    if one.tree is None:
        return []
    try:
        rendered: Any = to_data(one.tree)
    except ManifestError:
        return []
    return [field for field in differences(rendered, live) if not is_hidden(field, one, one.tree, redaction)]


def is_hidden(field: FieldDifference, one: RenderedObject, tree: Mapping, redaction: Redaction) -> bool:
    """Whether a field may hold a secret, or a variable whose value is not known here."""
    unknown = any(
        field.pointer in filled.fields
        for filled in one.substitutions
        if filled.redacted or (filled.span is None and filled.supplied_by not in {"default", "inline"})
    )
    return unknown or redaction.hides(tree, field.path, _at(tree, field.path))


def _at(node: Node, path: tuple[str, ...]) -> Node:
    for step in path:
        if isinstance(node, Mapping):
            node = node.fields[step][1]
        elif isinstance(node, Sequence):
            node = node.items[int(step)]
    return node


def span_at(tree: Node | None, path: tuple[str, ...]) -> Span | None:
    """Where the deepest part of ``path`` that Git sets stands."""
    node, span = tree, tree.span if tree is not None else None
    for step in path:
        if isinstance(node, Mapping) and step in node.fields:
            node = node.fields[step][1]
        elif isinstance(node, Sequence) and step.isdigit() and int(step) < len(node.items):
            node = node.items[int(step)]
        else:
            break
        span = node.span or span
    return span
