"""What runs and no code defines, what outlived its code, and what is defined and does not run.

Lists of metadata are walked one kind at a time and nothing of them is kept but the findings, so memory does not grow
with the cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from indexer.cluster.model import Discovery, FluxState, Listed, LiveUnit, Metadata, Resource, Unreadable
from indexer.flux.identity import ObjectId, UnitId, UnitState
from indexer.flux.lack import Lack, lack_of
from indexer.flux.resources import HELM, KUSTOMIZE
from indexer.manifest.provenance import Span
from indexer.query.natives import native
from indexer.query.rows import object_of, span, unit_of
from indexer.query.scope import Scope

Key = tuple[str, str, str, str]

_RELEASE: Final = "meta.helm.sh/release-name"
_RELEASE_NAMESPACE: Final = "meta.helm.sh/release-namespace"
_STORAGE: Final = "sh.helm.release.v1."


class Why(StrEnum):
    """Why a live object is reported."""

    UNDEFINED = "defined by no code"
    HELM = "installed with Helm by hand"
    UNIT_GONE = "its unit is gone"
    LEFTOVER = "left over: its unit does not make it any more, and did not prune it"
    NOT_ON_BRANCH = "applied, and no longer defined here"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A live object that no code defines."""

    object: ObjectId
    why: Why
    created: str
    """RFC 3339."""
    unit: UnitId | None = None
    """The unit that its labels name, or that still lists it."""
    detail: str = ""
    """What else is known, for a person."""


@dataclass(frozen=True, slots=True)
class NotRunning:
    """An object that is defined for the cluster and not there."""

    object: ObjectId
    unit: UnitId
    definition: Span | None
    reason: str
    """Why it may be missing, where the unit's state tells; empty otherwise."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A live object that is not reported, with the rule that says why."""

    object: ObjectId
    rule: str
    why: str


@dataclass(slots=True)
class Orphans:
    """The answer for one cluster."""

    cluster: str
    orphans: list[Orphan] = field(default_factory=list)
    missing: list[NotRunning] = field(default_factory=list)
    defined: int = 0
    """Live objects that code defines."""
    filtered: dict[str, int] = field(default_factory=dict)
    """Rule → number of objects that it leaves out."""
    explained: list[Explained] = field(default_factory=list)
    """Filled only when asked for."""
    unreadable: list[Unreadable] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Defined:
    object_id: int
    unit_id: int
    id: ObjectId


class _Code:
    """What the index defines for one cluster, by identity without the version."""

    def __init__(self, scope: Scope, cluster: str) -> None:
        self.objects: dict[Key, _Defined] = {}
        self.units: dict[UnitId, UnitState] = {}
        self.keyless: set[UnitId] = set()
        """Units without the key of their decryption: all that they hold is known but the hashes in names of Secrets."""
        rows = scope.rows(
            "SELECT object_id, unit_id, group_, version, kind, namespace, name FROM objects WHERE cluster = :cluster",
            cluster=cluster,
        )
        for row in rows:
            found = object_of(row)
            self.objects[found.key] = _Defined(row["object_id"], row["unit_id"], found)
        for unit in scope.units.values():
            self.units[unit_of(unit, "")] = UnitState(unit["state"])
            if lack_of(unit["state"], unit["reason"]) is Lack.KEY:
                self.keyless.add(unit_of(unit, ""))

    def holds(self, one: ObjectId) -> Key | None:
        """The key under which the index has a live object; None where it has not.

        An object whose rendering names no namespace lands in ``default``.
        """
        if one.key in self.objects:
            return one.key
        group, kind, namespace, name = one.key
        plain = (group, kind, "", name)
        return plain if namespace == "default" and plain in self.objects else None


def listable(discovery: Discovery) -> list[Resource]:
    """The kinds to go through: each once, in the version that the cluster prefers."""
    kinds = {(one.group, one.plural): one for one in discovery.resources if "list" in one.verbs}
    return [kinds[key] for key in sorted(kinds)]


def orphans(
    scope: Scope,
    cluster: str,
    listed: Iterable[Listed],
    flux: FluxState,
    excludes: Sequence[str] = (),
    *,
    explain: bool = False,
) -> Orphans:
    """Holds what a cluster lists against what the index defines for it.

    ``excludes`` are patterns ``KIND/NAMESPACE/NAME`` or ``KIND/NAME`` (``*`` for any text) of objects that the user
    knows of. ``explain`` keeps each object that is left out, with its rule.
    """
    code = _Code(scope, cluster)
    answer = Orphans(cluster, unreadable=list(flux.unreadable))
    judge = _Judge(code, flux, excludes)
    seen: set[Key] = set()
    complete: set[tuple[str, str]] = set()
    for kind in listed:
        if kind.unreadable is not None:
            answer.unreadable.append(kind.unreadable)
        else:
            complete.add((kind.resource.group, kind.resource.kind))
        for metadata in kind.items:
            key = code.holds(metadata.id)
            if key is not None:
                seen.add(key)
                answer.defined += 1
                continue
            judged = judge(metadata)
            if isinstance(judged, Orphan):
                answer.orphans.append(judged)
            else:
                answer.filtered[judged.rule] = answer.filtered.get(judged.rule, 0) + 1
                if explain:
                    answer.explained.append(judged)
    answer.orphans.sort(key=lambda one: (one.why, one.object))
    answer.missing = sorted(_missing(scope, code, flux, seen, complete), key=lambda one: (one.unit, one.object))
    return answer


class _Judge:
    """Decides of each live object that the index does not have whether somebody should know of it."""

    def __init__(self, code: _Code, flux: FluxState, excludes: Sequence[str]) -> None:
        self._code = code
        self._units: Mapping[UnitId, LiveUnit] = {unit.id: unit for unit in flux.units}
        self._releases = {
            (release.namespace, release.name): unit.id
            for unit in flux.units
            for release in unit.history
            if release.name
        }
        self._inventories: dict[Key, UnitId] = {one.key: unit.id for unit in flux.units for one in unit.inventory or ()}
        self._flux_is_known = not flux.unreadable
        self._excludes = [_pattern(text) for text in excludes]

    def __call__(self, metadata: Metadata) -> Orphan | Explained:
        for judge in (self._excluded, self._native, self._of_kustomization, self._of_release):
            judged = judge(metadata)
            if judged is not None:
                return judged
        return Orphan(metadata.id, Why.UNDEFINED, metadata.created)

    def _excluded(self, metadata: Metadata) -> Explained | None:
        text = f"{metadata.id.kind}/{metadata.id.namespace or ''}/{metadata.id.name}".lower()
        for written, pattern in self._excludes:
            if fnmatchcase(text, pattern):
                return Explained(metadata.id, "excluded", f'the configuration leaves "{written}" out')
        return None

    @staticmethod
    def _native(metadata: Metadata) -> Explained | None:
        rule = native(metadata)
        if rule is None:
            return None
        owner = next(iter(metadata.owners), None)
        why = f"owned by {owner.id.kind} {owner.id.name}: {rule.why}" if owner is not None else rule.why
        return Explained(metadata.id, rule.name, why)

    def _of_kustomization(self, metadata: Metadata) -> Orphan | Explained | None:
        """By the labels that kustomize-controller puts on what it applies."""
        name, namespace = (metadata.labels.get(f"{KUSTOMIZE}/{word}") for word in ("name", "namespace"))
        unit = UnitId("Kustomization", namespace or "", name) if name else self._inventories.get(metadata.id.key)
        if unit is None:
            return None
        live = self._units.get(unit)
        if live is None and self._flux_is_known:
            return Orphan(metadata.id, Why.UNIT_GONE, metadata.created, unit)
        if unit not in self._code.units:
            detail = f"{unit} runs, and this repository does not define it"
            return Orphan(metadata.id, Why.NOT_ON_BRANCH, metadata.created, unit, detail)
        state = self._code.units[unit]
        if state is not UnitState.RENDERED and (unit not in self._code.keyless or metadata.id.kind == "Secret"):
            return Explained(metadata.id, "not-rendered", f"{unit} is {state} here: it may define it")
        if live is not None and metadata.id.key in {one.key for one in live.inventory or ()}:
            detail = "the next reconciliation prunes it" if live.prune else "it stays, since prune is false"
            return Orphan(metadata.id, Why.NOT_ON_BRANCH, metadata.created, unit, detail)
        return Orphan(metadata.id, Why.LEFTOVER, metadata.created, unit)

    def _of_release(self, metadata: Metadata) -> Orphan | Explained | None:
        """By the annotations and labels of Helm, and by the names under which Helm keeps its releases."""
        if metadata.id.kind == "Secret" and metadata.id.name.startswith(_STORAGE):
            name = metadata.id.name.removeprefix(_STORAGE).rpartition(".")[0]
            release = metadata.id.namespace or "", metadata.labels.get("name", name)
        elif _RELEASE in metadata.annotations:
            release = (
                metadata.annotations.get(_RELEASE_NAMESPACE, metadata.id.namespace or ""),
                metadata.annotations[_RELEASE],
            )
        elif f"{HELM}/name" in metadata.labels:
            release = metadata.labels.get(f"{HELM}/namespace", ""), metadata.labels[f"{HELM}/name"]
        else:
            return None
        return self._release(metadata, release)

    def _release(self, metadata: Metadata, release: tuple[str, str]) -> Orphan | Explained:
        labelled = UnitId(
            "HelmRelease", metadata.labels.get(f"{HELM}/namespace", ""), metadata.labels.get(f"{HELM}/name", "")
        )
        unit = labelled if labelled.name else self._releases.get(release, UnitId("HelmRelease", *release))
        if unit in self._code.units:
            return Explained(metadata.id, "chart", f"the chart of {unit}")
        shown = f"Helm release {release[0]}/{release[1]}"
        if unit in self._units:
            detail = f"{shown} of {unit}, which runs and is not defined here"
            return Orphan(metadata.id, Why.NOT_ON_BRANCH, metadata.created, unit, detail)
        if labelled.name and self._flux_is_known:
            return Orphan(metadata.id, Why.UNIT_GONE, metadata.created, unit, shown)
        return Orphan(metadata.id, Why.HELM, metadata.created, None, shown)


def _pattern(written: str) -> tuple[str, str]:
    """An exclude as it is written, and as it is matched: any namespace where it names none."""
    parts = written.split("/")
    whole = f"{parts[0]}/*/{parts[1]}" if len(parts) == 2 else written
    return written, whole.lower()


def _missing(
    scope: Scope, code: _Code, flux: FluxState, seen: set[Key], complete: set[tuple[str, str]]
) -> Iterator[NotRunning]:
    """What is defined and was not listed; kinds that could not be listed whole say nothing."""
    reason = _reasons(flux)
    for key, defined in code.objects.items():
        if key in seen or (defined.id.group, defined.id.kind) not in complete:
            continue
        unit = scope.units[defined.unit_id]
        yield NotRunning(defined.id, unit_of(unit, ""), _definition(scope, defined), reason(unit_of(unit, "")))


def _definition(scope: Scope, defined: _Defined) -> Span | None:
    rows = scope.rows("SELECT * FROM objects WHERE object_id = :object", object=defined.object_id)
    return span(rows[0]) if rows else None


def _reasons(flux: FluxState) -> Callable[[UnitId], str]:
    units = {unit.id: unit for unit in flux.units}

    def reason(unit: UnitId) -> str:
        live = units.get(unit)
        if live is None:
            return "" if flux.unreadable else f"{unit} is not deployed"
        if live.suspended:
            return f"{unit} is suspended"
        state = live.ready
        if state is not None and state.status == "False":
            return f"{unit} is not ready: {state.message}"
        return ""

    return reason
