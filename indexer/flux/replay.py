"""Single units with the trees of their objects, without the rest of their cluster.

The digest of a unit stands for all that it is rendered from. So it may be guessed: a unit is rendered as another
rendering of the repository, of another commit, rendered it, and where that gives the digest that is known the guess was
right. Where something besides its files is different, a variable or its own fields, it is not.
"""

from __future__ import annotations

from indexer.deferred import NamedTuple
from indexer.flux.model import RenderedObject, Unit, UnitId
from indexer.flux.outcome import Around, Task
from indexer.flux.sources import Registry, UnresolvedSource
from indexer.flux.workspace import Workspace
from indexer.kustomize.cache import BuildCache


class _Known(NamedTuple):
    task: Task
    around: Around
    registry: Registry


class Tasks:
    """How Kustomizations were rendered. It keeps what their clusters are made of."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, UnitId], _Known] = {}
        self.cache = BuildCache()
        """What all renderings that it knows of have parsed and built."""

    def note(self, cluster: str, task: Task, around: Around, registry: Registry) -> None:
        """A Kustomization was rendered, or taken from the store."""
        self._known[cluster, task.id] = _Known(task, around, registry)

    def objects(self, workspace: Workspace, unit: Unit) -> tuple[RenderedObject, ...] | None:
        """The objects of a unit with their trees; None where the guess is wrong."""
        known = self._known.get((unit.cluster, unit.id))
        if known is None or known.task.spec.source is None:
            return None
        try:
            artifact = workspace.sources.resolve(known.task.spec.source, known.registry)
        except UnresolvedSource:
            return None
        task = known.task._replace(artifact=artifact)
        outcome = workspace.renderer.render(task, anew=True)
        objects, digest = workspace.renderer.objects(task, outcome, known.around, trees=True)
        return tuple(objects) if digest is not None and digest == unit.digest else None
