"""Marks, owners and what contradicts what: on a cluster that is a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from indexer.cluster.codec import decode, encode
from indexer.cluster.model import (
    Discovery,
    FluxState,
    Listed,
    LiveObject,
    LiveUnit,
    Metadata,
    Owner,
    Release,
    Resource,
    Trouble,
    Unreadable,
)
from indexer.flux.identity import ObjectId, UnitId
from indexer.query.trace import MarkKind, StoredRelease, trace

LISTED = frozenset({"get", "list"})
KINDS = (
    Resource("", "v1", "Pod", "pods", namespaced=True, verbs=LISTED),
    Resource("", "v1", "Secret", "secrets", namespaced=True, verbs=LISTED),
    Resource("", "v1", "Node", "nodes", namespaced=False, verbs=LISTED),
    Resource("apps", "v1", "ReplicaSet", "replicasets", namespaced=True, verbs=LISTED),
    Resource("apps", "v1", "Deployment", "deployments", namespaced=True, verbs=LISTED),
)


def metadata(kind: str, name: str, *owners: Metadata, labels=None, annotations=None) -> Metadata:
    group = "apps" if kind in {"ReplicaSet", "Deployment"} else ""
    references = tuple(Owner(owner.id, owner.uid, controller=True) for owner in owners)
    id_ = ObjectId(group, "v1", kind, "shop", name)
    return Metadata(id_, f"uid of {kind} {name}", "", labels or {}, annotations or {}, references)


def unit(name: str, *inventory: Metadata, kind: str = "Kustomization", history: tuple[Release, ...] = ()) -> LiveUnit:
    return LiveUnit(
        id=UnitId(kind, "flux-system", name),
        metadata=metadata("Pod", name),
        source=None,
        path=None,
        target_namespace=None,
        suspended=False,
        prune=True,
        conditions=(),
        observed_generation=1,
        applied=None,
        attempted=None,
        applied_origin=None,
        inventory=tuple(one.id for one in inventory),
        history=history,
    )


class Table:
    """A cluster with these objects and units."""

    context = server = "table"
    read_at = "2026-01-01T00:00:00+00:00"

    def __init__(self, objects: Iterable[Metadata], *units: LiveUnit) -> None:
        self.objects = {one.id.key: one for one in objects}
        self.discovery = Discovery(KINDS)
        self.flux = FluxState(units, ())

    def metadata(self, resource: Resource, namespace: str | None, name: str) -> Metadata | Unreadable:
        found = self.objects.get((resource.group, resource.kind, namespace or "", name))
        return found or Unreadable(str(resource), Trouble.ABSENT, "not found")

    def get(self, resource: Resource, namespace: str | None, name: str, *, version: str | None = None) -> LiveObject:
        raise NotImplementedError

    def listed(self, resource: Resource, namespace=None, *, name=None, labels=None) -> Listed:  # noqa: ARG002
        items = [one for one in self.objects.values() if one.id.kind == resource.kind]
        return Listed(resource, tuple(items))

    def everything(self, resources: Iterable[Resource]) -> Iterator[Listed]:
        return map(self.listed, resources)


def labels(kind: str, name: str, group: str = "kustomize.toolkit.fluxcd.io") -> dict[str, str]:
    assert kind
    return {f"{group}/name": name, f"{group}/namespace": "flux-system"}


DEPLOYMENT = metadata("Deployment", "api")
REPLICAS = metadata("ReplicaSet", "api-1", DEPLOYMENT)
POD = metadata("Pod", "api-1-x", REPLICAS)
OBJECTS = (DEPLOYMENT, REPLICAS, POD)


def test_a_pod_is_followed_to_its_root_and_to_the_inventory_that_lists_it():
    found = trace(Table(OBJECTS, unit("apps", DEPLOYMENT)), POD)
    assert found.unit == UnitId("Kustomization", "flux-system", "apps")
    assert [one.id.kind for one in found.owners] == ["ReplicaSet", "Deployment"]
    assert [(mark.kind, mark.object.kind) for mark in found.marks] == [(MarkKind.INVENTORY, "Deployment")]
    assert found.contradictions == ()


def test_what_bears_no_mark_is_controlled_by_nothing():
    found = trace(Table(OBJECTS, unit("apps")), POD)
    assert (found.unit, found.marks) == (None, ())


def test_labels_are_believed_where_no_inventory_speaks():
    one = metadata("Pod", "p", labels=labels("Kustomization", "apps"))
    assert trace(Table([one], unit("apps")), one).unit == UnitId("Kustomization", "flux-system", "apps")


def test_labels_that_name_a_unit_that_is_gone_are_said_to():
    one = metadata("Pod", "p", labels=labels("Kustomization", "old"))
    found = trace(Table([one], unit("apps")), one)
    assert found.unit is None
    assert found.contradictions == ("its labels name Kustomization flux-system/old, which is not in the cluster",)


def test_an_inventory_wins_over_copied_labels_and_both_are_shown():
    one = metadata("Pod", "p", labels=labels("Kustomization", "other"))
    found = trace(Table([one], unit("apps", one), unit("other")), one)
    assert found.unit == UnitId("Kustomization", "flux-system", "apps")
    assert found.contradictions == (
        "Kustomization flux-system/apps controls it, and its labels name Kustomization flux-system/other",
    )


def test_two_inventories_that_claim_one_object_are_both_shown():
    one = metadata("Pod", "p")
    found = trace(Table([one], unit("a", one), unit("b", one)), one)
    assert found.contradictions == (
        "Kustomization flux-system/a controls it, and it is in the inventory of Kustomization flux-system/b",
    )


def test_an_inventory_for_another_cluster_is_not_this_objects():
    one = metadata("Pod", "p")
    remote = replace(unit("remote", one), remote="secret kubeconfig")
    assert trace(Table([one], remote), one).unit is None


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("helm.toolkit.fluxcd.io", "HelmRelease"),
        ("resourceset.fluxcd.controlplane.io", "ResourceSet"),
        ("fluxcd.controlplane.io", "FluxInstance"),
    ],
)
def test_every_kind_of_unit_has_its_labels(group, kind):
    one = metadata("Pod", "p", labels=labels(kind, "x", group))
    assert trace(Table([one], unit("x", kind=kind)), one).unit == UnitId(kind, "flux-system", "x")


def test_an_owner_that_is_gone_or_whose_name_was_taken_over_ends_the_way():
    assert trace(Table([POD]), POD).contradictions == ("its owner ReplicaSet api-1 is gone",)
    taken = replace(REPLICAS, uid="another")
    assert trace(Table([POD, taken]), POD).contradictions == (
        "its owner ReplicaSet api-1 is gone; another object has that name now",
    )


def test_an_owner_of_an_unknown_kind_ends_the_way():
    strange = ObjectId("example.org", "v1", "Gear", "shop", "big")
    one = replace(metadata("Pod", "p"), owners=(Owner(strange, "u", controller=True),))
    assert trace(Table([one]), one).contradictions == (
        "its owner Gear big is of a kind that the cluster does not serve",
    )


def test_owners_that_own_each_other_are_followed_to_an_end():
    first = metadata("Pod", "a")
    second = metadata("Pod", "b", first)
    circle = replace(first, owners=(Owner(second.id, second.uid, controller=True),))
    assert len(trace(Table([circle, second]), circle).owners) == 20


def test_the_controller_among_several_owners_is_followed():
    both = replace(
        metadata("Pod", "p"),
        owners=(
            Owner(DEPLOYMENT.id, DEPLOYMENT.uid, controller=False),
            Owner(REPLICAS.id, REPLICAS.uid, controller=True),
        ),
    )
    assert trace(Table([*OBJECTS, both]), both).owners[0].id.kind == "ReplicaSet"


RELEASED = {"meta.helm.sh/release-name": "lamp", "meta.helm.sh/release-namespace": "shop"}


def stored(number: int, status: str) -> Metadata:
    return metadata("Secret", f"sh.helm.release.v1.lamp.v{number}", labels={"version": str(number), "status": status})


def test_a_release_that_a_person_installed_is_told_by_its_newest_secret():
    one = metadata("Pod", "p", annotations=RELEASED)
    found = trace(Table([one, stored(9, "superseded"), stored(10, "deployed")]), one)
    assert found.unit is None
    assert found.release == StoredRelease("lamp", "shop", 10, "deployed")


def test_a_release_of_a_helmrelease_leads_to_it_without_any_label():
    one = metadata("Pod", "p", annotations=RELEASED)
    history = (Release("1.0.0", "deployed", "", "", "lamp", "shop", 1),)
    table = Table([one], unit("lamp", kind="HelmRelease", history=history))
    assert trace(table, one).unit == UnitId("HelmRelease", "flux-system", "lamp")


def test_the_file_that_kustomize_noted_is_shown():
    one = metadata("Pod", "p", annotations={"config.kubernetes.io/origin": "path: apps/p.yaml\n"})
    (mark,) = trace(Table([one]), one).marks
    assert (mark.kind, mark.says) == (MarkKind.ORIGIN, "path: apps/p.yaml")


def test_what_a_snapshot_keeps_comes_back_as_it_was():
    whole = unit("lamp", POD, kind="HelmRelease", history=(Release("1", "deployed", "", "", "lamp", "shop", 1),))
    assert decode(LiveUnit, encode(whole)) == whole
    assert decode(tuple[Resource, ...], encode(KINDS)) == KINDS
    assert decode(Metadata, encode(POD)) == POD
