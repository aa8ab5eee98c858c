"""The answer to ``where OBJECT --live``: what runs, who controls it, and the lines of the commit that was applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Final

from indexer.cluster.model import LiveObject, LiveSource, LiveUnit, Metadata, Unreadable
from indexer.cluster.reader import LiveCluster
from indexer.errors import FluxidxError, NotFound
from indexer.flux.config import Config
from indexer.flux.identity import ObjectId
from indexer.git.repository import Repository
from indexer.index.read import Index, Row
from indexer.query.answers import Match
from indexer.query.applied import Applied, Branch, applied, compare, distance
from indexer.query.differing import Differing, differing
from indexer.query.lookup import look_up
from indexer.query.matching import Matched, match, same_path
from indexer.query.names import Name, find
from indexer.query.rows import object_of, unit_of
from indexer.query.scope import Scope
from indexer.query.trace import Trace, trace
from indexer.query.where import explain

_COMPARED: Final = 5
"""Fields are compared for no more objects than these: each cluster has to be rendered for it."""

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Live:
    """One object as one cluster has it."""

    context: str
    read_at: str
    """ISO 8601, UTC: now, or when the snapshot was taken."""
    object: ObjectId
    metadata: Metadata | None
    """None: the cluster does not have it, or does not show it (see ``unreadable``)."""
    trace: Trace | None
    """None where there is no object to trace."""
    unit: LiveUnit | None
    """What controls it; None where nothing of Flux does."""
    chart: LiveSource | None
    """The HelmChart of a HelmRelease."""
    source: LiveSource | None
    """What the unit reads."""
    applied: Applied | None
    """The commit that decides; None where no unit does."""
    branch: Branch | None
    """How the branch differs; None where neither the branch nor the applied commit defines the object."""
    fields: tuple[Differing, ...]
    """The fields that differ from what the applied commit says."""
    disagreements: tuple[str, ...]
    """What the cluster and the index say differently of the object, a sentence each."""
    unreadable: tuple[Unreadable, ...]
    """What the answer lacks."""

    controlled_from: str | None = None
    """The cluster whose Flux controls the object from there (``spec.kubeConfig``), and was not asked for it here."""

    @property
    def is_managed(self) -> bool:
        return self.unit is not None or self.controlled_from is not None


@dataclass(frozen=True, slots=True)
class LiveMatch:
    """One object in Git, of the applied commit where that can be had, and in the cluster."""

    match: Match | None
    """None: no code defines it."""
    live: Live | None
    """None: no cluster was asked that the object belongs to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One cluster that was asked."""

    matched: Matched
    server: str
    read_at: str
    unreadable: tuple[Unreadable, ...]
    """What is missing from all its answers."""


@dataclass(frozen=True, slots=True)
class LiveWhere:
    """The answer to ``where OBJECT --live``."""

    query: str
    clusters: tuple[Asked, ...]
    matches: tuple[LiveMatch, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """What questions about live objects are asked with."""

    repository: Repository
    config: Config
    scope: Scope
    """The index of the branch."""
    at: Callable[[str], AbstractContextManager[Index]]
    """Opens the index of a commit, which is built where it is missing."""


def where_live(asking: Asking, name: Name, clusters: Sequence[LiveCluster]) -> LiveWhere:
    """Everything about the objects that ``name`` means, in the index and in each cluster.

    Raises NotFound where there is none in either, with what comes close in the index.
    """
    missing: NotFound | None = None
    rows: list[Row] = []
    try:
        rows = find(asking.scope, name)
    except NotFound as error:
        missing = error
    remotes = list(asking.repository.remotes().values())
    asked, answers, told = [], [], set()
    for cluster in clusters:
        matched = match(asking.scope, asking.config, cluster, remotes)
        asked.append(Asked(matched, cluster.server, cluster.read_at, cluster.flux.unreadable))
        mine = {object_of(row).key: row for row in rows if row["cluster"] == matched.cluster}
        told |= {row["object_id"] for row in mine.values()}
        with ExitStack() as opened:
            answers += _Questions(asking, cluster, matched, opened).about(name, mine)
    others = [row for row in rows if row["object_id"] not in told]
    forges = asking.config.forges
    answers += [LiveMatch(one, None) for one in explain(asking.scope, asking.repository, others, forges)]
    if not answers and missing is not None:
        raise missing
    return LiveWhere(str(name), tuple(asked), tuple(answers))


class _Questions:
    """All that one question asks of one cluster; the index of each applied commit is opened once."""

    def __init__(self, asking: Asking, cluster: LiveCluster, matched: Matched, opened: ExitStack) -> None:
        self._asking = asking
        self._cluster = cluster
        self._matched = matched
        self._opened = opened
        self._scopes: dict[str, tuple[Scope, str | None]] = {}

    def about(self, name: Name, rows: dict[Key, Row]) -> list[LiveMatch]:
        """The answers for the live objects that ``name`` means and for those of ``rows``, the branch's own."""
        objects, unreadable = look_up(self._cluster, name, [object_of(row) for row in rows.values()])
        found = {_key(one.id): one for one in objects}
        answers = [
            self._one(one.id, one, rows.get(key), unreadable, compared=len(found) <= _COMPARED)
            for key, one in found.items()
        ]
        gone = [row for key, row in rows.items() if key not in found]
        return answers + [self._one(object_of(row), None, row, unreadable, compared=False) for row in gone]

    def _one(
        self, id_: ObjectId, one: Metadata | None, row: Row | None, unreadable: Iterable[Unreadable], *, compared: bool
    ) -> LiveMatch:
        traced = trace(self._cluster, one) if one is not None else None
        # What nobody wrote down, a pod say, is what its owner makes of the lines that define the owner.
        ids = (id_, *(owner.id for owner in (traced.owners if traced is not None else ())))
        row = row or self._row(self._asking.scope, self._matched.cluster, ids)
        flux = self._cluster.flux
        controller = (traced.unit if traced is not None else None) or (unit_of(row) if row is not None else None)
        unit = flux.unit(controller) if controller is not None else None
        decided = applied(self._cluster, unit, self._asking.repository) if unit is not None else None
        decided, scope, then = self._applied_row(decided, ids)
        home, shown = (scope, then) if scope is not None and then is not None else (self._asking.scope, row)
        forges = self._asking.config.forges
        matches = explain(home, self._asking.repository, [shown] if shown is not None else [], forges)
        fields, lost = self._fields(one, scope, then) if compared else ((), ())
        branch = self._branch(decided, then, row) if scope is not None else None
        controlling = unit if traced is not None and traced.unit is not None else None
        live = Live(
            context=self._cluster.context,
            read_at=self._cluster.read_at,
            object=id_,
            metadata=one,
            trace=traced,
            unit=controlling,
            chart=flux.source(controlling.chart) if controlling is not None else None,
            source=self._source(controlling),
            applied=decided,
            branch=branch,
            fields=fields,
            disagreements=tuple(_disagreements(traced, controlling, matches[0] if matches else None, self._matched)),
            unreadable=tuple(dict.fromkeys((*unreadable, *(traced.unreadable if traced else ()), *lost))),
            controlled_from=_controlled_from(traced, matches[0]) if traced is not None and matches else None,
        )
        return LiveMatch(matches[0] if matches else None, live)

    def _source(self, unit: LiveUnit | None) -> LiveSource | None:
        return self._cluster.flux.source(unit.source) if unit is not None else None

    def _applied_row(
        self, decided: Applied | None, ids: Sequence[ObjectId]
    ) -> tuple[Applied | None, Scope | None, Row | None]:
        """The index of the applied commit, and the row in it. No index: the commit cannot be had, and it says why."""
        if decided is None or decided.commit is None or self._matched.cluster is None:
            return decided, None, None
        try:
            scope, cluster = self._scope_at(decided.commit)
        except FluxidxError as error:
            # The branch can still be answered for where an older commit has no entry point, or may not be indexed.
            return replace(decided, reason=str(error)), None, None
        return decided, scope, self._row(scope, cluster, ids)

    @staticmethod
    def _row(scope: Scope, cluster: str | None, ids: Sequence[ObjectId]) -> Row | None:
        """The row of the first of these objects that the code of a cluster defines."""
        for id_ in ids:
            rows = scope.rows("SELECT * FROM objects WHERE name = :name AND kind = :kind", name=id_.name, kind=id_.kind)
            for row in rows:
                if row["cluster"] == cluster and _is(row, id_):
                    return row
        return None

    def _scope_at(self, commit: str) -> tuple[Scope, str | None]:
        """The scope of a commit, and what this cluster's entry point was called then."""
        if commit not in self._scopes:
            branch, repository = self._asking.scope, self._asking.repository
            if branch.build["head"] == commit and (branch.build["revision"] or not repository.seen.changed):
                self._scopes[commit] = branch, self._matched.cluster
            else:
                index = self._opened.enter_context(self._asking.at(commit))
                scope = Scope.of(index, repository)
                then = match(scope, self._asking.config, self._cluster, list(repository.remotes().values()))
                self._scopes[commit] = scope, then.cluster or self._matched.cluster
        return self._scopes[commit]

    def _branch(self, decided: Applied | None, then: Row | None, row: Row | None) -> Branch | None:
        assert decided is not None
        assert decided.commit is not None
        head = self._asking.scope.build["head"]
        return compare(then, row, distance(self._asking.repository, decided.commit, head))

    def _fields(
        self, one: Metadata | None, scope: Scope | None, then: Row | None
    ) -> tuple[tuple[Differing, ...], tuple[Unreadable, ...]]:
        """Where the live object differs from the applied commit, and what could not be read for that."""
        if one is None or scope is None or then is None or not _is(then, one.id):
            return (), ()
        if (one.id.group, one.id.kind) == ("", "Secret"):
            return (), ()
        whole = self._whole(one.id, then["version"])
        if isinstance(whole, Unreadable):
            return (), (whole,)
        found = differing(self._asking.repository, self._asking.config, scope.build, then, whole)
        return found, ()

    def _whole(self, id_: ObjectId, version: str) -> LiveObject | Unreadable:
        """The object in the version that Git writes it in, else in the one that the cluster prefers."""
        resource = self._cluster.discovery.find(id_.group, id_.kind)
        assert resource is not None
        return self._cluster.get(resource, id_.namespace, id_.name, version=version)


def _key(id_: ObjectId) -> Key:
    return id_.key


def _is(row: Row, id_: ObjectId) -> bool:
    """Whether a row is of an object; one that the rendering puts into no namespace is in ``default``."""
    group, kind, namespace, name = id_.key
    same = (row["group_"], row["kind"], row["name"]) == (group, kind, name)
    return same and (row["namespace"] == namespace or (not row["namespace"] and namespace == "default"))


def _controlled_from(traced: Trace, found: Match) -> str | None:
    """The other cluster that applies the object, where its labels name the unit that does so by the code."""
    return found.applied_by if any(mark.unit == found.unit for mark in traced.marks) else None


def _disagreements(traced: Trace | None, unit: LiveUnit | None, found: Match | None, matched: Matched) -> Iterable[str]:
    """What the cluster says and the index does not, or the other way round."""
    if traced is None:
        return
    if found is None:
        yield from traced.contradictions
        if unit is not None and matched.cluster is not None:
            yield f"{unit.id.spoken} controls it in the cluster, and no code of cluster {matched.cluster} defines it"
        return
    if _controlled_from(traced, found) is not None:
        return
    yield from traced.contradictions
    if unit is None:
        yield f"{found.unit.spoken} deploys it by the code, and nothing in the cluster says that Flux controls it"
    elif unit.id != found.unit:
        yield f"{unit.id.spoken} controls it in the cluster, and by the code {found.unit.spoken} does"
    elif unit.id.kind == "Kustomization" and not same_path(unit.path, found.chain[0].path):
        there, here = unit.path or ".", found.chain[0].path or "."
        yield f"the path of {unit.id.spoken} is {there} in the cluster, and by the code it is {here}"
