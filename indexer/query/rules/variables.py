"""Variables of ``postBuild``: those that nothing sets, and those that nothing uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from indexer.flux.model import ObjectId, Unit, UnitId
from indexer.query.findings import Finding
from indexer.query.rules.catalogue import RULES
from indexer.query.rules.facts import KustomizationFacts, ObjectFacts, Setting
from indexer.query.rules.view import Key, View, is_unknown

_MISSING = RULES["missing-variable"]
_UNUSED = RULES["unused-variable"]


def missing_variables(view: View) -> Iterator[Finding]:
    """Texts in which nothing takes the place of a variable, and texts that keep one that other units expand."""
    known = {one.name for unit in view.kustomizations for one in _variables(view, unit) if _is_plain_variable(one.name)}
    for unit, facts in view.units:
        own = view.kustomizations.get(unit.id)
        named = unit.id.spoken
        for obj in facts.objects:
            for left in dict.fromkeys(obj.unset):
                why = f"is not set by postBuild of {named}, so nothing takes its place: set it, or give it a default"
                yield _missing(view, unit, obj, left, why)
            if own is not None and not own.substitutes:
                for left in dict.fromkeys(obj.unexpanded):
                    if left.name in known:
                        why = f"reaches the cluster as it is written: {named} has no postBuild, others set it"
                        yield _missing(view, unit, obj, left, why)


def _is_plain_variable(name: str) -> bool:
    """Whether a name is a variable for Flux by its looks, and not one that a shell script in a ConfigMap may share."""
    return "_" in name and name.isupper()


def _missing(view: View, unit: Unit, obj: ObjectFacts, left: Setting, why: str) -> Finding:
    related = (obj.definition,) if obj.definition is not None else ()
    return Finding(
        _MISSING.name, _MISSING.severity, f"${{{left.name}}} {why}", obj.id, left.span, related, view.name, unit.id
    )


def _variables(view: View, unit: UnitId) -> Iterator[Setting]:
    """What a Kustomization sets, as far as it is known."""
    facts = view.kustomizations[unit]
    yield from facts.settings
    for supplier in facts.suppliers:
        for _, obj in view.objects.get(("", *supplier), ()):
            yield from obj.keys


def unused_variables(views: Iterable[View]) -> Iterator[Finding]:
    """Variables that no unit which has them uses. One line can set a variable of many units, on many clusters."""
    set_at: dict[Setting, tuple[View, UnitId | None, ObjectId]] = {}
    used: set[Setting] = set()
    for view in views:
        users = _users(view)
        for unit, facts in view.kustomizations.items():
            for setting in facts.settings:
                set_at.setdefault(setting, (view, unit, _object(unit)))
                if setting.name in users.get(unit, ()) or unit not in users:
                    used.add(setting)
        for key, units in _supplied(view.kustomizations).items():
            for _, obj in view.objects.get(key, ()):
                for setting in obj.keys:
                    set_at.setdefault(setting, (view, None, obj.id))
                    if any(setting.name in users.get(unit, (setting.name,)) for unit in units):
                        used.add(setting)
                if _is_used_otherwise(view, key):
                    used.update(obj.keys)
    for setting, (where, by, obj_id) in set_at.items():
        if setting not in used:
            yield Finding(
                _UNUSED.name,
                _UNUSED.severity,
                f"{setting.name} is set and no object that it could fill in uses it: take it out",
                obj_id,
                setting.span,
                (),
                where.name,
                by,
            )


def _object(unit: UnitId) -> ObjectId:
    return ObjectId("kustomize.toolkit.fluxcd.io", "v1", unit.kind, unit.namespace, unit.name)


def _users(view: View) -> dict[UnitId, set[str]]:
    """The variables in the objects of each unit of which they are known."""
    found: dict[UnitId, set[str]] = {}
    for unit, _ in view.own:
        if not is_unknown(unit):
            found[unit.id] = {one.variable for obj in unit.objects for one in obj.substitutions}
    return found


def _supplied(kustomizations: Mapping[UnitId, KustomizationFacts]) -> dict[Key, list[UnitId]]:
    """The ConfigMaps and Secrets that supply variables, with the units that read them."""
    found: dict[Key, list[UnitId]] = {}
    for unit, facts in kustomizations.items():
        for supplier in facts.suppliers:
            found.setdefault(("", *supplier), []).append(unit)
    return found


def _is_used_otherwise(view: View, key: Key) -> bool:
    """Whether more than variables is read from a ConfigMap or Secret."""
    return any(
        (reference.group, reference.kind, reference.namespace, reference.name) == key
        for _, facts in view.units
        for obj in facts.objects
        if obj.kustomization is None
        for reference in obj.references
    )
