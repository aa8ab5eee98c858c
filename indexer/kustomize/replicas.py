"""``replicas``.

Rules: kustomize's ``ReplicaCountTransformer`` (kustomize-semantics.md §8.6).
"""

from __future__ import annotations

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import Create, FieldSpec, apply, set_scalar
from indexer.kustomize.layer import Layer
from indexer.kustomize.record import Record
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.wrongkind import SCALAR, WrongKindError
from indexer.manifest.node import INT, Node, Operation, Role, Scalar, Style


def replica_transformer(
    resmap: ResMap,
    layer: Layer,  # noqa: ARG001  # every transformer gets its layer
    entry: Record,
    specs: tuple[FieldSpec, ...],
) -> None:
    """Sets the replicas of what is, or was, called ``name``. Raises KustomizeError where nothing is."""
    name, count, at = entry.text("name"), str(entry.number("count")), entry.at("count")
    op = Operation(Role.TRANSFORMS, "replicas", entry.node.span)

    def setter(node: Node) -> Node:
        if not isinstance(node, Scalar):
            raise WrongKindError(node, SCALAR)
        # The style stays, and a number in quotes is a string.
        return set_scalar(node, count, INT if node.style is Style.PLAIN else None, at, op)

    named = [res for res in resmap if any(id_.name == name for id_ in res.any_ids)]
    found = False
    for spec in specs:
        for res in named:
            if not any(id_.name == name and id_.gvk.is_selected(spec.gvk) for id_ in res.any_ids):
                continue
            found = True
            if res.gvk.is_selected(spec.gvk):
                res.root = apply(res.root, spec, setter, Create.SCALAR, lambda: res.id)  # noqa: B023  # used at once
    if not found:
        kinds = " ".join(str(spec.gvk) for spec in specs)
        raise KustomizeError(
            f"resource with name {name} does not match a config with the following GVK [{kinds}]",
            problem=f"replicas: there is no {name!r} whose replicas could be set",
        ).located(entry.node)
