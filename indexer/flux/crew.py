"""Kustomizations rendered ahead of their turn, by processes that are copies of this one.

A copy has all that is known so far: files, parsed trees, variables. What it sends back is taken as what lies in the
store is: where all that it rests on is still so when the Kustomization is at its turn, and not otherwise. So the result
is that of one process, whatever becomes of the others; and what fails is rendered again, to be told by this one.
"""

from __future__ import annotations

import marshal
import posixpath
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Table
from typing import TYPE_CHECKING, Any, Final, TypeVar

from indexer.deferred import NamedTuple
from indexer.flux.clusters import no_trees
from indexer.flux.forks import MOST, can_fork, cores, spread
from indexer.flux.kustomization import clamped
from indexer.flux.outcome import Ahead
from indexer.flux.store import Record, Store
from indexer.git.artifact import plain
from indexer.git.tree import EntryKind, Tree, TreeError

if TYPE_CHECKING:
    from indexer.flux.cluster import ClusterRun, Offer, Steps
    from indexer.flux.job import Job
    from indexer.flux.model import Cluster
    from indexer.flux.workspace import Workspace

_SHARE: Final = 30
"""Files below the paths of Kustomizations from which on a process pays (docs/performance.md)."""
_USEFUL: Final = 8
"""More processes than that wait for the one that does what is not shared."""

_SMALL: Final = 20
"""What part of all work may be one piece although it could be several."""

Unit = tuple["ClusterRun", "Job"]
Left = tuple["ClusterRun", "Steps[list[Cluster]]"]
"""A cluster as far as it has come, and what it goes on with."""
Finished = dict[int, list["Cluster"]]
_Result = TypeVar("_Result")


class Piece(NamedTuple):
    """Kustomizations that one process renders."""

    units: list[Unit]
    weight: int


class Crew(NamedTuple):
    """The processes that may render."""

    processes: int | None = None
    """None: one for each processor, where it pays."""
    say: Callable[[str], None] | None = None
    """Is told of processes that cannot be started, or die."""

    def may_help(self, workspace: Workspace) -> bool:
        """Whether anything can be rendered ahead: what has to have its trees cannot."""
        return workspace.store is not None and workspace.trees is not None and self._most > 1 and can_fork()

    @property
    def _most(self) -> int:
        return self.processes or min(cores(), _USEFUL)

    def render(self, offers: Iterable[Offer], workspace: Workspace) -> int:
        """Has those of the offered Kustomizations rendered that are not known, if it pays.

        Returns in how many processes, where little seems to follow: what is left of the clusters may go on in them.
        """
        if not self.may_help(workspace):
            return 1
        offered = [(run, job) for run, jobs in offers for job in jobs if not workspace.wants_trees(run.name, job.id)]
        if len(offered) < 2:
            return 1
        missing = [
            (run, job) for run, job in offered if job.task is not None and not workspace.renderer.knows(job.task)
        ]
        pieces = _pieces(missing)
        paying = sum(piece.weight for piece in pieces) // _SHARE
        count = min(len(pieces), self._most, self.processes or paying)
        if count < 2:
            return 1
        if workspace.progress is not None:
            workspace.progress(f"rendering {len(missing)} units in {count} processes")

        def work(piece: int) -> bytes:
            return _render(pieces[piece].units, workspace)

        made = self._spread(len(pieces), work, count, workspace)
        further = sum(_take(some, workspace) for some in made.values())
        return count if further < _SHARE else 1

    def finish(self, left: Table[int, Left], workspace: Workspace, processes: int) -> Finished:
        """What becomes of clusters, by number, that are finished in some processes, each in one of them.

        Those are missing that nothing is known of: a copy can only hand over what may lie in the store.
        """
        kept, store = workspace.kept, workspace.store
        # A copy does not see the file of the store, and nobody sees what else it finds.
        bare = workspace.trees is no_trees and workspace.tasks is None
        if processes < 2 or kept is None or store is None or not (store.is_empty and bare):
            return {}
        firm = {number: len(run.jobs) for number, (run, _) in left.items() if run.look_at_the_ground().is_firm}
        numbers = sorted(firm, key=lambda number: -firm[number])
        count = min(len(numbers), processes)
        if count < 2:
            return {}
        finished: Finished = {}

        def work(piece: int) -> bytes:
            clusters = finished[numbers[piece]] = _end_of(left[numbers[piece]][1])
            return marshal.dumps((clusters[0].digest, _handed_over(store)))

        for piece, data in self._spread(len(numbers), work, count, workspace).items():
            if numbers[piece] not in finished:
                digest, records = marshal.loads(data)  # noqa: S302 - from a copy of this process
                _add(records, store)
                if digest is not None:
                    finished[numbers[piece]] = kept.given(bytes.fromhex(digest))
        return finished

    def _spread(self, pieces: int, work: Callable[[int], bytes], count: int, workspace: Workspace) -> dict[int, bytes]:
        """What became of some pieces of work, in this process and copies of it."""

        def enter() -> None:
            assert workspace.store is not None
            workspace.store.leave()
            workspace.progress = None

        results = spread(pieces, work, count, enter)
        for trouble in results.troubles:
            if self.say is not None:
                self.say(trouble)
        return results.made


CREW: Final = Crew()
"""As many as pay."""


def _pieces(missing: list[Unit]) -> list[Piece]:
    """The largest first, so that the last ones to be done are small.

    Units of one directory are of one piece; so are directories beside each other, which often share a base, unless they
    are much of the work.
    """
    by_directory: dict[str, list[Unit]] = {}
    for run, job in missing:
        by_directory.setdefault(clamped(job.spec.path), []).append((run, job))
    count = _Counter()
    weighed = {path: Piece(units, len(units) + count.below(units[0][1])) for path, units in by_directory.items()}
    small = sum(piece.weight for piece in weighed.values()) // _SMALL
    beside: dict[str, list[Piece]] = {}
    for path, piece in weighed.items():
        beside.setdefault(posixpath.dirname(path), []).append(piece)
    pieces: list[Piece] = []
    for some in beside.values():
        joined = _joined(some)
        pieces += [joined] if joined.weight <= small else some
    pieces.sort(key=lambda piece: -piece.weight)
    return [_joined(pieces[number::MOST]) for number in range(min(MOST, len(pieces)))]


def _joined(pieces: list[Piece]) -> Piece:
    return Piece([unit for piece in pieces for unit in piece.units], sum(piece.weight for piece in pieces))


class _Counter:
    """Counts files."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], int] = {}

    def below(self, job: Job) -> int:
        """The files below the path of a Kustomization: how much work it is, more or less."""
        assert job.artifact is not None
        try:
            return self._below(*plain(job.artifact.tree, clamped(job.spec.path)))
        except TreeError:
            return 0

    def _below(self, tree: Tree, directory: str) -> int:
        key = id(tree), directory
        if key not in self._known:
            self._known[key] = 0
            entries = tree.list(directory)
            further = (one for one in entries if one.kind is EntryKind.DIRECTORY)
            below = sum(self._below(tree, posixpath.join(directory, one.name)) for one in further)
            self._known[key] = below + sum(1 for one in entries if one.kind is EntryKind.FILE)
        return self._known[key]


def _render(units: list[Unit], workspace: Workspace) -> bytes:
    """Renders some Kustomizations, in this process or a copy of it."""
    made = []
    for run, job in units:
        try:
            ahead = run.render_ahead(job)
        except Exception:  # noqa: BLE001 - it is met again at its turn, and told then
            ahead = None
        if ahead is not None:
            made.append(tuple(ahead))
    workspace.renderer.forget()
    assert workspace.store is not None
    return marshal.dumps((made, _handed_over(workspace.store)))


def _take(data: bytes, workspace: Workspace) -> int:
    """How many further Kustomizations there are."""
    made, records = marshal.loads(data)  # noqa: S302 - from a copy of this process
    assert workspace.store is not None
    further = 0
    for one in made:
        ahead = Ahead(*one)
        workspace.renderer.take(ahead)
        further += ahead.further
    _add(records, workspace.store)
    return further


def _handed_over(store: Store) -> list[Any]:
    return [(key, tuple(record), rows) for key, record, rows in store.hand_over()]


def _add(records: list[Any], store: Store) -> None:
    for key, record, rows in records:
        store.add(key, Record(*record), rows)


def _end_of(steps: Steps[_Result]) -> _Result:
    """What comes of something that goes on, whatever it offers."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result
