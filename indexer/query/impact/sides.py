"""The two states that are compared: which they are, and both rendered."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from indexer.errors import FluxidxError
from indexer.flux.config import Config
from indexer.flux.discover import NoEntryPoint
from indexer.flux.model import Cluster, Unit
from indexer.flux.render import render_repository
from indexer.flux.store import Store
from indexer.git.changes import Changes, SideName
from indexer.git.repository import Repository, UnknownRevision
from indexer.git.tree import Tree
from indexer.query.impact.model import Side, UnitKey

_RANGE: Final = re.compile(r"(?P<base>.*?)(?P<dots>\.{2,3})(?P<head>.*)")
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
    """Renders both sides as far as a comparison needs it: digests of all units, trees of those that differ."""

    def __init__(
        self, repository: Repository, config: Config, store: Store | None, progress: Callable[[str], None] | None
    ) -> None:
        self._repository = repository
        self._config = config
        self._store = store
        self._progress = progress

    def render(self, base: Side, head: Side, changes: Changes) -> tuple[Side, Side]:
        """Both sides with their clusters. What has to be rendered for the trees alone is rendered in a second round."""
        if self._store is None:
            base, head = (replace(side, clusters=self._clusters(side.tree, None)) for side in (base, head))
            return base, head
        base, head = (replace(side, clusters=self._clusters(side.tree, set())) for side in (base, head))
        wanted = set(_wanted(base, head, changes))
        return self._with_trees(base, wanted), self._with_trees(head, wanted)

    def _with_trees(self, side: Side, wanted: set[UnitKey]) -> Side:
        names = {cluster for cluster, _ in wanted} & {cluster.name for cluster in side.clusters}
        if not names:
            return side
        anew = {one.name: one for one in self._clusters(side.tree, wanted, names)}
        return replace(side, clusters=tuple(anew.get(one.name, one) for one in side.clusters))

    def _clusters(self, tree: Tree, trees: set[UnitKey] | None, only: Collection[str] = ()) -> tuple[Cluster, ...]:
        """All clusters of one side, or some; none where it has no entry point."""
        wants = None if trees is None else lambda cluster, unit: (cluster, unit) in trees
        try:
            found = render_repository(
                self._repository, tree, self._config, progress=self._progress, only=only, store=self._store, trees=wants
            )
        except NoEntryPoint:
            return ()
        return tuple(found)


def _wanted(base: Side, head: Side, changes: Changes) -> Iterator[UnitKey]:
    """The units that differ or read a changed file, and those that apply the own object of one that differs."""
    paths = {SideName.BASE: changes.paths(SideName.BASE), SideName.HEAD: changes.paths(SideName.HEAD)}
    for key in base.units.keys() | head.units.keys():
        before, after = base.units.get(key), head.units.get(key)
        differs = before is None or after is None or not same(before, after)
        if differs:
            yield from (
                (key[0], unit.parent) for unit in (before, after) if unit is not None and unit.parent is not None
            )
        if differs or any(
            unit is not None and not paths[side].isdisjoint(unit.inputs.read)
            for side, unit in ((SideName.BASE, before), (SideName.HEAD, after))
        ):
            yield key


def same(before: Unit, after: Unit) -> bool:
    """Whether two states of a unit apply the same."""
    return [(one.id, one.digest) for one in before.objects] == [(one.id, one.digest) for one in after.objects]
