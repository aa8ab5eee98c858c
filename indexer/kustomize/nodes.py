"""Reading and writing a few well-known fields of an object's tree."""

from __future__ import annotations

from indexer.manifest.node import STR, Mapping, Node, Operation, Removal, Scalar, Style
from indexer.manifest.scalars import is_null


def find(node: Node | None, *path: str) -> Node | None:
    """The node at a path of keys, or None where a step is missing or no mapping."""
    for key in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(key)
    return node


def text_at(node: Node | None, *path: str) -> str:
    """The text of the scalar at a path of keys; "" where there is none."""
    for key in path:
        # As `find`, which this is called too often for.
        if not isinstance(node, Mapping):
            return ""
        found = node.fields.get(key)
        if found is None:
            return ""
        node = found[1]
    return node.text if isinstance(node, Scalar) and not is_null(node) else ""


def put(root: Mapping, path: tuple[str, ...], value: Node) -> Mapping:
    """``root`` with ``value`` at a path of keys; missing mappings are made, an existing value becomes its history."""
    key, rest = path[0], path[1:]
    if not rest:
        return root.with_field(Scalar(key), value)
    child = root.get(key)
    below = child if isinstance(child, Mapping) else Mapping({}, op=value.op, touched=True, prev=child)
    return root.with_field(Scalar(key), put(below, rest, value))


def drop(root: Mapping, path: tuple[str, ...], *removal: Removal) -> Mapping:
    """``root`` without what stands at a path of keys."""
    key, rest = path[0], path[1:]
    child = root.get(key)
    if child is None:
        return root
    if not rest:
        return root.without(key, *removal)
    return root.with_field(Scalar(key), drop(child, rest, *removal)) if isinstance(child, Mapping) else root


def string_map(node: Node | None) -> dict[str, str]:
    """The texts of a mapping of scalars, whatever their tags (labels, annotations, data); {} where there is none."""
    if not isinstance(node, Mapping):
        return {}
    return {key: value.text if isinstance(value, Scalar) else "" for key, (_, value) in node.fields.items()}


def string(text: str, at: Node | None = None, op: Operation | None = None, prev: Node | None = None) -> Scalar:
    """A new scalar that is a string whatever its text looks like, standing where ``at`` stands."""
    if at is None:
        return Scalar(text, STR, Style.PLAIN, op=op, prev=prev)
    return Scalar(text, STR, Style.PLAIN, at.source, at.pos, op, prev)


def stringified(node: Mapping) -> Mapping:
    """A mapping of scalars rebuilt as kustomize's SetLabels/SetAnnotations does: strings, sorted by key."""
    entries = {**node.fields, **{key.text: (key, value) for key, value in node.duplicate}}
    fields: dict[str, tuple[Scalar, Node]] = {
        text: (Scalar(text), _as_string(entries[text][1])) for text in sorted(entries)
    }
    same = list(fields) == list(node.fields) and all(
        fields[text][1] is value and key.tag is None and key.style is Style.PLAIN
        for text, (key, value) in node.fields.items()
    )
    if same and not node.duplicate:
        return node
    return Mapping(fields, node.flow, node.source, node.pos, node.op, node.prev, touched=True, gone=node.gone)


def _as_string(value: Node) -> Scalar:
    if not isinstance(value, Scalar):
        return string("", value, value.op, value.prev)
    quoted = value.tag is None and value.style not in (Style.PLAIN, Style.FOLDED)
    return value if value.tag == STR or quoted else string(value.text, value, value.op, value.prev)
