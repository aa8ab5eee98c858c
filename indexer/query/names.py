"""How a person names an object, and which objects of the index that means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple, regex
from indexer.errors import FluxidxError, NotFound
from indexer.flux.identity import UnitState
from indexer.query.kinds import Kind, catalogue, known, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from indexer.index.read import Row
    from indexer.query.scope import Scope

_MANY = 3
_DISTANCE = 0.6
_HASH = regex("-[bcdfghkmt2456789]{10}$")
"""What kustomize puts behind a generator's name: hexadecimal digits, some replaced so that no word comes of them."""


class Name(NamedTuple):
    """What was asked for, before the index is looked at."""

    kind: str
    """As typed: any spelling kubectl takes."""
    namespace: str | None
    """None: every namespace."""
    name: str
    """``*`` in it stands for any text."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


def parse(words: Sequence[str], namespace: str | None = None) -> Name:
    """The object that ``KIND/NAME``, ``KIND NAME`` or ``KIND/NAMESPACE/NAME`` names; ``namespace`` is ``-n``.

    Raises FluxidxError for anything else.
    """
    parts = words[0].split("/") if len(words) == 1 else list(words)
    if not 2 <= len(parts) <= 3 or not all(parts) or (len(words) > 1 and (len(words) > 2 or "/" in "".join(words))):
        any_kind = f", or '*/{parts[0]}' for any kind" if len(parts) == 1 and parts[0] else ""
        raise FluxidxError(
            f"{' '.join(words)}: not the name of an object: write KIND/NAME, KIND NAME or KIND/NAMESPACE/NAME{any_kind}"
        )
    if len(parts) == 2:
        return Name(parts[0], namespace, parts[1])
    if namespace not in (None, parts[1]):
        raise FluxidxError(f"{words[0]} is in namespace {parts[1]}, and -n says {namespace}: leave one out")
    return Name(parts[0], parts[1], parts[2])


def parse_many(words: Sequence[str], namespace: str | None = None) -> Name:
    """As ``parse``; a ``KIND`` alone means all objects of that kind, as with ``kubectl get``."""
    if len(words) == 1 and "/" not in words[0]:
        return Name(words[0], namespace, "*")
    return parse(words, namespace)


def parse_unit(text: str) -> tuple[frozenset[str], str, str]:
    """Kinds, namespace and name of the unit that ``KIND/NAMESPACE/NAME`` names. Raises FluxidxError."""
    parts = text.split("/")
    kinds = frozenset(kind.name for kind in matching(parts[0], known()))
    if len(parts) != 3 or not all(parts) or not kinds:
        raise FluxidxError(
            f"{text}: not the name of a unit: write KIND/NAMESPACE/NAME, for example ks/flux-system/apps"
        )
    return kinds, parts[1], parts[2]


def find(scope: Scope, name: Name) -> list[Row]:
    """The rows of view ``objects`` that ``name`` means, in the order of cluster and object.

    Raises NotFound, whose message says what comes close and which failed units may hold it.
    """
    occurring = [(row["group_"], row["kind"]) for row in scope.vocabulary("SELECT DISTINCT group_, kind FROM kinds")]
    kinds = matching(name.kind, catalogue(occurring))
    if not kinds and name.namespace is None and name.kind in _namespaces(scope):
        name = Name("*", name.kind, name.name)
        kinds = matching("*", catalogue(occurring))
    found = [row for row in _candidates(scope, kinds, name) if _in_namespace(row, name.namespace, kinds)]
    if not found:
        raise NotFound(_explain(scope, name, kinds))
    return found


def _candidates(scope: Scope, kinds: Sequence[Kind], name: Name) -> list[Row]:
    """The objects of the right kind, name and cluster, in any namespace."""
    rows = scope.objects() if "*" in name.name else scope.objects(name=name.name)
    wanted = {(kind.group, kind.name) for kind in kinds}
    named = pattern(name.name)
    found = [row for row in rows if (row["group_"], row["kind"]) in wanted and named.fullmatch(row["name"])]
    return sorted(found, key=lambda row: (row["cluster"], row["kind"], row["namespace"], row["name"], row["object_id"]))


def _in_namespace(row: Row, namespace: str | None, kinds: Sequence[Kind]) -> bool:
    """Whether an object is meant by a namespace: those outside namespaces always are, as with ``kubectl -n``."""
    if namespace is None or any(
        kind.clustered and (kind.group, kind.name) == (row["group_"], row["kind"]) for kind in kinds
    ):
        return True
    return bool(pattern(namespace).fullmatch(row["namespace"] or "default"))


def pattern(text: str) -> re.Pattern[str]:
    """What a name with ``*`` in it stands for."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def _namespaces(scope: Scope) -> set[str]:
    rows = scope.vocabulary(
        "SELECT namespace AS name FROM objects UNION SELECT name FROM objects WHERE kind = 'Namespace' AND group_ = ''"
    )
    return {row["name"] for row in rows if row["name"]}


def _explain(scope: Scope, name: Name, kinds: Sequence[Kind]) -> str:
    """Why nothing was found: near misses, an entry point of that name, and the units that could not be read."""
    if not kinds:
        return _unknown_kind(scope, name)
    wanted = {kind.name for kind in kinds}
    what = next(iter(wanted)) if len(wanted) == 1 else "object"
    place = f" in namespace {name.namespace}" if name.namespace and not all(kind.clustered for kind in kinds) else ""
    where = f" of cluster {', '.join(scope.clusters)}" if scope.clusters else ""
    lines = [f"no {what} {name.name!r}{place} in the index{where}"]
    near = _near(scope, kinds, name)
    if near:
        lines.append(f"did you mean {' or '.join(near)}?")
    lines += _entry_points(scope, wanted, name)
    lines += _blind(scope)
    return "\n  ".join(lines)


def _unknown_kind(scope: Scope, name: Name) -> str:
    occurring = scope.vocabulary("SELECT DISTINCT group_, kind FROM kinds")
    have = {(row["group_"], row["kind"]) for row in occurring}
    spellings = {
        spelling: kind.display for kind in catalogue(have) if (kind.group, kind.name) in have for spelling in kind.names
    }
    spellings |= {namespace: namespace for namespace in _namespaces(scope)}
    close = _close(name.kind.lower().partition(".")[0], spellings)
    near = list(dict.fromkeys(spellings[spelling] for spelling in close))
    hint = f"\n  did you mean {' or '.join(f'{kind}/{name.name}' for kind in near)}?" if near else ""
    return f"{name.kind!r} is neither a kind nor a namespace that the index knows{hint}"


def _near(scope: Scope, kinds: Sequence[Kind], name: Name) -> list[str]:
    """Objects a person may have meant: the name in another namespace or kind, else similar names of the kind.

    A name that differs by the hash of a generated object's content is most similar: the cluster may have older content.
    """
    any_kind = scope.objects(name=name.name)
    wanted = {(kind.group, kind.name) for kind in kinds}
    same_kind = [row for row in any_kind if (row["group_"], row["kind"]) in wanted]
    rows = same_kind or any_kind
    if not rows:
        of_kind: dict[str, list[Row]] = {}
        for row in _candidates(scope, kinds, Name(name.kind, None, "*")):
            of_kind.setdefault(row["name"], []).append(row)
        same = [other for other in of_kind if _stem(other) == _stem(name.name)]
        rows = [row for other in same or _close(name.name, of_kind) for row in of_kind[other]]
    return list(dict.fromkeys(map(_display, rows)))[:_MANY]


def _stem(name: str) -> str:
    """A generated object's name as its generator spells it."""
    return _HASH.sub("", name)


def _close(word: str, words: Iterable[str]) -> list[str]:
    """Those that are spelt much like ``word``."""
    from difflib import get_close_matches

    return get_close_matches(word, list(words), _MANY, _DISTANCE)


def _display(row: Row) -> str:
    place = f" in {row['namespace']}" if row["namespace"] else ""
    return f"{row['kind'].lower()}/{row['name']}{place}"


def _entry_points(scope: Scope, kinds: set[str], name: Name) -> list[str]:
    """Units of that name that no unit deploys: they are in the cluster though no object of the index is them."""
    return [
        f"{row['kind']} {row['namespace']}/{row['name']} is an entry point of cluster {row['cluster']}: it is applied "
        f"by hand from {row['file']}:{row['line']}"
        for row in scope.units.values()
        if (row["name"], row["parent_id"]) == (name.name, None)
        and row["kind"] in kinds
        and row["file"] is not None
        and name.namespace in (None, row["namespace"])
    ]


def _blind(scope: Scope) -> list[str]:
    """One line when units failed: the object may be in one of them. What a unit holds is known without its key."""
    from indexer.flux.lack import Lack, lack_of

    rows = [
        row
        for row in scope.units.values()
        if row["state"] in {UnitState.FAILED, UnitState.UNRESOLVED}
        and lack_of(row["state"], row["reason"]) is not Lack.KEY
    ]
    if not rows:
        return []
    names = sorted({f"{row['namespace']}/{row['name']}" for row in rows})
    listed = ", ".join(names[:_MANY]) + (", …" if len(names) > _MANY else "")
    count = "1 unit" if len(rows) == 1 else f"{len(rows)} units"
    return [f"{count} could not be rendered and may define it: {listed} (see fluxidx units)"]
