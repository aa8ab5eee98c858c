"""The answer to "what is wrong in this repository as it stands?"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from indexer.flux.config import Config, ConfigError
from indexer.flux.model import Cluster, UnitId
from indexer.flux.render import render_repository
from indexer.flux.store import Store
from indexer.git.repository import Repository
from indexer.git.tree import Tree
from indexer.index.read import Index
from indexer.query.findings import Finding, Severity, in_order
from indexer.query.rules.apart import located
from indexer.query.rules.catalogue import RULES, Family, Rule
from indexer.query.rules.collect import Collected, Wanted
from indexer.query.rules.given import given_objects
from indexer.query.rules.ignores import Ignores
from indexer.query.rules.missing import not_judged
from indexer.query.rules.policy import policy_findings
from indexer.query.rules.state import findings_on
from indexer.query.rules.view import View, views
from indexer.query.scope import demand_clusters, names_of


@dataclass(frozen=True, slots=True)
class Unjudged:
    """References that a chart which is not rendered may satisfy, and on which nothing is said therefore."""

    cluster: str
    namespace: str
    releases: tuple[UnitId, ...]
    references: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What every rule found."""

    findings: tuple[Finding, ...]
    """The worst first."""
    ignored: int
    """How many more are told to be ignored."""
    unjudged: tuple[Unjudged, ...]
    clusters: tuple[str, ...]


def rules_of(config: Config) -> dict[str, Rule]:
    """All rules by name, the repository's own included. Raises ConfigError for a table that names no rule."""
    own = {
        one.name: Rule(one.name, Family.POLICY, Severity(one.severity), one.message.partition(": ")[0])
        for one in config.policies
    }
    for policy in config.policies:
        if policy.name in RULES:
            raise ConfigError(str(config.path), policy.line, f'"{policy.name}" is a rule already: call it otherwise')
    known = {**RULES, **own}
    for name in config.check.rules:
        if name not in known:
            raise ConfigError.about(config, name, f'[check.rules]: there is no rule "{name}": correct its name')
    return known


def check(
    repository: Repository,
    tree: Tree,
    config: Config,
    *,
    clusters: Collection[str] = (),
    files: Collection[str] | None = None,
    index: Callable[[], Index] | None = None,
    store: Store | None = None,
) -> Checked:
    """Runs all rules on the files of ``tree``.

    ``clusters`` narrows to some; ``files`` (files and directories from the repository's root) to findings on their
    lines. The rules that are policies read the ``index``. What a ``store`` holds is not rendered again. Raises
    NoEntryPoint, ConfigError, and FluxidxError for an unknown cluster.
    """
    known = rules_of(config)

    def render(trees: Wanted | None) -> list[Cluster]:
        return render_repository(repository, tree, config, only=clusters, store=store, trees=trees)

    collected = Collected(store)
    rendered = render((lambda _cluster, _unit: False) if collected else None)
    demand_clusters(clusters, names_of(rendered))
    facts = collected.of(rendered, render)
    collected.keep()
    seen = views(rendered, facts, given_objects(tree, rendered, config))
    releases = {one.name: one.kubernetes for one in config.clusters}
    found = [
        *findings_on(tree, rendered, seen, releases, whole=not clusters),
        *_of_policies(config, index, clusters),
    ]
    ignores = Ignores.of(tree, config)
    kept = [finding for finding in found if not ignores.hold(finding)]
    ignored = len(found) - len(kept)
    if not clusters:
        kept += ignores.unused(known, config, judged=(rule for rule in known.values() if not rule.of_changes))
    if files is not None:
        kept = [finding for finding in kept if _is_in(finding, files)]
    return Checked(
        in_order(filter(None, (_as_configured(one, config) for one in located(kept, tree, rendered)))),
        ignored,
        tuple(_unjudged(seen)),
        tuple(cluster.name for cluster in rendered),
    )


def _of_policies(config: Config, index: Callable[[], Index] | None, clusters: Collection[str]) -> Iterator[Finding]:
    """What the repository's own rules find on some clusters, or on all."""
    if config.policies and index is not None:
        with index() as opened:
            found = policy_findings(config, opened)
            yield from (one for one in found if not clusters or one.cluster is None or one.cluster in clusters)


def _as_configured(finding: Finding, config: Config) -> Finding | None:
    """The finding as ``[check.rules]`` wants it; None where its rule is off."""
    wanted = config.check.rules.get(finding.rule)
    if wanted is None:
        return finding
    return None if wanted == "off" else replace(finding, severity=Severity(wanted))


def _is_in(finding: Finding, files: Collection[str]) -> bool:
    file = finding.file
    return file is not None and any(file == one or one == "" or file.startswith(f"{one}/") for one in files)


def _unjudged(seen: Iterable[View]) -> Iterable[Unjudged]:
    for view in seen:
        count: dict[str, int] = {}
        for namespace, _ in not_judged(view):
            count[namespace] = count.get(namespace, 0) + 1
        for namespace, references in sorted(count.items()):
            yield Unjudged(view.name, namespace, tuple(sorted(set(view.charts[namespace]))), references)
