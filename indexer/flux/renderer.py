"""Kustomizations rendered, or taken from the store where nothing that they depend on is different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Table
from functools import partial

from indexer.deferred import replace
from indexer.flux.delivery import Delivery, delivered
from indexer.flux.imagepolicy import Markers
from indexer.flux.kustomization import UnitFailure, finish_unit, inputs_of
from indexer.flux.model import RenderedObject
from indexer.flux.objects import Digests, rendered
from indexer.flux.openness import Openness
from indexer.flux.outcome import Ahead, Around, Beyond, Outcome, Task
from indexer.flux.packing import Packed, pack_objects, pack_rows, packed_objects
from indexer.flux.postbuild import Variable
from indexer.flux.records import (
    Parts,
    answer_of,
    beyond_of,
    holds,
    key_of,
    pack_outcome,
    row_id,
    scoped,
    unpack_outcome,
)
from indexer.flux.resources import group_of, kind_of, name_of
from indexer.flux.scope import declared
from indexer.flux.sharing import SharedBuilds
from indexer.flux.sops import needs_key
from indexer.flux.store import Record, Store
from indexer.flux.storedobjects import StoredObjects
from indexer.flux.variables import Loaded, with_upstream
from indexer.git.recording import Present, RecordingTree
from indexer.git.tree import Tree
from indexer.manifest.node import Mapping


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
        self._ahead: dict[bytes, list[Ahead]] = {}
        """What other processes rendered, by key."""
        self._given: list[StoredObjects] = []

    def render(self, task: Task, *, anew: bool) -> Outcome:
        """What becomes of a Kustomization; ``anew``: with its objects, whatever the store has."""
        key = key_of(task, self._home) if self._store is not None else None
        if key is None:
            return self._rendered(task, None)
        known = self._known(task, key, anew=anew)
        if known is None:
            known = self._made[key] = self._rendered(task, key)
        return known

    def knows(self, task: Task) -> bool:
        """Whether a Kustomization need not be rendered, or would not be the same in another process."""
        key = key_of(task, self._home) if self._store is not None else None
        return key is None or self._known(task, key, anew=False) is not None

    def _known(self, task: Task, key: bytes, *, anew: bool) -> Outcome | None:
        known = self._made.get(key)
        if (
            known is not None
            and (known.objects is not None or not anew)
            and answer_of(task, known.asked) == known.answer
        ):
            return known
        found = None if anew else self._found(task, key)
        if found is not None:
            self._made[key] = found
        return found

    def _found(self, task: Task, key: bytes) -> Outcome | None:
        """The outcome of a record that holds, of another process or of the store."""
        for ahead in self._ahead.get(key, ()):
            made = Record(b"", ahead.inputs, ahead.outcome)
            if holds(made, task, self._present):
                outcome = self._recorded(task, key, made, ahead.trees)
                outcome.ahead = ahead
                return outcome
        assert self._store is not None
        record = next((one for one in self._store.find(key) if holds(one, task, self._present)), None)
        return None if record is None else self._recorded(task, key, record, {})

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
        if outcome.record is not None:
            stored = None if trees else self._stored(outcome, around)
            if stored is not None:
                return stored
            outcome = self._rendered(task, outcome.key)
        objects = self._as_applied(outcome, around)
        beyond = beyond_of(outcome, objects)
        parts = around.parts(beyond)
        kept = self._keep(outcome, beyond, objects, around, parts)
        for number, more in parts.items():
            objects[number] = replace(objects[number], contributions=(*objects[number].contributions, *more))
        if trees:
            return tuple(objects), kept
        bare = tuple(replace(obj, tree=None) for obj in objects)
        if kept is None or self._store is None:
            return bare, kept
        given = StoredObjects(len(bare), partial(_stored, self._store, bytes.fromhex(kept)), bare)
        self._given.append(given)
        return given, kept

    def _as_applied(self, outcome: Outcome, around: Around) -> list[RenderedObject]:
        """The objects, with the markers of their lines."""
        made = outcome.objects or ()
        return [self._markers.noted(rendered(obj, around.crds, self._digests)) for obj in made]

    # Other processes

    def ahead(self, outcome: Outcome, around: Around) -> Ahead | None:
        """What was rendered just now, for another process; None where it cannot be packed."""
        if outcome.key is None:
            return None
        objects = self._as_applied(outcome, around)
        try:
            packed = pack_outcome(outcome, beyond_of(outcome, objects), self._openness)
            trees = {number: item.unstored_tree(self._openness) for number, item in enumerate(outcome.deliveries)}
            return Ahead(
                outcome.key,
                packed.inputs,
                packed.outcome,
                pack_objects(objects),
                scoped(outcome.kinds, around.crds),
                {number: tree for number, tree in trees.items() if tree is not None},
                sum(1 for item in outcome.deliveries if item.kind == "Kustomization"),
            )
        except (RecursionError, ValueError):
            # Too deep for marshal.
            return None

    def take(self, ahead: Ahead) -> None:
        """Uses what another process rendered wherever it holds."""
        self._ahead.setdefault(ahead.key, []).append(ahead)

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
        outcome.answer = answer_of(task, outcome.asked)
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
        hidden = next((obj.root for obj in made if needs_key(obj.root)), None)
        return Outcome(
            inputs_of(recording),
            unknown=finished.unknown,
            encrypted=(kind_of(hidden), name_of(hidden)) if hidden is not None else None,
            kinds=tuple({(group_of(obj.root), kind_of(obj.root)): None for obj in made}),
            scopes=declared(obj.root for obj in made),
            unmatched=built.unmatched,
            deliveries=tuple(
                Delivery.of(obj.root, obj.resource.definition, obj.substitutions) for obj in made if delivered(obj.root)
            ),
            objects=made,
        )

    # The store

    def _recorded(self, task: Task, key: bytes, record: Record, trees: dict[int, bytes]) -> Outcome:
        """The outcome of a record, with deliveries that are read when they are asked for."""

        def again(outcome: Outcome, number: int) -> Mapping:
            if outcome.objects is None:
                # Once for all that is missing.
                outcome.objects = self._rendered(task, key).objects or ()
            return [obj.root for obj in outcome.objects if delivered(obj.root)][number]

        return unpack_outcome(record, key, trees, again)

    def _stored(self, outcome: Outcome, around: Around) -> tuple[StoredObjects, str] | None:
        """The objects of an outcome that was read, where all that they depend on is known."""
        if outcome.record is None or outcome.key is None or outcome.beyond is None or self._store is None:
            return None
        beyond, parts, scopes = outcome.beyond, around.parts(outcome.beyond), scoped(outcome.kinds, around.crds)
        name = row_id(outcome.key, outcome.record.inputs, scopes, parts, self._marked(beyond))
        rows = self._store.rows(name)
        if rows is None and outcome.ahead is not None and outcome.ahead.scoped == scopes:
            rows = pack_rows(outcome.ahead.objects, parts)
            self._store.add(outcome.key, outcome.record._replace(id=name), rows)
        return None if rows is None else (StoredObjects(beyond.objects, partial(packed_objects, rows)), name.hex())

    def _keep(
        self, outcome: Outcome, beyond: Beyond, objects: Sequence[RenderedObject], around: Around, parts: Parts
    ) -> str | None:
        """Stores what was rendered; what stands for its rows, None where it cannot be stored."""
        if outcome.key is None or self._store is None:
            return None
        try:
            packed = pack_outcome(outcome, beyond, self._openness)
            scopes = scoped(outcome.kinds, around.crds)
            name = row_id(outcome.key, packed.inputs, scopes, parts, self._marked(beyond))
            self._store.add(outcome.key, Record(name, *packed), pack_rows(pack_objects(objects), parts))
        except (RecursionError, ValueError):
            # Too deep for marshal.
            return None
        return name.hex()

    def _marked(self, beyond: Beyond) -> Packed:
        """The markers in files that were not read for a unit."""
        found = ((file, tuple(sorted(self._markers.of(file).items()))) for file in beyond.files)
        return tuple(one for one in found if one[1])


def _stored(store: Store, name: bytes) -> list[Packed]:
    """The objects of a record that is surely there: it was added by this process."""
    data = store.rows(name)
    assert data is not None
    return packed_objects(data)


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
