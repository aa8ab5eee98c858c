"""Kustomizations rendered ahead of their turn, by processes that are copies of this one.

A copy has all that is known so far: files, parsed trees, variables. What it sends back is taken as what lies in the
store is: where all that it rests on is still so when the Kustomization is at its turn, and not otherwise. So the result
is that of one process, whatever becomes of the others; and what fails is rendered again, to be told by this one.
"""

from __future__ import annotations

import marshal
import posixpath
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from indexer.deferred import NamedTuple
from indexer.flux.forks import MOST, can_fork, cores, spread
from indexer.flux.kustomization import clamped
from indexer.flux.outcome import Ahead
from indexer.flux.store import Record
from indexer.git.artifact import plain
from indexer.git.tree import EntryKind, Tree, TreeError

if TYPE_CHECKING:
    from indexer.flux.cluster import ClusterRun, Offer
    from indexer.flux.job import Job
    from indexer.flux.workspace import Workspace

_SHARE: Final = 30
"""Files below the paths of Kustomizations from which on a process pays (docs/performance.md)."""
_USEFUL: Final = 8
"""More processes than that wait for the one that does what is not shared."""

_SMALL: Final = 20
"""What part of all work may be one piece although it could be several."""

Unit = tuple["ClusterRun", "Job"]


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

    def render(self, offers: Iterable[Offer], workspace: Workspace) -> None:
        """Has those of the offered Kustomizations rendered that are not known, if it pays."""
        if not self.may_help(workspace):
            return
        offered = [(run, job) for run, jobs in offers for job in jobs if not workspace.wants_trees(run.name, job.id)]
        if len(offered) < 2:
            return
        missing = [
            (run, job) for run, job in offered if job.task is not None and not workspace.renderer.knows(job.task)
        ]
        pieces = _pieces(missing)
        paying = sum(piece.weight for piece in pieces) // _SHARE
        count = min(len(pieces), self._most, self.processes or paying)
        if count < 2:
            return
        if workspace.progress is not None:
            workspace.progress(f"rendering {len(missing)} units in {count} processes")
        results = spread(
            len(pieces),
            lambda number: _render(pieces[number].units, workspace),
            count,
            workspace.store.leave if workspace.store is not None else lambda: None,
        )
        for made in results.made.values():
            _take(made, workspace)
        for trouble in results.troubles:
            if self.say is not None:
                self.say(trouble)


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
    records = workspace.store.hand_over()
    return marshal.dumps((made, [(key, tuple(record), rows) for key, record, rows in records]))


def _take(data: bytes, workspace: Workspace) -> None:
    made, records = marshal.loads(data)  # noqa: S302 - from a copy of this process
    assert workspace.store is not None
    for ahead in made:
        workspace.renderer.take(Ahead(*ahead))
    for key, record, rows in records:
        workspace.store.add(key, Record(*record), rows)
