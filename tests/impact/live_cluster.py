"""A cluster that holds what a test puts into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from indexer.cluster.model import (
    Discovery,
    FluxState,
    Listed,
    LiveObject,
    LiveSource,
    LiveUnit,
    Metadata,
    Owner,
    Resource,
    SourceId,
    Trouble,
    Unreadable,
    Wanted,
    Writer,
)
from indexer.flux.identity import ObjectId, UnitId

_KINDS = {
    ("", "ConfigMap"): True,
    ("", "Secret"): True,
    ("", "Namespace"): False,
    ("", "PersistentVolume"): False,
    ("", "PersistentVolumeClaim"): True,
    ("apps", "Deployment"): True,
    ("apps", "StatefulSet"): True,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): False,
    ("example.org", "Gear"): True,
    ("rbac.authorization.k8s.io", "RoleBinding"): True,
}
APPS = UnitId("Kustomization", "flux-system", "apps")
LABELS = {
    f"kustomize.toolkit.fluxcd.io/{key}": value for key, value in (("name", "apps"), ("namespace", "flux-system"))
}
BY_HAND = Writer("kubectl-edit", "Update", "2026-11-22T14:00:00Z", "", {"f:spec": {"f:replicas": {}}, "f:data": {}})


_SOURCE = SourceId("GitRepository", "flux-system", "flux-system")


def resources() -> tuple[Resource, ...]:
    return tuple(
        Resource(group, "v1", kind, f"{kind.lower()}s", namespaced, verbs=frozenset({"get", "list"}))
        for (group, kind), namespaced in _KINDS.items()
    )


def live_unit(id_: UnitId, commit: str | None = None) -> LiveUnit:
    metadata = Metadata(ObjectId("kustomize.toolkit.fluxcd.io", "v1", id_.kind, id_.namespace, id_.name), "u", "")
    return LiveUnit(
        id_, metadata, source=_SOURCE, path=None, target_namespace=None, suspended=False, prune=True, conditions=(),
        observed_generation=1, applied=f"main@sha1:{commit}" if commit else None, attempted=None, applied_origin=None,
        inventory=None,
    )  # fmt: skip


def source(commit: str) -> LiveSource:
    """The source of every unit, which is the fleet's repository."""
    metadata = Metadata(
        ObjectId("source.toolkit.fluxcd.io", "v1", _SOURCE.kind, _SOURCE.namespace, _SOURCE.name), "s", ""
    )
    return LiveSource(
        _SOURCE, metadata, url="https://github.com/acme/fleet.git", ref="branch main", suspended=False, conditions=(),
        revision=f"main@sha1:{commit}", digest=None, origin_url=None, origin_revision=None,
    )  # fmt: skip


@dataclass
class FakeCluster:
    """Answers as ``Cluster`` does."""

    objects: dict[tuple[str, str, str, str], LiveObject] = field(default_factory=dict)
    refused: dict[str, Unreadable] = field(default_factory=dict)
    """Plural → why its objects cannot be read."""
    discovery: Discovery = field(default_factory=lambda: Discovery(resources()))
    flux: FluxState = field(default_factory=lambda: FluxState((live_unit(APPS),), ()))
    context: str = "prod-admin"
    server: str = "https://prod.example.org"
    read_at: str = "2026-11-22T15:00:00+00:00"
    asked: list[str] = field(default_factory=list)

    def put(
        self, body: dict[str, Any], *writers: Writer, labels: dict[str, str] | None = None, owner: str | None = None
    ) -> None:
        """Puts an object there, by default as the Kustomization apps would."""
        group, _, version = body["apiVersion"].rpartition("/")
        given = body["metadata"]
        id_ = ObjectId(group, version, body["kind"], given.get("namespace"), given["name"])
        owners = (Owner(id_._replace(kind=owner), "gone", controller=True),) if owner is not None else ()
        metadata = Metadata(
            id_,
            given["name"],
            "2026-01-01T00:00:00Z",
            LABELS if labels is None else labels,
            given.get("annotations") or {},
            owners,
        )
        self.objects[id_.key] = LiveObject(metadata, body, writers)

    def get(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        version: str | None = None,  # noqa: ARG002 - as ``Cluster.get``
    ) -> LiveObject | Unreadable:
        self.asked.append(f"{resource}/{name}")
        if resource.plural in self.refused:
            return self.refused[resource.plural]
        found = self.objects.get((resource.group, resource.kind, namespace or "", name))
        return found or Unreadable(f"{resource}/{name}", Trouble.ABSENT, "there is none")

    def each(self, wanted: Iterable[Wanted]) -> Iterator[LiveObject | Unreadable]:
        return (self.get(*one[:3], version=one.version) for one in wanted)

    def metadata(self, resource: Resource, namespace: str | None, name: str) -> Metadata | Unreadable:
        found = self.get(resource, namespace, name)
        return found.metadata if isinstance(found, LiveObject) else found

    def listed(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        name: str | None = None,
        labels: str | None = None,  # noqa: ARG002 - as ``Cluster.listed``
    ) -> Listed:
        items = tuple(
            one.metadata
            for one in self.objects.values()
            if (one.metadata.id.group, one.metadata.id.kind) == (resource.group, resource.kind)
            and namespace in (None, one.metadata.id.namespace)
            and name in (None, one.metadata.id.name)
        )
        return Listed(resource, items, self.refused.get(resource.plural))

    def everything(self, resources: Iterable[Resource]) -> Iterator[Listed]:
        for resource in resources:
            yield self.listed(resource)


def down(cluster: FakeCluster) -> FakeCluster:
    """The same cluster, not to be reached."""
    lost = Unreadable("the cluster", Trouble.UNREACHABLE, "it does not answer")
    return replace(cluster, discovery=Discovery((), (lost,)), flux=FluxState((), (), (lost,)), objects={})
