"""All clusters of a repository, rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from indexer.deferred import replace
from indexer.flux.cluster import ClusterRun, Offer, Steps
from indexer.flux.clusters import Ground, KeptClusters
from indexer.flux.config import ClusterConfig, Config, ConfigError
from indexer.flux.crew import CREW, Crew
from indexer.flux.delivery import SUPPLIERS, Delivery
from indexer.flux.discover import EntryPoint, discover
from indexer.flux.division import Division, Shard
from indexer.flux.model import Cluster, Unit, UnitId
from indexer.flux.remotebases import RemoteBases
from indexer.flux.replay import Tasks
from indexer.flux.sources import Registry, Sources
from indexer.flux.store import Store
from indexer.flux.workspace import Workspace
from indexer.git.repository import Repository
from indexer.git.tree import Tree
from indexer.kustomize.cache import BuildCache
from indexer.manifest.compose import parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping

_TOGETHER = 8
"""How many clusters are rendered together at most: the trees of all of them are in memory."""
_ROUNDS = 5
"""How often a Kustomization that applies itself may change itself before it is taken as it is."""


def render_repository(
    repository: Repository | None,
    tree: Tree,
    config: Config,
    *,
    progress: Callable[[str], None] | None = None,
    only: Collection[str] = (),
    store: Store | None = None,
    trees: Callable[[str, UnitId], bool] | None = None,
    shard: Shard | None = None,
    tasks: Tasks | None = None,
    crew: Crew = CREW,
) -> list[Cluster]:
    """Every cluster of the repository whose files are ``tree``, by name; with ``only``, those of these names.

    Raises NoEntryPoint where no cluster is found and ConfigError where the configuration does not fit; whatever is
    wrong with a single unit is the unit's state and reason. With a ``store``, units are taken from there that depend on
    nothing that changed, others are put there, and a ``crew`` may render them. ``trees`` says for which units of which
    clusters the objects have to have their trees; None: for all, so that all are rendered. With a ``shard``, the
    clusters hold no more than the units of that part of the work, and those above them. ``tasks`` are told how units
    are rendered.
    """
    sources = Sources(repository, tree, config)
    cache = tasks.cache if tasks is not None else BuildCache()
    division = Division(tree, cache.documents, shard) if shard is not None else None
    remotes = RemoteBases(sources)
    workspace = Workspace(
        sources, cache, remotes, progress=progress, store=store, trees=trees, division=division, tasks=tasks
    )
    if store is not None and division is None:
        workspace.kept = KeptClusters(sources, config, store)
    try:
        return _render(workspace, config, only, crew)
    finally:
        sources.close()


def render_units(
    repository: Repository, tree: Tree, config: Config, tasks: Tasks, units: Iterable[Unit], store: Store
) -> Iterator[Unit]:
    """Those of some ``units`` of the repository that can be rendered by themselves, with the trees of their objects.

    ``tasks`` say how they were rendered from other files; where that is not how they are now, they are left out.
    """
    sources = Sources(repository, tree, config)
    workspace = Workspace(sources, tasks.cache, RemoteBases(sources), store=store)
    try:
        for unit in units:
            objects = tasks.objects(workspace, unit) if unit.objects else ()
            if objects is not None:
                yield replace(unit, objects=objects)
    finally:
        sources.close()


def _render(workspace: Workspace, config: Config, only: Collection[str], crew: Crew) -> list[Cluster]:
    sources = workspace.sources
    entries = discover(
        sources.tree, config, workspace.cache, lambda url: sources.is_home_url(url, Registry()), workspace.store
    )
    wanted = [entry for entry in entries if not only or entry.config.name in _roots(only)]
    at_once = _TOGETHER if crew.may_help(workspace) else 1
    clusters: list[Cluster] = []
    for start in range(0, len(wanted), at_once):
        clusters += _render_together(wanted[start : start + at_once], workspace, config, crew)
    if workspace.kept is not None and not only:
        workspace.kept.remember()
    refs = tuple(sorted(workspace.refs))
    return [cluster._replace(refs=refs) for cluster in clusters]


def _render_together(entries: list[EntryPoint], workspace: Workspace, config: Config, crew: Crew) -> list[Cluster]:
    """Clusters of which each goes on when all have come to where Kustomizations may be rendered ahead."""
    found: dict[int, list[Cluster]] = {}
    going = {number: render_cluster(entry, workspace, config) for number, entry in enumerate(entries)}
    while going:
        offers: dict[int, Offer] = {}
        for number, steps in list(going.items()):
            try:
                offers[number] = next(steps)
            except StopIteration as end:
                found[number] = end.value
                del going[number]
        processes = crew.render(offers.values(), workspace)
        finished = crew.finish(
            {number: (run, going[number]) for number, (run, _) in offers.items()}, workspace, processes
        )
        for number, clusters in finished.items():
            found[number] = clusters
            going.pop(number).close()
    return [cluster for number in sorted(found) for cluster in found[number]]


def _roots(names: Collection[str]) -> set[str]:
    """The names of clusters and of those that they may be delivered from (``hub/namespace/secret``)."""
    return {name.rsplit("/", count)[0] for name in names for count in range(0, name.count("/") + 1, 2)}


def render_cluster(entry: EntryPoint, workspace: Workspace, config: Config) -> Steps[list[Cluster]]:
    """One cluster, and those that it applies Flux objects to. Raises ConfigError for its ``objects``."""
    kept = workspace.kept
    key = kept.key(entry) if kept is not None else None
    found = kept.find(key, workspace.trees) if kept is not None and key is not None else None
    if found is not None:
        return found
    ground = Ground(workspace.sources.tree)
    found = yield from _on(ground, workspace, _run_cluster(entry, ground, workspace, config))
    workspace.refs |= ground.refs
    return kept.keep(key, found, ground) if kept is not None and key is not None and ground.is_firm else found


def _on(ground: Ground, workspace: Workspace, steps: Steps[list[Cluster]]) -> Steps[list[Cluster]]:
    """Notes for one cluster what it looks at, whatever others do between its steps."""
    while True:
        workspace.stand_on(ground)
        try:
            offer = next(steps)
        except StopIteration as end:
            found: list[Cluster] = end.value
            return found
        yield offer


def _run_cluster(entry: EntryPoint, ground: Ground, workspace: Workspace, config: Config) -> Steps[list[Cluster]]:
    outside = outside_objects(entry.config, config)
    overrides: dict[UnitId, Mapping] = {}
    runs: list[ClusterRun] = []
    try:
        for _ in range(_ROUNDS):
            run = ClusterRun(entry, workspace, ground, overrides)
            runs.append(run)
            run.supply(outside)
            yield from run.run()
            changed = {
                unit: root
                for unit, root in run.revised.items()
                if workspace.digests.of(root) != workspace.digests.of(run.jobs[unit].spec.root)
            }
            if not changed:
                break
            overrides = {**overrides, **changed}
        clusters = run.clusters()
        for name, delivered in run.remote.items():
            # Flux runs there too where it gets Kustomizations through ``kubeConfig``.
            if any(item.kind == "Kustomization" for item in delivered):
                clusters += yield from _run_remote(name, delivered, run)
        return clusters
    finally:
        workspace.renderer.forget()
        # Their parts refer to them, and the collector of cycles is off during a build: all trees would live on.
        for run in runs:
            vars(run).clear()


def _run_remote(name: str, delivered: list[Delivery], run: ClusterRun) -> Steps[list[Cluster]]:
    """A cluster that another one brings objects to."""
    own = [item for item in delivered if item.kind not in SUPPLIERS]
    entry = EntryPoint(ClusterConfig(name), run.entry.files, tuple(item.root for item in own))
    remote = ClusterRun(entry, run.workspace, run.ground, {})
    remote.brought = {id(item.root): item.substitutions for item in own}
    remote.registry.home, remote.registry.home_url = run.registry.home, run.registry.home_url
    remote.scopes = run.remote_scopes[name]
    for item in delivered:
        if item.kind in SUPPLIERS:
            remote.found(item, None)
    yield from remote.run()
    return remote.clusters()


def outside_objects(cluster: ClusterConfig, config: Config) -> list[Mapping]:
    """The objects that the configuration says exist in the cluster."""
    objects: list[Mapping] = []
    for path in cluster.objects:
        try:
            documents = parse(path.read_bytes(), path.name, "configuration")
        except OSError as error:
            why = f'"{path.name}" of `objects` cannot be read ({error.strerror}): correct its path'
            raise ConfigError.about(config, path.name, why) from None
        except ManifestError as error:
            raise ConfigError(str(path), error.line, f"{error.problem}: correct this manifest") from None
        objects += [document.node for document in documents if isinstance(document.node, Mapping)]
    return objects
