"""The answer to "is this object controlled by any code, and where exactly is it defined?"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.flux.identity import SourceRef, Substitution, UnitState
from indexer.manifest.provenance import Contribution, Role, Span
from indexer.query.answers import Hop, Link, Match, Where
from indexer.query.commits import Commits
from indexer.query.names import Name, find
from indexer.query.rows import object_of, pointers, span, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.git.remotes import Forge
    from indexer.git.repository import Repository
    from indexer.index.read import Row
    from indexer.query.scope import Scope

_AHEAD: Final = 4
"""So many definitions are looked up in Git at the same time."""


def where(scope: Scope, repository: Repository, name: Name, forges: Mapping[str, Forge] | None = None) -> Where:
    """Everything that made the objects that ``name`` means what they are. Raises NotFound, with near misses."""
    return Where(str(name), explain(scope, repository, find(scope, name), forges))


def explain(
    scope: Scope, repository: Repository, rows: Sequence[Row], forges: Mapping[str, Forge] | None = None
) -> tuple[Match, ...]:
    """Everything that made the objects of these rows of view ``objects`` what they are."""
    commits = Commits(repository, scope.build, forges or {})
    for row in rows[:_AHEAD]:
        commits.foresee(span(row))
    return tuple(_match(scope, row, commits) for row in rows)


def _match(scope: Scope, row: Row, commits: Commits) -> Match:
    chain = _chain(scope, row)
    definition = span(row)
    contributions = _contributions(scope, row, chain)
    substitutions = _substitutions(scope, row)
    source = _source(chain[0])
    commit, link, lost = commits.of(definition)
    unresolved = [
        *_unresolved_definition(definition, chain[0]),
        *_not_rendered([*_itself(scope, row), *chain]),
        *_unresolved_units(chain),
        *_unsupplied(substitutions),
        *lost,
    ]
    return Match(
        cluster=row["cluster"],
        unit=unit_of(row),
        object=object_of(row),
        role=Role(row["role"]),
        definition=definition,
        contributions=contributions,
        substitutions=substitutions,
        chain=tuple(Link(unit_of(unit, ""), span(unit), unit["path"]) for unit in chain),
        source=source,
        revision=commits.revision,
        commit=commit,
        link=link,
        unresolved=tuple(unresolved),
        applied_by=row["applied_by"],
    )


def _itself(scope: Scope, row: Row) -> list[Row]:
    """The unit that a Flux object is: what became of it is not said by the unit that deploys the object."""
    if "fluxcd" not in row["group_"]:
        return []
    return scope.rows(
        "SELECT * FROM units WHERE cluster = :cluster AND kind = :kind AND namespace = :namespace AND name = :name",
        cluster=row["cluster"],
        kind=row["kind"],
        namespace=row["namespace"],
        name=row["name"],
    )


def _chain(scope: Scope, row: Row) -> list[Row]:
    """The object's unit, the unit that deploys that one, and so on up to the entry point."""
    chain: list[Row] = []
    above = row["unit_id"]
    while above is not None and (unit := scope.unit(above)) is not None and unit not in chain:
        chain.append(unit)
        above = unit["parent_id"]
    return chain


def _contributions(scope: Scope, row: Row, chain: list[Row]) -> tuple[Contribution, ...]:
    """The definition, what changed it, and the units that deploy it; ``what`` finds the same from the files' end."""
    rows = scope.index.rows(
        "SELECT * FROM contributions WHERE object_id = :object ORDER BY contribution_id", {"object": row["object_id"]}
    )
    found = [
        Contribution(
            Role(one["role"]), one["operation"], where, pointers(one["fields"]), overridden=bool(one["overridden"])
        )
        for one in rows
        if (where := span(one)) is not None
    ]
    found += [
        Contribution(Role.DEPLOYS, unit_of(unit, "").spoken, where)
        for unit in chain
        if (where := span(unit)) is not None
    ]
    definition = span(row)
    return tuple(sorted(found, key=lambda one: one.span != definition or one.role != row["role"]))


def _substitutions(scope: Scope, row: Row) -> tuple[Substitution, ...]:
    rows = scope.rows(
        "SELECT * FROM substitutions WHERE object_id = :object ORDER BY variable", object=row["object_id"]
    )
    return tuple(
        Substitution(
            one["variable"], pointers(one["fields"]), one["supplied_by"], span(one), redacted=bool(one["redacted"])
        )
        for one in rows
    )


def _source(unit: Row) -> SourceRef | None:
    if unit["source_kind"] is None:
        return None
    return SourceRef(
        unit["source_kind"],
        unit["source_namespace"],
        unit["source_name"],
        unit["source_url"],
        unit["source_ref"],
    )


def _unresolved_definition(definition: Span | None, unit: Row) -> list[Hop]:
    if definition is not None:
        return []
    if unit["kind"] == "HelmRelease":
        return [Hop("definition", "a template of the chart makes it: its line is not known here")]
    return [Hop("definition", "the unit that deploys it does not say which line made it")]


def _not_rendered(units: list[Row]) -> list[Hop]:
    return [
        Hop(unit_of(unit, "").spoken, f"{unit['state']}: {unit['reason']}")
        for unit in units
        if unit["state"] != UnitState.RENDERED and unit["reason"]
    ]


def _unresolved_units(chain: list[Row]) -> list[Hop]:
    """What is not known about the units on the way beside that: a parent, a source that is not at hand."""
    hops: list[Hop] = []
    top = chain[-1]
    if top["parent_id"] is None and top["parent_name"]:
        hops.append(Hop("parent", f"{unit_of(top, 'parent_').spoken} is not in the index"))
    source = chain[0]
    made_of_others = source["source_kind"] == "ExternalArtifact" and source["state"] == UnitState.RENDERED
    if source["source_name"] and not source["source_url"] and not made_of_others:
        name = f"{source['source_kind']} {source['source_namespace']}/{source['source_name']}"
        hops.append(Hop("source", f"{name}: {source['source_ref'] or 'it was not found, so its URL is not known'}"))
    return hops


def _unsupplied(substitutions: tuple[Substitution, ...]) -> list[Hop]:
    """Variables whose value stands in no file, other than by intent (a default stands where it is used)."""
    return [
        Hop("substitution", f"${{{one.variable}}}: {one.supplied_by}")
        for one in substitutions
        if one.span is None and one.supplied_by != "default"
    ]
