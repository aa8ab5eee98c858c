"""Who controls a live object: every mark that Flux and Helm leave on it and on its owners, up to the root.

The marks are those of flux-semantics.md §5 and §9.2, in the order of trust: an inventory, labels, then nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from indexer.cluster.model import FluxState, Metadata, Trouble, Unreadable
from indexer.cluster.reader import LiveCluster
from indexer.flux.identity import ObjectId, UnitId
from indexer.flux.resources import HELM, KUSTOMIZE, OPERATOR

OWNER_LABELS: Final = (
    (KUSTOMIZE, "Kustomization"),
    (HELM, "HelmRelease"),
    (f"resourceset.{OPERATOR}", "ResourceSet"),
    (OPERATOR, "FluxInstance"),
)
_RELEASE: Final = "meta.helm.sh/release-name"
_RELEASE_NAMESPACE: Final = "meta.helm.sh/release-namespace"
_ORIGIN: Final = "config.kubernetes.io/origin"
_DEEPEST: Final = 20


class MarkKind(StrEnum):
    """How an owner is marked."""

    INVENTORY = "inventory"
    """The status of a unit lists the object."""
    LABELS = "labels"
    ORIGIN = "origin"
    """The annotation that kustomize's ``buildMetadata`` leaves: a file of the repository."""
    HELM = "helm"
    """Helm's own annotations: a release."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that says where an object comes from."""

    kind: MarkKind
    object: ObjectId
    """What bears it: the object or one of its owners."""
    unit: UnitId | None
    """The unit that it names; None where it names none."""
    says: str
    """The mark in words: a release, a file."""


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A Helm release as the labels of its Secret tell it; what is in the Secret is never asked for."""

    name: str
    namespace: str
    number: int
    status: str
    """``deployed``, ``failed``, ``superseded``, ``uninstalled``, ``pending-upgrade`` …"""


@dataclass(frozen=True, slots=True)
class Trace:
    """What the cluster itself says of where an object comes from."""

    owners: tuple[Metadata, ...]
    """The owners, the nearest first and the root last."""
    marks: tuple[Mark, ...]
    """Those of the object, then those of each owner."""
    unit: UnitId | None
    """What controls the object; None where nothing of Flux does."""
    release: StoredRelease | None
    """The newest revision of the Helm release that it is part of."""
    contradictions: tuple[str, ...]
    """Where marks disagree with each other or with what is there."""
    unreadable: tuple[Unreadable, ...]


def trace(cluster: LiveCluster, one: Metadata) -> Trace:
    """Follows an object to its root."""
    owners, lost, unreadable = _owners(cluster, one)
    marks = [mark for metadata in (one, *owners) for mark in marks_of(metadata, cluster.flux)]
    unit, contradictions = _decide(marks, cluster.flux)
    release, failed = _release(cluster, marks, (one, *owners), unit)
    return Trace(
        tuple(owners),
        tuple(marks),
        unit,
        release,
        (*lost, *contradictions),
        (*unreadable, *([failed] if failed else [])),
    )


def marks_of(one: Metadata, flux: FluxState) -> Iterator[Mark]:
    """The marks on one object."""
    key = _key(one.id)
    for unit in flux.units:
        if unit.inventory is not None and unit.remote is None and any(_key(other) == key for other in unit.inventory):
            yield Mark(MarkKind.INVENTORY, one.id, unit.id, "lists it")
    for group, kind in OWNER_LABELS:
        if name := one.labels.get(f"{group}/name"):
            namespace = one.labels.get(f"{group}/namespace") or ""
            yield Mark(MarkKind.LABELS, one.id, UnitId(kind, namespace, name), f"{group}/name")
    if release := one.annotations.get(_RELEASE):
        place = one.annotations.get(_RELEASE_NAMESPACE) or one.id.namespace or ""
        yield Mark(MarkKind.HELM, one.id, _releasing(flux, place, release), f"release {place}/{release}")
    if origin := one.annotations.get(_ORIGIN):
        yield Mark(MarkKind.ORIGIN, one.id, None, "  ".join(origin.split("\n")).strip())


def _key(id_: ObjectId) -> tuple[str, str, str, str]:
    """As inventories compare: they cannot tell ``__`` in a name from ``:``."""
    group, kind, namespace, name = id_.key
    return group, kind, namespace, name.replace("__", ":")


def _releasing(flux: FluxState, namespace: str, release: str) -> UnitId | None:
    """The HelmRelease that made a release of Helm."""
    for unit in flux.units:
        if any((entry.namespace, entry.name) == (namespace, release) for entry in unit.history):
            return unit.id
    return None


def _owners(cluster: LiveCluster, one: Metadata) -> tuple[list[Metadata], list[str], list[Unreadable]]:
    """The owners up to the root; what is said of owners that are gone; and what could not be read."""
    owners: list[Metadata] = []
    while one.owners and len(owners) < _DEEPEST:
        reference = next((owner for owner in one.owners if owner.controller), one.owners[0])
        named = f"{reference.id.kind} {reference.id.name}"
        resource = cluster.discovery.find(reference.id.group, reference.id.kind)
        if resource is None:
            return owners, [f"its owner {named} is of a kind that the cluster does not serve"], []
        found = cluster.metadata(resource, one.id.namespace, reference.id.name)
        if isinstance(found, Unreadable):
            if found.trouble is Trouble.ABSENT:
                return owners, [f"its owner {named} is gone"], []
            return owners, [], [found]
        if found.uid != reference.uid:
            return owners, [f"its owner {named} is gone; another object has that name now"], []
        owners.append(found)
        one = found
    return owners, [], []


def _decide(marks: list[Mark], flux: FluxState) -> tuple[UnitId | None, list[str]]:
    """The unit that controls the object, and what contradicts it.

    An inventory is the controller's own word. Labels can be copied; but where they name a unit that is there, and no
    inventory says otherwise, they are believed. The nearest object that bears a mark decides.
    """
    contradictions = []
    units = {unit.id for unit in flux.units}
    chosen: UnitId | None = None
    for kind in (MarkKind.INVENTORY, MarkKind.LABELS, MarkKind.HELM):
        for mark in marks:
            if mark.kind is not kind or mark.unit is None:
                continue
            if mark.unit not in units:
                contradictions.append(f"its labels name {mark.unit.spoken}, which is not in the cluster")
            elif chosen is None:
                chosen = mark.unit
            elif mark.unit != chosen and kind is not MarkKind.HELM and _is_rival(mark, chosen, marks):
                contradictions.append(f"{chosen.spoken} controls it, and {_claim(mark)} {mark.unit.spoken}")
    return chosen, list(dict.fromkeys(contradictions))


def _claim(mark: Mark) -> str:
    return "it is in the inventory of" if mark.kind is MarkKind.INVENTORY else "its labels name"


def _is_rival(mark: Mark, chosen: UnitId, marks: list[Mark]) -> bool:
    """Whether a mark claims the very object that the chosen unit is marked on; an owner may well have its own unit."""
    return any(other.unit == chosen and other.object == mark.object for other in marks)


def _release(
    cluster: LiveCluster, marks: list[Mark], chain: tuple[Metadata, ...], unit: UnitId | None
) -> tuple[StoredRelease | None, Unreadable | None]:
    """The newest revision of the release that Helm says the object, or an owner, belongs to."""
    for one in chain:
        if (name := one.annotations.get(_RELEASE)) is None:
            continue
        namespace = one.annotations.get(_RELEASE_NAMESPACE) or one.id.namespace or ""
        named = [mark.unit for mark in marks if mark.kind is MarkKind.HELM and mark.object == one.id]
        live = cluster.flux.unit(next((found for found in named if found is not None), None) or unit or _NOBODY)
        storage = (live.storage_namespace if live is not None else None) or namespace
        secrets = cluster.discovery.find("", "Secret")
        if secrets is None:
            return None, None
        listed = cluster.listed(secrets, storage, labels=f"owner=helm,name={name}")
        found = [_stored(secret, name, namespace) for secret in listed.items]
        newest = max(found, key=lambda release: release.number, default=None)
        return newest, listed.unreadable
    return None, None


_NOBODY: Final = UnitId("", "", "")


def _stored(secret: Metadata, name: str, namespace: str) -> StoredRelease:
    number = secret.labels.get("version", "")
    return StoredRelease(name, namespace, int(number) if number.isdecimal() else 0, secret.labels.get("status", ""))
