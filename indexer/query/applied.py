"""Which commit a cluster has applied, and how the branch differs from it (flux-semantics.md §3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from indexer.cluster.model import LiveSource, LiveUnit
from indexer.cluster.reader import LiveCluster
from indexer.deferred import regex
from indexer.flux.identity import UnitId
from indexer.git.command import GitError
from indexer.git.remotes import same_repository
from indexer.git.repository import Repository, UnknownRevision
from indexer.index.read import Row
from indexer.manifest.provenance import Span
from indexer.query.rows import span, unit_of
from indexer.query.trace import trace

_COMMIT: Final = regex(r"(?:^|[/@]|sha1:)(?P<sha>[0-9a-f]{7,64})$")
_DEEPEST: Final = 10
_SHORT: Final = 10


@dataclass(frozen=True, slots=True)
class Applied:
    """The revision that decides what an object is."""

    unit: UnitId
    """The Kustomization whose revision that is: of the object, or of the unit that made it."""
    revision: str | None
    """``lastAppliedRevision``; None where nothing was applied yet."""
    attempted: str | None
    commit: str | None
    """The commit of the indexed repository; None where it is not known or not there: see ``reason``."""
    reason: str | None
    """Why there is no commit to answer for, and what to do."""
    failure: str | None
    """Why the revision that was attempted last is not the one that is applied."""


class Change(StrEnum):
    """How the branch differs from what is applied, as far as one object is concerned."""

    SAME = "same"
    MOVED = "moved"
    """The object is the same; its definition stands on other lines or in another file."""
    CHANGED = "changed"
    DELETED = "deleted"
    ADDED = "added"
    """The branch defines it and the applied commit does not."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The branch (its working tree) beside the applied commit."""

    change: Change
    definition: Span | None
    """Where the branch defines the object."""
    unit: UnitId | None
    """The unit that deploys it there."""
    ahead: int | None
    """Commits of the branch that are not applied; None where git cannot count them."""
    behind: int | None
    """Applied commits that the branch lacks."""


def applied(cluster: LiveCluster, unit: LiveUnit, repository: Repository) -> Applied:
    """What decides the content of the objects of ``unit``."""
    own = unit
    for _ in range(_DEEPEST):
        if unit.id.kind == "Kustomization":
            break
        # A release or a set is as its own object says, and that one came with a Kustomization.
        above = cluster.flux.unit(trace(cluster, unit.metadata).unit or unit.id)
        if above is None or above.id == unit.id:
            return _unknown(unit, f"{unit.id.spoken} is not applied by a Kustomization: its commit is not known")
        unit = above
    source = cluster.flux.source(unit.source)
    if unit.applied is None:
        return _unknown(unit, f"{unit.id.spoken} has applied nothing yet")
    if source is None:
        named = f"{unit.source.kind} {unit.source.namespace}/{unit.source.name}" if unit.source else "its source"
        return _unknown(unit, f"{named} cannot be seen in the cluster: the repository of {unit.applied} is not known")
    commit, reason = _commit(unit, source, repository)
    return Applied(unit.id, unit.applied, unit.attempted, commit, reason, _failure(own) or _failure(unit))


def compare(match: Row | None, branch: Row | None, commits: tuple[int, int] | None) -> Branch | None:
    """The branch beside the applied commit, from their rows of view ``objects``; None where neither has one.

    ``commits`` is what ``distance`` gives.
    """
    ahead, behind = commits if commits is not None else (None, None)
    if branch is None:
        return None if match is None else Branch(Change.DELETED, None, None, ahead, behind)
    if match is None:
        change = Change.ADDED
    elif (match["digest"], unit_of(match)) != (branch["digest"], unit_of(branch)):
        change = Change.CHANGED
    else:
        change = Change.SAME if span(match) == span(branch) else Change.MOVED
    return Branch(change, span(branch), unit_of(branch), ahead, behind)


def _unknown(unit: LiveUnit, reason: str) -> Applied:
    return Applied(unit.id, unit.applied, unit.attempted, None, reason, _failure(unit))


def _commit(unit: LiveUnit, source: LiveSource, repository: Repository) -> tuple[str | None, str | None]:
    """The commit of this repository that was applied, or why there is none to answer for."""
    remotes = repository.remotes()
    if source.id.kind == "GitRepository":
        revision, url = unit.applied or "", source.url
    else:
        held = source.origin_revision if source.revision == unit.applied else None
        revision, url = unit.applied_origin or held or "", source.origin_url
        if not revision:
            return None, f"{unit.applied} does not say which commit it was made of (no {_ORIGIN} on the artifact)"
    found = _COMMIT.search(revision)
    if found is None:
        return None, f"{revision} names no commit"
    home = [name for name, remote in remotes.items() if url and (url == remote or same_repository(url, remote))]
    try:
        return repository.revision(found["sha"]).commit, None
    except UnknownRevision:
        return None, _missing(found["sha"], url, home, source, shallow=repository.shallow)


_ORIGIN: Final = "org.opencontainers.image.revision"


def _missing(sha: str, url: str | None, home: Sequence[str], source: LiveSource, *, shallow: bool) -> str:
    """That a commit is not in this clone, and which fetch brings it."""
    why = f"commit {sha[:_SHORT]} is not in this clone"
    if not home and url:
        return f"{why}: it is of {url}, which is none of its remotes"
    remote = home[0] if home else "origin"
    if shallow:
        return f"{why}, which is shallow: git fetch --unshallow {remote}"
    kind, _, name = (source.ref or "").partition(" ")
    wanted = {"branch": name, "tag": f"tag {name}", "name": name}.get(kind, "")
    return f"{why}: git fetch {remote} {wanted or sha}"


def _failure(unit: LiveUnit) -> str | None:
    """What became of a newer revision that was tried and is not applied."""
    if unit.attempted is None or unit.attempted == unit.applied:
        return None
    state = unit.ready
    if state is None or state.status == "Unknown":
        return f"{unit.attempted} is being applied" + (f": {state.message}" if state and state.message else "")
    if state.status == "False":
        return f"{unit.attempted} failed: {state.reason}: {state.message}"
    return None


def distance(repository: Repository, base: str, head: str | None) -> tuple[int, int] | None:
    """How many commits of ``head`` are not in ``base``, and the reverse; None where git cannot tell."""
    if head is None:
        return None
    try:
        return repository.distance(base, head)
    except GitError:
        return None
