"""What live clusters say of a change, as the rules of changes use it: how bad a finding is there, and why.

The message of a finding is what the code says, whether a cluster was asked or not; what the cluster says stands beside
it, and decides where both differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from indexer.cluster.managed import Written
from indexer.cluster.model import LiveUnit, Metadata, Trouble
from indexer.cluster.reader import LiveCluster
from indexer.cluster.snapshot import Snapshot
from indexer.flux.identity import UnitId
from indexer.query.fieldvalue import shown
from indexer.query.findings import Finding, Severity, Verdict
from indexer.query.impact import ChangeKind, FieldChange, ObjectChange, UnitChange
from indexer.query.impact.live import ChangedByHand, Effect, LiveChange, Said
from indexer.query.livefields import Absent
from indexer.query.rules.facts import KEEPING, prefix_of
from indexer.query.rules.immutable import Excuse
from indexer.query.rules.moves import place
from indexer.query.rules.stakes import at_stake, counted, inventory, some
from indexer.query.rules.view import Key
from indexer.query.survey import about_flux
from indexer.query.trace import OWNER_LABELS

_NOTHING_GOES: Final = "it is not there, so nothing is deleted"

_Key = tuple[str, UnitId | None, UnitId | None, tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Live:
    """What the asked clusters say of the objects and units of a change."""

    objects: Mapping[_Key, LiveChange]
    servers: Mapping[str, LiveCluster]
    """Those that answered, by the name that the repository has for them."""
    late: frozenset[tuple[str, UnitId]]
    """Units of clusters that have yet to apply some of the base."""
    silent: Mapping[str, str]
    """Why nothing is known of others: a sentence each."""
    old: Mapping[str, str]
    """When those were asked that do not answer now, but of which there is a snapshot."""

    @classmethod
    def of(cls, said: Sequence[Said], servers: Iterable[LiveCluster]) -> Live:
        """From the answers of ``live_impact``, and the servers that gave them.

        One that contradicts its match may be another cluster: what it says decides nothing.
        """
        contexts = {server.context: server for server in servers}
        named = [(one.matched.cluster, one, _silence(one)) for one in said if one.matched.cluster is not None]
        answers = [(name, one) for name, one, silence in named if not silence]
        heard = {name: contexts[one.matched.context] for name, one in answers}
        return cls(
            {
                _key(each.change): each
                for _, one in answers
                for each in (one.answer.objects if one.answer is not None else ())
                if each.kind is each.change.change
            },
            heard,
            frozenset(
                (name, each.unit)
                for name, one in answers
                for each in (one.answer.units if one.answer is not None else ())
                if each.behind
            ),
            {name: silence for name, _, silence in named if silence},
            {name: server.read_at for name, server in heard.items() if isinstance(server, Snapshot)},
        )

    def dated(self, cluster: str, code: Severity, verdict: Verdict) -> Verdict:
        """A verdict on what is as bad as ``code`` by the code alone: nothing gets milder for what was so once."""
        if cluster not in self.old:
            return verdict
        severity = min(verdict.severity, code, key=lambda one: one.rank)
        return Verdict(severity, self._dated(cluster, verdict.says))

    def _dated(self, cluster: str, says: str) -> str:
        return (
            f"{says}; so it was at {self.old[cluster]}, when it was last asked"
            if says and cluster in self.old
            else says
        )

    # Objects that their unit gives up

    def given_up(
        self, change: ObjectChange, unit: UnitId, code: Severity, deleted: Severity, *, annotated: bool = False
    ) -> Verdict:
        """What becomes of an object that ``unit`` does not apply any more.

        ``code`` is how bad that is by the code alone, ``deleted`` how bad it is where the object is deleted;
        ``annotated``: the code keeps it by an annotation, which counts only where the live object has it.
        """
        one = self.objects.get(_key(change))
        if one is None or one.live is None:
            return self._absent(change, code, _NOTHING_GOES)
        keeper = _keeper(one.live.metadata, unit)
        if keeper:
            return Verdict(Severity.NOTE, f"{keeper}, so it stays")
        live = self._unit(change.cluster, unit)
        if isinstance(live, LiveUnit) and live.suspended:
            return Verdict(
                Severity.NOTE, f"{unit.spoken} is suspended there, so nothing is deleted until it is resumed"
            )
        if code is Severity.NOTE and not annotated:
            return Verdict(code)
        stake = at_stake(one, deleted)
        if annotated:
            more = f", and {stake.says}" if stake.says else ""
            return Verdict(stake.severity, f"the annotation is not on it there, so it is deleted{more}")
        return stake

    def ended(
        self,
        change: UnitChange,
        code: Severity,
        deleted: Severity,
        given_up: Sequence[ObjectChange],
        *,
        annotated: bool = False,
    ) -> Verdict:
        """What becomes of a unit that goes, and of the objects that nobody applies after it.

        ``code``, ``deleted`` and ``annotated``: as of ``given_up``, for the object of the unit itself.
        """
        live = self._unit(change.cluster, change.unit)
        if not isinstance(live, LiveUnit):
            return self._no_unit(change.cluster, live, code)
        parent = change.before.parent if change.before is not None else None
        mark = _mark(live.metadata, parent) if parent is not None else ""
        if mark:
            return Verdict(Severity.WARNING, f"{mark}, so it goes on until somebody deletes it there")
        if annotated:
            says = f"the annotation is not on it there, so it is deleted; {inventory(live)}".removesuffix("; ")
            return Verdict(deleted, says)
        if code is not Severity.ERROR:
            return Verdict(code, inventory(live))
        if live.suspended:
            return Verdict(Severity.WARNING, "it is suspended there, so its objects stay and nobody owns them")
        fates = [(one, self.given_up(one, change.unit, code, code)) for one in given_up]
        told = [f"{one.object.spoken}: {fate.says}" for one, fate in fates if fate.says]
        says = "; ".join(filter(None, (inventory(live), some(told, "; "))))
        spared = bool(fates) and all(fate.severity is Severity.NOTE for _, fate in fates)
        return Verdict(Severity.NOTE if spared else code, says)

    def retargeted(self, cluster: str, unit: UnitId, code: Severity) -> Verdict:
        """What a unit has where it applied so far."""
        live = self._unit(cluster, unit)
        if not isinstance(live, LiveUnit):
            return self._no_unit(cluster, live, code)
        return Verdict(code, inventory(live))

    # Fields

    def refused(self, change: ObjectChange, fields: Sequence[FieldChange], code: Severity, excuse: Excuse) -> Verdict:
        """Whether the server will refuse to change ``fields``."""
        one = self.objects.get(_key(change))
        if one is None or one.live is None:
            verdict = self._absent(change, code, "it is not there, so it is made as the change has it")
            if one is not None and one.exists is False and (change.cluster, change.unit) in self.late:
                return Verdict(code, f"it is not there yet: {change.unit.spoken} has not applied all of the base")
            return verdict
        if all(field.path in one.settled for field in fields):
            return Verdict(Severity.NOTE, "it is so there already, so the apply does not fail for this")
        accepted = excuse(one.live.body) if one.live.body else ""
        if accepted and (change.cluster, change.unit) in self.late:
            return Verdict(code, f"{accepted}, but {change.unit.spoken} has not applied all of the base")
        if accepted:
            return Verdict(Severity.NOTE, f"{accepted}, so the apply does not fail for this")
        return Verdict(code, "it is there, not as the change has it" if one.compared else "it is there")

    def body(self, change: ObjectChange) -> Mapping[str, Any]:
        """The object as JSON; empty where that is not known, as of a Secret it never is."""
        one = self.objects.get(_key(change))
        return one.live.body if one is not None and one.live is not None else {}

    def scaled(self, change: ObjectChange, code: Severity) -> Verdict:
        """How many pods end."""
        one = self.objects.get(_key(change))
        if one is None or one.live is None:
            return self._absent(change, code, "it is not there, so nothing of it runs")
        spec, status = one.live.body.get("spec") or {}, one.live.body.get("status") or {}
        wanted = spec.get("replicas")
        if wanted is None:
            return Verdict(code)
        if wanted == 0:
            return Verdict(Severity.NOTE, "it has no replicas already")
        says = f"it has {counted(wanted, 'replica')}, {status.get('readyReplicas') or 0} of them ready"
        if any(writer.subresource == "scale" for writer in Written.of(one.live).by(("spec", "replicas"))):
            says += "; they were set by scaling, as autoscalers do, which rest while it has none"
        return Verdict(code, says)

    # What is there and no code knows of

    def overwritten(self) -> Iterator[Finding]:
        """What somebody made or changed in the cluster, and the change overwrites."""
        for one in self.objects.values():
            lost = [field for field in one.fields if field.effect is Effect.OVERWRITES]
            if one.kind is ChangeKind.ADDED and one.exists and not one.is_ours:
                owner = self._dated(one.change.cluster, _owner(one))
                yield _overwritten(one, "is new in the code: the change takes over what is there", owner, lost)
            elif one.kind is not ChangeKind.ADDED and (
                touched := [field for field in lost if field.change is not None]
            ):
                yield _overwritten(one, "was changed by hand where the change sets it", "", touched)

    def missing(self, finding: Finding, leaving: Collection[Key]) -> Finding:
        """A finding about an object that nothing defines: it may be there. ``leaving``: what the change removes."""
        one, cluster = finding.object, finding.cluster or ""
        server = self.servers.get(cluster)
        if server is None or one is None:
            return replace(finding, live=self._silence(cluster, finding.severity).says)
        resource = server.discovery.find(one.group, one.kind)
        found = server.metadata(resource, one.namespace, one.name) if resource is not None else None
        if isinstance(found, Metadata):
            owners = ", ".join(_owners(found))
            says = f"it is there, {f'by {owners}' if owners else 'and no unit has it'}"
            verdict = Verdict(Severity.NOTE, says)
            if one.key in leaving:
                verdict = Verdict(finding.severity, f"{says}; the change removes it")
            verdict = self.dated(cluster, finding.severity, verdict)
            return replace(finding, severity=verdict.severity, live=verdict.says)
        if found is None or found.trouble is Trouble.ABSENT:
            return replace(finding, live=self._dated(cluster, "it is not there either"))
        return replace(finding, live=f"it could not be read: {found.reason}")

    # What could not be asked

    def _unit(self, cluster: str, unit: UnitId) -> LiveUnit | bool | None:
        """A unit; False where it is not there, None where that is not known."""
        server = self.servers.get(cluster)
        if server is None:
            return None
        return server.flux.unit(unit) or (None if about_flux(server.flux) else False)

    def _no_unit(self, cluster: str, live: bool | None, code: Severity) -> Verdict:
        return self._silence(cluster, code) if live is None else Verdict(Severity.NOTE, _NOTHING_GOES)

    def _absent(self, change: ObjectChange, code: Severity, says: str) -> Verdict:
        """Of an object that is not there, or that could not be read."""
        one = self.objects.get(_key(change))
        if one is None:
            return self._silence(change.cluster, code)
        if one.lost is not None:
            return Verdict(code, f"it could not be read: {one.lost.reason}")
        return Verdict(Severity.NOTE, says)

    def _silence(self, cluster: str, code: Severity) -> Verdict:
        return Verdict(code, self.silent.get(cluster, ""))


def _key(one: ObjectChange) -> _Key:
    return one.cluster, one.before_unit, one.after_unit, one.object.key


def _silence(one: Said) -> str:
    """Why what a cluster says cannot be used; empty where it can."""
    if one.answer is None:
        return f"it could not be asked: {one.unreadable[0].reason}" if one.unreadable else "it gave no answer"
    return f"it may be another cluster: {one.matched.mismatches[0]}" if one.matched.mismatches else ""


def _owners(one: Metadata) -> list[str]:
    """The units that the labels name."""
    return [
        UnitId(kind, one.labels.get(f"{group}/namespace") or "", name).spoken
        for group, kind in OWNER_LABELS
        if (name := one.labels.get(f"{group}/name"))
    ]


def _keeper(one: Metadata, unit: UnitId) -> str:
    """Why the controller of ``unit`` does not prune a live object; Helm asks none of this."""
    mark, owners = _mark(one, unit), _owners(one)
    if mark or unit.kind == "HelmRelease":
        return mark
    return "" if unit.spoken in owners else f"{', '.join(owners) or 'no unit'} has it"


def _mark(one: Metadata, unit: UnitId) -> str:
    """The annotation or label that keeps a live object, for the controller of ``unit``."""
    if unit.kind == "HelmRelease":
        return ""
    for marks in (one.annotations, one.labels):
        for key, value in KEEPING:
            if marks.get(f"{prefix_of(unit)}/{key}", "").lower() == value:
                return f"it has {key}: {value}"
    return ""


def _owner(one: LiveChange) -> str:
    owner = one.trace.unit.spoken if one.trace is not None and one.trace.unit is not None else ""
    wrote = f" ({one.manager} wrote it)" if one.manager else ""
    return f"{owner} has it" if owner else f"no unit has it{wrote}"


def _overwritten(one: LiveChange, what: str, owner: str, fields: Sequence[ChangedByHand]) -> Finding:
    change = one.change
    cause = next((field.change.cause for field in fields if field.change is not None), change.cause)
    definition = change.after.definition if change.after is not None else None
    says = "; ".join(filter(None, (owner, some([_by_hand(field) for field in fields], "; "))))
    return Finding(
        "live-overwrite", Severity.WARNING, f"{change.object.spoken} {what}", change.object,
        place(cause, definition), (), change.cluster, change.unit, says,
    )  # fmt: skip


def _by_hand(one: ChangedByHand) -> str:
    """``/spec/replicas is 5 (kubectl-edit), and becomes 3``."""
    live = "not there" if isinstance(one.difference.live, Absent) else shown(one.difference.live)
    writer = next(iter(one.difference.writers), None)
    who = f" ({writer.manager})" if writer is not None else ""
    change = one.change
    if change is None:
        becomes = f", and becomes {shown(one.difference.rendered)}"
    elif change.redacted:
        becomes = ""
    else:
        becomes = ", and goes" if change.change is ChangeKind.REMOVED else f", and becomes {shown(change.after)}"
    return f"{one.difference.pointer} is {live}{who}{becomes}"
