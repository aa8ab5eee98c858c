"""Kustomizations as records of the store.

The key of a record is what a rendering depends on besides the files of the indexed repository and the variables: the
program, the Kustomization with the places of its fields, the artifact. Under it lie the records of what was read and
which variables were asked for, and one counts when all of that is still the same. What the rest of the cluster has to
say of a unit's objects (scopes, values of releases, markers) is known in the end: it belongs to the id of the rows.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Table
from functools import partial

from indexer.deferred import NamedTuple
from indexer.flux.delivery import unpack_delivery
from indexer.flux.kustomization import UnitFailure
from indexer.flux.model import Inputs, RenderedObject, UnitState
from indexer.flux.openness import Openness
from indexer.flux.outcome import Beyond, Outcome, Task
from indexer.flux.packing import (
    Packed,
    canonical,
    digest,
    pack_contributions,
    pack_span,
    pack_substitutions,
    pack_tree,
    unpack_span,
    unpack_tree,
)
from indexer.flux.resources import HELM
from indexer.flux.scope import Kind, is_cluster_scoped
from indexer.flux.store import Record, engine
from indexer.flux.substitute import NAME
from indexer.flux.variables import Loaded, relevant
from indexer.git.artifact import identity
from indexer.git.recording import Present
from indexer.git.tree import Tree
from indexer.kustomize.layer import Unmatched
from indexer.manifest.history import Contribution
from indexer.manifest.node import Mapping

Parts = dict[int, tuple[Contribution, ...]]


def key_of(task: Task, home: Tree) -> bytes | None:
    """What stands for all that is known of a task; None where its files cannot be told from others."""
    artifact = identity(task.artifact.tree, home)
    if artifact is None:
        return None
    try:
        own = task.tree_digest or digest(canonical(pack_tree(task.spec.root)))
        return digest(canonical((engine(), own, artifact, _ways(task.loaded))))
    except (RecursionError, ValueError):
        return None


def _ways(loaded: Loaded | None) -> Packed | None:
    """How variables are expanded, whatever their values."""
    if loaded is None:
        return None
    variables = loaded.variables
    refused = next((name for name in variables.values if not NAME.fullmatch(name)), None)
    how = variables.unknown, variables.optional, variables.strict, variables.always, pack_span(variables.entry)
    return (*how, bool(variables.values), refused, tuple(map(str, loaded.missing)), tuple(map(str, loaded.optional)))


def answer_of(task: Task, asked: Iterable[str]) -> bytes:
    """What stands for all that is known of some variables, and of what units above put into their values."""
    values = task.loaded.variables.values if task.loaded is not None else {}
    known = {name: values.get(name) for name in asked}
    packed = tuple(
        (name, *((one.value, one.supplied_by, pack_span(one.span), one.redacted) if one is not None else ()))
        for name, one in known.items()
    )
    above = relevant(task.carried, task.id, [one for one in known.values() if one is not None])
    return digest(canonical((packed, tuple((by, pack_substitutions(filled)) for by, filled in above.items()))))


def holds(record: Record, task: Task, present: Present) -> bool:
    """Whether a record is still what a task would be rendered to."""
    read, listed, absent, asked, answer = marshal.loads(record.inputs)  # noqa: S302 - see the store
    return present.matches(read, listed, absent) and answer_of(task, asked) == answer


def row_id(key: bytes, inputs: bytes, scoped: tuple[Kind, ...], parts: Parts, markers: Packed) -> bytes:
    """What stands for a unit's rows: all that they depend on."""
    packed = tuple((number, pack_contributions(some)) for number, some in parts.items())
    return digest(canonical((key, inputs, scoped, packed, markers)))


def scoped(kinds: Iterable[Kind], crds: dict[Kind, bool]) -> tuple[Kind, ...]:
    """Those of some kinds that are cluster-scoped."""
    return tuple(kind for kind in kinds if is_cluster_scoped(*kind, crds))


class PackedOutcome(NamedTuple):
    """What a record says of an outcome."""

    inputs: bytes
    outcome: bytes


def pack_outcome(outcome: Outcome, beyond: Beyond, openness: Openness) -> PackedOutcome:
    """Raises RecursionError or ValueError for what is too deep."""
    inputs, failure = outcome.inputs, outcome.failure
    seen = (
        _sorted(inputs.read),
        _sorted(inputs.listed),
        tuple(sorted(inputs.absent)),
        outcome.asked,
        outcome.answer,
    )
    told: Packed = (
        None if failure is None else (str(failure), failure.state.value),
        outcome.unknown,
        outcome.encrypted,
        outcome.kinds,
        tuple(outcome.scopes.items()),
        tuple((one.operation, pack_span(one.span), one.reason) for one in outcome.unmatched),
        tuple(delivery.pack(openness) for delivery in outcome.deliveries),
        tuple(beyond),
    )
    return PackedOutcome(canonical(seen), marshal.dumps(told))


def unpack_outcome(
    record: Record, key: bytes, trees: dict[int, bytes], again: Callable[[Outcome, int], Mapping]
) -> Outcome:
    """The outcome of a record. ``again`` makes the tree of a delivery that is neither there nor among ``trees``."""
    read, listed, absent, asked, answer = marshal.loads(record.inputs)  # noqa: S302 - see the store
    failure, unknown, encrypted, kinds, scopes, unmatched, deliveries, beyond = marshal.loads(record.outcome)  # noqa: S302
    outcome = Outcome(
        Inputs(read, listed, frozenset(absent)),
        UnitFailure(failure[0], UnitState(failure[1])) if failure is not None else None,
        unknown,
        encrypted,
        kinds,
        dict(scopes),
        tuple(Unmatched(operation, unpack_span(span), reason) for operation, span, reason in unmatched),
        asked=asked,
        answer=answer,
        key=key,
        record=record,
        beyond=Beyond(*beyond),
    )
    outcome.deliveries = tuple(
        unpack_delivery(
            packed,
            partial(unpack_tree, trees[number]) if number in trees else partial(again, outcome, number),
        )
        for number, packed in enumerate(deliveries)
    )
    return outcome


def beyond_of(outcome: Outcome, objects: Sequence[RenderedObject]) -> Beyond:
    """What the rows of objects depend on beyond the outcome they belong to."""
    return Beyond(
        tuple((number, one.id.namespace or "", one.id.name) for number, one in enumerate(objects) if _is_release(one)),
        tuple(sorted(file for file in _files(objects) if file not in outcome.inputs.read)),
        len(objects),
    )


def _sorted(record: Table[str, str]) -> dict[str, str]:
    return dict(sorted(record.items()))


def _is_release(obj: RenderedObject) -> bool:
    return (obj.id.group, obj.id.kind) == (HELM, "HelmRelease")


def _files(objects: Sequence[RenderedObject]) -> set[str]:
    """The files of the indexed repository that objects point at."""
    spans = [part.span for obj in objects for part in obj.contributions]
    spans += [obj.definition for obj in objects if obj.definition is not None]
    return {span.source.file for span in spans if span.source.repository is None}
