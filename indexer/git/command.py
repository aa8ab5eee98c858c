"""Running git on a repository that nobody has vouched for: no hooks, no configured programs, no network, no locks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from typing import Final

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


class GitError(Exception):
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
        return self.heard(*arguments, accept=accept)[0]

    def heard(self, *arguments: str, accept: Iterable[int] = (0,)) -> tuple[bytes, bytes]:
        """As ``run``, and standard error: git goes on where it may not look, and only warns."""
        try:
            done = subprocess.run(
                ["git", *OPTIONS, *arguments],
                cwd=self.directory,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            raise GitError("git is not installed, or not on PATH") from None
        except (OSError, ValueError) as error:
            raise GitError(f"git could not be started: {error}") from None
        if done.returncode not in accept:
            said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            raise GitError(said or f"git {arguments[0]} ended with status {done.returncode}")
        return done.stdout, done.stderr
