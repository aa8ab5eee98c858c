"""What a change does, as plain data: the answer of ``impact``, which reports print and rules judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from indexer.flux.lack import Lack, lack_of
from indexer.flux.model import Cluster, ObjectId, RenderedObject, Unit, UnitId, UnitState
from indexer.git.changes import Changes, SideName
from indexer.git.tree import Tree
from indexer.manifest.node import Span

UnitKey = tuple[str, UnitId]
"""A unit of a cluster, by the cluster's name."""


@dataclass(frozen=True)
class Side:
    """One of the two states that are compared."""

    label: str
    """``working tree``, or what the person named."""
    commit: str | None
    """Full sha; None for the working tree."""
    tree: Tree
    clusters: tuple[Cluster, ...] = ()
    """All that is rendered."""
    detailed: frozenset[UnitKey] = frozenset()
    """The units whose objects have a ``tree``: those that differ between the sides, those that read a changed file, and
    those that apply the own object of a unit that comes or goes, or that loses or gets objects."""

    @cached_property
    def units(self) -> dict[UnitKey, Unit]:
        return {(cluster.name, unit.id): unit for cluster in self.clusters for unit in cluster.units}

    def detailed_units(self) -> Iterator[Unit]:
        return (self.units[key] for key in sorted(self.detailed))

    def own(self, cluster: str, unit: UnitId) -> RenderedObject | None:
        """The object of a unit as another unit applies it; None where nothing does."""
        found = self.units.get((cluster, unit))
        above = self.units.get((cluster, found.parent)) if found is not None and found.parent is not None else None
        for one in above.objects if above is not None else ():
            if (one.id.kind, one.id.namespace or "", one.id.name) == (unit.kind, unit.namespace, unit.name):
                return one
        return None


@dataclass(frozen=True, slots=True)
class Cause:
    """The changed lines that did it."""

    span: Span
    """Lies in the change; of a file that was only renamed, the lines that define what is concerned."""
    side: SideName
    """Where the lines stand: on the head side (they were added), or on the base side (they were removed)."""
    how: str
    """What they are part of: ``resource``, ``strategic merge patch``, ``postBuild domain``, ``rename`` …"""


@dataclass(frozen=True, slots=True)
class Unexplained:
    """No changed line is known to be the cause."""

    reason: str


class ChangeKind(StrEnum):
    """What happens to an object, or to a field of it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """From one unit to another of the same Flux, on the same cluster; objects only."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A leaf (scalar, empty map, empty list) that is not the same on both sides, or a list whose order is not."""

    path: str
    """JSON pointer into the object after the change; into the one before it where the field is removed."""
    change: ChangeKind
    """ADDED, REMOVED or CHANGED."""
    before: Any
    after: Any
    redacted: bool
    """Both values are withheld (None)."""
    cause: Cause | Unexplained


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One object of one unit that is not the same on both sides."""

    cluster: str
    change: ChangeKind
    before_unit: UnitId | None
    after_unit: UnitId | None
    before: RenderedObject | None
    after: RenderedObject | None
    fields: tuple[FieldChange, ...]
    """What differs; empty for an object that is added or removed, and for one that only moves."""
    cause: Cause | Unexplained
    """Of the change as a whole: why it is there, gone or elsewhere; for a changed one that of its first field."""
    counterpart: ObjectId | None = None
    """For a generated object that is added or removed because its name has another hash: the one of the other side."""
    suspended: bool = False
    """Whether its unit is suspended after the change, so that Flux does none of this before it is resumed."""

    @property
    def object(self) -> ObjectId:
        """As it is after the change; before it where it is removed."""
        one = self.after or self.before
        assert one is not None
        return one.id

    @property
    def unit(self) -> UnitId:
        """The unit that has it after the change; that had it, where it is removed."""
        unit = self.after_unit or self.before_unit
        assert unit is not None
        return unit


class UnitChangeKind(StrEnum):
    """What happens to a unit; several may happen to one."""

    ADDED = "added"
    REMOVED = "removed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    REPATHED = "re-pathed"
    RESOURCED = "re-sourced"
    """It reads another source, or another revision of it."""
    RETARGETED = "re-targeted"
    """Its objects go to another cluster (``spec.kubeConfig``)."""
    FAILS = "fails"
    """It was rendered before the change, and is not after it."""
    RECOVERS = "recovers"


@dataclass(frozen=True, slots=True)
class UnitChange:
    """One thing that happens to a unit."""

    cluster: str
    unit: UnitId
    change: UnitChangeKind
    before: Unit | None
    after: Unit | None
    cause: Cause | Unexplained
    detail: str
    """In words: ``./apps/a → ./apps/b``, the reason of a failure …; may be empty."""


@dataclass(frozen=True, slots=True)
class Unrendered:
    """A unit of which one side, or both, is not known: nothing of it counts as added, changed or removed."""

    cluster: str
    unit: UnitId
    sides: tuple[SideName, ...]
    state: UnitState
    reason: str
    touched: bool
    """Whether it read a changed file, or is itself changed: its objects may well be part of the impact."""

    @property
    def waits_for_chart(self) -> bool:
        """Whether it is a release whose chart is not at hand, which is the rule: the release itself is compared."""
        return lack_of(self.state, self.reason) is Lack.CHART


@dataclass(frozen=True, slots=True)
class ClusterImpact:
    """What happens on one cluster."""

    cluster: str
    change: ChangeKind | None
    """ADDED or REMOVED for a cluster that only one side has."""
    units: tuple[UnitChange, ...]
    objects: tuple[ObjectChange, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What some changed lines do: each counted once."""

    objects: int
    clusters: tuple[str, ...]
    units: int
    """Units that the lines change, besides objects."""


@dataclass(frozen=True, slots=True)
class Accounted:
    """Changed lines that stand together and have the same effect, or none for the same reason.

    Every changed line of every file is in exactly one.
    """

    file: str
    side: SideName
    lines: tuple[int, int] | None
    """First and last; None for a change without lines: a rename, a mode, a binary file."""
    reach: Reach | None
    reason: str | None
    """Why they have no effect; None where they have one."""
    related: tuple[Span, ...] = ()
    """What the reason speaks of: the lines that override these …"""


@dataclass(frozen=True, slots=True)
class Impact:
    """The answer to ``impact BASE..HEAD``."""

    base: Side
    head: Side
    chosen: str | None
    """How base and head were chosen where the person named none."""
    changes: Changes
    clusters: tuple[ClusterImpact, ...]
    """Those on which something happens."""
    lines: tuple[Accounted, ...]
    unrendered: tuple[Unrendered, ...]
