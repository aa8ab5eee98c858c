"""What the Flux room hands on: clusters, their units, and each unit's objects with everything that made them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.kustomize.layer import Unmatched
    from indexer.manifest.history import Contribution
    from indexer.manifest.node import Mapping, Role, Span


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """Identity of an applied object. Two versions of it are the same object to Flux (``key`` leaves version out)."""

    group: str
    version: str
    kind: str
    namespace: str | None
    """None for a cluster-scoped object, and for a namespaced one whose rendering names no namespace."""
    name: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.group, self.kind, self.namespace or "", self.name


@dataclass(frozen=True, slots=True, order=True)
class UnitId:
    """A Flux Kustomization, HelmRelease, ResourceSet …, within its cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


class UnitState(StrEnum):
    """How far the rendering of a unit came."""

    RENDERED = "rendered"
    FAILED = "failed"
    """Its build fails, as it would in the cluster."""
    UNRESOLVED = "unresolved"
    """Something that is not at hand here would be needed: a source, a chart, a variable."""
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class SourceRef:
    """The source a unit reads, as far as it is known."""

    kind: str
    namespace: str
    name: str
    url: str | None = None
    ref: str | None = None
    """Branch, tag, semver range, commit or digest, as the source spells it (``branch main``)."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """One variable of ``postBuild`` that filled in fields."""

    variable: str
    fields: tuple[str, ...]
    supplied_by: str
    """``inline``, ``ConfigMap ns/name key``, ``Secret ns/name key``, ``default``, or why it is unknown."""
    span: Span | None
    redacted: bool = False


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
    objects: tuple[RenderedObject, ...] = ()
    inputs: Inputs = field(default_factory=Inputs)
    target: str | None = None
    """The cluster that its objects go to where that is another one (``spec.kubeConfig``)."""
    unmatched: tuple[Unmatched, ...] = ()
    """Entries of kustomization files, and of its own spec, that were without effect on it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster: an entry point and all units reached from it."""

    name: str
    entry: tuple[str, ...]
    """The files that are applied by hand at bootstrap."""
    units: tuple[Unit, ...] = ()
