from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from indexer.git.artifact import ArtifactTree, MappedTree
from indexer.git.directory import DirectoryTree
from indexer.git.disk import blob_id
from indexer.git.recording import Present, RecordingTree, listing_digest
from indexer.git.sourceignore import NOTHING, load
from indexer.git.tree import Entry, EntryKind, Missing, Unreadable


def still(sandbox: Any, seen: RecordingTree) -> bool:
    return Present(DirectoryTree(sandbox.root)).matches(seen.read_files, seen.listed, seen.absent)


def test_reads_listings_and_absences(sandbox: Any) -> None:
    sandbox.write("a/b.yaml", "x")
    seen = RecordingTree(DirectoryTree(sandbox.root))
    assert seen.read("a/./b.yaml") == b"x"
    assert seen.blob("a/b.yaml") == blob_id(b"x")
    assert seen.list("a") == [Entry("b.yaml", EntryKind.FILE)]
    assert seen.kind("a/kustomization.yaml") is None
    with pytest.raises(Missing):
        seen.read("c.yaml")
    assert seen.read_files == {"a/b.yaml": blob_id(b"x")}
    assert seen.listed == {"a": listing_digest([Entry("b.yaml", EntryKind.FILE)])}
    assert seen.absent == {"a/kustomization.yaml", "c.yaml"}
    assert still(sandbox, seen)


def test_links_on_the_way_are_remembered(sandbox: Any) -> None:
    sandbox.write("one/a.yaml", "x")
    sandbox.write("two/a.yaml", "x")
    sandbox.link("current", "one")
    sandbox.link("again", "current")
    seen = RecordingTree(DirectoryTree(sandbox.root))
    assert seen.read("again/a.yaml") == b"x"
    assert seen.read_files == {"one/a.yaml": blob_id(b"x")}
    assert seen.listed == {"again": "-> one"}
    assert still(sandbox, seen)
    (sandbox.root / "current").unlink()
    sandbox.link("current", "two")
    assert not still(sandbox, seen)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.write("a/b.yaml", "other"),
        lambda s: s.write("a/new.yaml", ""),
        lambda s: s.write("a/kustomization.yaml", ""),
        lambda s: (s.root / "a/b.yaml").unlink(),
        lambda s: (s.root / "looked-at.yaml").unlink(),
    ],
)
def test_a_change_of_what_was_looked_at_is_noticed(sandbox: Any, change: Callable[[Any], object]) -> None:
    sandbox.write("a/b.yaml", "x")
    sandbox.write("looked-at.yaml", "x")
    seen = RecordingTree(DirectoryTree(sandbox.root))
    seen.read("a/b.yaml")
    seen.list("a")
    seen.kind("a/kustomization.yaml")
    seen.kind("looked-at.yaml")
    change(sandbox)
    assert not still(sandbox, seen)


def test_a_change_elsewhere_is_none(sandbox: Any) -> None:
    sandbox.write("a/b.yaml", "x")
    sandbox.write("looked-at.yaml", "x")
    seen = RecordingTree(DirectoryTree(sandbox.root))
    seen.read("a/b.yaml")
    seen.kind("looked-at.yaml")
    sandbox.write("looked-at.yaml", "y")
    sandbox.write("a/new.yaml", "y")
    assert still(sandbox, seen)


def test_paths_are_those_of_the_repository_behind_an_artifact(sandbox: Any) -> None:
    sandbox.write("deploy/a.yaml", "x")
    sandbox.write("deploy/skipped.yaml", "x")
    sandbox.link("deploy/link.yaml", "a.yaml")
    base = DirectoryTree(sandbox.root)
    seen = RecordingTree(ArtifactTree(base, load(base, "skipped.yaml", "deploy"), base="deploy"))
    assert seen.list("") == [Entry("a.yaml", EntryKind.FILE)]
    assert seen.read("a.yaml") == b"x"
    assert seen.kind("link.yaml") is None
    assert seen.kind("skipped.yaml") is None
    assert seen.kind("nothing.yaml") is None
    assert seen.read_files == {"deploy/a.yaml": blob_id(b"x")}
    assert seen.listed == {
        "deploy": listing_digest(base.list("deploy")),
        "deploy/link.yaml": "-> deploy/a.yaml",
    }
    assert seen.absent == {"deploy/nothing.yaml"}
    assert still(sandbox, seen)
    (sandbox.root / "deploy/link.yaml").unlink()
    sandbox.write("deploy/link.yaml", "x")
    assert not still(sandbox, seen)


def test_other_repositories_are_named(sandbox: Any) -> None:
    sandbox.write("a.yaml", "x")
    sandbox.write("b.yaml", "x")
    other = DirectoryTree(sandbox.root, "other")
    mine = DirectoryTree(sandbox.root)
    seen = RecordingTree(MappedTree({"d/a.yaml": (other, "a.yaml"), "d/b.yaml": (mine, "b.yaml")}, "/artifact"))
    seen.read("d/a.yaml")
    seen.read("d/b.yaml")
    assert seen.kind("nothing") is None
    assert seen.elsewhere == {"other"}
    assert seen.read_files == {"b.yaml": blob_id(b"x")}


def test_a_git_lfs_pointer_is_remembered(sandbox: Any) -> None:
    sandbox.write("big.yaml", "version https://git-lfs.github.com/spec/v1\n")
    sandbox.commit()
    seen = RecordingTree(sandbox.open().worktree())
    with pytest.raises(Unreadable):
        seen.read("big.yaml")
    assert Present(sandbox.open().worktree()).matches(seen.read_files, seen.listed, seen.absent)
    sandbox.write("big.yaml", "a: 1\n")
    assert not Present(sandbox.open().worktree()).matches(seen.read_files, seen.listed, seen.absent)


def test_paths_outside_leave_no_record(sandbox: Any) -> None:
    seen = RecordingTree(ArtifactTree(DirectoryTree(sandbox.root), NOTHING))
    assert seen.kind("../other") is None
    assert (seen.read_files, seen.listed, seen.absent) == ({}, {}, set())
