"""From documents to resources.

Rules: kustomize's ``api/resource/factory.go`` and ``kyaml/kio`` (kustomize-semantics.md §4.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.jsonvalue import reread
from indexer.kustomize.nodes import find, string_map, text_at
from indexer.kustomize.resource import Resource
from indexer.manifest.compose import Document
from indexer.manifest.embedded import parse_embedded
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Scalar, Sequence
from indexer.manifest.scalars import is_null, to_data

_NO_OBJECT: Final = "not a Kubernetes object: keep it out of the resources"


def resources_from(documents: Iterable[Document]) -> list[Resource]:
    """The resources of some documents, lists inlined at the end. Raises KustomizeError for what is no object."""
    return [_resource(root) for root in objects_from(documents)]


def objects_from(documents: Iterable[Document]) -> list[Mapping]:
    """The objects of some documents; empty documents are skipped, ``…List`` objects replaced by their items."""
    present = [document.node for document in documents if document.node is not None]
    if len(present) == 1 and isinstance(present[0], Mapping):
        wrapped = text_at(present[0], "kind") in ("List", "ResourceList")
        items = present[0].get("items")
        if wrapped and isinstance(items, Sequence):
            present = list(items.items)
    queue = [root for node in present if (root := validated(node)) is not None]
    result: list[Mapping] = []
    while queue:
        root = queue.pop(0)
        kind = text_at(root, "kind")
        items = root.get("items")
        if not kind.endswith("List") or items is None:
            result.append(root)
        elif isinstance(items, Sequence):
            queue += _inlined(root, items)
        elif not is_null(items):
            found = "map[string]interface {}" if isinstance(items, Mapping) else "string"
            raise KustomizeError(f"expected array in {kind}/items, but found {found}").located(items)
    return result


def _inlined(root: Mapping, items: Sequence) -> list[Mapping]:
    """The items of a list object. Raises KustomizeError where JSON cannot say what the list holds."""
    try:
        to_data(root)
    except ManifestError as error:
        raise of_manifest(error).wrapped(f"trouble expanding list of {text_at(root, 'kind')}; ") from None
    return [item for node in items.items if (item := validated(reread(node))) is not None]


def embedded_resources(scalar: Scalar) -> list[Resource]:
    """The resources of the YAML text in a scalar (an inline patch). Raises KustomizeError whatever is wrong."""
    try:
        return resources_from(parse_embedded(scalar))
    except ManifestError as error:
        raise of_manifest(error) from None


def _resource(root: Mapping) -> Resource:
    res = Resource(root, root.span)
    res.adopt_internal_annotations()
    return res


def validated(node: Node) -> Mapping | None:
    """The object if it is one, None if it is empty. Raises KustomizeError where kind or name is missing."""
    if isinstance(node, Scalar):
        if is_null(node):
            return None
        raise KustomizeError("missing Resource metadata", problem=_NO_OBJECT).located(node)
    if isinstance(node, Sequence):
        if not node.items:
            return None
        raise KustomizeError("missing Resource metadata", problem=_NO_OBJECT).located(node)
    assert isinstance(node, Mapping)
    if not node.fields:
        return None
    kind = text_at(node, "kind")
    if not kind:
        raise KustomizeError(
            f"missing kind in object {_described(node)}",
            problem=f"{_NO_OBJECT}, or give it a kind",
        ).located(node)
    if not kind.endswith("List") and not text_at(node, "metadata", "name"):
        raise KustomizeError(
            f"missing metadata.name in object {_described(node)}",
            problem=f"{kind} without metadata.name: give it a name",
        ).located(node)
    return node


def _described(node: Mapping) -> str:
    """An object's metadata as Go prints the struct."""
    metadata = node.get("metadata")
    labels, annotations = string_map(find(metadata, "labels")), string_map(find(metadata, "annotations"))
    return (
        f"{{{{{text_at(node, 'apiVersion')} {text_at(node, 'kind')}}} "
        f"{{{{{text_at(metadata, 'name')} {text_at(metadata, 'namespace')}}} "
        f"{_go_map(labels)} {_go_map(annotations)}}}}}"
    )


def _go_map(values: dict[str, str]) -> str:
    return "map[" + " ".join(f"{key}:{values[key]}" for key in sorted(values)) + "]"
