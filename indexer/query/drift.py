"""Fields of live objects that are not as Git has them, each with its line, and with who wrote the live value.

A cluster is held against the commit that it applied, not against the branch: that it is behind is ``status``'s to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from indexer.cluster.model import LiveObject, Resource, Unreadable
from indexer.cluster.reader import LiveCluster
from indexer.deferred import NamedTuple
from indexer.flux.identity import ObjectId, UnitId
from indexer.flux.model import RenderedObject, Unit
from indexer.flux.resources import KUSTOMIZE
from indexer.kustomize.nodes import find, string_map
from indexer.manifest.provenance import Span
from indexer.query.dryrun import MANAGERS
from indexer.query.livefields import Absent, FieldDifference
from indexer.query.redaction import Redaction
from indexer.query.rendered import compared, span_at

_LEFT_ALONE: Final = {
    (f"{KUSTOMIZE}/ssa", "ignore"): "the annotation ssa: Ignore keeps Flux from it",
    (f"{KUSTOMIZE}/ssa", "ifnotpresent"): "the annotation ssa: IfNotPresent keeps Flux from it once it exists",
    (f"{KUSTOMIZE}/reconcile", "disabled"): "the annotation reconcile: disabled keeps Flux from it",
}
_SECRET: Final = "Secrets are not read"  # noqa: S105 - a sentence


class Whole(LiveCluster, Protocol):
    """A cluster that shows whole objects: the server itself."""

    def objects(
        self, resource: Resource, namespace: str | None = None
    ) -> tuple[tuple[LiveObject, ...], Unreadable | None]:
        """The objects of one kind, and why they are not all."""

    def preview(
        self, resource: Resource, namespace: str | None, name: str, body: Table[str, Any], manager: str
    ) -> LiveObject | Unreadable:
        """What a server-side apply of ``body`` would make of an object."""


class Rendering(NamedTuple):
    """What one commit renders for the cluster."""

    units: tuple[Unit, ...]
    """With the trees of their objects."""
    redaction: Redaction


@dataclass(frozen=True, slots=True)
class Drifted:
    """One field."""

    difference: FieldDifference
    span: Span | None
    """The line of Git that sets it, in the commit that is applied; None where no file does."""


@dataclass(frozen=True, slots=True)
class DriftedObject:
    """One object that is not as Git has it."""

    object: ObjectId
    unit: UnitId
    definition: Span | None
    commit: str
    fields: tuple[Drifted, ...]


@dataclass(slots=True)
class Drift:
    """The answer for one cluster."""

    cluster: str
    objects: list[DriftedObject] = field(default_factory=list)
    compared: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    """Why objects were not compared → how many."""
    unreadable: list[Unreadable] = field(default_factory=list)


Compare = Callable[[RenderedObject, UnitId, LiveObject, Redaction], "list[FieldDifference] | Unreadable"]
"""Where one live object differs, or why that cannot be said."""


def owned_fields(one: RenderedObject, unit: UnitId, live: LiveObject, redaction: Redaction) -> list[FieldDifference]:
    """By what the server has noted: a field that the controller still owns is as it was applied.

    The server may write such a value in another form; whoever changes it takes the field over. What is not there is
    owned by nobody.
    """
    controller = MANAGERS.get(unit.kind)
    return [
        found
        for found in compared(one, live, redaction)
        if isinstance(found.live, Absent)
        or not any(writer.manager == controller and writer.operation == "Apply" for writer in found.writers)
    ]


def drift(
    cluster: str,
    server: Whole,
    commits: Iterable[tuple[str, frozenset[UnitId]]],
    render: Callable[[str, frozenset[UnitId]], Rendering],
    compare: Compare = owned_fields,
) -> Drift:
    """Holds the objects of units against the commit that each of them applied.

    ``commits`` are the commits with their units; ``render`` renders those units of one commit.
    """
    answer = Drift(cluster)
    for commit, units in commits:
        rendering = render(commit, units)
        for resource, wanted in _by_kind(rendering.units, units, server, answer).items():
            for expected, live in _pairs(resource, wanted, server, answer):
                _judge(expected, live, commit, rendering.redaction, compare, answer)
    answer.objects.sort(key=lambda one: (one.unit, one.object))
    return answer


class _Expected(NamedTuple):
    unit: UnitId
    object: RenderedObject


def _by_kind(
    units: Iterable[Unit], wanted: frozenset[UnitId], server: Whole, answer: Drift
) -> dict[Resource, list[_Expected]]:
    """What to compare, by kind, so that each kind is listed once."""
    found: dict[Resource, list[_Expected]] = defaultdict(list)
    for unit in units:
        if unit.id not in wanted or unit.target is not None:
            continue
        for one in unit.objects:
            reason = _left_alone(one)
            resource = server.discovery.find(one.id.group, one.id.kind)
            if reason is None and resource is None:
                reason = f"the cluster has no {one.id.kind}" + (f".{one.id.group}" if one.id.group else "")
            if reason is not None or resource is None:
                answer.skipped[reason or ""] = answer.skipped.get(reason or "", 0) + 1
            else:
                found[resource].append(_Expected(unit.id, one))
    return found


def _left_alone(one: RenderedObject) -> str | None:
    """Why an object is not compared at all."""
    if (one.id.group, one.id.kind) == ("", "Secret"):
        return _SECRET
    annotations = string_map(find(one.tree, "metadata", "annotations"))
    return next((why for (name, value), why in _LEFT_ALONE.items() if annotations.get(name, "").lower() == value), None)


def _pairs(
    resource: Resource, wanted: list[_Expected], server: Whole, answer: Drift
) -> Iterator[tuple[_Expected, LiveObject]]:
    """Each expected object with the live one; those that are not there are ``orphans``' to tell."""
    expected = {one.object.id.key: one for one in wanted}
    listed, unreadable = server.objects(resource)
    if unreadable is not None:
        answer.unreadable.append(unreadable)
    for live in listed:
        found = expected.get(live.metadata.id.key)
        if found is None and live.metadata.id.namespace == "default":
            group, kind, _, name = live.metadata.id.key
            found = expected.get((group, kind, "", name))
        if found is not None:
            yield found, live


def _judge(
    expected: _Expected, live: LiveObject, commit: str, redaction: Redaction, compare: Compare, answer: Drift
) -> None:
    answer.compared += 1
    one = expected.object
    found = compare(one, expected.unit, live, redaction)
    if isinstance(found, Unreadable):
        answer.unreadable.append(found)
    elif found:
        fields = tuple(Drifted(difference, span_at(one.tree, difference.path)) for difference in found)
        answer.objects.append(DriftedObject(one.id, expected.unit, one.definition, commit, fields))
