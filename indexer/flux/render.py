"""All clusters of a repository, rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection

from indexer.flux.cluster import ClusterRun
from indexer.flux.clusters import Ground, KeptClusters
from indexer.flux.config import ClusterConfig, Config, ConfigError
from indexer.flux.delivery import SUPPLIERS, Delivery
from indexer.flux.discover import EntryPoint, discover
from indexer.flux.division import Division, Shard
from indexer.flux.model import Cluster, UnitId
from indexer.flux.remotebases import RemoteBases
from indexer.flux.sources import Registry, Sources
from indexer.flux.store import Store
from indexer.flux.workspace import Workspace
from indexer.git.repository import Repository
from indexer.git.tree import Tree
from indexer.kustomize.cache import BuildCache
from indexer.manifest.compose import parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping

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
) -> list[Cluster]:
    """Every cluster of the repository whose files are ``tree``, by name; with ``only``, those of these names.

    Raises NoEntryPoint where no cluster is found and ConfigError where the configuration does not fit; whatever is
    wrong with a single unit is the unit's state and reason. With a ``store``, units are taken from there that depend on
    nothing that changed, and others are put there. ``trees`` says for which units of which clusters the objects have to
    have their trees; None: for all, so that all are rendered. With a ``shard``, the clusters hold no more than the
    units of that part of the work, and those above them.
    """
    sources = Sources(repository, tree, config)
    cache = BuildCache()
    division = Division(tree, cache.documents, shard) if shard is not None else None
    workspace = Workspace(
        sources, cache, RemoteBases(sources), progress=progress, store=store, trees=trees, division=division
    )
    if store is not None and division is None:
        workspace.kept = KeptClusters(sources, config, store)
    try:
        return _render(workspace, config, only)
    finally:
        sources.close()


def _render(workspace: Workspace, config: Config, only: Collection[str]) -> list[Cluster]:
    sources = workspace.sources
    entries = discover(
        sources.tree, config, workspace.cache, lambda url: sources.is_home_url(url, Registry()), workspace.store
    )
    wanted = [entry for entry in entries if not only or entry.config.name in _roots(only)]
    clusters = [cluster for entry in wanted for cluster in render_cluster(entry, workspace, config)]
    if workspace.kept is not None and not only:
        workspace.kept.remember()
    refs = tuple(sorted(sources.looked_up))
    return [cluster._replace(refs=refs) for cluster in clusters]


def _roots(names: Collection[str]) -> set[str]:
    """The names of clusters and of those that they may be delivered from (``hub/namespace/secret``)."""
    return {name.rsplit("/", count)[0] for name in names for count in range(0, name.count("/") + 1, 2)}


def render_cluster(entry: EntryPoint, workspace: Workspace, config: Config) -> list[Cluster]:
    """One cluster, and those that it applies Flux objects to. Raises ConfigError for its ``objects``."""
    kept = workspace.kept
    key = kept.key(entry) if kept is not None else None
    if kept is None or key is None:
        return _run_cluster(entry, workspace, config)
    found = kept.find(key, workspace.trees)
    if found is None:
        workspace.ground = Ground(workspace.sources.tree)
        workspace.markers.asked.clear()
        others, workspace.sources.looked_up = workspace.sources.looked_up, set()
        found = _run_cluster(entry, workspace, config)
        workspace.ground.give_way(workspace.sources.looked_up)
        workspace.sources.looked_up |= others
        if workspace.ground.is_firm:
            found = kept.keep(key, found, workspace.ground, workspace.markers.asked)
    return found


def _run_cluster(entry: EntryPoint, workspace: Workspace, config: Config) -> list[Cluster]:
    outside = outside_objects(entry.config, config)
    overrides: dict[UnitId, Mapping] = {}
    for _ in range(_ROUNDS):
        run = ClusterRun(entry, workspace, overrides)
        run.supply(outside)
        run.run()
        changed = {
            unit: root
            for unit, root in run.revised.items()
            if workspace.digests.of(root) != workspace.digests.of(run.jobs[unit].spec.root)
        }
        if not changed:
            break
        overrides = {**overrides, **changed}
    clusters = [*run.clusters(), *_remote(run, workspace)]
    workspace.renderer.forget()
    # Its parts refer to it, and the collector of cycles is off during a build: all trees of all clusters would live on.
    vars(run).clear()
    return clusters


def _remote(run: ClusterRun, workspace: Workspace) -> list[Cluster]:
    """Clusters that get Kustomizations through ``kubeConfig``: Flux runs there too."""
    clusters: list[Cluster] = []
    for name, delivered in run.remote.items():
        if any(item.kind == "Kustomization" for item in delivered):
            clusters += _delivered(name, delivered, run, workspace)
    return clusters


def _delivered(name: str, delivered: list[Delivery], run: ClusterRun, workspace: Workspace) -> list[Cluster]:
    own = [item for item in delivered if item.kind not in SUPPLIERS]
    entry = EntryPoint(ClusterConfig(name), run.entry.files, tuple(item.root for item in own))
    remote = ClusterRun(entry, workspace, {})
    remote.brought = {id(item.root): item.substitutions for item in own}
    remote.registry.home, remote.registry.home_url = run.registry.home, run.registry.home_url
    remote.scopes = run.remote_scopes[name]
    for item in delivered:
        if item.kind in SUPPLIERS:
            remote.found(item, None)
    remote.run()
    return remote.clusters()


def outside_objects(cluster: ClusterConfig, config: Config) -> list[Mapping]:
    """The objects that the configuration says exist in the cluster."""
    objects: list[Mapping] = []
    for path in cluster.objects:
        try:
            documents = parse(path.read_bytes(), path.name, "configuration")
        except OSError as error:
            why = f'"{path.name}" of `objects` cannot be read ({error.strerror}): correct its path'
            raise ConfigError(str(config.path), 1, why) from None
        except ManifestError as error:
            raise ConfigError(str(path), error.line, f"{error.problem}: correct this manifest") from None
        objects += [document.node for document in documents if isinstance(document.node, Mapping)]
    return objects
