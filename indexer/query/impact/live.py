"""What is really there: the objects of a change as a live cluster has them, and what goes with those that go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from indexer.cluster.model import LiveObject, Metadata, Trouble, Unreadable, Wanted
from indexer.cluster.reader import LiveCluster
from indexer.flux.config import Config
from indexer.flux.identity import ObjectId, UnitId
from indexer.flux.model import RenderedObject
from indexer.git.repository import Repository
from indexer.index.read import Row
from indexer.manifest.errors import ManifestError
from indexer.manifest.scalars import to_data
from indexer.query.applied import applied, distance
from indexer.query.drift import owned_fields
from indexer.query.impact.diff import redaction_of
from indexer.query.impact.holding import Holding, Holdings
from indexer.query.impact.model import ChangeKind, FieldChange, Impact, ObjectChange, Side
from indexer.query.livefields import Absent, FieldDifference, differences
from indexer.query.redaction import Redaction
from indexer.query.survey import Surveyed, about_flux, survey
from indexer.query.trace import Trace, trace

_LOST: Final = (Trouble.UNREACHABLE, Trouble.UNAUTHORIZED)
_SECRET: Final = ("", "Secret")
_NO_FIELDS: Final = Unreadable("the fields of objects", Trouble.NOT_KEPT, "a snapshot has none: ask the cluster")


class Effect(StrEnum):
    """What the change does to a field that somebody changed in the cluster."""

    OVERWRITES = "overwrites"
    SETTLES = "settles"
    """The cluster already has the value that the change brings."""
    NONE = "none"
    """The change does not touch it."""
    DELETES = "deletes"
    """It goes with its object."""


@dataclass(frozen=True, slots=True)
class ChangedByHand:
    """A field that is not as Git had it before the change; of an added object, not as it has it after it."""

    difference: FieldDifference
    effect: Effect
    change: FieldChange | None
    """What the change does to it; None where it sets nothing there."""


@dataclass(frozen=True, slots=True)
class LiveChange:
    """One object of the change, and what the cluster says of it."""

    change: ObjectChange
    kind: ChangeKind
    """What the change does on this cluster: an object whose unit goes to another cluster is removed from the first."""
    exists: bool | None
    """None where that could not be read."""
    served: bool = True
    """Whether the cluster knows the kind at all."""
    lost: Unreadable | None = None
    """Why it could not be read."""
    live: LiveObject | None = None
    """As it is; without fields where a snapshot has none, and where it is a Secret."""
    trace: Trace | None = None
    """Who has the object; None where it does not exist."""
    manager: str | None = None
    """Who wrote it last, of those whom the server names."""
    compared: bool = False
    """Whether its fields could be looked at: those of Secrets never are, and a snapshot has none."""
    fields: tuple[ChangedByHand, ...] = ()
    settled: tuple[str, ...] = ()
    """JSON pointers of the changes that the cluster already has."""
    holding: Holding | None = None

    @property
    def metadata(self) -> Metadata | None:
        return self.live.metadata if self.live is not None else None

    @property
    def is_done(self) -> bool:
        """Whether the cluster already is as the change makes it."""
        match self.kind:
            case ChangeKind.ADDED:
                return self.is_ours and not self.fields
            case ChangeKind.REMOVED:
                return self.exists is False
        return bool(self.settled) and len(self.settled) == len(self.change.fields)

    @property
    def is_ours(self) -> bool:
        """Whether the unit that has the object in Git has it in the cluster, before the change or after it."""
        unit = self.trace.unit if self.trace is not None else None
        return unit is not None and unit in (self.change.before_unit, self.change.after_unit)


@dataclass(frozen=True, slots=True)
class UnitAt:
    """The commit that a unit of the change has applied: what is compared with the base is only as near as that is."""

    unit: UnitId
    commit: str | None
    reason: str | None
    """Why the commit is not known."""
    behind: int | None
    """Commits of the base that it lacks; None where git cannot tell."""
    ahead: int | None
    """Commits that it has and the base has not."""


@dataclass(frozen=True, slots=True)
class LiveImpact:
    """The answer of one cluster."""

    cluster: str
    units: tuple[UnitAt, ...]
    objects: tuple[LiveChange, ...]


Said = Surveyed[LiveImpact | None]


@dataclass(frozen=True)
class Sides:
    """The units of both sides as ``match`` reads them: what a cluster runs is the base, or is new with the head."""

    impact: Impact
    clusters: tuple[str, ...]

    @cached_property
    def every(self) -> dict[int, Row]:
        old = {one.name for one in self.impact.base.clusters}
        both = [*self.impact.base.clusters, *(one for one in self.impact.head.clusters if one.name not in old)]
        units = [unit for cluster in both for unit in cluster.units]
        numbers = {(unit.cluster, unit.id): number for number, unit in enumerate(units)}
        return {
            number: {
                "cluster": unit.cluster,
                "target": unit.target,
                "kind": unit.id.kind,
                "namespace": unit.id.namespace,
                "name": unit.id.name,
                "path": unit.path,
                "source_url": unit.source.url if unit.source is not None else None,
                "parent_id": numbers.get((unit.cluster, unit.parent)) if unit.parent is not None else None,
                "parent_name": unit.parent.name if unit.parent is not None else None,
            }
            for number, unit in enumerate(units)
        }


def live_impact(
    answer: Impact, repository: Repository, config: Config, clusters: Iterable[LiveCluster], names: tuple[str, ...] = ()
) -> tuple[Said, ...]:
    """Asks each live cluster about the objects of a change. ``names``: the clusters that the question is about.

    Where a cluster cannot be asked at all there is no answer of it, and what was in the way is in ``unreadable``.
    """
    redactions = redaction_of(answer.base), redaction_of(answer.head)

    def ask(name: str, cluster: LiveCluster) -> tuple[LiveImpact | None, Iterable[Unreadable]]:
        if any(one.trouble in _LOST for one in cluster.flux.unreadable):
            return None, cluster.flux.unreadable
        asking = _Asking(answer, name, cluster, redactions)
        units = tuple(_units(answer, name, cluster, repository))
        asking.lagging = frozenset(one.unit for one in units if one.behind != 0)
        return LiveImpact(name, units, tuple(asking.objects())), asking.unreadable

    return tuple(survey(Sides(answer, names), config, repository, clusters, ask))


def not_asked(answer: Impact, said: Iterable[Said]) -> tuple[str, ...]:
    """Clusters on which something happens and of which nothing is known but what the code says."""
    known = {one.answer.cluster for one in said if one.answer is not None}
    return tuple(one.cluster for one in answer.clusters if one.cluster not in known)


def _units(answer: Impact, name: str, cluster: LiveCluster, repository: Repository) -> Iterator[UnitAt]:
    changed = {unit: None for one, _ in _changes(answer, name) for unit in (one.before_unit, one.after_unit)}
    for unit in sorted(unit for unit in changed if unit is not None):
        live = cluster.flux.unit(unit)
        if live is None:
            continue
        found = applied(cluster, live, repository)
        apart = distance(repository, found.commit, answer.base.commit) if found.commit is not None else None
        behind, ahead = apart if apart is not None else (None, None)
        yield UnitAt(unit, found.commit, found.reason, behind, ahead)


def _changes(answer: Impact, name: str) -> Iterator[tuple[ObjectChange, ChangeKind]]:
    """The objects of the change that are on the cluster ``name``, and what happens to each there."""

    def is_there(side: Side, cluster: str, unit: UnitId | None) -> bool:
        found = side.units.get((cluster, unit)) if unit is not None else None
        return found is not None and found.place == name

    for cluster in answer.clusters:
        for one in cluster.objects:
            before = is_there(answer.base, cluster.cluster, one.before_unit)
            after = is_there(answer.head, cluster.cluster, one.after_unit)
            if before and after:
                yield one, one.change
            elif before or after:
                yield one, ChangeKind.REMOVED if before else ChangeKind.ADDED


class _Asking:
    """Asks one cluster about one object after another."""

    def __init__(
        self, answer: Impact, name: str, cluster: LiveCluster, redactions: tuple[Redaction, Redaction]
    ) -> None:
        self._answer = answer
        self._name = name
        self._cluster = cluster
        self._before, self._after = redactions
        self._holdings = Holdings(cluster, self._defines())
        self._lost: list[Unreadable] = list(about_flux(cluster.flux))
        self.lagging: frozenset[UnitId] = frozenset()
        """Units that have not applied all of the base: what they lack may only be late."""

    @property
    def unreadable(self) -> Iterable[Unreadable]:
        return (*self._lost, *self._holdings.unreadable)

    def _defines(self) -> Callable[[ObjectId], bool]:
        keys = {
            one.id.key
            for side in (self._answer.base, self._answer.head)
            for unit in side.units.values()
            if unit.place == self._name
            for one in unit.objects
        }
        return lambda one: one.key in keys

    def objects(self) -> Iterator[LiveChange]:
        changes = list(_changes(self._answer, self._name))
        wanted = [self._wanted(change, kind) for change, kind in changes]
        found = self._cluster.each(one for one in wanted if isinstance(one, Wanted))
        for (change, kind), one in zip(changes, wanted, strict=True):
            yield self._object(change, kind, self._got(one, next(found)) if isinstance(one, Wanted) else one)

    def _wanted(self, change: ObjectChange, kind: ChangeKind) -> Wanted | Unreadable | None:
        """What to ask for; None where the cluster has no such kind."""
        one = change.before if kind is ChangeKind.REMOVED and change.before is not None else change.after
        id_ = one.id if one is not None else change.object
        resource = self._cluster.discovery.find(id_.group, id_.kind)
        if resource is not None:
            # What names no namespace is applied to this one.
            namespace = (id_.namespace or "default") if resource.namespaced else None
            return Wanted(resource, namespace, id_.name, id_.version)
        # A kind of an API that did not answer may well be there.
        api = f"API {id_.group}/" if id_.group else "API v"
        lost = self._cluster.discovery.unreadable
        return next((one for one in lost if one.what.startswith(api) or not one.what.startswith("API ")), None)

    def _got(self, wanted: Wanted, found: LiveObject | Unreadable) -> LiveObject | Unreadable:
        """The live object, without fields where a snapshot has none."""
        if isinstance(found, Unreadable) and found.trouble is Trouble.NOT_KEPT:
            kept = self._cluster.metadata(*wanted[:3])
            if isinstance(kept, Metadata):
                self._lost.append(_NO_FIELDS)
                return LiveObject(kept, {})
        return found

    def _object(self, change: ObjectChange, kind: ChangeKind, found: LiveObject | Unreadable | None) -> LiveChange:
        if not isinstance(found, LiveObject):
            lost = None if found is None or found.trouble is Trouble.ABSENT else found
            self._lost += [lost] if lost is not None else []
            exists = False if lost is None else None
            return LiveChange(change, kind, exists=exists, served=found is not None, lost=lost)
        traced = trace(self._cluster, found.metadata)
        self._lost += traced.unreadable
        fields, settled = self._fields(change, kind, found)
        return LiveChange(
            change,
            kind,
            exists=True,
            live=found,
            trace=traced,
            manager=next((one.manager for one in _newest(found)), None),
            compared=_is_open(found),
            fields=fields,
            settled=settled,
            holding=self._holdings.of(found) if kind in (ChangeKind.REMOVED, ChangeKind.MOVED) else None,
        )

    def _fields(
        self, change: ObjectChange, kind: ChangeKind, live: LiveObject
    ) -> tuple[tuple[ChangedByHand, ...], tuple[str, ...]]:
        """The fields that were changed by hand, and the changes that are there already."""
        if not _is_open(live):
            return (), ()
        if kind is ChangeKind.ADDED:
            found = self._by_hand(change.after, change.after_unit, live, self._after)
            return tuple(ChangedByHand(one, Effect.OVERWRITES, None) for one in found), ()
        found = self._by_hand(change.before, change.before_unit, live, self._before)
        if kind is ChangeKind.REMOVED:
            return tuple(ChangedByHand(one, Effect.DELETES, None) for one in found), ()
        before, after = _data(change.before), _data(change.after)
        settled = tuple(_settled(change.fields, after, live))
        touched = {
            _named(after if one.change is not ChangeKind.REMOVED else before, one.path): one for one in change.fields
        }
        return tuple(_judged(one, _named(before, one.pointer), touched, settled) for one in found), settled

    def _by_hand(
        self, one: RenderedObject | None, unit: UnitId | None, live: LiveObject, redaction: Redaction
    ) -> list[FieldDifference]:
        if one is None or unit is None:
            return []
        found = owned_fields(one, unit, live, redaction)
        return [field for field in found if unit not in self.lagging or not isinstance(field.live, Absent)]


def _is_open(live: LiveObject) -> bool:
    return bool(live.body) and (live.metadata.id.group, live.metadata.id.kind) != _SECRET


def _newest(live: LiveObject) -> list[Any]:
    return sorted((one for one in live.writers if not one.subresource), key=lambda one: one.time, reverse=True)


def _data(one: RenderedObject | None) -> Any:
    try:
        return to_data(one.tree) if one is not None and one.tree is not None else {}
    except ManifestError:
        return {}


def _settled(fields: Iterable[FieldChange], after: Any, live: LiveObject) -> Iterator[str]:
    """The changes that the live object already shows. The order of a list, and what is secret, is not looked at."""
    if not after:
        return
    open_ = {one.pointer for one in differences(after, live)}
    for field in fields:
        if field.redacted or isinstance(field.after, list):
            continue
        if field.change is ChangeKind.REMOVED:
            if _is_gone(live.body, field.path):
                yield field.path
        elif not any(_meet(field.path, other) for other in open_):
            yield field.path


def _is_gone(body: Any, path: str) -> bool:
    """Whether a field that the change removes is not there any more. In lists that cannot be told by the place."""
    for step in _steps(path):
        if not isinstance(body, dict):
            return False
        if step not in body:
            return True
        body = body[step]
    return False


def _judged(one: FieldDifference, place: str, touched: dict[str, FieldChange], settled: Iterable[str]) -> ChangedByHand:
    change = next((change for path, change in touched.items() if _meet(path, place)), None)
    if change is None:
        return ChangedByHand(one, Effect.NONE, None)
    return ChangedByHand(one, Effect.SETTLES if change.path in settled else Effect.OVERWRITES, change)


def _meet(one: str, other: str) -> bool:
    """Whether one JSON pointer leads to the other, or through it."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _named(data: Any, path: str) -> str:
    """A pointer with the names of list items in the place of their numbers, which differ between the sides."""
    steps = []
    for step in _steps(path):
        if isinstance(data, list):
            data = data[int(step)] if step.isdecimal() and int(step) < len(data) else None
            name = data.get("name") if isinstance(data, dict) else None
            steps.append(f"[{name}]" if isinstance(name, str) else step)
        else:
            data = data.get(step) if isinstance(data, dict) else None
            steps.append(step)
    return "".join(f"/{step.replace('/', '~1')}" for step in steps)


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
