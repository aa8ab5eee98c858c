"""Builds an index where it is missing or older than what it was built from, and says what became of it.

Nothing here imports SQLAlchemy or the engine before something has to be rendered.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from indexer import __version__
from indexer.deferred import NamedTuple
from indexer.errors import IndexMissing
from indexer.flux.identity import UnitId, UnitState
from indexer.index.freshness import Target, ask_fresh, open_built, target_of
from indexer.index.location import Location
from indexer.index.read import Index, Row

if TYPE_CHECKING:
    from indexer.flux.config import Config
    from indexer.flux.model import Cluster
    from indexer.flux.store import Store
    from indexer.git.repository import Repository
    from indexer.index.write import Build

Say = Callable[[str], None]


class ClusterTotals(NamedTuple):
    """What the index holds of one cluster."""

    cluster: str
    units: dict[UnitState, int]
    """Number of units in each state, zeros included."""
    objects: int


class Problem(NamedTuple):
    """A unit that could not be rendered as the cluster would."""

    cluster: str
    unit: UnitId
    state: UnitState
    """FAILED or UNRESOLVED."""
    reason: str


class BuildReport(NamedTuple):
    """What an index holds after a build."""

    location: Location
    revision: str | None
    """None for the working tree."""
    rendered: bool
    """False where the index was up to date already."""
    clusters: tuple[ClusterTotals, ...]
    problems: tuple[Problem, ...]


def build_index(
    repository: Repository,
    config: Config,
    location: Location,
    *,
    revision: str | None = None,
    jobs: int | None = None,
    say: Say | None = None,
    progress: Say | None = None,
) -> BuildReport:
    """Renders the working tree, or ``revision``, and writes the index, unless that holds exactly this already.

    ``jobs`` is the number of processes that render; None: as many as pay. ``say`` is told when another build has to end
    first, or a process died; ``progress`` what is being rendered. Raises FluxidxError.
    """
    say, progress = say or _silent, progress or _silent
    if revision is None:
        repository.look()
    try:
        return ask_fresh(location, repository, config, revision, _held)
    except IndexMissing:
        pass
    from indexer.index.lock import building

    with building(location, location.name_of(repository), say) as waited:
        if waited and revision is None:
            repository.look(again=True)
        try:
            return ask_fresh(location, repository, config, revision, _held)
        except IndexMissing:
            target = target_of(repository, config, revision, as_seen=True)
        _render_and_write(repository, config, location, target, jobs, say, progress)
    index, build = open_built(location, repository)
    with index:
        return _held(index, build)._replace(rendered=True)


@contextmanager
def without_collector() -> Iterator[None]:
    """Keeps the collector of cycles away from a rendering: its trees live to the end, and each pass walks them all.

    So would the first pass after it. What is left is therefore old by then, and waits for a pass over all there is.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()


def _silent(_message: str) -> None:
    """Where nobody wants to be told."""


def _render_and_write(
    repository: Repository,
    config: Config,
    location: Location,
    target: Target,
    jobs: int | None,
    say: Say,
    progress: Say,
) -> None:
    tree = target.tree()  # which git looks at while the engine is imported
    from indexer.flux.clusters import no_trees
    from indexer.flux.crew import Crew
    from indexer.flux.render import render_repository
    from indexer.flux.store import LostRows, Store
    from indexer.index.write import replace

    def write(store: Store | None) -> None:
        with without_collector():
            clusters = render_repository(
                repository, tree, config, progress=progress, store=store, trees=no_trees, crew=Crew(jobs, say)
            )
            replace(location, _build(repository, location, target, clusters), clusters)

    with Store.within(repository.git_dir) as store:
        try:
            write(store)
        except LostRows:
            write(None)


def _build(repository: Repository, location: Location, target: Target, clusters: Sequence[Cluster]) -> Build:
    from indexer.index.write import Build

    refs = sorted({ref for cluster in clusters for ref in cluster.refs})
    return Build(
        repository=target.name_in(location),
        root=str(repository.root or repository.git_dir),
        revision=target.revision,
        head=target.commit or repository.seen.head,
        fingerprint=target.with_refs(refs),
        refs=refs,
        engine=__version__,
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _held(index: Index, build: Row) -> BuildReport:
    """What an index holds that nothing was rendered for."""
    mine = {"build": build["repository"]}
    totals = {
        row["cluster"]: ClusterTotals(row["cluster"], dict.fromkeys(UnitState, 0), 0)
        for row in index.rows("SELECT DISTINCT cluster FROM clusters WHERE build = :build ORDER BY cluster", mine)
    }
    for row in index.rows(
        "SELECT cluster, state, count(*) AS units, sum(objects) AS objects FROM units WHERE build = :build "
        "GROUP BY cluster, state",
        mine,
    ):
        held = totals[row["cluster"]]
        states = {**held.units, UnitState(row["state"]): row["units"]}
        totals[row["cluster"]] = ClusterTotals(held.cluster, states, held.objects + int(row["objects"]))
    problems = tuple(
        Problem(
            unit["cluster"],
            UnitId(unit["kind"], unit["namespace"], unit["name"]),
            UnitState(unit["state"]),
            unit["reason"] or "",
        )
        for unit in index.rows(
            "SELECT cluster, kind, namespace, name, state, reason FROM units WHERE build = :build "
            "AND state IN ('failed', 'unresolved') ORDER BY cluster, kind, namespace, name",
            mine,
        )
    )
    return BuildReport(
        index.location, build["revision"], rendered=False, clusters=tuple(totals.values()), problems=problems
    )
