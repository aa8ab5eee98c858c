"""What a reviewer has to know of a change: the dangers of the change itself, and the faults that are new with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer.flux.config import Config
from indexer.flux.model import Cluster
from indexer.flux.render import render_repository
from indexer.flux.store import Store
from indexer.git.repository import Repository
from indexer.index.read import Index
from indexer.query.findings import Finding, Severity, in_order
from indexer.query.impact import ChangeKind, Impact, Side
from indexer.query.rules.apart import located
from indexer.query.rules.catalogue import RULES, Family
from indexer.query.rules.collect import Collected, Wanted
from indexer.query.rules.fields import changed_cluster, changed_target, scaled_to_zero
from indexer.query.rules.given import given_objects
from indexer.query.rules.ignores import Ignores
from indexer.query.rules.immutable import immutable
from indexer.query.rules.missing import OF_MISSING
from indexer.query.rules.moves import Sides, changed_namespace, moved, removed, removed_unit
from indexer.query.rules.policy import policy_findings
from indexer.query.rules.state import findings_on
from indexer.query.rules.view import View, is_unknown, views

if TYPE_CHECKING:
    from indexer.query.rules.live import Live


def findings(
    impact: Impact,
    repository: Repository,
    config: Config,
    store: Store | None = None,
    *,
    whole: bool = True,
    index: Callable[[str | None], Index] | None = None,
    live: Live | None = None,
) -> tuple[Finding, ...]:
    """The findings of a change, the worst first; ``whole``: whether the impact is that of all clusters.

    Of what ``check`` finds, only that counts which the base does not have. What the head side says is to be ignored is
    left out. The repository's own policies are asked of the ``index`` of each side, by its commit; ``live`` is what
    clusters say that were asked.
    """
    collected = Collected(store)

    def seen(side: Side) -> dict[str, View]:
        def again(wanted: Wanted) -> list[Cluster]:
            return render_repository(repository, side.tree, config, store=store, trees=wanted)

        facts = collected.of(side.clusters, again)
        found = views(side.clusters, facts, given_objects(side.tree, side.clusters, config))
        return {view.name: view for view in found}

    base, head = seen(impact.base), seen(impact.head)
    collected.keep()
    new = located(_new(impact, config, base, head, whole=whole), impact.head.tree, impact.head.clusters)
    found = [*(new if live is None else _there(impact, new, live)), *_of_change(impact, base, head, live)]
    if config.policies and index is not None:
        found += _broken_policies(impact, config, index)
    ignores = Ignores.of(impact.head.tree, config)
    return in_order(_as_configured(one, config) for one in found if not ignores.hold(one) and not _is_off(one, config))


def _is_off(finding: Finding, config: Config) -> bool:
    return config.check.rules.get(finding.rule) == "off"


def _as_configured(finding: Finding, config: Config) -> Finding:
    wanted = config.check.rules.get(finding.rule)
    return replace(finding, severity=Severity(wanted)) if wanted is not None else finding


def _new(
    impact: Impact, config: Config, base: dict[str, View], head: dict[str, View], *, whole: bool
) -> Iterator[Finding]:
    """What is wrong after the change and was not before."""
    releases = {one.name: one.kubernetes for one in config.clusters}

    def of(side: Side, seen: dict[str, View]) -> Iterator[Finding]:
        return findings_on(side.tree, side.clusters, tuple(seen.values()), releases, whole=whole)

    known: dict[tuple[object, ...], int] = {}
    for finding in of(impact.base, base):
        same = _sameness(finding)
        known[same] = min(known.get(same, finding.severity.rank), finding.severity.rank)
    # What a unit reads and uses that is not known any more has not become superfluous.
    fails = any(
        is_unknown(unit) and unit.id.kind != "HelmRelease" and not is_unknown(impact.base.units.get(key, unit))
        for key, unit in impact.head.units.items()
    )

    superfluous = {name for name, rule in RULES.items() if rule.family is Family.DEAD_CODE} | {"unused-variable"}
    for finding in of(impact.head, head):
        is_new = known.get(_sameness(finding), len(Severity)) > finding.severity.rank
        if is_new and not (fails and finding.rule in superfluous) and not _is_hidden(impact, base, finding):
            yield finding


def _is_hidden(impact: Impact, base: dict[str, View], finding: Finding) -> bool:
    """Whether what is missing was made by a unit of which nothing is known any more."""
    if finding.rule not in OF_MISSING or finding.cluster not in base or finding.object is None:
        return False
    before = base[finding.cluster].objects.get(finding.object.key, ())
    makers = (impact.head.units.get((unit.cluster, unit.id)) for unit, _ in before)
    return any(unit is not None and is_unknown(unit) for unit in makers)


def _broken_policies(impact: Impact, config: Config, index: Callable[[str | None], Index]) -> Iterator[Finding]:
    """What the repository's own rules find after the change and did not before, on the clusters of the impact."""

    def of(side: Side) -> list[Finding]:
        mine = {cluster.name for cluster in side.clusters}
        with index(side.commit) as opened:
            return [one for one in policy_findings(config, opened) if one.cluster is None or one.cluster in mine]

    known = {_sameness(finding) for finding in of(impact.base)}
    return (finding for finding in of(impact.head) if _sameness(finding) not in known)


def _sameness(one: Finding) -> tuple[object, ...]:
    """What makes a finding the same on both sides: not its lines, which move, nor its file where it names an object.

    What is missing is the same whatever is said of it.
    """
    return one.rule, one.cluster, one.object or one.file, None if one.rule in OF_MISSING else one.words


def _there(impact: Impact, found: Iterable[Finding], live: Live) -> Iterator[Finding]:
    """What the cluster says of objects that nothing defines."""
    leaving = {
        one.object.key for cluster in impact.clusters for one in cluster.objects if one.change is ChangeKind.REMOVED
    }
    return (live.missing(finding, leaving) if finding.rule in OF_MISSING else finding for finding in found)


def _of_change(impact: Impact, base: dict[str, View], head: dict[str, View], live: Live | None) -> Iterator[Finding]:
    for cluster in impact.clusters:
        nothing = View(cluster.cluster, ())
        sides = Sides(impact, base.get(cluster.cluster, nothing), head.get(cluster.cluster, nothing), live)
        for unit in cluster.units:
            yield from removed_unit(sides, unit)
            yield from changed_cluster(sides, unit)
        for change in cluster.objects:
            yield from removed(sides, change)
            yield from immutable(sides, change)
            yield from scaled_to_zero(sides, change)
            yield from changed_target(sides, change)
        yield from moved(sides, cluster.objects)
        yield from changed_namespace(sides, cluster.objects)
    if live is not None:
        yield from live.overwritten()
