import os
import sys
from pathlib import Path
from typing import Any

import pytest

from indexer.git.command import Git, GitError, Running


def descriptors() -> set[str]:
    return {path.name for path in Path("/dev/fd").iterdir()}


def test_what_fills_both_pipes_is_read() -> None:
    program = "import sys; [(sys.stdout.write('o' * 1000), sys.stderr.write('e' * 1000)) for _ in range(1000)]"
    before = descriptors()
    out, complaints = Running("a program", [sys.executable, "-c", program], os.environ).heard()
    assert (out, complaints) == (b"o" * 1_000_000, b"e" * 1_000_000)
    assert descriptors() <= before


def test_a_failure_speaks_in_its_own_words(tmp_path: Path) -> None:
    git = Git(str(tmp_path))
    with pytest.raises(GitError, match=r"^not a git repository"):
        git.run("rev-parse", "--git-dir")
    with pytest.raises(GitError, match=r"^git config ended with status 1$"):
        git.run("config", "no.such")
    assert git.run("config", "no.such", accept=(0, 1)) == b""
    with pytest.raises(GitError, match="nowhere"):
        Git(f"{tmp_path}/nowhere").run("version")


def test_a_signal_is_a_failure() -> None:
    program = "import os; os.kill(os.getpid(), 9)"
    with pytest.raises(GitError, match=r"^a program ended with status -9$"):
        Running("a program", [sys.executable, "-c", program], os.environ).heard()


def test_what_cannot_be_started_is_said_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = descriptors()
    with pytest.raises(GitError, match="could not be started: embedded null byte"):
        Git(str(tmp_path)).run("log", "a\0b")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed, or not on PATH"):
        Git(str(tmp_path)).run("version")
    assert descriptors() <= before


def test_one_that_nobody_wants_to_hear_leaves_nothing(tmp_path: Path) -> None:
    before = descriptors()
    running: Any = Git(str(tmp_path)).start("version")
    process = running._process
    del running
    assert descriptors() <= before
    with pytest.raises(ChildProcessError):
        os.waitpid(process, os.WNOHANG)


def test_it_reads_nothing_from_the_terminal() -> None:
    program = "import sys; print(repr(sys.stdin.read()))"
    assert Running("a program", [sys.executable, "-c", program], os.environ).heard()[0] == b"''\n"
