"""What the Flux room hands on: clusters, their units, and each unit's objects with everything that made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple, dataclass, field
from indexer.flux.identity import ObjectId, SourceRef, Substitution, UnitId, UnitState

if TYPE_CHECKING:
    from indexer.kustomize.layer import Unmatched
    from indexer.manifest.history import Contribution
    from indexer.manifest.node import Mapping, Role, Span


__all__ = [
    "Cluster",
    "Inputs",
    "ObjectId",
    "RenderedObject",
    "SourceRef",
    "Substitution",
    "Unit",
    "UnitId",
    "UnitState",
]


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """An object as the controller would apply it."""

    id: ObjectId
    role: Role
    """DEFINES or GENERATES."""
    definition: Span | None
    """The whole document that defines it, or the generator's entry."""
    digest: str
    """Hex digest of the rendered object as canonical JSON; equal data, equal digest."""
    contributions: tuple[Contribution, ...]
    substitutions: tuple[Substitution, ...] = ()
    tree: Mapping | None = field(default=None, compare=False, repr=False)
    """The rendered nodes; present in the process that rendered them, never stored."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the rendering of a unit depended on in the repository being indexed, so that a change can be noticed.

    Paths are from the repository's root.
    """

    read: dict[str, str] = field(default_factory=dict)
    """File path → blob id."""
    listed: dict[str, str] = field(default_factory=dict)
    """Directory path → digest of its listing."""
    absent: frozenset[str] = frozenset()
    """Paths that were looked for and not there."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that deploys objects to one cluster."""

    cluster: str
    id: UnitId
    state: UnitState
    reason: str | None
    """Why it failed or is unresolved, ``file:line:column: what: what to do`` where a line is known."""
    source: SourceRef | None
    path: str | None
    """``spec.path`` as the unit spells it."""
    directory: str | None
    """The directory of the repository that this path means; None where it is not in this repository."""
    parent: UnitId | None
    """The unit whose output holds this unit's own object; None for an entry point."""
    definition: Span | None
    """The document of the unit's own object."""
    objects: Sequence[RenderedObject] = ()
    inputs: Inputs = field(default_factory=Inputs)
    target: str | None = None
    """The cluster that its objects go to where that is another one (``spec.kubeConfig``)."""
    unmatched: tuple[Unmatched, ...] = ()
    """Entries of kustomization files, and of its own spec, that were without effect on it."""
    digest: str | None = field(default=None, compare=False)
    """Equal for units with the same objects, made from the same files; None where it is not known."""

    @property
    def place(self) -> str:
        """The cluster that its objects are on."""
        return self.target or self.cluster


class Cluster(NamedTuple):
    """One cluster: an entry point and all units reached from it."""

    name: str
    entry: tuple[str, ...]
    """The files that are applied by hand at bootstrap."""
    units: Sequence[Unit] = ()
    refs: tuple[str, ...] = ()
    """Branches and tags of the indexed repository that sources were looked up by (``refs/tags/v1``, ``refs/tags``)."""
    digest: str | None = None
    """Equal for clusters with equal units, made from the same files; None where it is not known."""
