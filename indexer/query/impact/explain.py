"""The changed lines that caused what differs: of each field, object and unit."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from indexer.deferred import regex
from indexer.flux.model import RenderedObject, Unit, UnitId
from indexer.git.changes import Changes, SideName
from indexer.git.sourceignore import IGNORE_FILE, NOTHING, Ignore, load
from indexer.manifest.node import Mapping, Node, Role, Source, Span, leaves
from indexer.query.impact.causes import Evidence, at, first, of_field, of_winner
from indexer.query.impact.compare import Comparison, Pair, UnitPair
from indexer.query.impact.fields import Difference, differences
from indexer.query.impact.model import Cause, ChangeKind, Side, Unexplained, UnitChangeKind, UnitKey

_IDENTITY: Final = (("metadata", "name"), ("metadata", "namespace"), ("kind",), ("apiVersion",))
_DECISIVE: Final = (
    "path", "sourceRef", "targetNamespace", "components", "patches", "images", "namePrefix", "nameSuffix", "postBuild",
    "commonMetadata", "chart", "chartRef", "values", "valuesFrom", "inputs", "inputsFrom", "resources", "sync", "url",
    "ref", "ignore", "include",
)  # fmt: skip
"""Fields of a unit's or a source's spec that say what is applied, the likeliest first."""
_PLACE: Final = regex(r"(?P<file>[^\s:]+):(?P<line>\d+)(?::(?P<column>\d+))?: ")
_LISTED: Final = 5

Reason = Cause | Unexplained


class Explanation:
    """Looks for causes: in an object's own history, in what lists it, in the unit that deploys it, in all it reads."""

    def __init__(self, comparison: Comparison, changes: Changes) -> None:
        self.base = comparison.base
        self.head = comparison.head
        self._changes = changes
        self._pairs = comparison.objects
        self.differences: dict[int, tuple[Difference, ...]] = {id(pair): _differences(pair) for pair in self._pairs}
        """By the identity of the pair."""
        self._flux = {pair.own_key: pair for pair in self._pairs}
        self._units: dict[UnitKey, Cause | None] = {}
        self._own: dict[int, Cause | None] = {}

    # Objects

    def object(self, pair: Pair) -> Reason:
        """Why an object is added, removed or moved."""
        return self._own_cause(pair) or self._of_unit_or_inputs(pair)

    def field(self, pair: Pair, found: Difference) -> Reason:
        """Why a leaf of an object differs."""
        assert pair.before is not None
        assert pair.after is not None
        return (
            first(self._changes, of_field(found, pair.before, pair.after))
            or self._of_reference(pair, found)
            or self._of_unit_or_inputs(pair)
        )

    def _own_cause(self, pair: Pair) -> Cause | None:
        if id(pair) not in self._own:
            self._own[id(pair)] = None
            self._own[id(pair)] = (
                first(self._changes, self._evidence(pair)) or self._renamed(pair) or self._ignored(pair)
            )
        return self._own[id(pair)]

    def _evidence(self, pair: Pair) -> Iterator[Evidence]:
        sides = list(_sides(pair))
        for side, one in sides:
            definition = one.definition
            if definition is not None and self._is_all_changed(side, definition):
                yield side, definition, "generator" if one.role is Role.GENERATES else "resource"
        for side, one in sides:
            yield from _of_identity(side, one)
        for side, one in sides:
            yield from _of_entries(side, one)
        for side, one in sides:
            if one.role is Role.GENERATES:
                yield from _of_content(side, one)
        for side, one in sides:
            yield side, one.definition, "resource"

    def _is_all_changed(self, side: SideName, span: Span) -> bool:
        lines = self._changes.within(side, span.source.file, span.line, span.end_line)
        return span.source.repository is None and lines == (span.line, span.end_line)

    def _renamed(self, pair: Pair) -> Cause | None:
        """The rename of a file that defines the object, or that led to it."""
        for side, one in _sides(pair):
            spans = [one.definition, *(each.span for each in one.contributions if each.role is Role.CONFIGURES)]
            for span in spans:
                if span is not None and span.source.repository is None:
                    file = self._changes.file(side, span.source.file)
                    if file is not None and file.renamed:
                        return Cause(span, side, f"rename from {file.base}" if side is SideName.HEAD else "rename")
        return None

    def _ignored(self, pair: Pair) -> Cause | None:
        """The changed pattern that leaves a file out of what Flux sees, or that lets it in."""
        for _, one in _sides(pair):
            span = one.definition
            for side in SideName if span is not None and span.source.repository is None else ():
                rule = self._ignores[side].rule(span.source.file) if span is not None else None
                if rule is not None and rule.file is not None:
                    place = Span(Source(None, rule.file), rule.line, 1, rule.line, max(len(rule.pattern), 1))
                    cause = at(self._changes, side, place, "pattern")
                    if cause is not None:
                        return cause
        return None

    @cached_property
    def _ignores(self) -> dict[SideName, Ignore]:
        """The patterns of both sides; none where no file of patterns is in the change."""
        files = self._changes.paths(SideName.BASE) | self._changes.paths(SideName.HEAD)
        if not any(posixpath.basename(file) == IGNORE_FILE for file in files):
            return dict.fromkeys(SideName, NOTHING)
        return {SideName.BASE: load(self.base.tree), SideName.HEAD: load(self.head.tree)}

    def _of_reference(self, pair: Pair, found: Difference) -> Cause | None:
        """For a name with a hash, and for what refers to it: what changed the content of the generated object."""
        for node in (found.after, found.before):
            span = node.span if node is not None else None
            if span is None or node is None or node.op is None:
                continue
            for other in self._pairs:
                one = other.after or other.before
                if other is not pair and other.cluster == pair.cluster and one is not None and one.definition == span:
                    return self._own_cause(other)
        return None

    def _of_unit_or_inputs(self, pair: Pair) -> Reason:
        units = [unit for unit in (pair.after_unit, pair.before_unit) if unit is not None]
        for unit in units:
            cause = self.unit_cause((pair.cluster, unit))
            if cause is not None:
                return cause
        return self._of_inputs([(pair.cluster, unit) for unit in units])

    # Units

    def unit(self, pair: UnitPair) -> Reason:
        """Why something happens to a unit."""
        if pair.change in (UnitChangeKind.FAILS, UnitChangeKind.RECOVERS):
            place = self._of_reason(pair)
            return place or self.unit_cause(pair.key) or self._of_inputs([pair.key])
        fields = {
            UnitChangeKind.SUSPENDED: ("suspend",),
            UnitChangeKind.RESUMED: ("suspend",),
            UnitChangeKind.REPATHED: ("path",),
            UnitChangeKind.RETARGETED: ("kubeConfig",),
        }
        return self.unit_cause(pair.key, fields.get(pair.change, ())) or self._of_inputs([pair.key])

    def unit_cause(self, key: UnitKey, fields: tuple[str, ...] = ()) -> Cause | None:
        """The change of a unit's own object (of ``fields`` of its spec, where given), or of what is above it."""
        if fields:
            return self._of_own_object(key, fields) or self.unit_cause(key)
        if key not in self._units:
            # A unit may be its own parent.
            self._units[key] = None
            self._units[key] = self._find_unit_cause(key)
        return self._units[key]

    def _find_unit_cause(self, key: UnitKey) -> Cause | None:
        cause = self._of_own_object(key, _DECISIVE)
        units = [unit for side in (self.head, self.base) if (unit := side.units.get(key)) is not None]
        for unit in units:
            if cause is None and unit.source is not None:
                source = UnitId(unit.source.kind, unit.source.namespace, unit.source.name)
                cause = self._of_own_object((key[0], source), _DECISIVE)
        for side, unit in ((SideName.HEAD, self.head.units.get(key)), (SideName.BASE, self.base.units.get(key))):
            if cause is None and unit is not None and unit.parent is None:
                cause = at(self._changes, side, unit.definition, "entry point")
        for unit in units:
            if cause is None and unit.parent is not None and unit.parent != key[1]:
                cause = self.unit_cause((key[0], unit.parent))
        return cause

    def _of_own_object(self, key: UnitKey, fields: tuple[str, ...]) -> Cause | None:
        pair = self._flux.get(key)
        if pair is None:
            return None
        if pair.change is not ChangeKind.CHANGED:
            cause = self._own_cause(pair)
            return cause or (
                self.unit_cause((pair.cluster, unit)) if (unit := _deployer(pair)) and unit != key[1] else None
            )
        assert pair.before is not None
        assert pair.after is not None
        own = [
            found
            for found in self.differences[id(pair)]
            if len(found.path) > 1 and found.path[0] == "spec" and found.path[1] in fields
        ]
        for found in sorted(own, key=lambda one: fields.index(one.path[1])):
            cause = first(self._changes, of_field(found, pair.before, pair.after))
            if cause is not None:
                return cause
        return None

    def _of_reason(self, pair: UnitPair) -> Cause | None:
        """The place that the reason of a failure names."""
        side = SideName.HEAD if pair.change is UnitChangeKind.FAILS else SideName.BASE
        found = _PLACE.match(pair.detail)
        if found is None:
            return None
        line, column = int(found["line"]), int(found["column"] or 1)
        return at(self._changes, side, Span(Source(None, found["file"]), line, column, line, column), "failure")

    # Inputs

    def _of_inputs(self, keys: list[UnitKey]) -> Reason:
        """The only changed place among all that some units, and those above them, have read."""
        places = list(self._changed_inputs(keys))
        if len(places) == 1:
            return places[0]
        if not places:
            return Unexplained("no changed file is among those that its unit reads")
        shown = ", ".join(f"{one.span.source.file}:{one.span.line}" for one in places[:_LISTED])
        more = f" and {len(places) - _LISTED} more" if len(places) > _LISTED else ""
        return Unexplained(f"one of {len(places)} changed places that its unit reads: {shown}{more}")

    def _changed_inputs(self, keys: list[UnitKey]) -> Iterator[Cause]:
        read = {path for key in keys for side in (self.base, self.head) for path in _inputs(side, key)}
        for file in self._changes.files:
            if not {path for path in (file.base, file.head) if path is not None} & read:
                continue
            for hunk in file.hunks:
                side = SideName.HEAD if hunk.head is not None else SideName.BASE
                lines, path = hunk.on(side), file.on(side)
                if lines is not None and path is not None:
                    yield Cause(Span(Source(None, path), lines[0], 1, lines[1], 1), side, "read by the unit")
            if not file.hunks and file.renamed:
                yield Cause(Span(Source(None, file.head or ""), 1, 1, 1, 1), SideName.HEAD, f"rename from {file.base}")


def _differences(pair: Pair) -> tuple[Difference, ...]:
    before = pair.before.tree if pair.before is not None else None
    after = pair.after.tree if pair.after is not None else None
    return tuple(differences(before, after)) if before is not None and after is not None else ()


def _deployer(pair: Pair) -> UnitId | None:
    return pair.after_unit or pair.before_unit


def _sides(pair: Pair) -> Iterator[tuple[SideName, RenderedObject]]:
    """The sides on which an object is, that after the change first."""
    if pair.after is not None:
        yield SideName.HEAD, pair.after
    if pair.before is not None:
        yield SideName.BASE, pair.before


def _of_identity(side: SideName, one: RenderedObject) -> Iterator[Evidence]:
    """What set an object's name, namespace and kind."""
    for path in _IDENTITY:
        node: Node | None = one.tree
        for part in path:
            node = node.get(part) if isinstance(node, Mapping) else None
        if node is not None:
            yield from of_winner(side, node, path, one)


def _of_entries(side: SideName, one: RenderedObject) -> Iterator[Evidence]:
    """The entries that led to an object, the innermost first."""
    for each in reversed(one.contributions):
        if each.role is Role.CONFIGURES:
            yield side, each.span, each.operation


def _of_content(side: SideName, one: RenderedObject) -> Iterator[Evidence]:
    """What set the values of a generated object."""
    for path, node in leaves(one.tree) if one.tree is not None else ():
        yield from of_winner(side, node, path, one)


def _inputs(side: Side, key: UnitKey) -> Iterator[str]:
    """All paths that a unit and those above it looked at."""
    seen: set[UnitKey] = set()
    unit: Unit | None = side.units.get(key)
    while unit is not None and (unit.cluster, unit.id) not in seen:
        seen.add((unit.cluster, unit.id))
        yield from unit.inputs.read
        yield from unit.inputs.listed
        yield from unit.inputs.absent
        unit = side.units.get((unit.cluster, unit.parent)) if unit.parent is not None else None
