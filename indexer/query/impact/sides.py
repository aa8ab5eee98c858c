"""The two states that are compared: which they are, and both rendered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from indexer.errors import FluxidxError
from indexer.flux.config import Config
from indexer.flux.discover import NoEntryPoint
from indexer.flux.model import Cluster
from indexer.flux.render import render_repository
from indexer.git.repository import Repository, UnknownRevision
from indexer.git.tree import Tree

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


def render(
    repository: Repository, tree: Tree, config: Config, progress: Callable[[str], None] | None
) -> tuple[Cluster, ...]:
    """All clusters of one side; none where it has no entry point."""
    try:
        return tuple(render_repository(repository, tree, config, progress=progress))
    except NoEntryPoint:
        return ()
