"""The answer to "what does this file, or this line, deploy, and where?"."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from indexer.git.text import storable
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.manifest.provenance import Role
from indexer.query.answers import Deployed, File, What
from indexer.query.places import files_below
from indexer.query.rows import object_of, pointers, span, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.index.read import Row
    from indexer.query.places import Place
    from indexer.query.reasons import Reasons
    from indexer.query.scope import Scope

_END: Final = 1 << 24
"""A line after the last one of any file."""

# All spans of some lines that had a part in an object: what defines and changes it, where its variables come from, and
# the units that stand there, with the objects of every unit below them. `part` and `place` give the order in which a
# person wants to read them. {here} is the condition of the lines.
_EVIDENCE: Final = """
WITH RECURSIVE below(unit_id, top_id, depth) AS (
    SELECT unit_id, unit_id, 0 FROM units WHERE {here}
    UNION
    SELECT u.unit_id, b.top_id, b.depth + 1 FROM below b JOIN units u ON u.parent_id = b.unit_id WHERE b.depth < 100
),
evidence(object_id, part, place, role, operation, fields,
         repository, file, document, line, column_, end_line, end_column) AS (
    SELECT object_id, 0, contribution_id, role, operation, fields,
           repository, file, document, line, column_, end_line, end_column
    FROM contributions WHERE {here}
    UNION ALL
    SELECT object_id, 1, 0, 'substitutes', variable, fields,
           repository, file, document, line, column_, end_line, end_column
    FROM substitutions WHERE {here}
    UNION ALL
    SELECT o.object_id, 2, b.depth, 'deploys', u.kind || ' ' || u.namespace || '/' || u.name, '[]',
           u.repository, u.file, u.document, u.line, u.column_, u.end_line, u.end_column
    FROM below b JOIN objects o ON o.unit_id = b.unit_id JOIN units u ON u.unit_id = b.top_id
)
SELECT o.unit_id, e.object_id, e.part, e.place, e.role, e.operation, e.fields, e.repository, e.file, e.document,
       e.line, e.column_, e.end_line, e.end_column,
       o.cluster, o.applied_by, o.unit_kind, o.unit_namespace, o.unit_name,
       o.group_, o.version, o.kind, o.namespace, o.name
FROM evidence e JOIN objects o ON o.object_id = e.object_id
"""


def what(scope: Scope, tree: Tree, places: Sequence[Place]) -> What:
    """Everything that ``places`` deploy. A directory stands for each file in it, a link for the file behind it."""
    files: list[File] = []
    for place in places:
        if tree.kind(place.path) is EntryKind.DIRECTORY:
            files += _directory(scope, tree, place.path)
        else:
            files.append(_file(scope, tree, place))
    return What(tuple(map(str, places)), tuple(files))


def _file(scope: Scope, tree: Tree, place: Place) -> File:
    path = place.path
    # A file may be gone and still be in the index; where it is not, the reason says what is wrong with it.
    with suppress(TreeError):
        path = tree.resolve(path)
    deploys = _of_file(scope, path, place.lines)
    if deploys:
        return File(path, place.lines, deploys, None)
    other_lines = _of_file(scope, path, None) if place.lines else ()
    elsewhere = len({(one.cluster, one.unit, one.object) for one in other_lines})
    return File(path, place.lines, (), _reasons(scope, tree).why(path, elsewhere=elsewhere))


def _of_file(scope: Scope, path: str, lines: tuple[int, int] | None) -> tuple[Deployed, ...]:
    return tuple(_deployed(scope, "= :file", storable(path), lines).get(storable(path), ()))


def _directory(scope: Scope, tree: Tree, directory: str) -> list[File]:
    """An answer for each file below ``directory``."""
    prefix = f"{directory}/" if directory else ""
    files = sorted(files_below(tree, directory))
    found = _deployed(scope, "LIKE :file ESCAPE '!'", f"{_escaped(storable(prefix))}%", None)
    reasons = _reasons(scope, tree)
    answers = []
    for path in files:
        deploys = tuple(found.get(storable(path), ()))
        answers.append(File(path, None, deploys, None if deploys else reasons.why(path, elsewhere=0)))
    return answers


def _reasons(scope: Scope, tree: Tree) -> Reasons:
    """Looks for reasons in the index and in the tree that it was made of."""
    from indexer.query.reasons import Reader, Reasons

    def readers(path: str) -> list[Reader]:
        rows = scope.rows(
            "SELECT DISTINCT unit_id FROM inputs WHERE access = 'read' AND path = :path ORDER BY unit_id",
            path=storable(path),
        )
        units = (unit for row in rows if (unit := scope.unit(row["unit_id"])) is not None)
        return [
            Reader(unit["cluster"], unit_of(unit, ""), unit["state"], unit["reason"], unit["objects"]) for unit in units
        ]

    return Reasons(tree, readers, pinned=scope.build["revision"] is not None)


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _deployed(scope: Scope, condition: str, file: str, lines: tuple[int, int] | None) -> dict[str, list[Deployed]]:
    """The objects that the files under ``condition`` have a part in, by file."""
    first, last = lines or (1, _END)
    here = f"repository = '' AND file {condition} AND line <= :last AND end_line >= :first"
    rows = scope.rows(_EVIDENCE.format(here=here), file=file, first=first, last=last)
    found: dict[str, list[Deployed]] = {}
    for row in sorted(rows, key=_order):
        found.setdefault(row["file"], []).append(_row(row))
    return found


def _order(row: Row) -> tuple[object, ...]:
    return (
        row["cluster"], row["unit_namespace"], row["unit_name"], row["kind"], row["namespace"], row["name"],
        row["object_id"], row["part"], row["place"], row["line"], row["column_"],
    )  # fmt: skip


def _row(row: Row) -> Deployed:
    where = span(row)
    assert where is not None
    return Deployed(
        row["cluster"],
        unit_of(row),
        object_of(row),
        Role(row["role"]),
        row["operation"],
        where,
        pointers(row["fields"]),
        row["applied_by"],
    )
