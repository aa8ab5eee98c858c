"""The two states that are compared: which they are, and both rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from indexer.deferred import regex
from indexer.errors import FluxidxError
from indexer.flux.config import Config
from indexer.flux.discover import NoEntryPoint
from indexer.flux.model import Unit, UnitId
from indexer.flux.render import render_repository, render_units
from indexer.flux.replay import Tasks
from indexer.flux.store import Store
from indexer.git.changes import Changes, SideName
from indexer.git.repository import Repository, UnknownRevision
from indexer.query.impact.model import Side, UnitKey

_RANGE: Final = regex(r"(?P<base>.*?)(?P<dots>\.{2,3})(?P<head>.*)")
_TRUNKS: Final = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_DEEPER: Final = (
    "this is a shallow clone, and its history ends before the commit that both have in common: fetch more with "
    "git fetch --unshallow (in CI: fetch-depth: 0), or name a base that is there, such as HEAD^1 with fetch-depth: 2"
)


@dataclass(frozen=True, slots=True)
class Range:
    """What is compared with what."""

    base: str
    """Full sha."""
    base_label: str
    head: str | None
    """Full sha; None for the working tree."""
    head_label: str
    chosen: str | None
    """How they were chosen where nothing was named."""


def parse(repository: Repository, text: str | None) -> Range:
    """What ``BASE``, ``BASE..HEAD`` or ``BASE...HEAD`` (from where both parted) means; nothing: the default.

    A range without its end ends at HEAD, as in git; one revision alone is compared with the working tree. Raises
    UnknownRevision, and FluxidxError where the two have no common commit here.
    """
    if not text:
        return _default(repository)
    found = _RANGE.fullmatch(text)
    if found is None:
        return _to_disk(repository, repository.commit(text), text, None)
    base, head = (found[side] or "HEAD" for side in ("base", "head"))
    end = repository.commit(head)
    if found["dots"] == "..":
        return Range(repository.commit(base), base, end, head, None)
    return Range(_parting(repository, base, end, head), f"{base}...{head}", end, head, None)


def _default(repository: Repository) -> Range:
    """From where the branch left its upstream to what is on disk."""
    head = repository.head()
    if head is None:
        raise FluxidxError("the repository has no commit yet, so there is nothing to compare with")
    for name, what in _trunks(repository):
        try:
            repository.commit(name)
        except UnknownRevision:
            continue
        base = _parting(repository, name, head, "HEAD")
        return _to_disk(repository, base, name, f"{what} {name}")
    raise FluxidxError(
        f"the branch follows no other, and there is none of {', '.join(_TRUNKS)} to compare with: name one, as in "
        "fluxidx impact main"
    )


def _trunks(repository: Repository) -> Iterator[tuple[str, str]]:
    upstream = repository.upstream()
    if upstream is not None:
        name = upstream.branch if upstream.remote == "." else f"{upstream.remote}/{upstream.branch}"
        yield name, "the upstream branch"
    for name in _TRUNKS:
        yield name, "the branch"


def _parting(repository: Repository, base: str, head: str, label: str) -> str:
    """The newest commit that both have."""
    found = repository.merge_base(repository.commit(base), head)
    if found is None:
        why = _DEEPER if repository.shallow else f"compare them as they are, with {base}..{label}"
        raise FluxidxError(f"{base} and {label} have no commit in common here: {why}")
    return found


def _to_disk(repository: Repository, base: str, label: str, chosen: str | None) -> Range:
    if repository.root is None:
        return Range(base, label, repository.commit("HEAD"), "HEAD", chosen)
    return Range(base, label, None, "working tree", chosen)


class Renderer:
    """Renders both sides as far as a comparison needs it: digests of all units, trees of those that differ.

    A round costs little with a ``store``, since what did not change comes from there.
    """

    def __init__(self, repository: Repository, config: Config, store: Store | None) -> None:
        self._repository = repository
        self._config = config
        self._store = store
        self._tasks = Tasks()

    def render(self, base: Side, head: Side, changes: Changes) -> tuple[Side, Side]:
        """Both sides with their clusters, and trees of the units that differ or read a changed file."""
        if self._store is None:
            return self._rendered(base, _all), self._rendered(head, _all)
        base = self._rendered(base, _none)
        likely = _reading(base, changes.paths(SideName.BASE))
        head = self._rendered(head, lambda *key: key in likely or key not in base.units)
        wanted = likely | _reading(head, changes.paths(SideName.HEAD)) | set(_differing(base, head))
        # The head was rendered last, so that most is known of its units.
        head = self._completed(head, wanted)
        return self._completed(base, wanted), head

    def _completed(self, side: Side, wanted: set[UnitKey]) -> Side:
        """A side with the trees of all units that are wanted."""
        missing = {key for key in wanted if key in side.units and key not in side.detailed}
        if not missing:
            return side
        side = self._with_trees(side, missing)
        names = {cluster for cluster, unit in missing if (cluster, unit) not in side.detailed}
        if not names:
            return side
        anew = self._rendered(side, lambda *key: key in wanted, names)
        by_name = {cluster.name: cluster for cluster in anew.clusters}
        kept = frozenset(key for key in side.detailed if key[0] not in by_name)
        clusters = tuple(by_name.get(cluster.name, cluster) for cluster in side.clusters)
        return replace(side, clusters=clusters, detailed=kept | anew.detailed)

    def _with_trees(self, side: Side, wanted: set[UnitKey]) -> Side:
        """A side with the trees of those units that need no look at their cluster, which is most of them."""
        assert self._store is not None
        units = [side.units[key] for key in sorted(wanted)]
        made = render_units(self._repository, side.tree, self._config, self._tasks, units, self._store)
        found = {(unit.cluster, unit.id): unit for unit in made}
        clusters = tuple(
            cluster._replace(units=tuple(found.get((cluster.name, unit.id), unit) for unit in cluster.units))
            if any(name == cluster.name for name, _ in found)
            else cluster
            for cluster in side.clusters
        )
        return replace(side, clusters=clusters, detailed=side.detailed | found.keys())

    def _rendered(self, side: Side, trees: Callable[[str, UnitId], bool], only: Collection[str] = ()) -> Side:
        """A side with its clusters, or some of them; with none where it has no entry point."""
        try:
            found = render_repository(
                self._repository,
                side.tree,
                self._config,
                only=only,
                store=self._store,
                trees=None if trees is _all else trees,
                tasks=self._tasks,
            )
        except NoEntryPoint:
            found = []
        clusters = tuple(found)
        keys = frozenset((cluster.name, unit.id) for cluster in clusters for unit in cluster.units)
        return replace(side, clusters=clusters, detailed=frozenset(key for key in keys if trees(*key)))


def _all(_: str, __: UnitId) -> bool:
    return True


def _none(_: str, __: UnitId) -> bool:
    return False


def _reading(side: Side, paths: frozenset[str]) -> set[UnitKey]:
    """The units that read one of some files."""
    return {key for key, unit in side.units.items() if not paths.isdisjoint(unit.inputs.read)}


def _differing(base: Side, head: Side) -> Iterator[UnitKey]:
    """The units that differ; and where a unit or any object of it comes or goes, those that apply the unit's own."""
    for key in base.units.keys() | head.units.keys():
        before, after = base.units.get(key), head.units.get(key)
        if before is not None and after is not None and same(before, after):
            continue
        yield key
        if before is None or after is None or {one.id for one in before.objects} != {one.id for one in after.objects}:
            yield from (
                (key[0], unit.parent) for unit in (before, after) if unit is not None and unit.parent is not None
            )


def same(before: Unit, after: Unit) -> bool:
    """Whether two states of a unit apply the same."""
    if before.digest is not None and before.digest == after.digest:
        return True
    if len(before.objects) != len(after.objects):
        return False
    pairs = zip(before.objects, after.objects, strict=True)
    return all((one.id, one.digest) == (other.id, other.digest) for one, other in pairs)
