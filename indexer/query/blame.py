"""The answer to "which line set this field, and what did it override?".

The index holds no values, so the cluster that the object is on is rendered anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

from indexer.errors import FluxidxError, NotFound
from indexer.flux.config import Config
from indexer.flux.model import Cluster, ObjectId, RenderedObject, Substitution, UnitId
from indexer.flux.render import render_repository
from indexer.git.blame import Commit
from indexer.git.repository import Repository
from indexer.git.tree import Tree
from indexer.index.read import Row
from indexer.manifest.emit import emit
from indexer.manifest.node import (
    Mapping,
    Node,
    Operation,
    Removal,
    Role,
    Span,
    leaves,
    overridden,
    pointer,
)
from indexer.manifest.node import Sequence as List
from indexer.manifest.scalars import to_data
from indexer.query.commits import Commits
from indexer.query.fieldvalue import meaning
from indexer.query.names import Name, find
from indexer.query.redaction import Redaction, Secrecy
from indexer.query.rows import object_of, unit_of
from indexer.query.scope import Scope

_MANY: Final = 5
"""More matches than these are not rendered: the question has to be narrowed."""
_LISTED: Final = 10
_DISTANCE: Final = 0.8
_PLAIN: Final = {Role.DEFINES: "resource", Role.GENERATES: "generator"}


@dataclass(frozen=True, slots=True)
class Origin:
    """A span that set a value."""

    role: Role
    operation: str
    """``resource`` for the plain definition, else as kustomize and Flux call it."""
    span: Span
    """The text that a person would edit."""
    entry: Span | None = None
    """The lines that called the operation: an entry of ``patches``, ``images``, ``replacements`` …"""
    commit: Commit | None = None
    """The last commit of the span; only where one field was asked for."""


@dataclass(frozen=True, slots=True)
class Past:
    """A value that another one replaced."""

    value: Any
    redacted: bool
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Field:
    """A leaf of the rendered object, or a field that was removed from it."""

    path: str
    """JSON pointer into the rendered object."""
    value: Any
    redacted: bool
    origin: Origin | None
    """None where no text made it. What removed it, for a removed field."""
    overrode: tuple[Past, ...]
    """What it replaced: the latest first, the oldest last."""
    substitutions: tuple[Substitution, ...] = ()
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Blamed:
    """One object and the history of its fields."""

    cluster: str
    unit: UnitId
    object: ObjectId
    definition: Span | None
    fields: tuple[Field, ...]
    document: str
    """The rendered object in YAML, without what is redacted."""


@dataclass(frozen=True, slots=True)
class Blame:
    """The answer to ``blame OBJECT``."""

    query: str
    field: str | None
    matches: tuple[Blamed, ...]


def blame(
    scope: Scope, name: Name, repository: Repository, tree: Tree, config: Config, field: str | None = None
) -> Blame:
    """The history of every field, or of those at and below the JSON pointer ``field``.

    ``tree`` is what the index was built from. Raises NotFound, and FluxidxError for more objects than a person reads.
    """
    rows = find(scope, name)
    if len(rows) > _MANY:
        raise FluxidxError(_too_many(name, rows))
    clusters = render_repository(repository, tree, config, only={_renderer(row) for row in rows})
    redaction = Redaction(tree)
    matches = [_blamed(row, clusters, redaction) for row in rows]
    if field is not None:
        commits = Commits(repository, scope.build, {})
        matches = [_narrowed(match, field, commits) for match in matches if _at(match.fields, field)]
        if not matches:
            raise NotFound(_no_field(_blamed(rows[0], clusters, redaction), field))
    return Blame(str(name), field, tuple(matches))


def _renderer(row: Row) -> str:
    """The cluster whose Flux applies an object."""
    cluster: str = row["applied_by"] or row["cluster"]
    return cluster


def _too_many(name: Name, rows: Sequence[Row]) -> str:
    clusters = sorted({row["cluster"] for row in rows})
    if len(clusters) > 1:
        how = f"name a cluster with --cluster: {', '.join(clusters[:_LISTED])}{' …' if len(clusters) > _LISTED else ''}"
    else:
        how = "name one, or a namespace with -n"
    return f"{name} is {len(rows)} objects, more than {_MANY} cannot be told apart here: {how}"


def _blamed(row: Row, clusters: Sequence[Cluster], redaction: Redaction) -> Blamed:
    unit_id, wanted = unit_of(row), object_of(row)
    for cluster in clusters:
        for unit in cluster.units:
            if (cluster.name, unit.id) == (_renderer(row), unit_id):
                for one in unit.objects:
                    if one.id == wanted and one.tree is not None:
                        redaction.learn(other.tree for other in unit.objects)
                        return _history(row["cluster"], unit_id, one, redaction)
    raise NotFound(f"{wanted.kind} {wanted.name} of {unit_id} cannot be rendered line by line: its lines are not known")


# Fields


def _history(cluster: str, unit: UnitId, one: RenderedObject, redaction: Redaction) -> Blamed:
    assert one.tree is not None
    secrecy = Secrecy(one, redaction)
    fields = tuple(_Reader(one, secrecy).fields(one.tree))
    return Blamed(cluster, unit, one.id, one.definition, fields, emit(to_data(secrecy.hidden(one.tree))))


class _Reader:
    """Reads the history that a build left in the nodes of an object."""

    def __init__(self, one: RenderedObject, secrecy: Secrecy) -> None:
        self._one = one
        self._secrecy = secrecy

    def fields(self, node: Node, path: tuple[str, ...] = (), ghosts: tuple[Node, ...] = ()) -> Iterator[Field]:
        """The leaves below ``node`` in their order, after those of each container what is gone from it.

        ``ghosts`` are what stood at ``path`` in containers that were replaced as a whole, the latest first.
        """
        past = tuple(
            dict.fromkeys((*overridden(node), *(one for ghost in ghosts for one in (ghost, *overridden(ghost)))))
        )
        children = _children(node)
        for key, value in children.items():
            yield from self.fields(
                value, (*path, key), tuple(_children(one)[key] for one in past if key in _children(one))
            )
        if not children:
            yield self._leaf(node, path, past)
        for removal in _removals(node):
            # The index of an item that is gone may be that of another one since.
            if isinstance(node, List) or removal.key not in children:
                yield self._removed(removal.node, _set_by(removal.op, removal.at.span), (*path, removal.key))
        if node.prev is not None and node.op is not None:
            for key, lost in _children(node.prev).items():
                if key not in children:
                    yield self._removed(lost, _set_by(node.op, node.span), (*path, key))

    def _leaf(self, node: Node, path: tuple[str, ...], past: tuple[Node, ...]) -> Field:
        where = pointer(path)
        redacted = self._secrecy.hides(node, path)
        setter = node
        if node.op is not None and node.op.role is Role.SUBSTITUTES and past:
            # The text with its variables did not lose: it is the very text that they were put into.
            setter, *rest = past
            past = tuple(rest)
        return Field(
            where,
            None if redacted else meaning(node),
            redacted,
            self._origin(setter),
            tuple(self._past(one, path) for one in past),
            tuple(one._replace(fields=(where,)) for one in self._one.substitutions if where in one.fields),
        )

    def _removed(self, node: Node, origin: Origin | None, path: tuple[str, ...]) -> Field:
        past = tuple(self._past(one, path) for one in (node, *overridden(node)))
        return Field(pointer(path), None, any(one.redacted for one in past), origin, past, removed=True)

    def _past(self, node: Node, path: tuple[str, ...]) -> Past:
        redacted = any(self._secrecy.hides(leaf, (*path, *below)) for below, leaf in leaves(node))
        return Past(None if redacted else meaning(node), redacted, self._origin(node))

    def _origin(self, node: Node) -> Origin | None:
        if node.op is not None:
            return _set_by(node.op, node.span)
        role = self._one.role
        return None if node.span is None else Origin(role, _PLAIN[role], node.span)


def _children(node: Node) -> dict[str, Node]:
    if isinstance(node, Mapping):
        return {key: value for key, (_, value) in node.fields.items()}
    return {str(index): item for index, item in enumerate(node.items)} if isinstance(node, List) else {}


def _removals(node: Node) -> tuple[Removal, ...]:
    return node.gone if isinstance(node, Mapping | List) else ()


def _set_by(op: Operation, span: Span | None) -> Origin | None:
    return None if span is None else Origin(op.role, op.name, span, op.entry)


# One field


def _at(fields: Collection[Field], field: str) -> list[Field]:
    prefix = field.rstrip("/")
    return [one for one in fields if one.path == field or one.path.startswith(f"{prefix}/")]


def _narrowed(match: Blamed, field: str, commits: Commits) -> Blamed:
    def dated(origin: Origin | None) -> Origin | None:
        return origin and replace(origin, commit=commits.of(origin.span)[0])

    fields = [
        replace(
            one,
            origin=dated(one.origin),
            overrode=tuple(replace(past, origin=dated(past.origin)) for past in one.overrode),
        )
        for one in _at(match.fields, field)
    ]
    return replace(match, fields=tuple(fields))


def _no_field(match: Blamed, field: str) -> str:
    known = {one.path: one.path for one in match.fields}
    close = (
        get_close_matches(field, known, 3, _DISTANCE)
        or [path for path in known if path.endswith(field.rpartition("/")[2])][:3]
    )
    hint = f"\n  did you mean {' or '.join(close)}?" if close else ""
    return f"{match.object.kind} {match.object.name} has no field {field} (a JSON pointer, like /spec/replicas){hint}"
