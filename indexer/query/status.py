"""How far a cluster is: each unit of the index beside what its controller says of it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from indexer.cluster.model import FluxState, LiveUnit, Unreadable
from indexer.cluster.reader import LiveCluster
from indexer.flux.identity import UnitId
from indexer.git.repository import Repository
from indexer.index.read import Row
from indexer.manifest.provenance import Span
from indexer.query.applied import applied, distance
from indexer.query.messages import Place, places
from indexer.query.rows import span, unit_of
from indexer.query.scope import Scope
from indexer.query.survey import about_flux


class Standing(StrEnum):
    """Where a unit stands, from the indexed branch to the cluster."""

    IN_SYNC = "in sync"
    BEHIND = "behind"
    """The cluster applied an older commit than the one that is indexed."""
    AHEAD = "ahead"
    """The cluster applied a newer commit than this clone has checked out."""
    DIVERGED = "diverged"
    """The commit that the cluster applied is not in the history of the one that is indexed."""
    FAILED = "failed"
    PROGRESSING = "progressing"
    SUSPENDED = "suspended"
    NOT_DEPLOYED = "not deployed"
    NOT_DEFINED = "no longer defined"
    UNKNOWN = "unknown"
    """The cluster, or Git, did not say enough: the reason does."""


GOOD: Final = frozenset({Standing.IN_SYNC, Standing.AHEAD, Standing.PROGRESSING})
"""What is no finding."""


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One unit of one cluster."""

    unit: UnitId
    standing: Standing
    applied: str | None
    """The revision that is applied, as the controller writes it."""
    commits: int | None
    """By how many commits it is behind or ahead; None where that does not apply."""
    touched: bool | None
    """Whether one of the commits that it is behind changes a file that it reads; None where that does not apply."""
    message: str
    """What the controller says, or why nothing is known; empty where there is nothing to say."""
    places: tuple[Place, ...]
    """The lines that the message speaks of."""
    definition: Span | None


@dataclass(frozen=True, slots=True)
class Status:
    """The answer for one cluster."""

    cluster: str
    revision: str | None
    """The commit that the index is of; None before the first one."""
    units: tuple[UnitStatus, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def good(self) -> bool:
        """Whether every unit stands where it should."""
        return all(one.standing in GOOD for one in self.units)


def status(scope: Scope, cluster: str, live: LiveCluster, repository: Repository) -> Status:
    """Where each unit of a cluster stands; units that run and are not defined come last."""
    flux = live.flux
    rows = [row for row in scope.units.values() if row["cluster"] == cluster]
    judge = _Judge(scope, live, repository)
    known = {unit_of(row, "") for row in rows}
    units = [judge.of(row) for row in rows]
    units += _undefined(flux, known)
    return Status(cluster, scope.build["head"], tuple(units), about_flux(flux))


def _undefined(flux: FluxState, known: set[UnitId]) -> Iterator[UnitStatus]:
    for live in flux.units:
        if live.id not in known:
            message = "it runs, and nothing in this repository defines it"
            yield UnitStatus(live.id, Standing.NOT_DEFINED, live.applied, None, None, message, (), None)


class _Judge:
    def __init__(self, scope: Scope, live: LiveCluster, repository: Repository) -> None:
        self._scope = scope
        self._live = live
        self._flux = live.flux
        self._repository = repository
        self._history = _History(repository, scope.build["head"])

    def of(self, row: Row) -> UnitStatus:
        unit = unit_of(row, "")
        live = self._flux.unit(unit)
        if live is None:
            return self._absent(row, unit)
        state = live.ready
        message = state.message if state is not None else ""
        if live.suspended:
            return self._status(row, live, Standing.SUSPENDED, "spec.suspend is true")
        if state is not None and state.status == "False":
            return self._status(row, live, Standing.FAILED, _failure(live, message))
        if state is None or state.status != "True" or live.observed_generation < live.metadata.generation:
            return self._status(row, live, Standing.PROGRESSING, message)
        return self._compared(row, live)

    def _absent(self, row: Row, unit: UnitId) -> UnitStatus:
        unread = [one for one in self._flux.unreadable if unit.kind.lower() in one.what.lower()]
        if unread:
            standing, message = Standing.UNKNOWN, f"{unread[0].what} could not be read: {unread[0].reason}"
        else:
            standing, message = Standing.NOT_DEPLOYED, f"the cluster has no {unit}"
        return UnitStatus(unit, standing, None, None, None, message, (), span(row))

    def _status(
        self,
        row: Row,
        live: LiveUnit,
        standing: Standing,
        message: str = "",
        commits: int | None = None,
        *,
        touched: bool | None = None,
    ) -> UnitStatus:
        lines = places(self._scope, row["unit_id"], message) if standing is Standing.FAILED else ()
        return UnitStatus(live.id, standing, live.applied, commits, touched, message, lines, span(row))

    def _compared(self, row: Row, live: LiveUnit) -> UnitStatus:
        """A unit that is ready, held against the commit that is indexed."""
        if live.id.kind != "Kustomization" or row["directory"] is None:
            return self._beside_source(row, live)
        decided = applied(self._live, live, self._repository)
        if decided.commit is None:
            return self._status(row, live, Standing.UNKNOWN, decided.reason or "")
        commit = decided.commit
        apart = self._history.between(commit)
        if apart is None:
            return self._status(row, live, Standing.UNKNOWN, f"git cannot compare {commit[:10]} with what is indexed")
        behind, ahead = apart
        if behind and ahead:
            why = f"the cluster applied {commit[:10]}, which is not in the history of what is indexed"
            return self._status(row, live, Standing.DIVERGED, why, behind)
        if behind:
            touched = self._history.touches(commit, self._reads(row["unit_id"]))
            return self._status(row, live, Standing.BEHIND, "", behind, touched=touched)
        if ahead:
            return self._status(row, live, Standing.AHEAD, "this clone is older than the cluster: git pull", ahead)
        return self._status(row, live, Standing.IN_SYNC)

    def _beside_source(self, row: Row, live: LiveUnit) -> UnitStatus:
        """What is made from elsewhere is in sync with what its source holds."""
        source = self._flux.source(live.source)
        kustomization = live.id.kind == "Kustomization"
        if kustomization and source is not None and source.revision not in (None, live.applied):
            why = f"{source.id} holds {source.revision}"
            return self._status(row, live, Standing.BEHIND, why)
        return self._status(row, live, Standing.IN_SYNC)

    def _reads(self, unit_id: int) -> frozenset[str]:
        rows = self._scope.rows("SELECT unit_id, path FROM inputs WHERE unit_id = :unit", unit=unit_id)
        return frozenset(row["path"] for row in rows)


class _History:
    """The commits between what clusters applied and what is indexed; each pair is looked up once."""

    def __init__(self, repository: Repository, head: str | None) -> None:
        self._repository = repository
        self._head = head
        self._between: dict[str, tuple[int, int] | None] = {}
        self._changed: dict[str, frozenset[str]] = {}

    def between(self, commit: str) -> tuple[int, int] | None:
        """By how many commits ``commit`` is behind the indexed one, and ahead of it; None where git cannot tell."""
        if commit not in self._between:
            self._between[commit] = distance(self._repository, commit, self._head)
        return self._between[commit]

    def touches(self, commit: str, paths: frozenset[str]) -> bool:
        """Whether one of the paths, or a file in one of them, differs between ``commit`` and the indexed one."""
        if commit not in self._changed:
            self._changed[commit] = self._repository.changed_paths(commit, self._head or "HEAD")
        return any(path in paths or posixpath.dirname(path) in paths for path in self._changed[commit])


def _failure(live: LiveUnit, message: str) -> str:
    if live.attempted and live.applied and live.attempted != live.applied:
        return f"{live.attempted} failed, {live.applied} is still applied: {message}"
    return message
