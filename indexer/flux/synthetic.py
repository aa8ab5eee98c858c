"""Objects that Flux makes and no file holds: the sync of a FluxInstance, or of a bootstrap that has not run yet."""

from __future__ import annotations

from typing import Any

from indexer.kustomize.nodes import string
from indexer.manifest.node import Mapping, Node, Scalar, Sequence


def node_of(data: Any, at: Node) -> Node:
    """Plain data (texts, booleans, lists, maps; a node is taken as it is) as nodes that stand where ``at`` stands."""
    if isinstance(data, Node):
        return data
    if isinstance(data, dict):
        fields = {key: (string(key, at), node_of(value, at)) for key, value in data.items()}
        return Mapping(fields, source=at.source, pos=at.pos)
    if isinstance(data, list):
        return Sequence([node_of(item, at) for item in data], source=at.source, pos=at.pos)
    if isinstance(data, bool):
        return Scalar("true" if data else "false", source=at.source, pos=at.pos)
    return string(str(data), at)


def sync_objects(
    at: Node, *, name: str, namespace: str, path: Node | str, source: dict[str, Any] | None, kind: str = "GitRepository"
) -> list[Mapping]:
    """The source (where something is known of it) and the Kustomization of a sync, with the positions of ``at``."""
    metadata = {"name": name, "namespace": namespace}
    objects = [
        {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "metadata": metadata, "spec": source},
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": metadata,
            "spec": {"interval": "10m", "path": path, "prune": True, "sourceRef": {"kind": kind, "name": name}},
        },
    ]
    made = [node_of(data, at) for data in (objects if source is not None else objects[1:])]
    return [node for node in made if isinstance(node, Mapping)]
