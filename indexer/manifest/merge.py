"""Merge keys (``<<: *base``), inlined as kustomize does right after it read a document."""

from __future__ import annotations

from typing import Final

from indexer.manifest.errors import ManifestError, error_at
from indexer.manifest.node import MERGE, Mapping, Node, Scalar, Sequence, Style

MERGE_KEY: Final = "<<"


def inline_merges(mapping: Mapping) -> None:
    """Replaces the merge key of a freshly composed mapping by the fields it names, in place.

    Local keys win; in a list of mappings the earlier one wins. A quoted ``"<<"`` merges nothing and vanishes too:
    kustomize's rule (spec 4.1). A value that is no mapping is a ManifestError.
    """
    found = [mapping.fields[MERGE_KEY], *(pair for pair in mapping.duplicate if pair[0].text == MERGE_KEY)]
    merges = [(key, value) for key, value in found if _is_merge(key)]
    if len(merges) > 1:
        raise error_at(ManifestError, merges[1][0], "duplicate merge key", "duplicate merge key")
    local = mapping.fields
    del local[MERGE_KEY]
    mapping.duplicate = tuple(pair for pair in mapping.duplicate if pair[0].text != MERGE_KEY)
    if not merges:
        return
    inherited: dict[str, tuple[Scalar, Node]] = {}
    for base in reversed(_bases(*merges[0])):
        inherited.update(base.fields)
    for text, pair in inherited.items():
        local.setdefault(text, pair)


def _is_merge(key: Scalar) -> bool:
    return key.tag == MERGE or (key.tag is None and key.style is Style.PLAIN)


def _bases(key: Scalar, value: Node) -> list[Mapping]:
    if isinstance(value, Mapping):
        return [value]
    if not isinstance(value, Sequence) or value.pos < key.pos:
        raise _refused(key, value)
    for item in value.items:
        if not isinstance(item, Mapping):
            raise _refused(key, item)
    return [item for item in value.items if isinstance(item, Mapping)]


def _refused(key: Scalar, value: Node) -> ManifestError:
    # An alias is the node of its anchor, which stands before the key.
    if value.pos < key.pos:
        problem = "invalid map merge: received alias for a non-map value"
    elif isinstance(value, Sequence):
        problem = "invalid map merge: received a nested sequence"
    else:
        problem = "map merge requires map or sequence of maps as the value"
    return error_at(ManifestError, key, problem, problem)
