"""What holds for a plain folder, a working tree and a revision alike."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.git.directory import DirectoryTree
from indexer.git.disk import blob_id
from indexer.git.tree import Entry, EntryKind, Missing, NotADirectory, NotAFile, Outside, Tree, Unreadable

Open = Callable[[], Tree]


@pytest.fixture(params=["directory", "worktree", "untracked", "revision"])
def tree(request: pytest.FixtureRequest, sandbox: Any) -> Open:
    def opened() -> Tree:
        if request.param == "directory":
            return DirectoryTree(sandbox.root)
        if request.param == "untracked":
            return sandbox.open().worktree()
        sandbox.commit()
        repository = sandbox.open()
        return repository.worktree() if request.param == "worktree" else repository.revision("HEAD")

    return opened


def test_bytes_come_back_untouched(sandbox: Any, tree: Open) -> None:
    content = b"\xef\xbb\xbfa: 1\r\nb: \xff\x00\r\n"
    sandbox.write("a/b.yaml", content)
    opened = tree()
    assert opened.read("a/b.yaml") == content
    assert opened.blob("a/b.yaml") == blob_id(content)
    assert opened.blob("a/b.yaml") == sandbox.git("hash-object", "--no-filters", "a/b.yaml")
    assert opened.origin("a/b.yaml") == (None, "a/b.yaml")
    assert opened.root == str(sandbox.root)
    assert opened.repository is None


def test_names_are_listed_in_byte_order_with_their_kinds(sandbox: Any, tree: Open) -> None:
    undecodable = os.fsdecode(b"\xff.yaml")
    for name in ("é.yaml", "B.yaml", "a.yaml", "\U0001f600.yaml", undecodable, "sub/x.yaml"):
        sandbox.write(f"d/{name}", name.encode("utf-8", "surrogateescape"))
    sandbox.link("d/link", "nowhere")
    opened = tree()
    assert opened.list("d") == [
        Entry("B.yaml", EntryKind.FILE),
        Entry("a.yaml", EntryKind.FILE),
        Entry("link", EntryKind.SYMLINK),
        Entry("sub", EntryKind.DIRECTORY),
        Entry("é.yaml", EntryKind.FILE),
        Entry("\U0001f600.yaml", EntryKind.FILE),
        Entry(undecodable, EntryKind.FILE),
    ]
    assert opened.read(f"d/{undecodable}") == b"\xff.yaml"


def test_links_are_followed_inside(sandbox: Any, tree: Open) -> None:
    sandbox.write("real/file.yaml", "text")
    sandbox.link("l/file", "../real/file.yaml")
    sandbox.link("l/directory", "../real")
    sandbox.link("again", "l/directory")
    opened = tree()
    assert opened.resolve("l/file") == "real/file.yaml"
    assert opened.resolve("again/../real/./file.yaml") == "real/file.yaml"
    assert opened.read("again/file.yaml") == b"text"
    assert opened.blob("l/file") == blob_id(b"text")
    assert opened.kind("l/directory") is EntryKind.DIRECTORY
    assert opened.list("again") == [Entry("file.yaml", EntryKind.FILE)]


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside", "..", "x/../../../y"])
def test_links_are_refused_outside(sandbox: Any, tree: Open, target: str) -> None:
    sandbox.write("x/keep")
    sandbox.link("link", target)
    opened = tree()
    with pytest.raises(Outside, match="link leads out of the tree"):
        opened.read("link")
    assert opened.kind("link") is None
    assert opened.kind("link/deeper") is None


def test_dots_may_not_climb_over_the_root(sandbox: Any, tree: Open) -> None:
    sandbox.write("a/b")
    opened = tree()
    assert opened.resolve("a/../a/./b") == "a/b"
    assert opened.resolve("a/..") == ""
    with pytest.raises(Outside):
        opened.resolve("a/../../b")


def test_link_cycles_are_unreadable(sandbox: Any, tree: Open) -> None:
    sandbox.link("one", "two")
    sandbox.link("two", "one")
    opened = tree()
    with pytest.raises(Unreadable, match="too many symbolic links"):
        opened.read("one")
    assert opened.kind("one") is None


def test_what_is_not_there(sandbox: Any, tree: Open) -> None:
    sandbox.write("a/b.yaml")
    sandbox.link("dangling", "nowhere")
    opened = tree()
    assert opened.kind("nothing") is None
    assert opened.kind("") is EntryKind.DIRECTORY
    assert opened.kind("a/b.yaml/c") is None
    for path in ("nothing", "dangling", "a/b.yaml/c", "a/b.yaml/..", "a\0b", "x" * 5000):
        with pytest.raises(Missing):
            opened.read(path)
    with pytest.raises(Missing):
        opened.list("nothing")
    with pytest.raises(NotAFile):
        opened.read("a")
    with pytest.raises(NotADirectory):
        opened.list("a/b.yaml")


def test_the_file_system_itself_can_be_the_root(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "a.yaml")
    tree = DirectoryTree("/")
    place = str(tmp_path.resolve())[1:]
    assert tree.root == ""
    assert tree.read(f"{place}/a.yaml") == b"x"
    assert tree.resolve(f"{place}/link") == f"{place}/a.yaml"
    assert tree.resolve(f"../../{place}") == place


def test_an_absolute_link_into_a_folder_is_inside(sandbox: Any) -> None:
    sandbox.write("a.yaml", "x")
    sandbox.link("link", str(sandbox.root / "a.yaml"))
    sandbox.link("round", f"../{sandbox.root.name}/a.yaml")
    assert DirectoryTree(sandbox.root).resolve("link") == "a.yaml"
    assert DirectoryTree(sandbox.root).resolve("round") == "a.yaml"


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="not a regular file"):
        DirectoryTree(tmp_path).read("pipe")
