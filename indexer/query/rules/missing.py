"""References to objects that nothing defines, and units that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from indexer.flux.identity import spoken
from indexer.flux.model import ObjectId, Unit, UnitId
from indexer.flux.resources import HELM, KUSTOMIZE, SOURCE
from indexer.manifest.node import Span
from indexer.query.findings import Finding, Severity
from indexer.query.rules.catalogue import RULES
from indexer.query.rules.facts import ObjectFacts
from indexer.query.rules.references import Reference
from indexer.query.rules.view import View

_OF_KIND: Final = {
    ("", "ConfigMap"): "missing-configmap",
    ("", "Secret"): "missing-secret",
    ("", "ServiceAccount"): "missing-service-account",
    ("", "PersistentVolumeClaim"): "missing-volume-claim",
    ("storage.k8s.io", "StorageClass"): "missing-storage-class",
    ("", "Service"): "missing-service",
    (KUSTOMIZE, "Kustomization"): "missing-dependency",
    (HELM, "HelmRelease"): "missing-dependency",
}
_SOURCE: Final = "missing-source"
_NEAR: Final = 0.84
NOWHERE: Final = "is defined nowhere"
OF_MISSING: Final = frozenset({*_OF_KIND.values(), _SOURCE})
"""The rules whose findings are each about an object that is not there."""


@dataclass(frozen=True, slots=True)
class _Use:
    """One line that needs an object."""

    unit: Unit
    obj: ObjectFacts
    span: Span | None


def missing(view: View) -> Iterator[Finding]:
    """Objects that are needed and not there: one finding for each, whatever the number of its users."""
    uses: dict[ObjectId, list[_Use]] = {}
    references: dict[ObjectId, Reference] = {}
    for unit, facts in view.units:
        for obj in facts.objects:
            for reference in obj.references:
                needed = _object(reference)
                if needed not in references and (view.defines(reference) or not _is_judged(view, reference)):
                    continue
                references.setdefault(needed, reference)
                uses.setdefault(needed, []).append(_Use(unit, obj, reference.span or obj.definition))
    for needed, reference in references.items():
        yield _missing(view, reference, uses[needed])


def _object(reference: Reference) -> ObjectId:
    version = "" if reference.group in _FLUX else "v1"
    return ObjectId(reference.group, version, reference.kind, reference.namespace or None, reference.name)


def _missing(view: View, reference: Reference, uses: list[_Use]) -> Finding:
    rule = RULES[_OF_KIND.get((reference.group, reference.kind), _SOURCE)]
    severity, message = rule.severity, f"{reference} {NOWHERE}"
    near = _like(view, reference)
    if near is not None:
        message += f": did you mean {near[0]}?"
    elif rule.severity is not Severity.ERROR:
        message += f": {_ADVICE[rule.name]}"
    else:
        message += ": correct the name, or add what defines it"
    users = {UnitId(use.obj.id.kind, use.obj.id.namespace or "", use.obj.id.name) for use in uses}
    # A unit that needs an object before it can be built does not define it.
    unknown = [unit for unit in view.unknown if unit.id not in users]
    if unknown:
        severity = Severity.NOTE
        message += f" (or render {_some(unknown)}, which may define it)"
    lines = list(dict.fromkeys(use.span for use in uses if use.span is not None))
    related = (*((near[1],) if near and near[1] else ()), *lines[1:])
    first = lines[0] if lines else None
    return Finding(rule.name, severity, message, _object(reference), first, related, view.name, uses[0].unit.id)


_FLUX: Final = frozenset({KUSTOMIZE, HELM, SOURCE})
_ADVICE: Final = {
    "missing-configmap": "add it, or mark the reference as optional",
    "missing-secret": "if it is made by hand, say so with a [[cluster]] objects or an [[ignore]] in .fluxidx.toml",
    "missing-service-account": "add it, or correct the name",
    "missing-volume-claim": "add it, or correct the name",
    "missing-storage-class": "correct the name, if the cluster has no such class of its own",
    "missing-service": "add it, or correct the name",
}


def _is_judged(view: View, reference: Reference) -> bool:
    """Whether the repository would have to define it: not where a chart that is not rendered may well do so."""
    if reference.group in _FLUX:
        return True
    if reference.namespace in view.charts or view.may_come_from_elsewhere(reference):
        return False
    if reference.kind == "StorageClass":
        return not view.charts and any(kind == "StorageClass" for _, kind, _, _ in view.objects)
    return bool(reference.namespace)


def _like(view: View, reference: Reference) -> tuple[str, Span | None] | None:
    """An object of the same kind and a name so close that it must be meant, with its definition."""
    names: dict[str, tuple[str, Span | None]] = {}
    for key, found in view.objects.items():
        group, kind, namespace, name = key
        if (group, kind) == (reference.group, reference.kind):
            if name == reference.name:
                return spoken(*key[1:]), found[0][1].definition
            if namespace == reference.namespace:
                names[name] = spoken(*key[1:]), found[0][1].definition
    near = get_close_matches(reference.name, names, 1, _NEAR)
    return names[near[0]] if near else None


def _some(units: Sequence[Unit]) -> str:
    first = units[0].id
    more = f" and {len(units) - 1} more" if len(units) > 1 else ""
    return f"{first.kind} {first.namespace}/{first.name}{more}"


def not_judged(view: View) -> Iterator[tuple[str, Reference]]:
    """References that could not be judged because of a chart that is not rendered, with its namespace."""
    for _, facts in view.units:
        for obj in facts.objects:
            for reference in obj.references:
                if (
                    reference.group not in _FLUX
                    and reference.namespace in view.charts
                    and not view.defines(reference)
                    and not view.may_come_from_elsewhere(reference)
                ):
                    yield reference.namespace, reference


# dependsOn


def cycles(view: View) -> Iterator[Finding]:
    """Units that wait for each other, once for each circle."""
    waits: dict[UnitId, list[tuple[UnitId, Reference]]] = {}
    owners: dict[UnitId, tuple[Unit, ObjectFacts]] = {}
    for unit, facts in view.units:
        for obj in facts.objects:
            for reference in obj.references:
                if (reference.group, reference.kind) in _WAITING and obj.id.kind == reference.kind:
                    me = UnitId(obj.id.kind, obj.id.namespace or "", obj.id.name)
                    to = UnitId(reference.kind, reference.namespace, reference.name)
                    waits.setdefault(me, []).append((to, reference))
                    owners[me] = unit, obj
    for circle in _circles({unit: [to for to, _ in targets] for unit, targets in waits.items()}):
        unit, obj = owners[circle[0]]
        lines = [
            next(reference.span for to, reference in waits[one] if to == following)
            for one, following in zip(circle, (*circle[1:], circle[0]), strict=True)
        ]
        names = " → ".join(f"{one.namespace}/{one.name}" for one in (*circle, circle[0]))
        yield Finding(
            "dependency-cycle",
            RULES["dependency-cycle"].severity,
            f"{circle[0].kind}s wait for each other and are never applied: {names}: take one dependsOn out",
            obj.id,
            lines[0] or obj.definition,
            tuple(line for line in lines[1:] if line is not None),
            view.name,
            unit.id,
        )


_WAITING: Final = frozenset({(KUSTOMIZE, "Kustomization"), (HELM, "HelmRelease")})


def _circles(graph: dict[UnitId, list[UnitId]]) -> Iterator[tuple[UnitId, ...]]:
    """A shortest circle through the least unit of each group that waits for itself."""
    done: set[UnitId] = set()
    for start in sorted(graph):
        if start in done:
            continue
        before: dict[UnitId, UnitId] = {}
        queue = [start]
        for unit in queue:
            for following in graph.get(unit, ()):
                if following not in before:
                    before[following] = unit
                    queue.append(following)
        if start in before:
            circle = [before[start]]
            while circle[-1] != start:
                circle.append(before[circle[-1]])
            circle.reverse()
            done.update(circle)
            yield tuple(circle)
