"""``drift`` for one cluster: which commit each unit applied, and what that commit renders."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from indexer.flux.config import Config
from indexer.flux.identity import UnitId
from indexer.flux.render import render_repository
from indexer.flux.store import Store
from indexer.git.repository import Repository
from indexer.query.applied import applied
from indexer.query.drift import Compare, Drift, Rendering, Whole, drift, owned_fields
from indexer.query.dryrun import DryRun
from indexer.query.redaction import Redaction
from indexer.query.survey import about_flux


def drifting(name: str, server: Whole, repository: Repository, config: Config, *, ask_server: bool = False) -> Drift:
    """Where the objects of the entry point ``name`` differ from the commits that the cluster applied.

    With ``ask_server``, by what the server says that applying them would change.
    """
    commits: dict[str, set[UnitId]] = defaultdict(set)
    unknown: dict[str, int] = {}
    for unit in server.flux.units:
        decided = applied(server, unit, repository)
        if decided.commit is not None:
            commits[decided.commit].add(unit.id)
        elif unit.inventory:
            reason = decided.reason or f"the commit of {unit.id} is not known"
            unknown[reason] = unknown.get(reason, 0) + len(unit.inventory)

    def render(commit: str, units: frozenset[UnitId]) -> Rendering:
        tree = repository.revision(commit)
        redaction = Redaction(tree)
        with Store.within(repository.git_dir) as store:
            clusters = render_repository(
                repository, tree, config, only={name}, store=store, trees=lambda _, unit: unit in units
            )
            found = tuple(
                replace(unit, objects=tuple(unit.objects))
                for cluster in clusters
                if cluster.name == name
                for unit in cluster.units
                if unit.id in units
            )
        redaction.learn(one.tree for unit in found for one in unit.objects)
        return Rendering(found, redaction)

    compare: Compare = DryRun(server) if ask_server else owned_fields
    answer = drift(name, server, [(commit, frozenset(units)) for commit, units in commits.items()], render, compare)
    answer.skipped |= unknown
    answer.unreadable += about_flux(server.flux)
    return answer
