"""One cluster: from what is applied by hand to every unit that follows from it, until nothing new appears."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from typing import Final, TypeVar

from indexer.flux import fluxinstance
from indexer.flux.clusters import Ground
from indexer.flux.delivery import SUPPLIERS, Delivery, matters
from indexer.flux.dependencies import blocked
from indexer.flux.discover import EntryPoint
from indexer.flux.frozen import frozen_source, frozen_variables
from indexer.flux.helmrun import HelmRun
from indexer.flux.home import settle_home
from indexer.flux.job import Job
from indexer.flux.kustomization import UnitFailure, directory_of, reason_at
from indexer.flux.model import Cluster, Inputs, RenderedObject, Substitution, Unit, UnitId, UnitState
from indexer.flux.outcome import Ahead, Around, Task
from indexer.flux.resources import (
    KustomizationSpec,
    ReferenceSpec,
    is_generator,
    is_kustomization,
    is_source,
    kind_of,
    name_of,
    namespace_of,
    read_kustomization,
)
from indexer.flux.scope import Kind, declared
from indexer.flux.sets import SetRun
from indexer.flux.sops import missing_key
from indexer.flux.sources import Registry, Sources, UnresolvedSource
from indexer.flux.store import SIZE, Store
from indexer.flux.variables import load, relevant
from indexer.flux.versions import is_strict
from indexer.flux.workspace import Workspace
from indexer.kustomize.nodes import find
from indexer.manifest.history import Contribution
from indexer.manifest.node import Mapping, Span

_COMPOSED: Final = ("sparseCheckout", "include")
"""The fields of a GitRepository that make its artifact depend on more than rules."""


Offer = tuple["ClusterRun", list[Job]]
"""Kustomizations of a cluster that may be rendered at once, before it goes on."""

_Result = TypeVar("_Result")
Steps = Generator[Offer, None, _Result]
"""Something that goes on after each offer."""


class ClusterRun:
    """The worklist of one cluster."""

    def __init__(
        self, entry: EntryPoint, workspace: Workspace, ground: Ground, overrides: dict[UnitId, Mapping]
    ) -> None:
        self.entry = entry
        self.name = entry.config.name
        strict = entry.config.strict
        self.strict = is_strict(ground.recording, entry.files, entry.objects) if strict is None else strict
        self.workspace = workspace
        self.ground = ground
        """What the cluster rests on."""
        self.overrides = overrides
        """What Kustomizations that were applied by hand become once Flux applies them itself."""
        self.revised: dict[UnitId, Mapping] = {}
        self.registry = Registry()
        self.objects: dict[tuple[str, str, str], Delivery] = {}
        self.suppliers_of: dict[tuple[str, str, str], UnitId | None] = {}
        """What brings each of them."""
        self.jobs: dict[UnitId, Job] = {}
        self.carried: dict[str, tuple[Substitution, ...]] = {}
        """What units put into the variables of Kustomizations and ConfigMaps that they deploy."""
        self.remote: dict[str, list[Delivery]] = {}
        """What its units bring to other clusters, by the names of those."""
        self.remote_scopes: dict[str, dict[Kind, bool]] = {}
        """What CustomResourceDefinitions among that say."""
        self.scopes: dict[Kind, bool] = {}
        """What CustomResourceDefinitions say that another cluster brings here."""
        self.suppliers: set[str] = set()
        """The objects that Kustomizations of this cluster take variables from."""
        self.changes = 0
        """Grows with all that may change the variables of a Kustomization."""
        self.queue: deque[Job] = deque()
        self.instances: list[tuple[Mapping, UnitId | None, Span | None]] = []
        """FluxInstances, with their parent and definition."""
        self.brought: dict[int, tuple[Substitution, ...]] = {}
        """What ``postBuild`` filled in objects of the entry that another cluster delivers, by their identity."""
        self.sets = SetRun(self.name, self._found_tree, self.find_whole, self.carried)
        self.helm = HelmRun(self)

    def supply(self, objects: list[Mapping]) -> None:
        """Objects that exist in the cluster whatever Git says."""
        for root in objects:
            self._found_tree(root, None, None)

    def run(self) -> Steps[None]:
        """Works through all of it."""
        for root in self.entry.objects:
            self._found_tree(root, None, root.span, self.brought.get(id(root), ()))
        settle_home([job.spec for job in self.jobs.values()], self.entry, self.registry, self.sources)
        while self.queue or (yield from self._go_on()):
            yield from self._offer(self.queue, last=False)
            for _ in range(len(self.queue)):
                self._advance(self.queue.popleft(), last=False)

    def _go_on(self) -> Steps[bool]:
        """Brings those that wait further; False where all is done."""
        waiting = [job for job in self.jobs.values() if job.waits]
        yield from self._offer(waiting, last=False)
        advanced = [self.sets.advance(last=False), *(self._advance(job, last=False) for job in waiting)]
        if any(advanced) or self.helm.advance(last=False) or self._help():
            return True
        # Nobody waits for anything that is still to come: the first goes on with what is known.
        yield from self._offer(waiting, last=True)
        if self.sets.advance(last=True) or (bool(waiting) and self._advance(waiting[0], last=True)):
            return True
        return self.helm.advance(last=True)

    def _help(self) -> bool:
        """Whether a Kustomization of another shard is rendered here as well, since others may be waiting for it."""
        return self.workspace.division is not None and self.workspace.division.help(self.jobs.values())

    def _found_tree(
        self,
        root: Mapping,
        parent: UnitId | None,
        definition: Span | None,
        substitutions: tuple[Substitution, ...] = (),
    ) -> None:
        """Takes note of an object whose tree is at hand."""
        self.found(Delivery.of(root, definition, substitutions), parent)

    def found(self, item: Delivery, parent: UnitId | None) -> None:
        """Takes note of an object that exists in this cluster."""
        self._carry(item)
        if item.kind in SUPPLIERS:
            self.objects[item.kind, item.namespace, item.name] = item
            self.suppliers_of[item.kind, item.namespace, item.name] = parent
            self.changes += f"{item.kind} {item.namespace}/{item.name}" in self.suppliers
            return
        root, definition = item.root, item.definition
        if self.sets.take(root, parent, definition) or self.helm.take(item, parent):
            return
        if is_kustomization(root):
            self._enqueue(item, parent)
        elif is_source(root):
            self.registry.add(root)
        elif is_generator(root):
            self.registry.generators[namespace_of(root), name_of(root)] = root
        elif fluxinstance.is_instance(root):
            self._found_instance(root, parent, definition)

    def _carry(self, item: Delivery) -> None:
        """Remembers what a unit above put into an object that supplies variables."""
        if item.substitutions:
            self.carried[f"{item.kind} {item.namespace}/{item.name}"] = item.substitutions

    def _found_instance(self, root: Mapping, parent: UnitId | None, definition: Span | None) -> None:
        self.instances.append((root, parent, definition))
        if parent is not None:
            # The sync of one that is applied by hand belongs to the entry point.
            unit = UnitId(kind_of(root), namespace_of(root), name_of(root))
            for made in fluxinstance.sync_of(root):
                self._found_tree(made, unit, made.span)

    def _enqueue(self, item: Delivery, parent: UnitId | None) -> None:
        unit = UnitId("Kustomization", item.namespace, item.name)
        known = self.jobs.get(unit)
        if known is None:
            override = self.overrides.get(unit)
            item = item if override is None else Delivery.of(override, item.definition)
            root, tree_digest = item.root, item.tree_digest if self.store is not None else None
            job = Job(read_kustomization(root), tree_digest, parent, item.definition)
            division = self.workspace.division
            job.elsewhere = division is not None and not division.takes(job, self.jobs)
            self.suppliers.update(str(one.reference) for one in job.spec.substitute_from)
            self.jobs[unit] = job
            self.queue.append(job)
            return
        # What was put into it above may be something else now.
        self.changes += 1
        if known.parent is None and parent is not None:
            self.revised[unit] = item.root

    def _offer(self, jobs: Iterable[Job], *, last: bool) -> Steps[None]:
        """Says which of some Kustomizations could be rendered now, before any of them is at its turn."""
        ready = [job for job in jobs if job.waits and not job.offered and self._is_ready(job, last=last)]
        for job in ready:
            job.offered = True
        if ready:
            yield self, ready

    def _is_ready(self, job: Job, *, last: bool) -> bool:
        try:
            return self._prepare(job, last=last)
        except UnitFailure:
            # It will be told when it is at its turn.
            return False

    def _advance(self, job: Job, *, last: bool) -> bool:
        """Brings a Kustomization as far as it comes; False where it has to wait. ``last``: it waits no longer."""
        if not job.waits:
            return False
        try:
            if not self._prepare(job, last=last):
                return False
            assert job.task is not None
            self.tell(job.id)
            job.outcome = self.workspace.renderer.render(job.task, anew=self.workspace.wants_trees(self.name, job.id))
            job.failure = job.outcome.failure
        except UnitFailure as failure:
            job.failure = failure
            return True
        self._deliver(job)
        return True

    def _prepare(self, job: Job, *, last: bool) -> bool:
        """Finds the files and the variables of a Kustomization; False where it has to wait for them."""
        if job.artifact is None and not self._resolve(job, last=last):
            return False
        assert job.artifact is not None
        if job.task is None or job.seen != self.changes:
            loaded = load(job.spec, self.entry.config, self.find_object, strict=self.strict)
            carried = relevant(self.carried, job.id, loaded.variables.values.values() if loaded is not None else ())
            job.task, job.seen = Task(job.spec, job.tree_digest, job.artifact, loaded, carried), self.changes
        return last or job.is_complete

    def render_ahead(self, job: Job) -> Ahead | None:
        """Renders an offered Kustomization before its turn, with no consequences; None for what fails."""
        assert job.task is not None
        outcome = self.workspace.renderer.render(job.task, anew=False)
        if outcome.failure is not None:
            return None
        objects = self.objects
        own = {(item.kind, item.namespace, item.name): item for item in outcome.deliveries if item.kind in SUPPLIERS}
        try:
            self.objects = objects | own
            for item in outcome.deliveries:
                self.helm.foresee(item)
        finally:
            self.objects = objects
        return self.workspace.renderer.ahead(outcome, Around(self._declared() | outcome.scopes, _no_parts))

    def _resolve(self, job: Job, *, last: bool) -> bool:
        reference = job.spec.source
        if reference is None:
            raise UnitFailure(reason_at(job.definition, "there is no spec.sourceRef: add one"))
        try:
            job.artifact = self.workspace.sources.resolve(reference, self.registry)
        except UnresolvedSource as error:
            job.source = error.ref
            if not last:
                return False
            raise UnitFailure(reason_at(reference.node.span, str(error)), UnitState.UNRESOLVED) from None
        job.source = job.artifact.ref
        self.ground.rest_on(self.sources.recipe(job.artifact.tree))
        return True

    @property
    def sources(self) -> Sources:
        """Resolves sources, for all clusters."""
        return self.workspace.sources

    @property
    def store(self) -> Store | None:
        """What is kept of earlier renderings."""
        return self.workspace.store

    @property
    def known(self) -> int:
        """Grows with each source and each object that could bring a release further."""
        return len(self.registry.sources) + len(self.registry.generators) + len(self.objects)

    def tell(self, unit: UnitId) -> None:
        """Says what is being rendered."""
        if self.workspace.progress is not None:
            self.workspace.progress(f"{self.name}: {unit}")

    def find_object(self, reference: ReferenceSpec) -> Mapping | None:
        """The object that a reference means, encrypted values hidden; None where none is known."""
        found = self.objects.get((reference.kind, reference.namespace, reference.name))
        return None if found is None else found.outline

    def digest_of(self, reference: ReferenceSpec) -> bytes | None:
        """What stands for all that is written in an object; None where none is known."""
        found = self.objects.get((reference.kind, reference.namespace, reference.name))
        # One that is too deep for a digest is like no other.
        return None if found is None else found.tree_digest or os.urandom(SIZE)

    def find_whole(self, reference: ReferenceSpec) -> Mapping | None:
        """The same with all that is written in it."""
        found = self.objects.get((reference.kind, reference.namespace, reference.name))
        return None if found is None else found.root

    def _deliver(self, job: Job) -> None:
        """Hands a unit's objects to the cluster they go to."""
        assert job.outcome is not None
        target = self._target(job)
        for item in job.outcome.deliveries:
            self._hand_over(item, job.id, target)
        if target is not None:
            self.remote_scopes.setdefault(target, {}).update(job.outcome.scopes)

    def hand_over(self, root: Mapping, unit: UnitId, definition: Span | None, target: str | None) -> None:
        """Takes note of an object that a unit applies, here or to the cluster ``target``."""
        if matters(root):
            self._hand_over(Delivery.of(root, definition), unit, target)
        if target is not None:
            self.remote_scopes.setdefault(target, {}).update(declared([root]))

    def _hand_over(self, item: Delivery, unit: UnitId, target: str | None) -> None:
        if target is None:
            self.found(item, unit)
        else:
            self.remote.setdefault(target, []).append(item)

    def _target(self, job: Job) -> str | None:
        reference = job.spec.kube_config
        return f"{self.name}/{reference.namespace}/{reference.name}" if reference is not None else None

    # The result

    def clusters(self) -> list[Cluster]:
        """This cluster, and those that its units apply Flux objects to."""
        self.look_at_the_ground()
        crds = self._declared()
        crds.update(declared([*self.sets.roots(), *self.helm.roots(), *self.entry.objects]))
        crds.update(self.scopes)
        units = [self._unit(job, crds) for job in self.jobs.values() if not job.elsewhere]
        made = {id(unit) for unit in units}
        units += self.sets.units(crds, self.workspace.digests, self.dependencies_of)
        units += self.helm.units(crds, self.workspace.digests)
        units += [
            fluxinstance.unit_of(root, self.name, parent, definition, crds, self.workspace.digests)
            for root, parent, definition in self.instances
        ]
        unique = {
            unit.id: unit if id(unit) in made else self.workspace.markers.on(self.helm.with_values(unit))
            for unit in reversed(units)
        }
        ordered = sorted(unique.values(), key=lambda unit: unit.id)
        return [Cluster(self.name, self.entry.files, tuple(ordered))]

    def _declared(self) -> dict[Kind, bool]:
        """What CustomResourceDefinitions of its Kustomizations say."""
        crds: dict[Kind, bool] = {}
        for job in self.jobs.values():
            crds.update(job.outcome.scopes if job.outcome is not None else {})
        return crds

    def look_at_the_ground(self) -> Ground:
        """What this cluster rests on, which gives way where it cannot be looked at again."""
        composed = (find(root, "spec", field) for root in self.registry.sources.values() for field in _COMPOSED)
        elsewhere = (job.outcome is not None and not job.outcome.is_firm for job in self.jobs.values())
        ground = self.ground
        ground.give_way(ground.refs, self.registry.generators, self.helm.has_charts, *composed, *elsewhere)
        return ground

    def _unit(self, job: Job, crds: dict[Kind, bool]) -> Unit:
        state, reason = self._state(job)
        outcome, target = job.outcome, self._target(job)
        objects: Sequence[RenderedObject] = ()
        digest: str | None = None
        if outcome is not None and job.task is not None:
            around = Around(crds, self.helm.parts_of if target is None else _no_parts)
            trees = self.workspace.wants_trees(self.name, job.id)
            objects, digest = self.workspace.renderer.objects(job.task, outcome, around, trees=trees)
            if self.workspace.tasks is not None:
                self.workspace.tasks.note(self.name, job.task, around, self.registry)
        return Unit(
            cluster=self.name,
            id=job.id,
            state=state,
            reason=reason,
            source=job.source,
            path=job.spec.path,
            directory=directory_of(job.artifact, job.spec.path) if job.artifact is not None else None,
            parent=job.parent,
            definition=job.definition,
            objects=objects,
            inputs=outcome.inputs if outcome is not None else Inputs(),
            target=target,
            unmatched=outcome.unmatched if outcome is not None else (),
            digest=digest,
        )

    def _state(self, job: Job) -> tuple[UnitState, str | None]:
        if job.spec.suspended:
            at = job.spec.at("suspend")
            return UnitState.SUSPENDED, reason_at(at.span if at is not None else None, "spec.suspend is true")
        if job.failure is not None:
            return job.failure.state, str(job.failure)
        assert job.outcome is not None
        unknown = job.outcome.unknown or missing_key(job.spec, job.outcome.encrypted, self.find_object)
        unknown = unknown or frozen_source(job.spec, self.registry) or frozen_variables(job.spec, self._supplier)
        if unknown is not None:
            return UnitState.UNRESOLVED, unknown
        return blocked(job.id, self.dependencies_of) or (UnitState.RENDERED, None)

    def _supplier(self, reference: ReferenceSpec) -> KustomizationSpec | None:
        """The Kustomization that brings an object with variables."""
        unit = self.suppliers_of.get((reference.kind, reference.namespace, reference.name))
        return self.jobs[unit].spec if unit in self.jobs else None

    def dependencies_of(self, unit: UnitId) -> Iterable[ReferenceSpec] | None:
        """What a unit of this cluster waits for; None where there is no such unit."""
        if unit in self.jobs:
            return self.jobs[unit].spec.depends_on
        of_sets = self.sets.dependencies_of(unit)
        return of_sets if of_sets is not None else self.helm.dependencies_of(unit)


def _no_parts(_namespace: str, _name: str) -> tuple[Contribution, ...]:
    """What has a part in a HelmRelease of another cluster, which is said there."""
    return ()
