"""``dependsOn``: a unit is never applied that waits for one which is not there, or for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from indexer.flux.kustomization import reason_at
from indexer.flux.model import UnitId, UnitState
from indexer.flux.resources import ReferenceSpec
from indexer.kustomize.nodes import text_at

DependenciesOf = Callable[[UnitId], Iterable[ReferenceSpec] | None]
"""What a unit waits for; None where the cluster has no such unit."""

_UNITS: Final = frozenset({"Kustomization", "HelmRelease", "ResourceSet"})
"""Other kinds, for which a ResourceSet may wait, can come into the cluster in other ways."""


def blocked(unit: UnitId, dependencies_of: DependenciesOf) -> tuple[UnitState, str] | None:
    """Why a unit is never applied, if so: it is as good as failed in a circle, and unresolved without its other."""
    for reference in dependencies_of(unit) or ():
        if reference.kind not in _UNITS:
            continue
        named = f"dependsOn {reference.namespace}/{reference.name}"
        if dependencies_of(_named(reference)) is None:
            why = f"is no {reference.kind} of this cluster, so this one is never applied: correct the name"
            return UnitState.UNRESOLVED, reason_at(reference.node.span, f"{named} {why}")
        if _waits(reference) and _leads_to(reference, unit, dependencies_of, set()):
            why = "leads back here, so this one is never applied: break the cycle"
            return UnitState.FAILED, reason_at(reference.node.span, f"{named} {why}")
    return None


def _leads_to(reference: ReferenceSpec, home: UnitId, dependencies_of: DependenciesOf, seen: set[UnitId]) -> bool:
    unit = _named(reference)
    if unit == home:
        return True
    if unit in seen:
        return False
    seen.add(unit)
    further = filter(_waits, dependencies_of(unit) or ())
    return any(_leads_to(reference, home, dependencies_of, seen) for reference in further)


def _waits(reference: ReferenceSpec) -> bool:
    """Whether the other has to be ready: an expression takes the place of that, and may hold before."""
    return text_at(reference.node, "readyExpr") == ""


def _named(reference: ReferenceSpec) -> UnitId:
    return UnitId(reference.kind, reference.namespace, reference.name)
