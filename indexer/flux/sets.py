"""The ResourceSets of one cluster: each waits for its input providers, is expanded, and becomes a unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from indexer.deferred import dataclass
from indexer.flux.dependencies import DependenciesOf, blocked
from indexer.flux.kustomization import UnitFailure, reason_at
from indexer.flux.model import RenderedObject, Substitution, Unit, UnitId, UnitState
from indexer.flux.objects import Digests
from indexer.flux.resources import OPERATOR, ReferenceSpec, is_disabled, is_kind, items_of, name_of, namespace_of
from indexer.flux.scope import Kind
from indexer.flux.variables import Carried
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.node import Mapping, Span

if TYPE_CHECKING:
    from indexer.flux.copied import FindObject
    from indexer.flux.resourceset import ExpandedSet


class Found(Protocol):
    """Takes note of an object that exists in the cluster, with the unit that deploys it."""

    def __call__(
        self, root: Mapping, parent: UnitId | None, definition: Span | None, substitutions: tuple[Substitution, ...]
    ) -> None: ...


@dataclass(slots=True)
class SetJob:
    """A ResourceSet on its way to a unit."""

    root: Mapping
    parent: UnitId | None
    definition: Span | None
    expanded: ExpandedSet | None = None
    """What its templates make, before it is filled in what its objects take from others."""
    made: ExpandedSet | None = None
    failure: UnitFailure | None = None

    @property
    def id(self) -> UnitId:
        return UnitId("ResourceSet", namespace_of(self.root), name_of(self.root))


class SetRun:
    """The ResourceSets and ResourceSetInputProviders of a cluster; ``found`` takes the objects that sets make."""

    def __init__(self, cluster: str, found: Found, find_object: FindObject, carried: Carried) -> None:
        self.cluster = cluster
        self.found = found
        self.find_object = find_object
        self.carried = carried
        self.jobs: dict[UnitId, SetJob] = {}
        self.providers: dict[tuple[str, str], Mapping] = {}

    def take(self, root: Mapping, parent: UnitId | None, definition: Span | None) -> bool:
        """Takes a ResourceSet or a provider; False for anything else."""
        if is_kind(root, OPERATOR, "ResourceSetInputProvider"):
            self.providers[namespace_of(root), name_of(root)] = root
        elif is_kind(root, OPERATOR, "ResourceSet"):
            job = SetJob(root, parent, definition)
            self.jobs.setdefault(job.id, job)
        else:
            return False
        return True

    def advance(self, *, last: bool) -> bool:
        """Expands what can be expanded; with ``last`` the first that would still wait. Whether anything was."""
        advanced = False
        for job in [job for job in self.jobs.values() if job.made is None and job.failure is None]:
            if last or not _waits_for_providers(job.root):
                advanced = self._expand(job, last=last) or advanced
            if last and advanced:
                break
        return advanced

    def _expand(self, job: SetJob, *, last: bool) -> bool:
        # The template language takes a while to import, and few repositories have sets.
        from indexer.flux.inputs import InputsError, MissingProvider
        from indexer.flux.resourceset import expand, with_copies

        try:
            if job.expanded is None:
                own = self.carried.get(f"ResourceSet {job.id.namespace}/{job.id.name}", ())
                job.expanded = expand(job.root, self.providers.values(), own)
            made = with_copies(job.expanded, self.find_object, self.carried)
            if made.waits and not last:
                return False
            job.made = made
        except MissingProvider as missing:
            if not last:
                return False
            job.failure = UnitFailure(reason_at(missing.span, str(missing)), missing.state)
        except InputsError as error:
            job.failure = UnitFailure(reason_at(error.span, str(error)), error.state)
        except UnitFailure as failure:
            job.failure = failure
        for one in job.made.objects if job.made is not None else ():
            self.found(one.root, job.id, one.definition, one.applied.substitutions)
        return True

    def roots(self) -> Iterator[Mapping]:
        """All objects that the sets make."""
        for job in self.jobs.values():
            if job.made is not None:
                yield from (one.root for one in job.made.objects)

    def dependencies_of(self, unit: UnitId) -> list[ReferenceSpec] | None:
        """What a set waits for; its references name no namespace but their own. None where there is no such set."""
        job = self.jobs.get(unit)
        if job is None:
            return None
        return [
            ReferenceSpec(text_at(item, "kind"), text_at(item, "namespace"), text_at(item, "name"), item)
            for item in items_of(find(job.root, "spec", "dependsOn"))
        ]

    def units(self, crds: dict[Kind, bool], digests: Digests, dependencies_of: DependenciesOf) -> Iterator[Unit]:
        """The sets as units."""
        for job in self.jobs.values():
            state, reason = _state(job)
            if state is UnitState.RENDERED:
                state, reason = blocked(job.id, dependencies_of) or (state, reason)
            yield Unit(
                cluster=self.cluster,
                id=job.id,
                state=state,
                reason=reason,
                source=None,
                path=None,
                directory=None,
                parent=job.parent,
                definition=job.definition,
                objects=_objects(job, crds, digests),
            )


def _waits_for_providers(root: Mapping) -> bool:
    """Whether a ResourceSet takes inputs from providers that any unit may bring yet."""
    return any(find(item, "selector") is not None for item in items_of(find(root, "spec", "inputsFrom")))


def _objects(job: SetJob, crds: dict[Kind, bool], digests: Digests) -> tuple[RenderedObject, ...]:
    if job.made is None:
        return ()
    from indexer.flux.resourceset import finished

    return tuple(finished(one, crds, digests) for one in job.made.objects)


def _state(job: SetJob) -> tuple[UnitState, str | None]:
    if is_disabled(job.root):
        at = find(job.root, "metadata", "annotations", "fluxcd.controlplane.io/reconcile")
        why = "its annotation fluxcd.controlplane.io/reconcile is disabled"
        return UnitState.SUSPENDED, reason_at(at.span if at is not None else None, why)
    if job.failure is not None:
        return job.failure.state, str(job.failure)
    if job.made is not None and job.made.unknown is not None:
        return UnitState.UNRESOLVED, job.made.unknown
    return UnitState.RENDERED, None
