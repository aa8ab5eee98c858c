"""Running git on a repository that nobody has vouched for: no hooks, no configured programs, no network, no locks."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable, Mapping
from typing import Final

from indexer.errors import FluxidxError

OPTIONS: Final = (
    "--no-pager",
    "--literal-pathspecs",
    "-c", "core.quotepath=off",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "blame.ignoreRevsFile=",
)  # fmt: skip

ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # A partial clone would fetch what it lacks. Git before 2.44 knows only the second way to forbid it.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}


class GitError(FluxidxError):
    """git could not answer; the message says why."""


def without_filters(config: Mapping[str, list[str]]) -> dict[str, str]:
    """An environment that switches off every configured clean and smudge filter, which are programs git would run."""
    names = {key.rpartition(".")[0] for key in config if key.startswith("filter.")}
    settings = [
        setting
        for name in sorted(names)
        for setting in (
            (f"{name}.clean", ""),
            (f"{name}.smudge", ""),
            (f"{name}.process", ""),
            (f"{name}.required", "false"),
        )
    ]
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    environment = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment if settings else {}


class Git:
    """git in one directory, with ``environment`` on top of the caller's own and the safe one."""

    def __init__(self, directory: str, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.environment = {**ENVIRONMENT, **(environment or {})}

    def run(self, *arguments: str, accept: Iterable[int] = (0,)) -> bytes:
        """Standard output. Raises GitError with git's own words unless it ends with an accepted exit status."""
        return self.start(*arguments).heard(accept)[0]

    def start(self, *arguments: str) -> Running:
        """A git at work on what will be needed. Raises GitError where it cannot be started."""
        command = ["git", "-C", self.directory, *OPTIONS, *arguments]
        return Running(f"git {arguments[0]}", command, {**os.environ, **self.environment})


class Running:
    """A process that works while this one does something else. One that nobody wants to hear ends with this object.

    ``subprocess`` would do, but takes 2 ms to import.
    """

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        self._name = name
        self._process = 0
        self._pipes, ends = zip(os.pipe(), os.pipe(), strict=True)
        try:
            self._process = os.posix_spawnp(
                command[0],
                command,
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, ends[0], 1),
                    (os.POSIX_SPAWN_DUP2, ends[1], 2),
                ],
            )
        except (OSError, ValueError) as error:
            _close(self._pipes)
            missing = isinstance(error, FileNotFoundError)
            raise GitError(
                "git is not installed, or not on PATH" if missing else f"git could not be started: {error}"
            ) from None
        finally:
            _close(ends)

    def heard(self, accept: Iterable[int] = (0,)) -> tuple[bytes, bytes]:
        """Standard output, and standard error: git goes on where it may not look, and only warns. To be asked once.

        Raises GitError with git's own words unless it ends with an accepted exit status.
        """
        out, complaints = self._read()
        status = self._end()
        if status not in accept:
            said = complaints.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            raise GitError(said or f"{self._name} ended with status {status}")
        return out, complaints

    def _read(self) -> list[bytes]:
        """All that comes from the pipes: the process waits where one of them is full."""
        parts: dict[int, list[bytes]] = {pipe: [] for pipe in self._pipes}
        poll = select.poll()
        for pipe in self._pipes:
            poll.register(pipe, select.POLLIN)
        left = len(parts)
        while left:
            for pipe, _ in poll.poll():
                part = os.read(pipe, 1 << 16)
                parts[pipe].append(part)
                if not part:
                    poll.unregister(pipe)
                    left -= 1
        return [b"".join(found) for found in parts.values()]

    def _end(self) -> int:
        """The exit status, or the number of the signal, below zero; what it has yet to say, it says in vain."""
        _close(self._pipes)
        process, self._process = self._process, 0
        try:
            return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        except ChildProcessError:
            return 0  # the program that uses this library has the system forget how its processes end

    def __del__(self) -> None:
        if self._process:
            self._end()


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
