from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.git.repository import Repository


class Sandbox:
    """A repository of its own, made with plain git."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._opened: list[Repository] = []

    def git(self, *arguments: str, when: int = 1_700_000_000) -> str:
        stamp = f"{when} +0130"
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            env={**os.environ, "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp},
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()

    def write(self, path: str, content: str | bytes = "") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def link(self, path: str, target: str) -> None:
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)

    def commit(self, subject: str = "Change", when: int = 1_700_000_000) -> str:
        self.git("add", "--all", "--force", when=when)
        self.git("commit", "--quiet", "--allow-empty", "--message", subject, when=when)
        return self.git("rev-parse", "HEAD")

    def open(self, path: Path | None = None) -> Repository:
        repository = Repository.open(path or self.root)
        self._opened.append(repository)
        return repository

    def close(self) -> None:
        for repository in self._opened:
            repository.close()


@pytest.fixture(autouse=True)
def _only_our_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    settings = {
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    root = tmp_path / "repository"
    root.mkdir()
    made = Sandbox(root)
    made.git("init", "--quiet", "--initial-branch", "main")
    yield made
    made.close()
