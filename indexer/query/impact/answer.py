"""The answer to "what does this change do, on every cluster, if it is merged?"."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from indexer.flux.config import Config
from indexer.flux.model import RenderedObject, UnitState
from indexer.flux.store import Store
from indexer.git.changes import Changes, SideName
from indexer.git.repository import Repository
from indexer.manifest.node import Node, Role, leaves, pointer
from indexer.query.fieldvalue import meaning
from indexer.query.impact import sides
from indexer.query.impact.causes import of_winner
from indexer.query.impact.compare import Comparison, Pair, UnitPair
from indexer.query.impact.diff import redaction_of
from indexer.query.impact.explain import Explanation
from indexer.query.impact.fields import Difference, Path
from indexer.query.impact.lines import Account, Effect, Effects
from indexer.query.impact.model import (
    Cause,
    ChangeKind,
    ClusterImpact,
    FieldChange,
    Impact,
    ObjectChange,
    Side,
    Unexplained,
    UnitChange,
    Unrendered,
)
from indexer.query.redaction import Secrecy
from indexer.query.scope import demand_clusters


def impact(
    repository: Repository,
    config: Config,
    change: str | None = None,
    *,
    clusters: Collection[str] = (),
    store: Store | None = None,
) -> Impact:
    """What ``change`` (``BASE``, ``BASE..HEAD``, ``BASE...HEAD``; None: this branch and what is on disk) does.

    With ``clusters``, only to these; what a ``store`` holds is not rendered again. Raises
    FluxidxError, and GitError for an unknown revision.
    """
    chosen = sides.parse(repository, change)
    head_tree = repository.worktree() if chosen.head is None else repository.revision(chosen.head)
    base_tree = repository.revision(chosen.base)
    changes = repository.changes_between(chosen.base, chosen.head)
    base, head = sides.Renderer(repository, config, store).render(
        Side(chosen.base_label, chosen.base, base_tree, ()),
        Side(chosen.head_label, chosen.head, head_tree, ()),
        changes,
    )
    # A change may add a cluster, or take one away.
    demand_clusters(
        clusters, {one.name for side in (base, head) for one in side.clusters}, f"{base.label} or {head.label}"
    )
    base, head = _of_clusters(base, clusters), _of_clusters(head, clusters)
    comparison = Comparison(base, head)
    made = _Answer(comparison, Explanation(comparison, changes))
    return Impact(
        base,
        head,
        chosen.chosen,
        changes,
        tuple(made.clusters()),
        tuple(Account(base, head, changes, made.effects).lines()),
        tuple(_unrendered(comparison, changes)),
    )


def _of_clusters(side: Side, names: Collection[str]) -> Side:
    if not names:
        return side
    return replace(
        side,
        clusters=tuple(one for one in side.clusters if one.name in names),
        detailed=frozenset(key for key in side.detailed if key[0] in names),
    )


class _Answer:
    """Turns what differs into what is reported, and notes which lines have a part in it."""

    def __init__(self, comparison: Comparison, explanation: Explanation) -> None:
        self._comparison = comparison
        self._explanation = explanation
        self._redactions = {
            SideName.BASE: redaction_of(comparison.base),
            SideName.HEAD: redaction_of(comparison.head),
        }
        self.effects = Effects()

    def clusters(self) -> Iterator[ClusterImpact]:
        units = [self._unit(pair) for pair in self._comparison.units]
        objects = [self._object(pair) for pair in self._comparison.objects]
        before = {cluster.name for cluster in self._comparison.base.clusters}
        after = {cluster.name for cluster in self._comparison.head.clusters}
        for name in sorted(before | after):
            own_units = tuple(one for one in units if one.cluster == name)
            own_objects = tuple(sorted((one for one in objects if one.cluster == name), key=_order))
            change = ChangeKind.ADDED if name not in before else ChangeKind.REMOVED if name not in after else None
            if own_units or own_objects or change is not None:
                yield ClusterImpact(name, change, own_units, own_objects)

    def _unit(self, pair: UnitPair) -> UnitChange:
        cause = self._explanation.unit(pair)
        self._note(cause, (*pair.key, None))
        return UnitChange(*pair.key, pair.change, pair.before, pair.after, cause, pair.detail)

    def _object(self, pair: Pair) -> ObjectChange:
        found = self._explanation.differences[id(pair)]
        fields = tuple(self._field(pair, one) for one in found) if pair.change is not ChangeKind.ADDED else ()
        if pair.change is ChangeKind.CHANGED:
            causes = [one.cause for one in fields]
            cause = next((one for one in causes if isinstance(one, Cause)), None) or (
                causes[0] if causes else Unexplained("its lines are not known: no text of the repository makes it")
            )
        else:
            cause = self._explanation.object(pair)
        self._note(cause, _effect(pair))
        self._note_lines(pair, found)
        return ObjectChange(
            pair.cluster, pair.change, pair.before_unit, pair.after_unit, pair.before, pair.after, fields, cause,
            pair.counterpart, self._is_suspended(pair),
        )  # fmt: skip

    def _is_suspended(self, pair: Pair) -> bool:
        unit = pair.after_unit or pair.before_unit
        found = self._comparison.head.units.get((pair.cluster, unit)) if unit is not None else None
        return found is not None and found.state is UnitState.SUSPENDED

    def _field(self, pair: Pair, found: Difference) -> FieldChange:
        assert pair.before is not None
        assert pair.after is not None
        hidden = (found.before is not None and self._hides(SideName.BASE, pair.before, found.before, found.past)) or (
            found.after is not None and self._hides(SideName.HEAD, pair.after, found.after, found.path)
        )
        cause = self._explanation.field(pair, found)
        self._note(cause, _effect(pair))
        if found.before is None:
            change = ChangeKind.ADDED
        else:
            change = ChangeKind.CHANGED if found.after is not None else ChangeKind.REMOVED
        return FieldChange(
            pointer(found.path),
            change,
            None if hidden or found.before is None else meaning(found.before),
            None if hidden or found.after is None else meaning(found.after),
            hidden,
            cause,
        )

    def _hides(self, side: SideName, one: RenderedObject, node: Node, path: Path) -> bool:
        secrecy = Secrecy(one, self._redactions[side])
        return any(secrecy.hides(leaf, (*path, *below)) for below, leaf in leaves(node))

    # Which lines do something

    def _note(self, cause: Cause | Unexplained, effect: Effect) -> None:
        if isinstance(cause, Cause):
            self.effects.add(cause.side, cause.span, effect)

    def _note_lines(self, pair: Pair, found: tuple[Difference, ...]) -> None:
        """All lines that have a part, not only the first."""
        effect = _effect(pair)
        for one in found:
            for side, node, path, rendered in (
                (SideName.HEAD, one.after, one.path, pair.after),
                (SideName.BASE, one.before, one.past, pair.before),
            ):
                if node is not None and rendered is not None:
                    for where, span, _ in of_winner(side, node, path, rendered):
                        self.effects.add(where, span, effect)
        if pair.change is ChangeKind.CHANGED:
            return
        for side, rendered in ((SideName.HEAD, pair.after), (SideName.BASE, pair.before)):
            for each in rendered.contributions if rendered is not None else ():
                if not each.overridden and (pair.change is not ChangeKind.MOVED or each.role is Role.CONFIGURES):
                    self.effects.add(side, each.span, effect)


def _effect(pair: Pair) -> Effect:
    unit = pair.after_unit or pair.before_unit
    one = pair.after or pair.before
    assert unit is not None
    assert one is not None
    return pair.cluster, unit, one.id.key


def _order(one: ObjectChange) -> tuple[object, ...]:
    return one.unit, one.object.kind, one.object.namespace or "", one.object.name


def _unrendered(comparison: Comparison, changes: Changes) -> Iterator[Unrendered]:
    changed = changes.paths(SideName.BASE) | changes.paths(SideName.HEAD)
    differing = {pair.own_key for pair in comparison.objects}
    for key, known in comparison.unknown.items():
        units = [unit for side in (comparison.base, comparison.head) if (unit := side.units.get(key)) is not None]
        state, reason = known.get(SideName.HEAD) or known[SideName.BASE]
        if state is not UnitState.SUSPENDED:
            reads = any(not changed.isdisjoint(unit.inputs.read) for unit in units)
            yield Unrendered(*key, tuple(known), state, reason, len(units) < 2 or key in differing or reads)
