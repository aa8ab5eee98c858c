"""The definition of an object, as the index has it, is the text that defines it: a document or a generator's entry."""

import pytest

from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping
from indexer.manifest.scalars import to_data

GENERATED = ("ConfigMap", "Secret")
TEMPLATES = {"ResourceSet": "<<", "HelmRelease": "{{"}
"""What a template of a unit of this kind has in it."""


class Texts:
    """What stands in the spans of a repository."""

    def __init__(self, tree):
        self._tree = tree
        self._lines = {}

    def text(self, row):
        """The text in the span of a row; the columns before its first one are blanked to keep it one document."""
        lines = self._of(row["file"])[row["line"] - 1 : row["end_line"]]
        lines[-1] = lines[-1][: row["end_column"]]
        lines[0] = " " * (row["column_"] - 1) + lines[0][row["column_"] - 1 :]
        return "\n".join(lines)

    def at(self, row):
        """The mapping in the span of a row."""
        (document,) = parse(self.text(row).encode(), row["file"])
        assert isinstance(document.node, Mapping)
        return to_data(document.node)

    def _of(self, file):
        if file not in self._lines:
            self._lines[file] = self._tree.read(file).decode("utf-8-sig").split("\n")
        return self._lines[file]


def renamed(indexed, row, name):
    """Whether a prefix, suffix, patch, hash or variable made the object's name of the one in its definition."""
    made = indexed.scope.index.rows(
        "SELECT fields FROM contributions WHERE object_id = :id AND role <> 'defines'", {"id": row["object_id"]}
    )
    return "${" in name or any('"/metadata/name"' in one["fields"] for one in made)


def wrong(indexed, texts, row):
    """What is wrong with the definition of an object; None where nothing is."""
    if row["file"] is None:
        return "has no definition"
    if TEMPLATES.get(row["unit_kind"], "\0") in texts.text(row):
        # A template is no YAML until it is filled in; its text names the kind all the same.
        return None if f"kind: {row['kind']}" in texts.text(row) else "is not of the kind in its template"
    text = texts.at(row)
    if row["unit_kind"] == "FluxInstance":
        # The operator makes the source and the root Kustomization of the sync's few lines.
        return None if {"url", "path"} <= text.keys() else "is not of the lines of a sync"
    if row["role"] == "generates" and "metadata" not in text:
        kinds, name = GENERATED, text["name"]
    else:
        kinds, name = (text["kind"],), text["metadata"]["name"]
    if row["kind"] not in kinds:
        return f"is not of kind {kinds}"
    if name != row["name"] and not renamed(indexed, row, name):
        return f"has the name {name} in its definition"
    return None


def test_a_definition_is_the_text_that_defines_the_object(indexed) -> None:
    texts = Texts(indexed.repository.worktree())
    rows = indexed.scope.rows("SELECT * FROM objects")
    if not rows:
        pytest.fail("the index holds no object")
    assert [row["repository"] for row in rows if row["repository"]] == []
    found = [
        f"{row['kind']} {row['namespace']}/{row['name']} {problem}: {row['file']}:{row['line']}-{row['end_line']}"
        for row in rows
        if (problem := wrong(indexed, texts, row)) is not None
    ]
    print(f"\n{indexed.name}: {len(rows)} definitions, {sum(r['role'] == 'generates' for r in rows)} generators")  # noqa: T201
    assert found == []
