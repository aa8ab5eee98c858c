from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from indexer.git.disk import blob_id
from indexer.git.tree import Entry, EntryKind, Missing, Tree, Unreadable

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"


def names(tree: Tree, path: str = "") -> list[str]:
    return [entry.name for entry in tree.list(path)]


def test_what_is_ignored_or_deleted_is_invisible(sandbox: Any) -> None:
    sandbox.write(".gitignore", "*.log\nbuild/\n")
    sandbox.write("kept.yaml", "1")
    sandbox.write("gone/deleted.yaml", "2")
    sandbox.commit()
    sandbox.write("new.yaml", "3")
    sandbox.write("noise.log")
    sandbox.write("build/output.yaml")
    (sandbox.root / "gone/deleted.yaml").unlink()
    tree = sandbox.open().worktree()
    assert names(tree) == [".gitignore", "kept.yaml", "new.yaml"]
    assert tree.kind("build") is None
    with pytest.raises(Missing):
        tree.read("noise.log")


def test_content_and_ids_are_those_on_disk(sandbox: Any) -> None:
    sandbox.write("same.yaml", "same")
    sandbox.write("edited.yaml", "old")
    sandbox.write("staged.yaml", "old")
    sandbox.commit()
    sandbox.write("edited.yaml", "new")
    sandbox.write("staged.yaml", "new")
    sandbox.git("add", "staged.yaml")
    sandbox.write("untracked.yaml", "new")
    tree = sandbox.open().worktree()
    assert tree.read("edited.yaml") == b"new"
    assert tree.blob("same.yaml") == blob_id(b"same")
    for path in ("edited.yaml", "staged.yaml", "untracked.yaml"):
        assert tree.blob(path) == blob_id(b"new")


def test_an_unchanged_repository_costs_one_process(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        sandbox.write(f"d{number}/file.yaml", str(number))
    sandbox.commit()
    repository = sandbox.open()
    started: list[Any] = []
    spawn = os.posix_spawnp
    monkeypatch.setattr(os, "posix_spawnp", lambda *a, **k: started.append(a) or spawn(*a, **k))
    tree = repository.worktree()
    assert started == []
    for number in range(20):
        assert tree.blob(f"d{number}/file.yaml") == blob_id(str(number).encode())
    assert len(started) == 1


def test_a_listing_that_was_asked_for_beforehand_is_the_one_that_counts(sandbox: Any) -> None:
    sandbox.write("a.yaml", "one\n")
    sandbox.commit()
    tree = sandbox.open().worktree()
    tree.look()
    assert [entry.name for entry in tree.list("")] == ["a.yaml"]
    sandbox.write("b.yaml", "two\n")
    assert tree.kind("b.yaml") is None


def test_a_type_change_is_seen(sandbox: Any) -> None:
    sandbox.write("target.yaml", "t")
    sandbox.write("becomes-link", "x")
    sandbox.link("becomes-file", "target.yaml")
    sandbox.commit()
    (sandbox.root / "becomes-link").unlink()
    sandbox.link("becomes-link", "target.yaml")
    (sandbox.root / "becomes-file").unlink()
    sandbox.write("becomes-file", "now text")
    tree = sandbox.open().worktree()
    assert Entry("becomes-link", EntryKind.SYMLINK) in tree.list("")
    assert Entry("becomes-file", EntryKind.FILE) in tree.list("")
    assert tree.read("becomes-link") == b"t"
    assert tree.blob("becomes-file") == blob_id(b"now text")


def test_ids_are_of_the_bytes_on_disk_where_git_converts_them(sandbox: Any) -> None:
    sandbox.write(".gitattributes", "*.yaml text eol=crlf\n")
    sandbox.write("a.yaml", b"a: 1\r\n")
    sandbox.commit()
    repository = sandbox.open()
    assert repository.worktree().read("a.yaml") == b"a: 1\r\n"
    assert repository.worktree().blob("a.yaml") == blob_id(b"a: 1\r\n")
    assert repository.revision("HEAD").read("a.yaml") == b"a: 1\n"
    assert repository.revision("HEAD").blob("a.yaml") == blob_id(b"a: 1\n")


@pytest.mark.parametrize("view", ["worktree", "revision"])
def test_a_git_lfs_pointer_is_unreadable_with_its_name(sandbox: Any, view: str) -> None:
    sandbox.write("big.yaml", POINTER)
    sandbox.commit()
    repository = sandbox.open()
    tree = repository.worktree() if view == "worktree" else repository.revision("HEAD")
    with pytest.raises(Unreadable, match="Git LFS pointer"):
        tree.read("big.yaml")
    assert tree.blob("big.yaml") == blob_id(POINTER.encode())


@pytest.mark.parametrize("view", ["worktree", "revision"])
def test_a_submodule_is_closed(sandbox: Any, view: str, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    subprocess.run(["git", "init", "--quiet", str(inner)], check=True)
    subprocess.run(["git", "-C", str(inner), "commit", "--quiet", "--allow-empty", "-m", "x"], check=True)
    sandbox.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "modules/inner")
    sandbox.write("modules/inner/file.yaml", "x")
    sandbox.git("commit", "--quiet", "--message", "Add a submodule")
    repository = sandbox.open()
    tree = repository.worktree() if view == "worktree" else repository.revision("HEAD")
    assert tree.list("modules") == [Entry("inner", EntryKind.SUBMODULE)]
    assert tree.kind("modules/inner") is EntryKind.SUBMODULE
    assert tree.kind("modules/inner/file.yaml") is EntryKind.SUBMODULE
    for ask in (tree.read, tree.blob, tree.resolve):
        with pytest.raises(Unreadable, match="modules/inner is a Git submodule"):
            ask("modules/inner/file.yaml")
    with pytest.raises(Unreadable, match="Git submodule"):
        tree.list("modules/inner")


def test_a_file_that_a_sparse_checkout_leaves_out_is_unreadable(sandbox: Any) -> None:
    sandbox.write("in/a.yaml", "a")
    sandbox.write("out/b.yaml", "b")
    sandbox.commit()
    sandbox.git("sparse-checkout", "set", "in")
    tree = sandbox.open().worktree()
    assert tree.read("in/a.yaml") == b"a"
    assert tree.blob("out/b.yaml") == blob_id(b"b")
    with pytest.raises(Unreadable, match="not checked out"):
        tree.read("out/b.yaml")


def test_configured_programs_are_not_run(sandbox: Any, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    sandbox.write("a.yaml", "a\n")
    sandbox.commit()
    program = f"touch {ran}; cat"
    for key in (
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "diff.trap.textconv",
        "core.fsmonitor",
    ):
        sandbox.git("config", key, program)
    sandbox.write(".gitattributes", "*.yaml filter=trap diff=trap\n")
    sandbox.write("a.yaml", "b\n")
    repository = sandbox.open()
    assert repository.worktree().read("a.yaml") == b"b\n"
    assert repository.status().fingerprint
    assert repository.blame("a.yaml", 1, 1)
    assert repository.revision("HEAD").read("a.yaml") == b"a\n"
    assert not ran.exists()
