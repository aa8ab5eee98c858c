"""What a cluster says, as plain data: objects, units with their sources, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from indexer.deferred import NamedTuple
from indexer.flux.identity import ObjectId, UnitId

READY: Final = "Ready"


class Trouble(StrEnum):
    """Why something could not be read."""

    UNREACHABLE = "unreachable"
    """No connection, no answer in time, or none of an API server: nothing more is asked of this cluster."""
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    ABSENT = "absent"
    """The kind, or the object, is not there (any more)."""
    BROKEN = "broken"
    """The server, or an API behind it, fails or answers nonsense, also when asked again."""
    INCOMPLETE = "incomplete"
    """A list broke off: what came before is there."""
    NOT_KEPT = "not kept"
    """A snapshot does not hold it."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that a question needed and the cluster did not give; the answer goes on without it."""

    what: str
    """``pods``, ``kustomizations.kustomize.toolkit.fluxcd.io``, ``API metrics.k8s.io/v1beta1``, ``the cluster``."""
    trouble: Trouble
    reason: str
    """A sentence for a person: what the server said, and what to do where that is known."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind that the cluster serves, in the version that it prefers."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    singular: str = ""
    short: tuple[str, ...] = ()
    verbs: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The URL path of an object, or of the objects of one namespace or of all."""
        api = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{api}{place}/{self.plural}" + (f"/{name}" if name else "")


class Wanted(NamedTuple):
    """An object to get."""

    resource: Resource
    namespace: str | None
    name: str
    version: str | None = None
    """The version to have it in, where the server has that; None: its own choice."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """The kinds that a cluster serves."""

    resources: tuple[Resource, ...]
    unreadable: tuple[Unreadable, ...] = ()
    """APIs that did not answer, most often those that another server stands behind."""

    def find(self, group: str, kind: str) -> Resource | None:
        """The kind's resource; None where the cluster does not serve it."""
        return next((one for one in self.resources if (one.group, one.kind) == (group, kind)), None)


@dataclass(frozen=True, slots=True)
class Owner:
    """One of ``metadata.ownerReferences``."""

    id: ObjectId
    """The namespace is the owned object's; whether the owner's kind has namespaces is not said here."""
    uid: str
    controller: bool


@dataclass(frozen=True, slots=True)
class Metadata:
    """An object without its content."""

    id: ObjectId
    uid: str
    created: str
    """RFC 3339, as the server writes it."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Without the copies of the whole object that ``kubectl apply`` leaves: one of a Secret would hold its data."""
    owners: tuple[Owner, ...] = ()
    deleting: bool = False
    """Whether its deletion has begun and waits for finalizers."""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Writer:
    """One of ``metadata.managedFields``: which fields a manager owns, and when it last wrote one of them."""

    manager: str
    operation: str
    """``Apply`` (server-side apply) or ``Update`` (everything else)."""
    time: str
    """RFC 3339; empty where the server has forgotten."""
    subresource: str
    fields: Mapping[str, Any]
    """``fieldsV1`` as it is: see ``indexer.cluster.managed``."""


@dataclass(frozen=True, slots=True)
class LiveObject:
    """A whole object. Of a Secret there is only ``metadata``."""

    metadata: Metadata
    body: Mapping[str, Any]
    """As the server gives it, without ``metadata.managedFields``."""
    writers: tuple[Writer, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """The objects of one kind."""

    resource: Resource
    items: tuple[Metadata, ...]
    unreadable: Unreadable | None = None
    """Why ``items`` is not all of them; None where it is."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One of ``status.conditions``."""

    type: str
    status: str
    """``True``, ``False`` or ``Unknown``."""
    reason: str
    message: str
    since: str
    """``lastTransitionTime``, RFC 3339."""


def ready(conditions: tuple[Condition, ...]) -> Condition | None:
    """The condition that Flux's commands show."""
    return next((one for one in conditions if one.type == READY), None)


@dataclass(frozen=True, slots=True)
class SourceId:
    """A source, chart or artifact within its cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Release:
    """One entry of ``status.history``: a revision of a Helm release, or a reconciliation of a Kustomization."""

    revision: str
    """The chart's version, or the source's revision."""
    status: str
    """``deployed``, ``failed``, ``superseded`` …; ``ReconciliationSucceeded`` …"""
    digest: str
    last: str
    """When, RFC 3339."""
    name: str = ""
    """Of the Helm release; empty for a Kustomization."""
    namespace: str = ""
    number: int = 0
    """Helm's count of the release's revisions."""
    chart: str = ""


@dataclass(frozen=True, slots=True)
class LiveUnit:
    """A Kustomization, HelmRelease, ResourceSet or FluxInstance, and what its controller says of it."""

    id: UnitId
    metadata: Metadata
    source: SourceId | None
    """``sourceRef``, ``chart.spec.sourceRef`` or ``chartRef``; None for kinds that read no source."""
    path: str | None
    target_namespace: str | None
    suspended: bool
    prune: bool | None
    """None for kinds without the choice."""
    conditions: tuple[Condition, ...]
    observed_generation: int
    applied: str | None
    """``lastAppliedRevision``; for a HelmRelease the chart version of the newest release that was deployed."""
    attempted: str | None
    applied_origin: str | None
    """``lastAppliedOriginRevision``: the commit that an OCI artifact says it was made of."""
    inventory: tuple[ObjectId, ...] | None
    """What it applied last; None where its status holds no inventory (helm-controller before 1.5)."""
    history: tuple[Release, ...] = ()
    """The newest first."""
    chart: SourceId | None = None
    """The HelmChart of a HelmRelease."""
    storage_namespace: str | None = None
    """Where Helm keeps the releases of a HelmRelease."""
    remote: str | None = None
    """``secret NAME`` or ``configmap NAME`` with the kubeConfig of the cluster that it applies to; None: its own."""
    depends_on: tuple[UnitId, ...] = ()

    @property
    def ready(self) -> Condition | None:
        return ready(self.conditions)


@dataclass(frozen=True, slots=True)
class LiveSource:
    """A GitRepository, OCIRepository, HelmRepository, HelmChart, Bucket or ExternalArtifact."""

    id: SourceId
    metadata: Metadata
    url: str | None
    """Without credentials."""
    ref: str | None
    """``branch main``, ``tag v1``, ``semver >=1.0``, ``commit 3f2c…``, ``name refs/…``, ``digest sha256:…``."""
    suspended: bool
    conditions: tuple[Condition, ...]
    revision: str | None
    """Of the artifact that the controller holds now."""
    digest: str | None
    origin_url: str | None
    """``org.opencontainers.image.source`` of the artifact's metadata."""
    origin_revision: str | None
    source: SourceId | None = None
    """What a HelmChart or an ExternalArtifact is made of."""
    chart: str | None = None
    version: str | None = None
    """``spec.chart`` and ``spec.version`` of a HelmChart."""

    @property
    def ready(self) -> Condition | None:
        return ready(self.conditions)


@dataclass(frozen=True, slots=True)
class FluxState:
    """All units and sources of a cluster."""

    units: tuple[LiveUnit, ...]
    sources: tuple[LiveSource, ...]
    unreadable: tuple[Unreadable, ...] = ()

    def unit(self, id_: UnitId) -> LiveUnit | None:
        return next((one for one in self.units if one.id == id_), None)

    def source(self, id_: SourceId | None) -> LiveSource | None:
        return next((one for one in self.sources if one.id == id_), None)
