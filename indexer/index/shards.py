"""A build that several machines share: each renders its part of the units, and the last one publishes the index.

What a shard rendered is handed on as the records of its store, under the state of the repository that it was rendered
from. The last shard takes the records of all others into its own store and builds as always, which then renders next to
nothing: hence the index is that of one build, and what no shard could know alone (scopes that a
CustomResourceDefinition in another part sets) is settled there. Until then, readers see the old index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from indexer.deferred import NamedTuple
from indexer.errors import IndexMissing
from indexer.flux.clusters import no_trees
from indexer.flux.crew import Crew
from indexer.flux.division import Shard
from indexer.flux.render import render_repository
from indexer.flux.store import Record, Store
from indexer.index.build import BuildReport, build_index, without_collector
from indexer.index.freshness import Target, open_fresh, target_of
from indexer.index.writer import Writer, writing

if TYPE_CHECKING:
    from indexer.flux.config import Config
    from indexer.git.repository import Repository
    from indexer.index.location import Location

_KEPT: Final = timedelta(days=1)
"""How long the parts of a build are kept that was never finished."""
_PAGE: Final = 500
"""Records that are read at once."""


class Handed(NamedTuple):
    """A part of a build, handed in."""

    shard: Shard
    units: int
    """Units of this part, and those above them that every part renders; 0 where it had been handed in before."""
    missing: tuple[int, ...]
    """Numbers of the parts that are not in; none where the index is published."""
    report: BuildReport | None
    """What the index holds, where it was published or was up to date already."""


def build_shard(
    repository: Repository,
    config: Config,
    location: Location,
    shard: Shard,
    *,
    revision: str | None = None,
    jobs: int | None = None,
    say: Callable[[str], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Handed:
    """Renders a part of the working tree, or of ``revision``, and hands it in; with the last one, publishes the index.

    A part that was handed in is not rendered again. Raises FluxidxError.
    """
    target = target_of(repository, config, revision)
    units = 0
    if not _is_fresh(location, target):
        with writing(location) as writer:
            parts = _parts(writer, target, location, shard)
        if shard.number not in parts:
            with without_collector(), Store.within(repository.git_dir) as store:
                records = _render(repository, config, target, shard, store, Crew(jobs, say), progress)
                with writing(location) as writer:
                    _hand_in(writer, target, location, shard, records)
                    parts = _parts(writer, target, location, shard)
            units = len(records)
        missing = tuple(sorted(set(range(shard.of)) - set(parts)))
        if missing:
            return Handed(shard, units, missing, None)
        with writing(location) as writer, Store.within(repository.git_dir) as store:
            for number, part in parts.items():
                if number != shard.number:
                    store.take(_records(writer, part))
    report = build_index(repository, config, location, revision=revision, jobs=jobs, say=say, progress=progress)
    with writing(location) as writer:
        writer.execute("DELETE FROM shard WHERE repository = :name", {"name": target.name_in(location)})
    return Handed(shard, units, (), report)


def _is_fresh(location: Location, target: Target) -> bool:
    try:
        open_fresh(location, target).close()
    except IndexMissing:
        return False
    return True


def _render(
    repository: Repository,
    config: Config,
    target: Target,
    shard: Shard,
    store: Store,
    crew: Crew,
    progress: Callable[[str], None] | None,
) -> list[tuple[bytes, Record, bytes]]:
    """The records of a part, without those units of which none can be kept."""
    clusters = render_repository(
        repository, target.tree(), config, progress=progress, store=store, trees=no_trees, shard=shard, crew=crew
    )
    names = {unit.digest: None for cluster in clusters for unit in cluster.units if unit.digest is not None}
    found = (store.record(bytes.fromhex(name)) for name in names)
    return [one for one in found if one is not None]


def _parts(writer: Writer, target: Target, location: Location, shard: Shard) -> dict[int, int]:
    """The parts that are in, of the same state of the repository and of the same division: number → key."""
    sql = "SELECT number, id FROM shard WHERE repository = :name AND fingerprint = :fingerprint AND shards = :shards"
    same = {"name": target.name_in(location), "fingerprint": target.fingerprint, "shards": shard.of}
    return dict(writer.execute(sql, same))


def _hand_in(
    writer: Writer, target: Target, location: Location, shard: Shard, records: list[tuple[bytes, Record, bytes]]
) -> None:
    name, now = target.name_in(location), datetime.now(UTC)
    old = {"name": name, "old": (now - _KEPT).isoformat(timespec="seconds")}
    writer.execute("DELETE FROM shard WHERE repository = :name AND handed_in_at < :old", old)
    writer.execute(
        "DELETE FROM shard WHERE repository = :name AND fingerprint = :fingerprint AND shards = :shards "
        "AND number = :number",
        {"name": name, "fingerprint": target.fingerprint, "shards": shard.of, "number": shard.number},
    )
    key = 1 + (writer.execute("SELECT max(id) FROM shard")[0][0] or 0)
    row = (key, name, target.fingerprint, shard.of, shard.number, now.isoformat(timespec="seconds"))
    writer.insert("shard", [row])
    for start in range(0, len(records), _PAGE):
        page = records[start : start + _PAGE]
        rows = [
            (key, place, unit, record.id, record.inputs, record.outcome, contents)
            for place, (unit, record, contents) in enumerate(page, start)
        ]
        writer.insert("shard_record", rows)


def _records(writer: Writer, part: int) -> Iterator[tuple[bytes, Record, bytes]]:
    start = 0
    while True:
        rows = writer.execute(
            "SELECT unit, record, inputs, outcome, contents FROM shard_record "
            "WHERE shard_id = :part AND place >= :start AND place < :end",
            {"part": part, "start": start, "end": start + _PAGE},
        )
        for unit, record, inputs, outcome, contents in rows:
            yield bytes(unit), Record(bytes(record), bytes(inputs), bytes(outcome)), bytes(contents)
        if len(rows) < _PAGE:
            return
        start += _PAGE
