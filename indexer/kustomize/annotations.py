"""``commonAnnotations``.

Rules: kustomize's ``AnnotationsTransformer`` (kustomize-semantics.md §8.4).
"""

from __future__ import annotations

from indexer.kustomize.entries import add_entries
from indexer.kustomize.fieldspec import FieldSpec
from indexer.kustomize.layer import Layer
from indexer.kustomize.resmap import ResMap
from indexer.manifest.node import Node, Operation, Role


def annotation_transformer(
    resmap: ResMap,
    layer: Layer,  # noqa: ARG001  # every transformer gets its layer
    pairs: dict[str, str],
    at: Node,
    specs: tuple[FieldSpec, ...],
    entry: Node,
) -> None:
    """Adds annotations, written at ``at``, where ``specs`` point; ``entry`` is the transformer's whole entry."""
    add_entries(resmap, pairs, at, specs, Operation(Role.TRANSFORMS, "commonAnnotations", entry.span))
