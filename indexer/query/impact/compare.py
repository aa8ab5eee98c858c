"""Both sides laid side by side: units and objects that are not the same, and those of which a side is not known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from indexer.flux.model import Cluster, ObjectId, RenderedObject, SourceRef, Unit, UnitId, UnitState
from indexer.git.changes import SideName
from indexer.git.tree import EntryKind
from indexer.manifest.node import Role
from indexer.query.impact.model import ChangeKind, Side, UnitChangeKind, UnitKey
from indexer.query.impact.sides import same

_BROKEN = (UnitState.FAILED, UnitState.UNRESOLVED)


@dataclass(slots=True)
class Pair:
    """An object on both sides, or on one."""

    cluster: str
    change: ChangeKind
    before_unit: UnitId | None = None
    before: RenderedObject | None = None
    after_unit: UnitId | None = None
    after: RenderedObject | None = None
    counterpart: ObjectId | None = None

    @property
    def own_key(self) -> UnitKey:
        """The unit, or source, that the object is, where it is one."""
        one = self.after or self.before
        assert one is not None
        return self.cluster, UnitId(one.id.kind, one.id.namespace or "", one.id.name)


@dataclass(frozen=True, slots=True)
class UnitPair:
    """One thing that happens to a unit."""

    key: UnitKey
    change: UnitChangeKind
    before: Unit | None
    after: Unit | None
    detail: str = ""


class Comparison:
    """What differs between two sides; nothing is compared with what is not known."""

    def __init__(self, base: Side, head: Side) -> None:
        self.base = base
        self.head = head
        self.keys = sorted(base.units.keys() | head.units.keys())

    @cached_property
    def unknown(self) -> dict[UnitKey, dict[SideName, tuple[UnitState, str]]]:
        """The units of which a side is not known, and why."""
        found: dict[UnitKey, dict[SideName, tuple[UnitState, str]]] = {}
        for key in self.keys:
            for name, side, other in (
                (SideName.BASE, self.base, self.head),
                (SideName.HEAD, self.head, self.base),
            ):
                why = _unknown(side, key) if key in side.units else _hidden(side, other, key)
                if why is not None:
                    found.setdefault(key, {})[name] = why
        return found

    @cached_property
    def units(self) -> list[UnitPair]:
        found = []
        for key in self.keys:
            before, after = self.base.units.get(key), self.head.units.get(key)
            if before is not None and after is not None:
                found += [UnitPair(key, change, before, after, detail) for change, detail in _happens(before, after)]
            elif after is not None and SideName.BASE not in self.unknown.get(key, {}):
                found.append(UnitPair(key, UnitChangeKind.ADDED, None, after))
            elif before is not None and SideName.HEAD not in self.unknown.get(key, {}):
                found.append(UnitPair(key, UnitChangeKind.REMOVED, before, None))
        return found

    @cached_property
    def objects(self) -> list[Pair]:
        pairs = [pair for key in self.keys if key not in self.unknown for pair in self._of_unit(key)]
        return _with_counterparts(_moved(pairs, self._place))

    def _place(self, pair: Pair) -> str:
        """The cluster that an object is on."""
        side, unit = (self.head, pair.after_unit) if pair.after_unit is not None else (self.base, pair.before_unit)
        assert unit is not None
        return side.units[pair.cluster, unit].place

    def _of_unit(self, key: UnitKey) -> Iterator[Pair]:
        before, after = self.base.units.get(key), self.head.units.get(key)
        if before is not None and after is not None and same(before, after):
            return
        cluster, unit = key
        old, new = _by_identity(before), _by_identity(after)
        for name in sorted(old.keys() | new.keys()):
            olds, news = _without_equals(old.get(name, []), new.get(name, []))
            for index in range(max(len(olds), len(news))):
                one = olds[index] if index < len(olds) else None
                other = news[index] if index < len(news) else None
                change = (
                    ChangeKind.ADDED if one is None else ChangeKind.REMOVED if other is None else ChangeKind.CHANGED
                )
                yield Pair(cluster, change, unit if one else None, one, unit if other else None, other)


def _unknown(side: Side, key: UnitKey) -> tuple[UnitState, str] | None:
    """Why the objects of a unit that is there are not known."""
    unit = side.units[key]
    if unit.objects:
        return None
    if unit.state in _BROKEN:
        return unit.state, unit.reason or "it could not be rendered"
    # A suspended unit that would fail has no objects either, and Flux applies nothing of it.
    return (unit.state, unit.reason or "suspended") if unit.state is UnitState.SUSPENDED else None


def _hidden(side: Side, other: Side, key: UnitKey) -> tuple[UnitState, str] | None:
    """Why it is not known whether a unit that only the other side has is there."""
    cluster = next((one for one in other.clusters if one.name == key[0]), None)
    if cluster is not None and _entry_is_unreadable(side, cluster):
        return UnitState.FAILED, f"{', '.join(cluster.entry)} is there and cannot be read as an entry point"
    parent = other.units[key].parent
    seen: set[UnitId] = set()
    while parent is not None and parent not in seen:
        seen.add(parent)
        above = (key[0], parent)
        if above in side.units:
            why = _unknown(side, above)
            if why is not None and why[0] in _BROKEN:
                return why[0], f"{parent} deploys it, and could not be rendered: {why[1]}"
            return None
        parent = other.units[above].parent if above in other.units else None
    return None


def _entry_is_unreadable(side: Side, cluster: Cluster) -> bool:
    """Whether a cluster is missing on a side although the files that begin it are there."""
    known = any(one.name == cluster.name for one in side.clusters)
    return not known and bool(cluster.entry) and all(side.tree.kind(file) is EntryKind.FILE for file in cluster.entry)


def _happens(before: Unit, after: Unit) -> Iterator[tuple[UnitChangeKind, str]]:
    if (before.state is UnitState.SUSPENDED) != (after.state is UnitState.SUSPENDED):
        yield (UnitChangeKind.RESUMED if before.state is UnitState.SUSPENDED else UnitChangeKind.SUSPENDED), ""
    if before.path != after.path:
        yield UnitChangeKind.REPATHED, f"{before.path or '(none)'} → {after.path or '(none)'}"
    if _reads_another(before.source, after.source):
        yield UnitChangeKind.RESOURCED, f"{_source(before.source)} → {_source(after.source)}"
    if before.target != after.target:
        yield UnitChangeKind.RETARGETED, f"{before.place} → {after.place}"
    if (before.state in _BROKEN) != (after.state in _BROKEN):
        fails = after.state in _BROKEN
        yield (UnitChangeKind.FAILS if fails else UnitChangeKind.RECOVERS), (after if fails else before).reason or ""


def _reads_another(before: SourceRef | None, after: SourceRef | None) -> bool:
    """Whether two sources differ in what is known of both: whoever defines one may be what cannot be rendered."""
    if before is None or after is None:
        return before is not after
    if (before.kind, before.namespace, before.name) != (after.kind, after.namespace, after.name):
        return True
    return None not in (before.url, after.url) and (before.url, before.ref) != (after.url, after.ref)


def _source(source: SourceRef | None) -> str:
    if source is None:
        return "(none)"
    parts = (source.kind, f"{source.namespace}/{source.name}", source.url, source.ref)
    return " ".join(part for part in parts if part)


def _by_identity(unit: Unit | None) -> dict[tuple[str, str, str, str], list[RenderedObject]]:
    found: dict[tuple[str, str, str, str], list[RenderedObject]] = defaultdict(list)
    for one in unit.objects if unit is not None else ():
        found[one.id.key].append(one)
    return found


def _without_equals(
    old: list[RenderedObject], new: list[RenderedObject]
) -> tuple[list[RenderedObject], list[RenderedObject]]:
    """Objects of one identity (there may be one of each version) without those that are on both sides."""
    left = sorted(new, key=lambda one: one.id)
    rest = []
    for one in sorted(old, key=lambda one: one.id):
        same = next((other for other in left if (other.id, other.digest) == (one.id, one.digest)), None)
        if same is None:
            rest.append(one)
        else:
            left.remove(same)
    return rest, left


def _moved(pairs: list[Pair], place: Callable[[Pair], str]) -> list[Pair]:
    """Pairs in which an object that one unit loses and another of the same cluster gets is one change.

    Where one Flux loses an object and another gets it (``spec.kubeConfig``), the first one prunes it all the same.
    """
    lost: dict[tuple[str, str, tuple[str, str, str, str]], list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.change is ChangeKind.REMOVED and pair.before is not None:
            lost[pair.cluster, place(pair), pair.before.id.key].append(pair)
    gone: set[int] = set()
    for pair in pairs:
        if pair.change is ChangeKind.ADDED and pair.after is not None:
            candidates = lost.get((pair.cluster, place(pair), pair.after.id.key))
            if candidates:
                old = candidates.pop(0)
                gone.add(id(old))
                pair.change, pair.before, pair.before_unit = ChangeKind.MOVED, old.before, old.before_unit
    return [pair for pair in pairs if id(pair) not in gone]


def _with_counterparts(pairs: list[Pair]) -> list[Pair]:
    """Pairs in which generated objects whose names have another hash know of each other."""
    gone: dict[tuple[object, ...], Pair] = {}
    for pair in pairs:
        if pair.change is ChangeKind.REMOVED and pair.before is not None and pair.before.role is Role.GENERATES:
            gone[pair.cluster, pair.before_unit, *_stem(pair.before.id)] = pair
    for pair in pairs:
        if pair.change is ChangeKind.ADDED and pair.after is not None and pair.after.role is Role.GENERATES:
            old = gone.get((pair.cluster, pair.after_unit, *_stem(pair.after.id)))
            if old is not None and old.before is not None:
                pair.counterpart, old.counterpart = old.before.id, pair.after.id
    return pairs


def _stem(one: ObjectId) -> tuple[str, str | None, str]:
    """A generated object's identity without the hash that its content gives it."""
    return one.kind, one.namespace, one.name.rpartition("-")[0]
