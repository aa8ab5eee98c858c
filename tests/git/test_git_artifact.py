from __future__ import annotations

from typing import Any

import pytest

from indexer.git.artifact import ArtifactTree, MappedTree, plain
from indexer.git.directory import DirectoryTree
from indexer.git.sourceignore import NOTHING, load
from indexer.git.tree import Entry, EntryKind, Missing, NotADirectory, NotAFile, Outside, Tree


def artifact(sandbox: Any, spec_ignore: str | None = None, prefixes: list[str] | None = None) -> ArtifactTree:
    tree: Tree = DirectoryTree(sandbox.root)
    checkout = tree if prefixes is None else ArtifactTree(tree, NOTHING, prefixes)
    return ArtifactTree(tree, load(checkout, spec_ignore), prefixes)


def test_symbolic_links_and_ignored_files_are_not_packed(sandbox: Any) -> None:
    sandbox.write(".sourceignore", "*.txt\n")
    sandbox.write("a/keep.yaml", "k")
    sandbox.write("a/note.txt")
    sandbox.link("a/link.yaml", "keep.yaml")
    sandbox.link("b", "a")
    tree = artifact(sandbox)
    assert tree.list("a") == [Entry("keep.yaml", EntryKind.FILE)]
    assert tree.kind("a/link.yaml") is None
    assert tree.kind("b/keep.yaml") is None
    assert tree.read("a/./keep.yaml") == b"k"
    assert tree.blob("a/keep.yaml") == DirectoryTree(sandbox.root).blob("a/keep.yaml")
    with pytest.raises(Missing, match=r"left out of the artifact by \.sourceignore:1: \*\.txt"):
        tree.read("a/note.txt")
    with pytest.raises(Missing, match="no symbolic links"):
        tree.read("a/link.yaml")
    with pytest.raises(Missing, match=r"^no such file or directory$"):
        tree.read("a/nothing")


def test_a_directory_is_there_for_itself_or_for_what_is_in_it(sandbox: Any) -> None:
    sandbox.write("emptied/a.txt")
    sandbox.write("kept/deep/a.yaml", "x")
    sandbox.write("dropped/a.txt")
    tree = artifact(sandbox, "*.txt\nkept\ndropped\n!*.yaml\n")
    assert tree.list("emptied") == []
    assert tree.list("kept/deep") == [Entry("a.yaml", EntryKind.FILE)]
    assert tree.kind("dropped") is None


def test_errors_are_those_of_any_tree(sandbox: Any) -> None:
    sandbox.write("a/b.yaml")
    tree = artifact(sandbox)
    with pytest.raises(Outside):
        tree.read("../x")
    with pytest.raises(NotAFile):
        tree.read("a")
    with pytest.raises(NotADirectory):
        tree.list("a/b.yaml")
    with pytest.raises(Missing):
        tree.list("a/b.yaml/c")
    assert tree.kind("") is EntryKind.DIRECTORY
    assert tree.resolve("./a/../a") == "a"


def test_sparse_checkout_keeps_paths_that_start_with_a_text(sandbox: Any) -> None:
    for path in ("app", "apps/x.yaml", "apps-2/y.yaml", "infra/net/z.yaml", "infra/other.yaml", "root.yaml"):
        sandbox.write(path)
    sandbox.write(".sourceignore", "*\n")
    tree = artifact(sandbox, prefixes=["./app", "infra/net"])
    assert [entry.name for entry in tree.list("")] == ["app", "apps", "apps-2", "infra"]
    assert [entry.name for entry in tree.list("infra")] == ["net"]
    with pytest.raises(Missing, match="sparseCheckout"):
        tree.read("root.yaml")


def test_an_artifact_of_a_sub_directory(sandbox: Any) -> None:
    sandbox.write("deploy/apps/a.yaml", "x")
    tree = ArtifactTree(DirectoryTree(sandbox.root, "apps-repository"), NOTHING, base="deploy")
    assert tree.root == f"{sandbox.root}/deploy"
    assert tree.read("apps/a.yaml") == b"x"
    assert tree.origin("apps/a.yaml") == ("apps-repository", "deploy/apps/a.yaml")
    assert tree.origin("") == ("apps-repository", "deploy")


def test_a_submodule_stays_one(sandbox: Any) -> None:
    sandbox.commit()
    sandbox.git("init", "--quiet", "nested")
    tree = ArtifactTree(sandbox.open().worktree(), NOTHING)
    assert tree.kind("nested") is EntryKind.SUBMODULE
    assert tree.kind("nested/deeper") is EntryKind.SUBMODULE


def test_files_of_several_trees_under_one_root(sandbox: Any) -> None:
    sandbox.write("one/apps/base/a.yaml", "1")
    sandbox.write("two/b.yaml", "2")
    first = ArtifactTree(DirectoryTree(sandbox.root / "one", "one"), NOTHING)
    second = DirectoryTree(sandbox.root / "two", None)
    tree = MappedTree({"x/base/a.yaml": (first, "apps/base/a.yaml"), "x/renamed.yaml": (second, "b.yaml")}, "/artifact")
    assert tree.list("x") == [Entry("base", EntryKind.DIRECTORY), Entry("renamed.yaml", EntryKind.FILE)]
    assert tree.read("x/base/a.yaml") == b"1"
    assert tree.blob("x/renamed.yaml") == second.blob("b.yaml")
    assert tree.origin("x/base/a.yaml") == ("one", "apps/base/a.yaml")
    assert tree.origin("x/renamed.yaml") == (None, "b.yaml")
    assert tree.origin("x/base") == ("one", "apps/base")
    assert plain(tree, "x/renamed.yaml") == (second, "b.yaml")
    assert tree.kind("x/nothing") is None
    with pytest.raises(Missing):
        tree.read("x/nothing")
    other = MappedTree({"x/base/a.yaml": (first, "apps/base/a.yaml")}, "/artifact")
    assert tree.digest != other.digest
