"""All rules on a repository as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from indexer.flux.model import Cluster
from indexer.git.tree import Tree
from indexer.query.findings import Finding
from indexer.query.rules.building import deprecated_fields, failed_units, mismatched_selectors, removed_apis
from indexer.query.rules.durations import invalid_durations
from indexer.query.rules.files import ineffective_patterns, unreachable
from indexer.query.rules.missing import cycles, missing
from indexer.query.rules.ownership import duplicates
from indexer.query.rules.unmatched import unmatched
from indexer.query.rules.values import overridden_values, unused_generators
from indexer.query.rules.variables import missing_variables, unused_variables
from indexer.query.rules.view import View


def findings_on(
    tree: Tree,
    clusters: Sequence[Cluster],
    seen: Sequence[View],
    kubernetes: Mapping[str, str | None],
    *,
    whole: bool = True,
) -> Iterator[Finding]:
    """What every rule finds. ``kubernetes``: the release of each cluster, as ``1.31``, as far as it is known.

    Unless ``clusters`` are the ``whole`` of the repository, nothing is said of what no cluster uses.
    """
    referring: list[Finding] = []
    for view in seen:
        referring += missing(view)
        yield from duplicates(view)
        yield from mismatched_selectors(view)
        yield from invalid_durations(view)
        yield from removed_apis(view, kubernetes.get(view.name))
        yield from cycles(view)
        yield from missing_variables(view)
    yield from referring
    told = {(finding.cluster, finding.span) for finding in referring}
    yield from (finding for finding in failed_units(tree, clusters) if (finding.cluster, finding.span) not in told)
    yield from deprecated_fields(tree, clusters)
    yield from ineffective_patterns(tree)
    if not whole:
        return
    yield from unused_variables(seen)
    yield from unmatched(tree, seen)
    yield from unused_generators(seen)
    yield from overridden_values(seen)
    yield from unreachable(tree, clusters)
