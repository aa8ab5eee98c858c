"""What all clusters of one rendering share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from indexer.deferred import dataclass, field
from indexer.flux.clusters import Ground, KeptClusters
from indexer.flux.division import Division
from indexer.flux.imagepolicy import Markers
from indexer.flux.model import UnitId
from indexer.flux.objects import Digests
from indexer.flux.openness import Openness
from indexer.flux.renderer import Renderer
from indexer.flux.sharing import SharedBuilds
from indexer.flux.sources import Sources
from indexer.flux.store import Store
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.remote import Remotes

if TYPE_CHECKING:
    from indexer.flux.replay import Tasks


@dataclass(slots=True)
class Workspace:
    """The files, the store, and what was rendered for any of them."""

    sources: Sources
    cache: BuildCache
    remotes: Remotes
    digests: Digests = field(default_factory=Digests)
    progress: Callable[[str], None] | None = None
    store: Store | None = None
    trees: Callable[[str, UnitId], bool] | None = None
    """For which units of which clusters the trees of the objects are wanted; None: for all."""
    division: Division | None = None
    """Which units this process renders; None: all."""
    tasks: Tasks | None = None
    """Is told how units were rendered, where somebody wants to know."""
    markers: Markers = field(init=False)
    renderer: Renderer = field(init=False)
    kept: KeptClusters | None = None
    """The clusters in the store, where whole ones are looked for."""
    refs: set[str] = field(default_factory=set)
    """Branches and tags of the repository that sources of any cluster were looked up by."""

    def __post_init__(self) -> None:
        home = self.sources.tree
        self.markers = Markers(home)
        builds = SharedBuilds(self.cache, self.remotes, self.digests)
        self.renderer = Renderer(
            home, builds, self.digests, self.markers, Openness(home, self.cache.documents), self.store
        )

    def stand_on(self, ground: Ground) -> None:
        """Notes for the cluster of ``ground``, from here on, what is looked at."""
        self.sources.looked_up, self.markers.asked = ground.refs, ground.marked

    def wants_trees(self, cluster: str, unit: UnitId) -> bool:
        """Whether the trees of a unit's objects are wanted."""
        return self.trees is None or self.trees(cluster, unit)
