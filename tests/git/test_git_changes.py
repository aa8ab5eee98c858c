"""What differs between two states of a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from indexer.git.changes import Changes, FileChange, Hunk, SideName
from indexer.git.repository import Repository


class Work:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", self.root, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.root / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "-qm", "A step")
        return self.git("rev-parse", "HEAD")

    def changes(self, base: str, head: str | None = None) -> Changes:
        repository = Repository.open(self.root)
        return repository.changes_between(repository.commit(base), head and repository.commit(head))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


TEN = "".join(f"line {number}\n" for number in range(1, 11))


def test_lines_on_both_sides(work: Work) -> None:
    base = work.commit(a=TEN)
    head = work.commit(a=TEN.replace("line 3\n", "one\ntwo\n").replace("line 7\n", "") + "end\n")
    (file,) = work.changes(base, head).files
    assert file == FileChange("a", "a", (Hunk((3, 3), (3, 4)), Hunk((7, 7), None), Hunk(None, (11, 11))))
    assert work.changes(base).files == (file,)


def test_changed_lines_within_others(work: Work) -> None:
    base = work.commit(a=TEN)
    work.commit(a=TEN.replace("line 3\nline 4\n", "one\ntwo\nthree\n"))
    changes = work.changes(base)
    assert changes.within(SideName.HEAD, "a", 1, 2) is None
    assert changes.within(SideName.HEAD, "a", 1, 4) == (3, 4)
    assert changes.within(SideName.BASE, "a", 4, 9) == (4, 4)
    assert changes.within(SideName.BASE, "b", 1, 9) is None


def test_files_that_come_and_go_and_change_their_names(work: Work) -> None:
    base = work.commit(a=TEN, b="gone\n", **{"it is é": TEN + "more\n"})
    work.git("mv", "it is é", "c")
    work.git("rm", "-q", "b")
    head = work.commit(d="new\n", c=TEN + "other\n")
    assert set(work.changes(base, head).files) == {
        FileChange("b", None, (Hunk((1, 1), None),)),
        FileChange("it is é", "c", (Hunk((11, 11), (11, 11)),)),
        FileChange(None, "d", (Hunk(None, (1, 1)),)),
    }


def test_untracked_files_count_and_ignored_ones_do_not(work: Work) -> None:
    base = work.commit(a=TEN, **{".gitignore": "*.log\n"})
    (work.root / "a").rename(work.root / "b")
    (work.root / "x.log").write_text("x\n")
    (work.root / "n").write_text("new")
    before = work.git("status", "--porcelain", "--ignored")
    objects = sorted((work.root / ".git/objects").rglob("*"))
    assert set(work.changes(base).files) == {FileChange("a", "b", ()), FileChange(None, "n", (Hunk(None, (1, 1)),))}
    assert work.git("status", "--porcelain", "--ignored") == before
    assert sorted((work.root / ".git/objects").rglob("*")) == objects


def test_staged_and_unstaged_changes_count_alike(work: Work) -> None:
    base = work.commit(a=TEN)
    (work.root / "a").write_text(TEN.replace("line 1\n", "one\n"))
    work.git("add", "a")
    (work.root / "a").write_text(TEN.replace("line 1\n", "one\n").replace("line 9\n", "nine\n"))
    (file,) = work.changes(base).files
    assert [hunk.head for hunk in file.hunks] == [(1, 1), (9, 9)]


def test_modes_and_bytes_have_no_lines(work: Work) -> None:
    base = work.commit(a=TEN, b="x\0y")
    (work.root / "a").chmod(0o755)
    (work.root / "b").write_bytes(b"x\0z")
    assert set(work.changes(base).files) == {FileChange("a", "a", ()), FileChange("b", "b", ())}


def test_a_file_that_becomes_a_link(work: Work) -> None:
    base = work.commit(a=TEN, b="x\ny\n")
    (work.root / "b").unlink()
    (work.root / "b").symlink_to("a")
    (file,) = work.changes(base).files
    assert file == FileChange("b", "b", (Hunk((1, 2), None), Hunk(None, (1, 1))), link=True)


def test_settings_of_the_user_change_nothing(work: Work) -> None:
    base = work.commit(a=TEN, b=TEN)
    for setting in (
        "diff.noprefix=true",
        "diff.external=false",
        "color.diff=always",
        "diff.context=9",
        "diff.renames=false",
    ):
        work.git("config", *setting.split("=", 1))
    (work.root / "a").write_text(TEN.replace("line 2\n", "two\n"))
    (work.root / "b").rename(work.root / "c")
    assert set(work.changes(base).files) == {FileChange("a", "a", (Hunk((2, 2), (2, 2)),)), FileChange("b", "c", ())}
