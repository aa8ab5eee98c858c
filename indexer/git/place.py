"""Where the repository around a directory is and how it is configured: what git is asked before everything else."""

from __future__ import annotations

import os
from typing import Final

from indexer.deferred import NamedTuple
from indexer.git.command import Git, GitError
from indexer.git.text import decoded

_PLACES: Final = (
    "rev-parse", "--git-dir", "--git-common-dir", "--is-shallow-repository", "--show-object-format", "--show-cdup",
)  # fmt: skip


class NoRepository(GitError):
    """There is no Git repository here, or git will not use it."""


class Place(NamedTuple):
    """A repository as git finds it; paths are absolute and without symbolic links."""

    root: str | None
    """The top of the working tree; None for a bare repository."""
    git_dir: str
    common_dir: str
    """The directory that all worktrees of the repository share."""
    shallow: bool
    algorithm: str
    config: dict[str, list[str]]
    """Setting → its values, the one in effect last."""


class Search:
    """git on its way to the repository around ``path`` (``GIT_DIR`` counts), while this process goes on.

    Raises NoRepository.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._directory = os.path.realpath(path)
        if os.path.isfile(self._directory):  # noqa: PTH113 - before pathlib is imported
            self._directory = os.path.dirname(self._directory)  # noqa: PTH120
        elif not os.path.isdir(self._directory):  # noqa: PTH112
            raise NoRepository(f"{path}: no such directory")
        git = Git(self._directory)
        try:
            self._places = git.start(*_PLACES)
            self._config = git.start("config", "-z", "--list")
        except GitError as error:
            raise NoRepository(f"{path}: {error}") from None

    def found(self) -> Place:
        """To be asked once. Raises NoRepository."""
        try:
            said, settings = self._places.heard()[0], self._config.heard()[0]
        except GitError as error:
            raise NoRepository(f"{self._path}: {error}") from None
        git_dir, common_dir, shallow, algorithm, *up = os.fsdecode(said).split("\n")[:-1]
        return Place(
            self._real(up[0]) if up else None,
            self._real(git_dir),
            self._real(common_dir),
            shallow == "true",
            algorithm,
            _values(settings),
        )

    def _real(self, path: str) -> str:
        return os.path.realpath(f"{self._directory}/{path}" if not path.startswith("/") else path)


def _values(listed: bytes) -> dict[str, list[str]]:
    """What ``git config -z --list`` says."""
    values: dict[str, list[str]] = {}
    for record in decoded(listed).split("\0")[:-1]:
        key, _, value = record.partition("\n")
        values.setdefault(key, []).append(value)
    return values
