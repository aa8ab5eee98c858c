"""Kustomizations rendered, or taken from the store where nothing that they depend on is different.

The key of a record is what a rendering depends on besides the files of the indexed repository and the variables: the
program, the Kustomization with the places of its fields, the artifact. Under it lie the records of what was read and
which variables were asked for, and one counts when all of that is still the same. What the rest of the cluster has to
say of a unit's objects (scopes, values of releases, markers) is known in the end: it belongs to the id of the rows.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace
from functools import partial

from indexer.deferred import NamedTuple, dataclass, field
from indexer.flux.delivery import Delivery, matters, unpack_delivery
from indexer.flux.imagepolicy import Markers
from indexer.flux.kustomization import UnitFailure, finish_unit, inputs_of
from indexer.flux.model import Inputs, RenderedObject, UnitId, UnitState
from indexer.flux.objects import Applied, Digests, rendered
from indexer.flux.openness import Openness
from indexer.flux.packing import (
    Packed,
    canonical,
    digest,
    pack_contributions,
    pack_objects,
    pack_span,
    pack_substitutions,
    pack_tree,
    unpack_objects,
    unpack_span,
)
from indexer.flux.postbuild import Variable
from indexer.flux.resources import HELM, KustomizationSpec, group_of, kind_of, name_of
from indexer.flux.scope import Kind, declared
from indexer.flux.sharing import SharedBuilds
from indexer.flux.sops import is_encrypted
from indexer.flux.sources import Artifact
from indexer.flux.store import Record, Store, engine
from indexer.flux.storedobjects import StoredObjects
from indexer.flux.substitute import NAME
from indexer.flux.variables import Carried, Loaded, relevant, with_upstream
from indexer.git.artifact import identity
from indexer.git.recording import Present, RecordingTree
from indexer.git.tree import Tree
from indexer.kustomize.layer import Unmatched
from indexer.manifest.history import Contribution
from indexer.manifest.node import Mapping


class Task(NamedTuple):
    """A Kustomization whose source and variables are known."""

    spec: KustomizationSpec
    tree_digest: bytes | None
    """Of the Kustomization itself, where it was worked out."""
    artifact: Artifact
    loaded: Loaded | None
    carried: Carried

    @property
    def id(self) -> UnitId:
        return UnitId("Kustomization", self.spec.namespace, self.spec.name)


@dataclass(slots=True)
class Outcome:
    """What became of a Kustomization, as far as its cluster has to know."""

    inputs: Inputs
    failure: UnitFailure | None = None
    unknown: str | None = None
    """What is not known of its objects; None: all is."""
    encrypted: tuple[str, str] | None = None
    """Kind and name of the first object that is SOPS-encrypted."""
    kinds: tuple[Kind, ...] = ()
    """Of its objects, each once."""
    scopes: dict[Kind, bool] = field(default_factory=dict)
    """What its CustomResourceDefinitions say: whether a kind is cluster-scoped."""
    unmatched: tuple[Unmatched, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    objects: tuple[Applied, ...] | None = None
    """None where they were not rendered in this process."""
    asked: tuple[str, ...] = ()
    """The variables that were asked for, known or not."""
    answer: bytes = b""
    """What stands for all that was known of them."""
    key: bytes | None = None
    """What it is stored under; None where it is not."""
    record: Record | None = None
    is_firm: bool = True
    """Whether it rests on nothing but what is recorded of it, its task, and what this repository is called."""
    beyond: Beyond | None = None
    """What its rows depend on beyond all that; None until they are made."""


class Beyond(NamedTuple):
    """Of what the cluster knows, what the rows of a unit depend on."""

    releases: tuple[tuple[str, str], ...]
    """Namespace and name of the HelmReleases among its objects."""
    files: tuple[str, ...]
    """Files that its objects point at and that were not read for it: their comments may hold markers."""


class Around(NamedTuple):
    """What the cluster says of the objects of its units."""

    crds: dict[Kind, bool]
    parts_of: Callable[[str, str], tuple[Contribution, ...]]
    """What has a part in a HelmRelease, by namespace and name."""


class Renderer:
    """Renders the Kustomizations of all clusters; without a store, each of them."""

    def __init__(
        self,
        home: Tree,
        builds: SharedBuilds,
        digests: Digests,
        markers: Markers,
        openness: Openness,
        store: Store | None = None,
    ) -> None:
        self._home = home
        self._builds = builds
        self._digests = digests
        self._markers = markers
        self._openness = openness
        self._store = store
        self._present = Present(home)
        self._made: dict[bytes, Outcome] = {}
        """What was rendered in this process for the cluster that is being rendered."""
        self._given: list[StoredObjects] = []

    def render(self, task: Task, *, anew: bool) -> Outcome:
        """What becomes of a Kustomization; ``anew``: with its objects, whatever the store has."""
        key = self._key(task) if self._store is not None else None
        if key is None or self._store is None:
            return self._rendered(task, None)
        known = self._made.get(key)
        if known is not None and (known.objects is not None or not anew) and _answer(task, known.asked) == known.answer:
            return known
        record = None if anew else next((one for one in self._store.find(key) if self._holds(one, task)), None)
        outcome = self._rendered(task, key) if record is None else self._recorded(task, key, record)
        self._made[key] = outcome
        return outcome

    def forget(self) -> None:
        """Lets go of the objects of a cluster that is done; those that are stored can be read again."""
        self._made.clear()
        for objects in self._given:
            objects.release()
        self._given.clear()
        self._digests.forget()

    def objects(
        self, task: Task, outcome: Outcome, around: Around, *, trees: bool
    ) -> tuple[Sequence[RenderedObject], str | None]:
        """The objects as the controller applies them, and what stands for them and for all that was read."""
        if outcome.record is not None and outcome.beyond is not None and self._store is not None:
            assert outcome.key is not None
            name = self._row_id(outcome.key, outcome.record.inputs, outcome, around)
            data = self._store.rows(name)
            if data is not None and not trees:
                count = marshal.loads(outcome.record.outcome)[-1]  # noqa: S302 - see the store
                return StoredObjects(count, lambda: unpack_objects(data)), name.hex()
            outcome = self._rendered(task, outcome.key)
        made = outcome.objects or ()
        objects = [rendered(obj, around.crds, self._digests) for obj in made]
        objects = [_with_parts(obj, around) for obj in objects]
        objects = [self._markers.noted(obj) for obj in objects]
        kept = self._keep(outcome, objects, around)
        if trees:
            return tuple(objects), kept
        bare = tuple(replace(obj, tree=None) for obj in objects)
        if kept is None or self._store is None:
            return bare, kept
        given = StoredObjects(len(bare), partial(_stored, self._store, bytes.fromhex(kept)), bare)
        self._given.append(given)
        return given, kept

    # Rendering

    def _rendered(self, task: Task, key: bytes | None) -> Outcome:
        recording = RecordingTree(task.artifact.tree)
        loaded = task.loaded
        table = _Table(loaded.variables.values if loaded is not None else {})
        if loaded is not None:
            loaded = loaded._replace(variables=replace(loaded.variables, values=table))
        outcome = self._finished(task, loaded, recording)
        outcome.key = None if recording.remote else key
        outcome.is_firm = key is not None and not (recording.remote and recording.elsewhere)
        outcome.asked = tuple(sorted(table.asked))
        outcome.answer = _answer(task, outcome.asked)
        return outcome

    def _finished(self, task: Task, loaded: Loaded | None, recording: RecordingTree) -> Outcome:
        try:
            built = self._builds.build(task.spec, recording)
            finished = finish_unit(built, loaded, self._digests)
        except UnitFailure as failure:
            return Outcome(inputs_of(recording), failure)
        made = finished.objects
        if task.carried:
            made = tuple(
                obj._replace(substitutions=with_upstream(obj.substitutions, task.id, task.carried)) for obj in made
            )
        hidden = next((obj.root for obj in made if is_encrypted(obj.root)), None)
        return Outcome(
            inputs_of(recording),
            unknown=finished.unknown,
            encrypted=(kind_of(hidden), name_of(hidden)) if hidden is not None else None,
            kinds=tuple({(group_of(obj.root), kind_of(obj.root)): None for obj in made}),
            scopes=declared(obj.root for obj in made),
            unmatched=built.unmatched,
            deliveries=tuple(
                Delivery.of(obj.root, obj.resource.definition, obj.substitutions) for obj in made if matters(obj.root)
            ),
            objects=made,
        )

    # The store

    def _key(self, task: Task) -> bytes | None:
        """What stands for all that is known of a task; None where its files cannot be told from others."""
        artifact = identity(task.artifact.tree, self._home)
        if artifact is None:
            return None
        try:
            own = task.tree_digest or digest(canonical(pack_tree(task.spec.root)))
            return digest(canonical((engine(), own, artifact, _ways(task.loaded))))
        except (RecursionError, ValueError):
            return None

    def _holds(self, record: Record, task: Task) -> bool:
        read, listed, absent, asked, answer = marshal.loads(record.inputs)  # noqa: S302 - see the store
        return self._present.matches(read, listed, absent) and _answer(task, asked) == answer

    def _recorded(self, task: Task, key: bytes, record: Record) -> Outcome:
        """The outcome of a record, with deliveries that are read when they are asked for."""
        read, listed, absent, asked, answer = marshal.loads(record.inputs)  # noqa: S302
        failure, unknown, encrypted, kinds, scopes, unmatched, deliveries, beyond, _ = marshal.loads(record.outcome)  # noqa: S302
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

        def again(number: int) -> Mapping:
            if outcome.objects is None:
                # Once for all that is missing.
                outcome.objects = self._rendered(task, key).objects or ()
            return [obj.root for obj in outcome.objects if matters(obj.root)][number]

        outcome.deliveries = tuple(
            unpack_delivery(packed, partial(again, number)) for number, packed in enumerate(deliveries)
        )
        return outcome

    def _keep(self, outcome: Outcome, objects: Sequence[RenderedObject], around: Around) -> str | None:
        """Stores what was rendered; what stands for its rows, None where it cannot be stored."""
        if outcome.key is None or self._store is None:
            return None
        inputs = outcome.inputs
        outcome.beyond = Beyond(
            tuple((one.id.namespace or "", one.id.name) for one in objects if _is_release(one)),
            tuple(sorted(file for file in _files(objects) if file not in inputs.read)),
        )
        failure = outcome.failure
        try:
            seen = canonical(
                (
                    _sorted(inputs.read),
                    _sorted(inputs.listed),
                    tuple(sorted(inputs.absent)),
                    outcome.asked,
                    outcome.answer,
                )
            )
            packed = marshal.dumps(
                (
                    None if failure is None else (str(failure), failure.state.value),
                    outcome.unknown,
                    outcome.encrypted,
                    outcome.kinds,
                    tuple(outcome.scopes.items()),
                    tuple((one.operation, pack_span(one.span), one.reason) for one in outcome.unmatched),
                    tuple(delivery.pack(self._openness) for delivery in outcome.deliveries),
                    (outcome.beyond.releases, outcome.beyond.files),
                    len(objects),
                )
            )
            name = self._row_id(outcome.key, seen, outcome, around)
            self._store.add(outcome.key, Record(name, seen, packed), pack_objects(objects))
        except (RecursionError, ValueError):
            # Too deep for marshal.
            return None
        return name.hex()

    def _row_id(self, key: bytes, inputs: bytes, outcome: Outcome, around: Around) -> bytes:
        """What stands for a unit's rows: all that they depend on."""
        assert outcome.beyond is not None
        scopes = tuple((*kind, around.crds[kind]) for kind in outcome.kinds if kind in around.crds)
        parts = tuple(pack_contributions(around.parts_of(*release)) for release in outcome.beyond.releases)
        found = ((file, tuple(sorted(self._markers.of(file).items()))) for file in outcome.beyond.files)
        markers = tuple(one for one in found if one[1])
        return digest(canonical((key, inputs, scopes, parts, markers)))


def _stored(store: Store, name: bytes) -> tuple[RenderedObject, ...]:
    """The objects of a record that is surely there: it was added by this process."""
    data = store.rows(name)
    assert data is not None
    return unpack_objects(data)


class _Table(Table[str, Variable]):
    """Variables that remember which of them were asked for."""

    def __init__(self, values: Table[str, Variable]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Variable:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _ways(loaded: Loaded | None) -> Packed | None:
    """How variables are expanded, whatever their values."""
    if loaded is None:
        return None
    variables = loaded.variables
    refused = next((name for name in variables.values if not NAME.fullmatch(name)), None)
    how = variables.unknown, variables.optional, variables.strict, variables.always, pack_span(variables.entry)
    return (*how, bool(variables.values), refused, tuple(map(str, loaded.missing)), tuple(map(str, loaded.optional)))


def _answer(task: Task, asked: Iterable[str]) -> bytes:
    """What stands for all that is known of some variables, and of what units above put into their values."""
    values = task.loaded.variables.values if task.loaded is not None else {}
    known = {name: values.get(name) for name in asked}
    packed = tuple(
        (name, *((one.value, one.supplied_by, pack_span(one.span), one.redacted) if one is not None else ()))
        for name, one in known.items()
    )
    above = relevant(task.carried, task.id, [one for one in known.values() if one is not None])
    return digest(canonical((packed, tuple((by, pack_substitutions(filled)) for by, filled in above.items()))))


def _sorted(record: Table[str, str]) -> dict[str, str]:
    return dict(sorted(record.items()))


def _is_release(obj: RenderedObject) -> bool:
    return (obj.id.group, obj.id.kind) == (HELM, "HelmRelease")


def _with_parts(obj: RenderedObject, around: Around) -> RenderedObject:
    parts = around.parts_of(obj.id.namespace or "", obj.id.name) if _is_release(obj) else ()
    return replace(obj, contributions=(*obj.contributions, *parts)) if parts else obj


def _files(objects: Sequence[RenderedObject]) -> set[str]:
    """The files of the indexed repository that objects point at."""
    spans = [part.span for obj in objects for part in obj.contributions]
    spans += [obj.definition for obj in objects if obj.definition is not None]
    return {span.source.file for span in spans if span.source.repository is None}
