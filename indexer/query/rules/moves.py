"""What a change deletes: objects that move, units that go, Namespaces and definitions of kinds, storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from indexer.flux.identity import spoken
from indexer.flux.model import ObjectId, Unit, UnitId, UnitState
from indexer.flux.resources import HELM, KUSTOMIZE
from indexer.git.changes import SideName
from indexer.manifest.node import Span
from indexer.query.findings import Finding, Severity, Verdict
from indexer.query.impact import Cause, ChangeKind, Impact, ObjectChange, Unexplained, UnitChange, UnitChangeKind
from indexer.query.rules.facts import KustomizationFacts, ObjectFacts
from indexer.query.rules.view import Key, View, is_unknown

if TYPE_CHECKING:
    from indexer.query.rules.live import Live

_LISTED: Final = 5
_PRECIOUS: Final = frozenset({"PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"})
"""Kinds that take more with them than can be made anew."""
_LOST_FIRST: Final = (*_PRECIOUS, "StatefulSet")
_KEEP: Final = "helm.sh/resource-policy"


@dataclass(frozen=True)
class Sides:
    """One cluster before and after the change."""

    impact: Impact
    base: View
    head: View
    live: Live | None = None
    """What the cluster says; None where nobody asked it."""

    def before(self, change: ObjectChange) -> ObjectFacts | None:
        """The facts of a changed object as it was."""
        if change.before is None:
            return None
        return next(
            (obj for unit, obj in self.base.objects.get(change.before.id.key, ()) if unit.id == change.before_unit),
            None,
        )

    def fate(self, unit: UnitId, obj: ObjectFacts | None) -> str | None:
        """Why an object that its unit does not apply any more stays in the cluster; None where it is deleted."""
        if obj is not None and obj.kept_by:
            return f"its annotation {obj.kept_by} keeps it"
        if unit.kind == "HelmRelease":
            return "its annotation helm.sh/resource-policy keeps it" if obj is not None and _KEEP in obj.marks else None
        own = self.head.kustomizations.get(unit) or self.base.kustomizations.get(unit)
        if own is not None and not own.prune:
            return f"{unit.spoken} does not prune"
        found = self.impact.head.units.get((self.head.name, unit))
        if found is not None and found.state is UnitState.SUSPENDED:
            return f"{unit.spoken} is suspended, until it is resumed"
        return None

    def after(self, change: ObjectChange) -> ObjectFacts | None:
        """The facts of a changed object as it is to be."""
        return next(
            (obj for unit, obj in self.head.objects.get(change.object.key, ()) if unit.id == change.after_unit), None
        )

    def asked(self, cluster: str, code: Severity, ask: Callable[[Live], Verdict]) -> Verdict:
        """How bad something is that is as bad as ``code`` by the code alone."""
        return Verdict(code) if self.live is None else self.live.dated(cluster, code, ask(self.live))

    def given_up(self, change: ObjectChange, unit: UnitId, code: Severity, deleted: Severity) -> Verdict:
        """How bad it is that ``unit`` does not apply an object any more: see ``Live.given_up``."""
        before = self.before(change)
        annotated = before is not None and bool(before.kept_by) and self.fate(unit, None) is None
        return self.asked(
            change.cluster, code, lambda live: live.given_up(change, unit, code, deleted, annotated=annotated)
        )


def place(cause: Cause | Unexplained, *others: Span | None) -> Span | None:
    """The line to look at: a changed one that is still there, what is there after the change, or the line that went."""
    there = cause.span if isinstance(cause, Cause) and cause.side is SideName.HEAD else None
    gone = cause.span if isinstance(cause, Cause) else None
    return next((span for span in (there, *others, gone) if span is not None), None)


# Objects that move


def moved(sides: Sides, changes: Iterable[ObjectChange]) -> Iterator[Finding]:
    """What a unit does to the objects that it loses, given the order in which both may be reconciled.

    Objects that go the same way are one finding.
    """
    alike: dict[tuple[UnitId, UnitId, Verdict, str], list[ObjectChange]] = {}
    for change in changes:
        if change.change is ChangeKind.MOVED and change.before_unit is not None and change.after_unit is not None:
            old, new = change.before_unit, change.after_unit
            severity, outcome = _outcome(sides, change, old, new)
            deleted = _if_deleted(change) if severity is Severity.NOTE else severity
            verdict = sides.given_up(change, old, severity, deleted)
            alike.setdefault((old, new, verdict, outcome), []).append(change)
    for (old, new, verdict, outcome), same in alike.items():
        first = same[0]
        names = ", ".join(one.object.spoken for one in same[:_LISTED])
        more = f" and {len(same) - _LISTED} more" if len(same) > _LISTED else ""
        verb = "moves" if len(same) == 1 else "move"
        lines = [part.definition for one in same for part in (one.after, one.before) if part is not None]
        span = place(first.cause, *lines[:1])
        related = tuple(dict.fromkeys(line for line in lines if line is not None and line != span))
        message = f"{names}{more} {verb} from {old.spoken} to {new.spoken}: {outcome}"
        yield Finding(
            "moved-object", verdict.severity, message, first.object, span, related, first.cluster, new, verdict.says
        )


def _if_deleted(change: ObjectChange) -> Severity:
    return Severity.ERROR if change.object.kind in _PRECIOUS else Severity.WARNING


def _outcome(sides: Sides, change: ObjectChange, old: UnitId, new: UnitId) -> tuple[Severity, str]:
    stays = sides.fate(old, sides.before(change))
    gone = sides.impact.head.units.get((change.cluster, old)) is None
    policy = sides.base.kustomizations.get(old)
    if stays is None and gone and policy is not None and policy.deletion_policy == "Orphan":
        stays = f"{old.spoken} goes with deletionPolicy Orphan"
    if stays is not None:
        return Severity.NOTE, f"nothing is deleted, since {stays}"
    advice = "annotate with kustomize.toolkit.fluxcd.io/prune: disabled before the move"
    if old.kind == "HelmRelease":
        advice = "annotate with helm.sh/resource-policy: keep in the old release first"
        return Severity.ERROR, f"Helm deletes what leaves {old.spoken}, whoever applies it by then: {advice}"
    if _waits_for(sides.head, new, old):
        why = f"{new.spoken} waits for {old.spoken}, which has deleted this by then, to be made anew"
        return Severity.ERROR, f"{why}: {advice}"
    if _waits_for(sides.head, old, new):
        return Severity.NOTE, f"nothing is deleted, since {old.spoken} waits for {new.spoken}, which takes over first"
    how = "goes" if gone else "is reconciled"
    race = f"where the old one {how} before the new one is reconciled, this is deleted, and made anew afterwards"
    return _if_deleted(change), f"{race}; the other way round nothing is: {advice}"


def _waits_for(view: View, unit: UnitId, other: UnitId) -> bool:
    """Whether a unit is applied only when another one is ready."""
    waits: dict[UnitId, set[UnitId]] = {}
    for _, facts in view.units:
        for obj in facts.objects:
            me = UnitId(obj.id.kind, obj.id.namespace or "", obj.id.name)
            for to in obj.references:
                if to.group in (KUSTOMIZE, HELM) and to.kind == obj.id.kind:
                    waits.setdefault(me, set()).add(UnitId(to.kind, to.namespace, to.name))
    seen: set[UnitId] = set()
    queue = [unit]
    for one in queue:
        for following in waits.get(one, set()) - seen:
            seen.add(following)
            queue.append(following)
    return other in seen


# Units that go


def removed_unit(sides: Sides, change: UnitChange) -> Iterator[Finding]:
    """A unit that is not there any more, with the objects that die with it."""
    if change.change is not UnitChangeKind.REMOVED or change.before is None:
        return
    unit = change.before
    dying, moving = _dying(sides, unit)
    kept = _own_fate(sides, unit)
    deleted, outcome = _end(unit, sides.base.kustomizations.get(unit.id), dying)
    severity = deleted
    if kept is not None:
        severity, outcome = Severity.WARNING, f"{kept}, so it goes on in the cluster until somebody deletes it there"
    successors = list(dict.fromkeys(one.spoken for one in moving.values()))
    renamed = f", and {', '.join(successors[:2])} takes over what it had" if successors and not dying else ""
    message = f"{unit.id.spoken} goes{renamed}: {outcome}"
    related = tuple(dict.fromkeys(obj.definition for obj in dying if obj.definition is not None))[:_LISTED]
    own = sides.impact.base.own(change.cluster, unit.id)
    verdict = sides.asked(
        change.cluster,
        severity,
        lambda live: live.ended(
            change, severity, deleted, _given_up(sides, change), annotated=_is_annotated(sides, unit)
        ),
    )
    yield Finding(
        "removed-unit", verdict.severity, message, own.id if own is not None else None,
        place(change.cause, unit.definition), related, change.cluster, unit.id, verdict.says,
    )  # fmt: skip


def _given_up(sides: Sides, change: UnitChange) -> list[ObjectChange]:
    """The objects of a unit that goes and that nobody applies any more, the most precious first."""
    found = [
        one
        for cluster in sides.impact.clusters
        for one in cluster.objects
        if cluster.cluster == change.cluster
        and one.before_unit == change.unit
        and one.change is ChangeKind.REMOVED
        and sides.fate(change.unit, sides.before(one)) is None
    ]
    return sorted(found, key=lambda one: one.object.kind not in _LOST_FIRST)


def _dying(sides: Sides, unit: Unit) -> tuple[list[ObjectFacts], dict[ObjectId, UnitId]]:
    """The objects that nobody applies any more, and those that other units take over."""
    dying: list[ObjectFacts] = []
    moving: dict[ObjectId, UnitId] = {}
    for one in unit.objects:
        for owner, obj in sides.base.objects.get(one.id.key, ()):
            if owner.id == unit.id:
                after = sides.head.objects.get(one.id.key)
                if after:
                    moving[one.id] = after[0][0].id
                elif sides.fate(unit.id, obj) is None:
                    dying.append(obj)
    return dying, moving


def _end(unit: Unit, own: KustomizationFacts | None, dying: list[ObjectFacts]) -> tuple[Severity, str]:
    """What a unit does to its objects when it is deleted itself."""
    if unit.state is UnitState.SUSPENDED:
        return Severity.WARNING, "it is suspended, so its objects stay and nobody owns them"
    if own is not None and (
        own.deletion_policy == "Orphan" or (own.deletion_policy == "MirrorPrune" and not own.prune)
    ):
        why = "its deletionPolicy is Orphan" if own.deletion_policy == "Orphan" else "it does not prune"
        return Severity.WARNING, f"{why}, so its objects stay and nobody owns them"
    if is_unknown(unit):
        what = "Helm uninstalls what its chart made" if unit.id.kind == "HelmRelease" else "its objects are deleted"
        return Severity.ERROR, f"{what}, which is not known here"
    if not dying:
        return Severity.NOTE, "no object is deleted"
    names = ", ".join(obj.id.spoken for obj in _worst_first(dying)[:_LISTED])
    more = f" and {len(dying) - _LISTED} more" if len(dying) > _LISTED else ""
    count = "1 object is" if len(dying) == 1 else f"{len(dying)} objects are"
    return Severity.ERROR, f"{count} deleted: {names}{more}"


def _own_fate(sides: Sides, unit: Unit) -> str | None:
    """Why the object of the unit itself stays; None where it is deleted."""
    return sides.fate(unit.parent, _own_facts(sides, unit)) if unit.parent is not None else None


def _own_facts(sides: Sides, unit: Unit) -> ObjectFacts | None:
    own = sides.impact.base.own(unit.cluster, unit.id)
    found = sides.base.objects.get(own.id.key, ()) if own is not None else ()
    return next((obj for by, obj in found if by.id == unit.parent), None)


def _is_annotated(sides: Sides, unit: Unit) -> bool:
    """Whether it is an annotation in the code, and nothing else, that keeps the object of a unit."""
    facts = _own_facts(sides, unit)
    kept = facts is not None and bool(facts.kept_by)
    return kept and unit.parent is not None and sides.fate(unit.parent, None) is None


def _worst_first(dying: list[ObjectFacts]) -> list[ObjectFacts]:
    return sorted(dying, key=lambda obj: obj.id.kind not in _LOST_FIRST)


# Objects that go


def removed(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Objects whose end takes others, or data, with it."""
    if change.change is not ChangeKind.REMOVED or change.before_unit is None or change.counterpart is not None:
        return
    one = change.object
    if one.kind == "Namespace" and not one.group:
        inside = [key for key in sides.head.objects if key[2] == one.name]
        yield _gone(sides, change, "removed-namespace", Severity.ERROR, _with_it("in it", inside))
    elif one.kind == "CustomResourceDefinition":
        kinds = [key for key in sides.head.objects if f"{key[1].lower()}" and _is_of(key, one.name)]
        yield _gone(sides, change, "removed-crd", Severity.ERROR, _with_it("of its kind", kinds))
    elif one.kind in ("PersistentVolumeClaim", "PersistentVolume") and not one.group:
        yield _gone(sides, change, "removed-data", Severity.ERROR, "the data that it stands for may go with it")
    elif one.kind == "StatefulSet":
        what = "its pods end; the claims of its volumes stay, unless persistentVolumeClaimRetentionPolicy deletes them"
        yield _gone(sides, change, "removed-data", Severity.WARNING, what)


def _is_of(key: tuple[str, str, str, str], crd: str) -> bool:
    """Whether an object is of the kind that ``PLURAL.GROUP`` defines, by the usual ways to form a plural."""
    plural, _, group = crd.partition(".")
    kind = key[1].lower()
    plurals = {f"{kind}s", f"{kind}es", kind, f"{kind[:-1]}ies" if kind.endswith("y") else kind}
    return key[0] == group and plural in plurals


def _with_it(where: str, objects: Iterable[Key]) -> str:
    names = sorted(spoken(*key[1:]) for key in objects)
    if not names:
        return f"and with it everything {where} that the cluster has"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"and with it everything {where}: {', '.join(names[:_LISTED])}{more}"


def _gone(sides: Sides, change: ObjectChange, rule: str, deleted: Severity, what: str) -> Finding:
    assert change.before_unit is not None
    name, severity = change.object.spoken, deleted
    message = f"{name} is deleted, {what}" if what.startswith("and") else f"{name} is deleted: {what}"
    stays = sides.fate(change.before_unit, sides.before(change))
    if stays is not None:
        severity, message = Severity.NOTE, f"{name} is no longer in Git and stays in the cluster, since {stays}"
    else:
        others = [by.id for by, _ in sides.head.objects.get(change.object.key, ()) if by.id != change.before_unit]
        message += f"; unless {others[0].spoken}, which applies it too, did so last" if others else ""
    verdict = sides.given_up(change, change.before_unit, severity, deleted)
    before = change.before.definition if change.before is not None else None
    return Finding(
        rule, verdict.severity, message, change.object, place(change.cause, before), (), change.cluster,
        change.before_unit, verdict.says,
    )  # fmt: skip


def changed_namespace(sides: Sides, changes: tuple[ObjectChange, ...]) -> Iterator[Finding]:
    """Objects that one unit has in another namespace than before."""
    gone = {
        (change.before_unit, change.object.group, change.object.kind, change.object.name): change
        for change in changes
        if change.change is ChangeKind.REMOVED and change.object.namespace is not None
    }
    for change in changes:
        one = change.object
        before = gone.get((change.after_unit, one.group, one.kind, one.name))
        if change.change is not ChangeKind.ADDED or one.namespace is None or before is None or change.after is None:
            continue
        unit = before.before_unit
        stays = sides.fate(unit, sides.before(before)) if unit is not None else None
        has_data = one.kind in ("PersistentVolumeClaim", "StatefulSet")
        deleted = Severity.ERROR if has_data else Severity.WARNING
        severity = deleted if stays is None else Severity.WARNING
        verdict = sides.given_up(before, unit, severity, deleted) if unit is not None else Verdict(severity)
        old = f"the one in {before.object.namespace} " + ("is deleted" if stays is None else f"stays, since {stays}")
        message = (
            f"{one.kind} {one.name} changes its namespace from {before.object.namespace} to {one.namespace}: it is "
            f"made anew, and {old}"
        )
        span = place(change.cause, change.after.definition)
        yield Finding(
            "changed-namespace", verdict.severity, message, one, span, (), change.cluster, change.after_unit,
            verdict.says,
        )  # fmt: skip
