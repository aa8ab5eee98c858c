"""One cluster: from what is applied by hand to every unit that follows from it, until nothing new appears."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from indexer.flux import fluxinstance
from indexer.flux.clones import git_ref
from indexer.flux.discover import EntryPoint
from indexer.flux.helmrun import HelmRun
from indexer.flux.imagepolicy import Markers
from indexer.flux.kustomization import (
    BuiltUnit,
    Finished,
    UnitFailure,
    clamped,
    directory_of,
    finish_unit,
    inputs_of,
    reason_at,
)
from indexer.flux.model import Cluster, Inputs, SourceRef, Substitution, Unit, UnitId, UnitState
from indexer.flux.objects import Applied, Digests, rendered
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
from indexer.flux.sharing import SharedBuilds
from indexer.flux.sops import missing_key
from indexer.flux.sources import Artifact, Registry, Sources, UnresolvedSource, describe
from indexer.flux.variables import load, with_upstream
from indexer.flux.versions import is_strict
from indexer.git.recording import RecordingTree
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.remote import Remotes
from indexer.manifest.node import Mapping, Span


@dataclass(slots=True)
class Workspace:
    """What all clusters of one rendering share."""

    sources: Sources
    cache: BuildCache
    remotes: Remotes
    digests: Digests = field(default_factory=Digests)
    progress: Callable[[str], None] | None = None
    markers: Markers = field(init=False)
    builds: SharedBuilds = field(init=False)

    def __post_init__(self) -> None:
        self.builds = SharedBuilds(self.cache, self.remotes, self.digests)
        self.markers = Markers(self.sources.tree)


@dataclass(slots=True)
class Job:
    """A Kustomization on its way to a unit."""

    spec: KustomizationSpec
    parent: UnitId | None
    definition: Span | None
    artifact: Artifact | None = None
    source: SourceRef | None = None
    recording: RecordingTree | None = None
    built: BuiltUnit | None = None
    finished: Finished | None = None
    failure: UnitFailure | None = None

    @property
    def id(self) -> UnitId:
        return UnitId("Kustomization", self.spec.namespace, self.spec.name)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A Flux object that a unit brings to another cluster."""

    root: Mapping
    parent: UnitId
    definition: Span | None
    substitutions: tuple[Substitution, ...] = ()


class ClusterRun:
    """The worklist of one cluster."""

    def __init__(self, entry: EntryPoint, workspace: Workspace, overrides: dict[UnitId, Mapping]) -> None:
        self.entry = entry
        self.name = entry.config.name
        strict = entry.config.strict
        self.strict = is_strict(workspace.sources.tree, entry.files, entry.objects) if strict is None else strict
        self.workspace = workspace
        self.overrides = overrides
        """What Kustomizations that were applied by hand become once Flux applies them itself."""
        self.revised: dict[UnitId, Mapping] = {}
        self.registry = Registry()
        self.objects: dict[tuple[str, str, str], Mapping] = {}
        self.jobs: dict[UnitId, Job] = {}
        self.carried: dict[str, tuple[Substitution, ...]] = {}
        """What units put into the variables of Kustomizations and ConfigMaps that they deploy."""
        self.remote: dict[str, list[Delivered]] = {}
        self.queue: deque[Job] = deque()
        self.instances: list[tuple[Mapping, UnitId | None, Span | None]] = []
        """FluxInstances, with their parent and definition."""
        self.brought: dict[int, tuple[Substitution, ...]] = {}
        """What ``postBuild`` filled in objects of the entry that another cluster delivers, by their identity."""
        self.sets = SetRun(self.name, self._found)
        self.helm = HelmRun(self)

    def supply(self, objects: list[Mapping]) -> None:
        """Objects that exist in the cluster whatever Git says."""
        for root in objects:
            self._found(root, None, None)

    def run(self) -> None:
        for root in self.entry.objects:
            self._found(root, None, root.span, self.brought.get(id(root), ()))
        self._settle_home()
        while self._step():
            pass

    def _step(self) -> bool:
        """Brings one thing further; False where all is done."""
        if self.queue:
            self._advance(self.queue.popleft(), last=False)
            return True
        waiting = self._waiting()
        advanced = [self.sets.advance(last=False), *(self._advance(job, last=False) for job in waiting)]
        if any(advanced) or self.helm.advance(last=False):
            return True
        # Nobody waits for anything that is still to come: the first goes on with what is known.
        if self.sets.advance(last=True) or (bool(waiting) and self._advance(waiting[0], last=True)):
            return True
        return self.helm.advance(last=True)

    def _waiting(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.finished is None and job.failure is None]

    def _found(
        self,
        root: Mapping,
        parent: UnitId | None,
        definition: Span | None,
        substitutions: tuple[Substitution, ...] = (),
    ) -> None:
        """Takes note of an object that exists in this cluster."""
        if self.sets.take(root, parent, definition, substitutions) or self.helm.take(root, parent, definition):
            return
        self.carry(root, substitutions)
        if is_kustomization(root):
            self._enqueue(root, parent, definition)
        elif is_source(root):
            self.registry.add(root)
        elif is_generator(root):
            self.registry.generators[namespace_of(root), name_of(root)] = root
        elif fluxinstance.is_instance(root):
            self._found_instance(root, parent, definition)
        elif kind_of(root) in ("ConfigMap", "Secret"):
            self.objects[kind_of(root), namespace_of(root), name_of(root)] = root

    def carry(self, root: Mapping, substitutions: tuple[Substitution, ...]) -> None:
        """Remembers what a unit above put into an object that supplies variables."""
        if substitutions:
            self.carried[f"{kind_of(root)} {namespace_of(root)}/{name_of(root)}"] = substitutions

    def _found_instance(self, root: Mapping, parent: UnitId | None, definition: Span | None) -> None:
        self.instances.append((root, parent, definition))
        if parent is not None:
            # The sync of one that is applied by hand belongs to the entry point.
            unit = UnitId(kind_of(root), namespace_of(root), name_of(root))
            for made in fluxinstance.sync_of(root):
                self._found(made, unit, made.span)

    def _enqueue(self, root: Mapping, parent: UnitId | None, definition: Span | None) -> None:
        unit = UnitId("Kustomization", namespace_of(root), name_of(root))
        known = self.jobs.get(unit)
        if known is None:
            job = Job(read_kustomization(self.overrides.get(unit, root)), parent, definition)
            self.jobs[unit] = job
            self.queue.append(job)
        elif known.parent is None and parent is not None:
            self.revised[unit] = root

    def _settle_home(self) -> None:
        """Decides which source stands for the tree that is being indexed."""
        sources = self.workspace.sources
        for job in list(self.jobs.values()):
            reference = job.spec.source
            if reference is None or reference.kind != "GitRepository":
                continue
            key = (reference.kind, reference.namespace, reference.name)
            source = self.registry.sources.get(key)
            if source is None:
                self.registry.assumed.add(key)
                continue
            url, ref = describe(source).url or "", git_ref(source)
            itself = self._holds_itself(job.spec)
            known = sources.is_home_url(url, self.registry)
            if not known and (itself or not sources.remotes) and self.registry.home is None:
                self.registry.home_url, known = url, True
            if (
                known
                and (itself or sources.knows(ref))
                and (self.registry.home is None or ref.branch == sources.branch)
            ):
                self.registry.home = ref

    def _holds_itself(self, spec: KustomizationSpec) -> bool:
        """Whether a Kustomization that is applied by hand lies in the tree it syncs, as after a bootstrap."""
        path = clamped(spec.path)
        return self.entry.bootstrap or any(not path or file.startswith(path + "/") for file in self.entry.files)

    def _advance(self, job: Job, *, last: bool) -> bool:
        """Brings a Kustomization as far as it comes; False where it has to wait. ``last``: it waits no longer."""
        if job.built is None:
            self.tell(job.id)
        try:
            if job.built is None and not self._build(job, last=last):
                return False
            assert job.built is not None
            loaded = load(job.spec, self.entry.config, self.find_object, strict=self.strict)
            if loaded is not None and (loaded.missing or loaded.optional) and not last:
                return False
            job.finished = self._with_upstream(job, finish_unit(job.built, loaded, self.workspace.digests))
        except UnitFailure as failure:
            job.failure = failure
            return True
        self._deliver(job)
        return True

    def _with_upstream(self, job: Job, finished: Finished) -> Finished:
        if not self.carried:
            return finished
        return replace(
            finished,
            objects=tuple(
                replace(obj, substitutions=with_upstream(obj.substitutions, job.id, self.carried))
                for obj in finished.objects
            ),
        )

    def _build(self, job: Job, *, last: bool) -> bool:
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
        job.recording = RecordingTree(job.artifact.tree)
        job.built = self.workspace.builds.build(job.spec, job.recording)
        return True

    @property
    def sources(self) -> Sources:
        """Resolves sources, for all clusters."""
        return self.workspace.sources

    @property
    def known(self) -> int:
        """Grows with each source and each object that could bring a release further."""
        return len(self.registry.sources) + len(self.registry.generators) + len(self.objects)

    def tell(self, unit: UnitId) -> None:
        """Says what is being rendered."""
        if self.workspace.progress is not None:
            self.workspace.progress(f"{self.name}: {unit}")

    def find_object(self, reference: ReferenceSpec) -> Mapping | None:
        return self.objects.get((reference.kind, reference.namespace, reference.name))

    def _deliver(self, job: Job) -> None:
        """Hands a unit's objects to the cluster they go to."""
        assert job.finished is not None
        target = self._target(job)
        for obj in job.finished.objects:
            self.hand_over(obj.root, job.id, obj.resource.definition, target, obj.substitutions)

    def hand_over(
        self,
        root: Mapping,
        unit: UnitId,
        definition: Span | None,
        target: str | None,
        substitutions: tuple[Substitution, ...] = (),
    ) -> None:
        """Takes note of an object that a unit applies, here or to the cluster ``target``."""
        if target is None:
            self._found(root, unit, definition, substitutions)
        else:
            self.remote.setdefault(target, []).append(Delivered(root, unit, definition, substitutions))

    def _target(self, job: Job) -> str | None:
        reference = job.spec.kube_config
        return f"{self.name}/{reference.namespace}/{reference.name}" if reference is not None else None

    # The result

    def clusters(self) -> list[Cluster]:
        """This cluster, and those that its units apply Flux objects to."""
        kept = [obj for job in self.jobs.values() if job.finished is not None for obj in job.finished.objects]
        crds = declared([*(obj.root for obj in kept), *self.sets.roots(), *self.helm.roots(), *self.entry.objects])
        units = [self._unit(job, crds) for job in self.jobs.values()]
        units += self.sets.units(crds, self.workspace.digests)
        units += self.helm.units(crds, self.workspace.digests)
        units += [
            fluxinstance.unit_of(root, self.name, parent, definition, crds, self.workspace.digests)
            for root, parent, definition in self.instances
        ]
        unique = {unit.id: self.workspace.markers.on(self.helm.with_values(unit)) for unit in reversed(units)}
        ordered = sorted(unique.values(), key=lambda unit: unit.id)
        return [Cluster(self.name, self.entry.files, tuple(ordered))]

    def _unit(self, job: Job, crds: dict[Kind, bool]) -> Unit:
        state, reason = self._state(job)
        objects: tuple[Applied, ...] = job.finished.objects if job.finished is not None else ()
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
            objects=tuple(rendered(obj, crds, self.workspace.digests) for obj in objects),
            inputs=inputs_of(job.recording) if job.recording is not None else Inputs(),
            target=self._target(job),
            unmatched=job.built.unmatched if job.built is not None else (),
        )

    def _state(self, job: Job) -> tuple[UnitState, str | None]:
        if job.spec.suspended:
            at = job.spec.at("suspend")
            return UnitState.SUSPENDED, reason_at(at.span if at is not None else None, "spec.suspend is true")
        if job.failure is not None:
            return job.failure.state, str(job.failure)
        assert job.finished is not None
        unknown = job.finished.unknown or missing_key(
            job.spec, (o.root for o in job.finished.objects), self.find_object
        )
        if unknown is not None:
            return UnitState.UNRESOLVED, unknown
        return self._dependencies(job)

    def _dependencies(self, job: Job) -> tuple[UnitState, str | None]:
        """A unit is never applied whose ``dependsOn`` leads nowhere or in a circle."""
        for reference in job.spec.depends_on:
            named = f"dependsOn {reference.namespace}/{reference.name}"
            if self._unit_id(reference) not in self.jobs:
                why = "is no Kustomization of this cluster, so this one is never applied: correct the name"
                return UnitState.UNRESOLVED, reason_at(reference.node.span, f"{named} {why}")
            if self._leads_back(reference, job.id, set()):
                why = "leads back here, so this one is never applied: break the cycle"
                return UnitState.FAILED, reason_at(reference.node.span, f"{named} {why}")
        return UnitState.RENDERED, None

    def _leads_back(self, reference: ReferenceSpec, home: UnitId, seen: set[UnitId]) -> bool:
        unit = self._unit_id(reference)
        if unit == home:
            return True
        if unit in seen or unit not in self.jobs:
            return False
        seen.add(unit)
        return any(self._leads_back(further, home, seen) for further in self.jobs[unit].spec.depends_on)

    @staticmethod
    def _unit_id(reference: ReferenceSpec) -> UnitId:
        return UnitId("Kustomization", reference.namespace, reference.name)
