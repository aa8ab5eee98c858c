"""Units that something other than kustomize expands: HelmReleases, ResourceSets, FluxInstances."""

from __future__ import annotations

from indexer.flux.model import SourceRef, Unit, UnitId, UnitState
from indexer.flux.resources import HELM, OPERATOR, is_kind, kind_of, name_of, namespace_of, truth
from indexer.flux.sources import Registry, describe
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.node import Mapping, Span


def is_unit(root: Mapping) -> bool:
    """Whether the object is expanded into further objects by its controller."""
    return is_kind(root, HELM, "HelmRelease") or (
        kind_of(root) in ("ResourceSet", "FluxInstance") and is_kind(root, OPERATOR, kind_of(root))
    )


def unit_of(root: Mapping, cluster: str, parent: UnitId | None, definition: Span | None, registry: Registry) -> Unit:
    """The unit, whose objects are not known offline."""
    state, reason = UnitState.UNRESOLVED, _reason(root)
    if truth(root, "spec", "suspend"):
        at = find(root, "spec", "suspend")
        state, reason = UnitState.SUSPENDED, f"{at.span}: spec.suspend is true; {reason}" if at is not None else reason
    return Unit(
        cluster=cluster,
        id=UnitId(kind_of(root), namespace_of(root), name_of(root)),
        state=state,
        reason=reason,
        source=_source(root, registry),
        path=None,
        directory=None,
        parent=parent,
        definition=definition,
    )


def _reason(root: Mapping) -> str:
    kind = kind_of(root)
    if kind == "HelmRelease":
        return f"expanded by {_chart(root)}, which is not rendered offline: {_advice(root)}"
    if kind == "ResourceSet":
        return "expanded by flux-operator from its inputs, which is not rendered offline: edit its spec.resources"
    return "flux-operator installs Flux from it, which is not rendered offline: edit its spec"


def _advice(root: Mapping) -> str:
    """Where a person changes what the chart makes of it."""
    for field, advice in (("values", "edit the values at"), ("valuesFrom", "edit the objects that are named at")):
        node = find(root, "spec", field)
        if node is not None and node.span is not None:
            return f"{advice} {node.span}"
    return "give it values in its spec.values"


def _chart(root: Mapping) -> str:
    chart = find(root, "spec", "chart", "spec")
    if chart is None:
        reference = find(root, "spec", "chartRef")
        return f"the chart of {text_at(reference, 'kind')} {text_at(reference, 'name')}"
    source = find(chart, "sourceRef")
    version = text_at(chart, "version")
    named = " ".join(part for part in ("chart", text_at(chart, "chart"), version) if part)
    return f"{named} of {text_at(source, 'kind')} {text_at(source, 'name')}"


def _source(root: Mapping, registry: Registry) -> SourceRef | None:
    reference = find(root, "spec", "chart", "spec", "sourceRef") or find(root, "spec", "chartRef")
    if reference is None:
        return None
    namespace = text_at(reference, "namespace") or namespace_of(root)
    key = (text_at(reference, "kind"), namespace, text_at(reference, "name"))
    found = registry.sources.get(key)
    return describe(found) if found is not None else SourceRef(*key)
