"""The HelmReleases of one cluster: each waits for its chart and values, is rendered, and becomes a unit."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, Protocol

from indexer.deferred import dataclass, replace
from indexer.flux.delivery import Delivery
from indexer.flux.dependencies import blocked
from indexer.flux.helmchart import chart_spec, helm_chart, source_reference
from indexer.flux.helmrelease import (
    Filled,
    Release,
    Waiting,
    in_namespace,
    render_release,
    value_parts,
    value_references,
)
from indexer.flux.helmvalues import ValuesError
from indexer.flux.kustomization import reason_at
from indexer.flux.lack import Lack
from indexer.flux.model import Inputs, RenderedObject, SourceRef, Substitution, Unit, UnitId, UnitState
from indexer.flux.objects import Applied, Digests, rendered
from indexer.flux.packing import canonical, digest, pack_contributions, unpack_contributions
from indexer.flux.resources import HELM, ReferenceSpec, is_kind, items_of, name_of, namespace_of, truth
from indexer.flux.scope import Kind
from indexer.flux.sources import Registry, Sources, describe
from indexer.flux.store import Record, Store, engine
from indexer.helm.chart import Capabilities
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.history import Contribution
from indexer.manifest.node import Mapping, Span

_ONLY_REMOTE: Final = frozenset({"HelmRepository", "OCIRepository", "HelmChart"})
"""Sources whose files are at hand only where the configuration says so; a HelmChart is here one that is not known."""


class Surroundings(Protocol):
    """What a release needs of its cluster."""

    name: str
    registry: Registry
    carried: dict[str, tuple[Substitution, ...]]
    """What ``postBuild`` filled in objects, by ``Kind namespace/name``."""

    @property
    def sources(self) -> Sources: ...

    @property
    def store(self) -> Store | None: ...

    def dependencies_of(self, unit: UnitId) -> Iterable[ReferenceSpec] | None: ...

    def digest_of(self, reference: ReferenceSpec) -> bytes | None:
        """What stands for all that is written in an object; None where none is known."""

    @property
    def known(self) -> int:
        """Grows with each source and each object that could bring a release further."""

    def find_object(self, reference: ReferenceSpec) -> Mapping | None: ...

    def hand_over(self, root: Mapping, unit: UnitId, definition: Span | None, target: str | None) -> None: ...

    def tell(self, unit: UnitId) -> None: ...


@dataclass(slots=True)
class HelmJob:
    """A HelmRelease on its way to a unit."""

    item: Delivery
    parent: UnitId | None
    release: Release | None = None
    tried: int = -1
    """How much was known of the cluster when it last had to wait."""

    @property
    def root(self) -> Mapping:
        return self.item.root

    @property
    def definition(self) -> Span | None:
        return self.item.definition

    @property
    def id(self) -> UnitId:
        return UnitId("HelmRelease", namespace_of(self.root), name_of(self.root))

    def target(self, cluster: str) -> str | None:
        """The cluster that its objects go to where that is another one."""
        for reference in ("secretRef", "configMapRef"):
            name = text_at(self.root, "spec", "kubeConfig", reference, "name")
            if name:
                return f"{cluster}/{namespace_of(self.root)}/{name}"
        return None


class HelmRun:
    """The HelmReleases of a cluster, and the HelmCharts that helm-controller makes for them."""

    def __init__(self, cluster: Surroundings) -> None:
        self.cluster = cluster
        self.jobs: dict[UnitId, HelmJob] = {}

    def take(self, item: Delivery, parent: UnitId | None) -> bool:
        """Takes a HelmRelease; False for anything else."""
        root = item.root
        if not is_kind(root, HELM, "HelmRelease"):
            return False
        job = HelmJob(item, parent)
        if self.jobs.setdefault(job.id, job) is job and (chart := helm_chart(root)) is not None:
            self.cluster.registry.add(chart)
        return True

    def advance(self, *, last: bool) -> bool:
        """Renders what can be rendered; with ``last`` also what would still wait. Whether anything was."""
        advanced = False
        for job in [job for job in self.jobs.values() if job.release is None]:
            if job.tried == self.cluster.known and not last:
                continue
            try:
                job.release = release = self._render(job, last=last)
            except Waiting:
                job.tried = self.cluster.known
                continue
            self.cluster.tell(job.id)
            for obj in release.objects:
                target = job.target(self.cluster.name)
                self.cluster.hand_over(obj.resource.root, job.id, obj.resource.definition, target)
            advanced = True
        return advanced

    def _render(self, job: HelmJob, *, last: bool) -> Release:
        cluster = self.cluster
        told = cluster.sources.config.cluster(job.target(cluster.name) or cluster.name)
        capabilities = Capabilities(told.kubernetes, told.api_versions)
        filled = Filled(cluster.find_object, cluster.carried)
        return render_release(
            job.root,
            cluster.sources,
            cluster.registry,
            filled,
            capabilities,
            last=last,
            parts_without_chart=lambda: self._value_parts(job),
        )

    def foresee(self, item: Delivery) -> None:
        """Works out the values of a release whose chart is not at hand, and leaves them in the store."""
        if not is_kind(item.root, HELM, "HelmRelease") or not value_references(item.root):
            return
        job = HelmJob(item, None)
        if not self._has_chart(job):
            with suppress(ValuesError):
                self._value_parts(job)

    def _value_parts(self, job: HelmJob) -> tuple[Contribution, ...]:
        """What ``value_parts`` gives, looked for in the store first."""
        store, find_object = self.cluster.store, self.cluster.find_object
        references = value_references(job.root)
        if store is None or not references or job.item.tree_digest is None:
            return value_parts(job.root, find_object)
        given = tuple((str(one), self.cluster.digest_of(one)) for one in references)
        key = digest(canonical(("values", engine(), job.item.tree_digest, given)))
        for record in store.find(key):
            return unpack_contributions(marshal.loads(record.outcome))  # noqa: S302 - see the store
        parts = value_parts(job.root, find_object)
        store.add(key, Record(key, b"", marshal.dumps(pack_contributions(parts))), b"")
        return parts

    def dependencies_of(self, unit: UnitId) -> list[ReferenceSpec] | None:
        """The releases that a release waits for; None where there is no such release."""
        job = self.jobs.get(unit)
        if job is None:
            return None
        return [
            ReferenceSpec("HelmRelease", text_at(item, "namespace") or unit.namespace, text_at(item, "name"), item)
            for item in items_of(find(job.root, "spec", "dependsOn"))
        ]

    # The result

    def roots(self) -> Iterator[Mapping]:
        """All objects of the releases."""
        for job in self.jobs.values():
            for obj in job.release.objects if job.release is not None else ():
                yield obj.resource.root

    def units(self, crds: dict[Kind, bool], digests: Digests) -> list[Unit]:
        return [self._unit(job, job.release, crds, digests) for job in self.jobs.values() if job.release is not None]

    def with_values(self, unit: Unit) -> Unit:
        """The unit whose HelmReleases know where their values come from."""
        if unit.target is not None or not any(obj.id.kind == "HelmRelease" for obj in unit.objects):
            return unit
        return replace(unit, objects=tuple(map(self._with_values, unit.objects)))

    def _with_values(self, obj: RenderedObject) -> RenderedObject:
        if (obj.id.group, obj.id.kind) != (HELM, "HelmRelease"):
            return obj
        parts = self.parts_of(obj.id.namespace or "", obj.id.name)
        return replace(obj, contributions=(*obj.contributions, *parts)) if parts else obj

    @property
    def has_charts(self) -> bool:
        """Whether the chart of any release is looked for in files: then these have a part in it, or would have."""
        known = any(map(self._has_chart, self.jobs.values()))
        return known or any(job.release is not None and job.release.inputs != Inputs() for job in self.jobs.values())

    def _has_chart(self, job: HelmJob) -> bool:
        """Whether the chart of a release is looked for in files, whatever the configuration says."""
        source = source_reference(job.root, self.cluster.registry)
        return source is not None and source.kind not in _ONLY_REMOTE

    def parts_of(self, namespace: str, name: str) -> tuple[Contribution, ...]:
        """What has a part in a HelmRelease beside its own document."""
        job = self.jobs.get(UnitId("HelmRelease", namespace, name))
        return job.release.parts if job is not None and job.release is not None else ()

    def _unit(self, job: HelmJob, release: Release, crds: dict[Kind, bool], digests: Digests) -> Unit:
        objects = tuple(_rendered(job, release, crds, digests))
        state, reason = _state(job.root, release)
        if state is UnitState.RENDERED:
            state, reason = blocked(job.id, self.cluster.dependencies_of) or (state, reason)
        spec = chart_spec(job.root, self.cluster.registry)
        return Unit(
            cluster=self.cluster.name,
            id=job.id,
            state=state,
            reason=reason,
            source=_source(job.root, spec, self.cluster.registry),
            path=text_at(spec, "chart") or None,
            directory=release.directory,
            parent=job.parent,
            definition=job.definition,
            objects=objects,
            inputs=release.inputs,
            target=job.target(self.cluster.name),
        )


def _rendered(job: HelmJob, release: Release, crds: dict[Kind, bool], digests: Digests) -> Iterator[RenderedObject]:
    for obj in release.objects:
        applied = Applied(in_namespace(obj.resource.root, job.root, crds), obj.resource, ())
        yield rendered(applied, crds, digests, obj.values, defined_by=obj.defined_by, typed=False)


def _state(root: Mapping, release: Release) -> tuple[UnitState, str | None]:
    reasons = [release.reason] if release.reason else []
    if reasons and not release.objects and release.state is UnitState.UNRESOLVED:
        reasons = [f"{Lack.CHART} {_chart(root)}: {_advice(root)}", *reasons]
    state = release.state
    at = find(root, "spec", "upgrade", "preserveValues")
    if state is UnitState.RENDERED and truth(at):
        state = UnitState.UNRESOLVED
        why = "spec.upgrade.preserveValues keeps values of earlier releases, which only the cluster knows"
        reasons.append(reason_at(at.span if at is not None else None, why))
    at = find(root, "spec", "suspend")
    if at is not None and truth(at):
        state = UnitState.SUSPENDED
        reasons = [reason_at(at.span, "spec.suspend is true"), *reasons]
    return state, "; ".join(reasons) or None


def _advice(root: Mapping) -> str:
    """Where a person changes what the chart makes of it."""
    for field, advice in (("values", "edit the values at"), ("valuesFrom", "edit the objects that are named at")):
        node = find(root, "spec", field)
        if node is not None and node.span is not None:
            return f"{advice} {node.span}"
    return "give it values in its spec.values"


def _chart(root: Mapping) -> str:
    chart = find(root, "spec", "chart", "spec")
    if chart is None:
        reference = find(root, "spec", "chartRef")
        return f"the chart of {text_at(reference, 'kind')} {text_at(reference, 'name')}"
    source = find(chart, "sourceRef")
    version = text_at(chart, "version")
    named = " ".join(part for part in ("chart", text_at(chart, "chart"), version) if part)
    return f"{named} of {text_at(source, 'kind')} {text_at(source, 'name')}"


def _source(root: Mapping, spec: Mapping | None, registry: Registry) -> SourceRef | None:
    """The source of the chart; for a chart of a HelmRepository the ref is the version that is asked for."""
    reference = source_reference(root, registry)
    if reference is None:
        return None
    key = (reference.kind, reference.namespace, reference.name)
    found = registry.sources.get(key)
    source = describe(found) if found is not None else SourceRef(*key)
    if reference.kind == "HelmRepository":
        return source._replace(ref=f"version {text_at(spec, 'version') or '*'}")
    return source
