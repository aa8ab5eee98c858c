"""A Kustomization on its way to a unit."""

from __future__ import annotations

from indexer.deferred import dataclass
from indexer.flux.kustomization import UnitFailure
from indexer.flux.model import SourceRef, UnitId
from indexer.flux.outcome import Outcome, Task
from indexer.flux.resources import KustomizationSpec
from indexer.flux.sources import Artifact
from indexer.manifest.node import Span


@dataclass(slots=True)
class Job:
    """What is known of it so far."""

    spec: KustomizationSpec
    tree_digest: bytes | None
    parent: UnitId | None
    definition: Span | None
    artifact: Artifact | None = None
    source: SourceRef | None = None
    task: Task | None = None
    outcome: Outcome | None = None
    failure: UnitFailure | None = None
    elsewhere: bool = False
    """Whether another shard renders it."""
    offered: bool = False
    """Whether it could have been rendered ahead of its turn."""
    seen: int = -1
    """How much had changed in its cluster when ``task`` was made, or could not be."""

    @property
    def id(self) -> UnitId:
        return UnitId("Kustomization", self.spec.namespace, self.spec.name)

    @property
    def waits(self) -> bool:
        """Whether it is still to be rendered here."""
        return self.outcome is None and self.failure is None and not self.elsewhere

    @property
    def is_complete(self) -> bool:
        """Whether all is known that it is to be rendered from."""
        loaded = self.task.loaded if self.task is not None else None
        return self.task is not None and (loaded is None or not (loaded.missing or loaded.optional))

    @property
    def lacks(self) -> list[str]:
        """The names of what it waits for."""
        if self.task is None:
            return [self.spec.source.name] if self.spec.source is not None else []
        loaded = self.task.loaded
        return [reference.name for reference in (*loaded.missing, *loaded.optional)] if loaded is not None else []
