"""The answer to "what does this file, or this line, deploy, and where?"."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.index.read import Row, storable
from indexer.manifest.node import Role
from indexer.query.answers import Deployed, File, What
from indexer.query.places import Place, files_below
from indexer.query.reasons import Reasons
from indexer.query.rows import EVIDENCE, object_of, pointers, span, unit_of
from indexer.query.scope import Scope

_END = 1 << 24
"""A line after the last one of any file."""


def what(scope: Scope, tree: Tree, places: Sequence[Place]) -> What:
    """Everything that ``places`` deploy. A directory stands for each file in it, a link for the file behind it."""
    reasons = Reasons(scope, tree)
    files: list[File] = []
    for place in places:
        if tree.kind(place.path) is EntryKind.DIRECTORY:
            files += _directory(scope, tree, place.path, reasons)
        else:
            files.append(_file(scope, tree, place, reasons))
    return What(tuple(map(str, places)), tuple(files))


def _file(scope: Scope, tree: Tree, place: Place, reasons: Reasons) -> File:
    path = place.path
    # A file may be gone and still be in the index; where it is not, the reason says what is wrong with it.
    with suppress(TreeError):
        path = tree.resolve(path)
    deploys = _of_file(scope, path, place.lines)
    if deploys:
        return File(path, place.lines, deploys, None)
    other_lines = _of_file(scope, path, None) if place.lines else ()
    elsewhere = len({(one.cluster, one.unit, one.object) for one in other_lines})
    return File(path, place.lines, (), reasons.why(path, elsewhere=elsewhere))


def _of_file(scope: Scope, path: str, lines: tuple[int, int] | None) -> tuple[Deployed, ...]:
    return tuple(_deployed(scope, "= :file", storable(path), lines).get(storable(path), ()))


def _directory(scope: Scope, tree: Tree, directory: str, reasons: Reasons) -> list[File]:
    """An answer for each file below ``directory``."""
    prefix = f"{directory}/" if directory else ""
    files = sorted(files_below(tree, directory))
    found = _deployed(scope, "LIKE :file ESCAPE '!'", f"{_escaped(storable(prefix))}%", None)
    answers = []
    for path in files:
        deploys = tuple(found.get(storable(path), ()))
        answers.append(File(path, None, deploys, None if deploys else reasons.why(path, elsewhere=0)))
    return answers


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _deployed(scope: Scope, condition: str, file: str, lines: tuple[int, int] | None) -> dict[str, list[Deployed]]:
    """The objects that the files under ``condition`` have a part in, by file."""
    first, last = lines or (1, _END)
    rows = scope.rows(
        f"""{EVIDENCE}
        SELECT o.unit_id, e.object_id, e.part, e.place, e.role, e.operation, e.fields, e.repository, e.file, e.document,
               e.line, e.column_, e.end_line, e.end_column,
               o.cluster, o.applied_by, o.unit_kind, o.unit_namespace, o.unit_name,
               o.group_, o.version, o.kind, o.namespace, o.name
        FROM evidence e JOIN objects o ON o.object_id = e.object_id
        WHERE e.repository = '' AND e.file {condition} AND e.line <= :last AND e.end_line >= :first
        """,  # noqa: S608 - `condition` is one of two literals above
        file=file,
        first=first,
        last=last,
    )
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
