"""The definition of an object, as the index has it, is the text that defines it."""

from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping
from indexer.manifest.scalars import to_data


class Texts:
    """The lines of the files of a repository."""

    def __init__(self, tree):
        self._tree = tree
        self._lines = {}

    def at(self, row):
        """What stands in the span of a row, as data; the columns before its first one are blanked."""
        file = row["file"]
        if file not in self._lines:
            self._lines[file] = self._tree.read(file).decode().removeprefix("\ufeff").split("\n")
        lines = self._lines[file][row["line"] - 1 : row["end_line"]]
        lines[-1] = lines[-1][: row["end_column"]]
        lines[0] = " " * (row["column_"] - 1) + lines[0][row["column_"] - 1 :]
        documents = [document.node for document in parse("\n".join(lines).encode(), file)]
        assert len(documents) == 1
        assert isinstance(documents[0], Mapping)
        return to_data(documents[0])


def named(indexed, row, name):
    """Whether something other than the definition gave the object its name."""
    if "${" in name or "$(" in name:
        return True
    made = indexed.scope.index.rows(
        "SELECT fields FROM contributions WHERE object_id = :id AND role <> 'defines'", {"id": row["object_id"]}
    )
    return any('"/metadata/name"' in one["fields"] for one in made)


def wrong(indexed, texts, row):
    """What is wrong with the definition of an object; None where nothing is."""
    if row["file"] is None:
        return "no definition"
    if row["repository"]:
        return None
    try:
        data = texts.at(row)
    except Exception as e:
        return f"unreadable {e!r}"
    name = data.get("name") if row["role"] == "generates" else data.get("metadata", {}).get("name")
    kind = data.get("kind", row["kind"])
    if kind != row["kind"]:
        return f"kind {kind}"
    if name == row["name"] or named(indexed, row, name or ""):
        return None
    return f"name {name} role {row['role']}"


def test_the_definition_of_an_object_is_its_document_or_its_generator(indexed) -> None:
    texts = Texts(indexed.repository.worktree())
    rows = indexed.scope.rows("SELECT * FROM objects")
    found = [
        f"{row['file']}:{row['line']}-{row['end_line']}: {row['kind']} {row['namespace']}/{row['name']}: {problem}"
        for row in rows
        if (problem := wrong(indexed, texts, row))
    ]
    print(indexed.name, len(rows), len(found))
    assert found == []
