"""What becomes of a generated object that merges into, or replaces, one that is there.

Rules: kustomize's ``Resource.CopyMergeMetaDataFieldsFrom`` (kustomize-semantics.md §12.4).
"""

from __future__ import annotations

from indexer.kustomize.nodes import drop, find, put, string
from indexer.kustomize.resource import Behavior, Resource
from indexer.manifest.node import STR, Mapping, Node, Operation, Removal, Scalar, Style, relocated
from indexer.manifest.scalars import is_null


def supersede(existing: Resource, new: Resource) -> Resource:
    """``new`` in the place of ``existing``, under its name and with its history.

    Labels and annotations of both stay; with ``behavior: merge`` so do their data. All else of ``existing`` is lost.
    """
    merging = new.behavior is Behavior.MERGE
    result = existing.copy()
    result.root = _root(existing.root, new.root, merging=merging)
    result.hash_suffix = existing.hash_suffix and new.hash_suffix
    result.generated = True
    if merging:
        result.origin = existing.origin or new.origin
    else:
        result.definition = new.definition
        result.origin = new.origin or existing.origin
    result.transformations = new.transformations or existing.transformations
    return result


def _root(old: Mapping, new: Mapping, *, merging: bool) -> Mapping:
    op = new.op
    assert op is not None
    root = new
    for field in ("labels", "annotations"):
        merged = _union(find(old, "metadata", field), find(new, "metadata", field))
        if merged is not None:
            root = put(root, ("metadata", field), merged)
    for field in ("name", "namespace"):
        kept = find(old, "metadata", field)
        root = put(root, ("metadata", field), kept) if kept is not None else drop(root, ("metadata", field))
    for field in ("data", "binaryData"):
        root = _with_data(old, root, field, op, merging=merging)
    if "type" in old.fields and (kind := root.get("type")) is not None:
        root = put(root, ("type",), relocated(kind, op=kind.op, prev=old.get("type")))
    return root.derive(root.fields, _lost(old, root, new))


def _with_data(old: Mapping, root: Mapping, field: str, op: Operation, *, merging: bool) -> Mapping:
    past, present = old.get(field), root.get(field)
    if merging:
        merged = _union(past, present)
        if merged is None:
            return root.without(field)
        return root.with_field((root.fields.get(field) or old.fields[field])[0], merged)
    if isinstance(past, Mapping) and isinstance(present, Mapping):
        fields = {
            text: (key, relocated(value, op=op, prev=past.get(text))) for text, (key, value) in present.fields.items()
        }
        return put(root, (field,), present.derive(fields, _lost(past, present, root)))
    return root


def _lost(old: Mapping, result: Mapping, new: Mapping) -> tuple[Removal, ...]:
    """What of ``old`` the generator that made ``new`` did away with."""
    assert new.op is not None
    return tuple(
        Removal(text, value, new.op, new) for text, (_, value) in old.fields.items() if text not in result.fields
    )


def _union(old: Node | None, new: Node | None) -> Mapping | None:
    """Both mappings as texts, sorted by key, of two values the new one; None where there is nothing."""
    fields: dict[str, tuple[Scalar, Node]] = {}
    if isinstance(old, Mapping):
        fields.update({text: (key, _text(value)) for text, (key, value) in old.fields.items()})
    if isinstance(new, Mapping):
        for text, (key, value) in new.fields.items():
            past = fields.get(text)
            fields[text] = (key, value) if past is None else (past[0], relocated(value, op=value.op, prev=past[1]))
    if not fields:
        return None
    place = old if isinstance(old, Mapping) else new
    assert isinstance(place, Mapping)
    return place.derive(dict(sorted(fields.items())))


def _text(value: Node) -> Node:
    """A value as a string, whatever it was."""
    if isinstance(value, Scalar) and not is_null(value):
        if value.tag == STR or (value.tag is None and value.style is not Style.PLAIN):
            return value
        return Scalar(value.text, STR, value.style, value.source, value.pos, value.op, value.prev)
    return string("", value, value.op, value.prev)
