"""What is suspended: the cluster has what it gave before, which is not in Git."""

from __future__ import annotations

from collections.abc import Callable

from indexer.flux.kustomization import reason_at
from indexer.flux.resources import KustomizationSpec, ReferenceSpec, truth
from indexer.flux.sources import Registry


def frozen_source(spec: KustomizationSpec, registry: Registry) -> str | None:
    """Why the cluster may have other files of the source than Git; None where it follows Git."""
    reference = spec.source
    source = registry.sources.get((reference.kind, reference.namespace, reference.name)) if reference else None
    if reference is None or source is None or not truth(source, "spec", "suspend"):
        return None
    return reason_at(source.span, f"{reference} is suspended: the cluster has what it fetched before, if anything")


def frozen_variables(
    spec: KustomizationSpec, supplier: Callable[[ReferenceSpec], KustomizationSpec | None]
) -> str | None:
    """Why the cluster may have other variables than Git; ``supplier`` is the Kustomization that brings an object."""
    for entry in spec.substitute_from:
        unit = supplier(entry.reference)
        if unit is not None and unit.suspended:
            why = f"comes with Kustomization {unit.namespace}/{unit.name}, which is suspended"
            text = f"{entry.reference} {why}: the cluster has what it applied before, if anything"
            return reason_at(entry.reference.node.span, text)
    return None
