"""One cluster as the rules see it: what is applied to it, by which units, and what cannot be known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from indexer.flux.model import Cluster, ObjectId, Unit, UnitId, UnitState
from indexer.flux.resources import HELM, KUSTOMIZE, SOURCE
from indexer.flux.sources import ASSUMED
from indexer.query.rules.facts import KustomizationFacts, ObjectFacts, UnitFacts
from indexer.query.rules.references import GATEWAY, IMAGE, NOTIFICATION, Reference

Key = tuple[str, str, str, str]
"""(group, kind, namespace, name) of an object."""
AllFacts = Mapping[tuple[str, UnitId], UnitFacts]
"""The facts of every unit, by its cluster and identity."""


@dataclass(frozen=True)
class View:
    """What is known of one cluster, whoever applies it."""

    name: str
    units: tuple[tuple[Unit, UnitFacts], ...]
    """Those whose objects go to this cluster."""
    own: tuple[tuple[Unit, UnitFacts], ...] = ()
    """Those whose own object is in this cluster."""
    given: frozenset[Key] = field(default_factory=frozenset)
    """Objects that are there though no unit applies them: the entry point's, and ``objects`` of the configuration."""

    @cached_property
    def objects(self) -> Mapping[Key, list[tuple[Unit, ObjectFacts]]]:
        """Every object, with the units that apply it."""
        found: dict[Key, list[tuple[Unit, ObjectFacts]]] = {}
        for unit, facts in self.units:
            for obj in facts.objects:
                found.setdefault(obj.id.key, []).append((unit, obj))
        return found

    @cached_property
    def own_units(self) -> frozenset[UnitId]:
        return frozenset(unit.id for unit, _ in self.own)

    @cached_property
    def kustomizations(self) -> Mapping[UnitId, KustomizationFacts]:
        """What each Flux Kustomization of this cluster says."""
        return {
            UnitId("Kustomization", obj.id.namespace or "", obj.id.name): obj.kustomization
            for _, facts in self.units
            for obj in facts.objects
            if obj.kustomization is not None
        }

    def prunes(self, unit: UnitId) -> bool:
        """Whether a unit deletes what it does not apply any more, as all but Kustomizations always do."""
        own = self.kustomizations.get(unit)
        return own is None or own.prune

    @cached_property
    def unknown(self) -> tuple[Unit, ...]:
        """Units of which not one object is known, charts aside: any of them may define what seems to be missing."""
        return tuple(unit for unit, _ in self.units if is_unknown(unit) and unit.id.kind != "HelmRelease")

    @cached_property
    def charts(self) -> Mapping[str, list[UnitId]]:
        """Namespaces into which charts are installed whose objects are not known."""
        unknown = {unit.id for unit, _ in self.units if unit.id.kind == "HelmRelease" and is_unknown(unit)}
        found: dict[str, list[UnitId]] = {}
        for _, facts in self.units:
            for obj in facts.objects:
                release = UnitId("HelmRelease", obj.id.namespace or "", obj.id.name)
                if obj.installs and release in unknown:
                    found.setdefault(obj.installs, []).append(release)
        return found

    @cached_property
    def _read(self) -> frozenset[Key]:
        """Sources whose definition was found, in whatever way, when units were rendered from them."""
        sources = [(unit.source, is_unknown(unit)) for unit, _ in self.own if unit.source is not None]
        found = [one for one, unknown in sources if one.url or one.ref == ASSUMED or not unknown]
        return frozenset((SOURCE, one.kind, one.namespace, one.name) for one in found)

    @cached_property
    def _makers(self) -> Mapping[str, list[tuple[str, str, frozenset[str]]]]:
        """Objects of custom kinds by namespace: the kind and name of each, and every name that it mentions."""
        found: dict[str, list[tuple[str, str, frozenset[str]]]] = {}
        for _, facts in self.units:
            for one, mentions in facts.mentions.items():
                if _makes_objects(one):
                    found.setdefault(one.namespace or "", []).append((one.kind.lower(), one.name, mentions))
        return found

    @cached_property
    def _copied(self) -> frozenset[tuple[str, str]]:
        """(kind, name) of objects that an annotation spreads over the namespaces."""
        return frozenset(
            (obj.id.kind, obj.id.name)
            for _, facts in self.units
            for obj in facts.objects
            if any(word in mark for mark in obj.marks for word in _COPIERS)
        )

    @cached_property
    def _claims(self) -> frozenset[tuple[str, str]]:
        """Namespaces with what the names of claims begin with that StatefulSets make there."""
        return frozenset(
            (obj.id.namespace or "", claim) for _, facts in self.units for obj in facts.objects for claim in obj.claims
        )

    def defines(self, reference: Reference) -> bool:
        """Whether an object is there, or a unit of that name."""
        key = (reference.group, reference.kind, reference.namespace, reference.name)
        unit = UnitId(reference.kind, reference.namespace, reference.name)
        if reference.kind == "ExternalArtifact" and self.may_come_from_elsewhere(reference):
            return True  # an ArtifactGenerator makes it
        return (
            key in self.objects
            or key in self.given
            or key in self._read
            or (bool(reference.group) and unit in self.own_units)
        )

    def may_come_from_elsewhere(self, reference: Reference) -> bool:
        """Whether something is known that makes such an object in the cluster: an operator, a copier, Kubernetes."""
        name, namespace = reference.name, reference.namespace
        if namespace in _SYSTEM_NAMESPACES or name in _BUILT_IN.get(reference.kind, ()):
            return True
        if (reference.kind, name) in self._copied:
            return True
        if reference.kind == "PersistentVolumeClaim":
            begin, _, number = name.rpartition("-")
            if number.isdecimal() and (namespace, f"{begin}-") in self._claims:
                return True
        by_name = reference.kind != "Service"
        return any(
            name == maker or name.startswith((f"{maker}-", f"{kind}-")) or (by_name and name in mentions)
            for place in {namespace, ""}
            for kind, maker, mentions in self._makers.get(place, ())
        )


def _makes_objects(one: ObjectId) -> bool:
    """Whether a controller may make other objects out of this one: it is of a custom kind, and no mere user of them."""
    is_custom = "." in one.group and not one.group.endswith(".k8s.io")
    return is_custom and one.group not in _CONSUMERS and one.kind not in _CONSUMING_KINDS


_SYSTEM_NAMESPACES: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""What a distribution of Kubernetes puts here is in no repository."""
_CONTROLLERS: Final = frozenset(
    {
        "helm-controller", "image-automation-controller", "image-reflector-controller", "kustomize-controller",
        "notification-controller", "source-controller", "source-watcher",
    }
)  # fmt: skip
_BUILT_IN: Final = {
    "ServiceAccount": frozenset({"default", "flux-operator", *_CONTROLLERS}),
    "ConfigMap": frozenset({"istio-ca-root-cert", "kube-root-ca.crt", "openshift-service-ca.crt"}),
    "Service": frozenset({"kubernetes", "webhook-receiver", *_CONTROLLERS}),
    "Secret": frozenset({"flux-system"}),
}
"""What Kubernetes, the bootstrap of Flux or a controller of every namespace puts into a cluster."""
_COPIERS: Final = ("reflect", "replicat", "kubed", "copy", "sync")
"""Words in the annotations by which controllers are told to copy a Secret or ConfigMap."""
_CONSUMERS: Final = frozenset({KUSTOMIZE, HELM, SOURCE, IMAGE, NOTIFICATION, GATEWAY, "traefik.io"})
"""Groups whose kinds use what others make, and make nothing under the names that they mention."""
_CONSUMING_KINDS: Final = frozenset({"ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe", "ScrapeConfig"})


def is_unknown(unit: Unit) -> bool:
    """Whether the objects of a unit are not known."""
    return not unit.objects and unit.state is not UnitState.RENDERED


def views(clusters: Iterable[Cluster], facts: AllFacts, given: Mapping[str, frozenset[Key]]) -> tuple[View, ...]:
    """Every cluster by what is applied to it, also those that another one applies to."""
    applied: dict[str, list[tuple[Unit, UnitFacts]]] = {}
    own: dict[str, list[tuple[Unit, UnitFacts]]] = {}
    for cluster in clusters:
        for unit in cluster.units:
            row = unit, facts[unit.cluster, unit.id]
            applied.setdefault(unit.place, []).append(row)
            own.setdefault(unit.cluster, []).append(row)
    return tuple(
        View(name, tuple(applied.get(name, ())), tuple(own.get(name, ())), given.get(name, frozenset()))
        for name in sorted(applied.keys() | own.keys())
    )
