"""What differs between two states of a repository: files, renames, and the changed lines on both sides.

Git's own diff is asked, so that lines and renames are those that a person sees in a pull request.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

from indexer.deferred import regex
from indexer.git.command import Git
from indexer.git.text import decoded

_DIFF: Final = (
    "-c", "diff.autoRefreshIndex=true",
    "diff", "--raw", "-z", "--patch", "--unified=0", "--inter-hunk-context=0", "--find-renames", "--no-color",
    "--no-ext-diff", "--no-textconv", "--diff-algorithm=myers", "--submodule=short", "--ignore-submodules=dirty",
    "--no-relative", "-O/dev/null",
)  # fmt: skip
_HUNK: Final = regex(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_PATCH: Final = regex(rb"^diff --git ", re.MULTILINE)

Lines = tuple[int, int]
"""First and last line, from 1, inclusive."""


class SideName(StrEnum):
    """The two states that are compared."""

    BASE = "base"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of the base that lines of the head took the place of; None on the side that has none."""

    base: Lines | None
    head: Lines | None

    def on(self, side: SideName) -> Lines | None:
        return self.base if side is SideName.BASE else self.head


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs. Without hunks its name, its mode or its bytes (a binary file) changed, and no line."""

    base: str | None
    """Its path before; None for a new file."""
    head: str | None
    """Its path after; None for a file that is gone."""
    hunks: tuple[Hunk, ...]
    link: bool = False
    """Whether it is a symbolic link on either side: its text is where it points to."""

    @property
    def renamed(self) -> bool:
        return None not in (self.base, self.head) and self.base != self.head

    def on(self, side: SideName) -> str | None:
        return self.base if side is SideName.BASE else self.head


@dataclass(frozen=True)
class Changes:
    """All files that differ."""

    files: tuple[FileChange, ...]

    @cached_property
    def _by_path(self) -> Mapping[SideName, Mapping[str, FileChange]]:
        return {side: {path: one for one in self.files if (path := one.on(side)) is not None} for side in SideName}

    def paths(self, side: SideName) -> frozenset[str]:
        """The paths of changed files on one side."""
        return frozenset(self._by_path[side])

    def file(self, side: SideName, path: str) -> FileChange | None:
        return self._by_path[side].get(path)

    def lines(self, side: SideName, path: str) -> Iterator[Lines]:
        """The changed lines of a file on one side, in order."""
        found = self.file(side, path)
        for hunk in found.hunks if found is not None else ():
            lines = hunk.on(side)
            if lines is not None:
                yield lines

    def within(self, side: SideName, path: str, first: int, last: int) -> Lines | None:
        """The first changed lines of a file among the lines ``first`` to ``last``; None where none of them changed."""
        for start, end in self.lines(side, path):
            if start <= last and end >= first:
                return max(start, first), min(end, last)
        return None


def changes_between(git: Git, root: Path | None, base: str, head: str | None) -> Changes:
    """What differs between the commit ``base`` and the commit ``head``, or the working tree ``root``, where files that
    are not tracked (and not ignored) count. ``git`` runs no filters. Raises GitError.
    """
    if head is not None:
        return _parsed(git.run(*_DIFF, base, head, "--"))
    assert root is not None
    untracked = git.run("ls-files", "-z", "--others", "--exclude-standard")
    if not untracked:
        return _parsed(git.run(*_DIFF, base, "--"))
    with tempfile.TemporaryDirectory(prefix="fluxidx-") as folder:
        return _parsed(_with_untracked(git, Path(folder), untracked).run(*_DIFF, base, "--"))


def _with_untracked(git: Git, folder: Path, untracked: bytes) -> Git:
    """Git with an index of its own that knows the files that are not tracked; the repository stays as it is."""
    index = decoded(git.run("rev-parse", "--git-path", "index")).removesuffix("\n")
    objects = decoded(git.run("rev-parse", "--git-path", "objects")).removesuffix("\n")
    own = folder / "index"
    place = Path(git.directory)
    if (place / index).exists():
        # With its time, by which git knows which entries it cannot trust.
        shutil.copy2(place / index, own)
    (folder / "objects").mkdir()
    names = folder / "untracked"
    names.write_bytes(b"".join(name + b"\0" for name in untracked.split(b"\0") if name and not name.endswith(b"/")))
    apart = Git(
        git.directory,
        git.environment
        | {
            "GIT_INDEX_FILE": str(own),
            "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.path.realpath(place / objects),
        },
    )
    apart.run("add", "--intent-to-add", f"--pathspec-from-file={names}", "--pathspec-file-nul")
    return apart


def _parsed(output: bytes) -> Changes:
    """The answer to ``git diff --raw -z --patch``: records, an empty one, and a patch for each of them in order."""
    records, _, patch = output.partition(b"\0\0")
    starts = [found.start() for found in _PATCH.finditer(patch)]
    patches = [patch[start:end] for start, end in pairwise([*starts, len(patch)])]
    files = []
    fields = iter(records.split(b"\0") if records else ())
    for meta in fields:
        status = meta.split(b" ")[-1][:1]
        path = decoded(next(fields))
        if status == b"U":
            # A merge that is not finished: the file's state on disk has a record of its own.
            continue
        # A file that becomes a link, or the other way about, has two patches: all of it goes, all of it comes.
        own = [patches.pop(0) for _ in range(2 if status == b"T" else 1) if patches]
        hunks = tuple(hunk for one in own for hunk in _hunks(one))
        link = b"120000" in (meta[1:7], meta[8:14])
        if status == b"R":
            files.append(FileChange(path, decoded(next(fields)), hunks, link))
        else:
            files.append(FileChange(None if status == b"A" else path, None if status == b"D" else path, hunks, link))
    return Changes(tuple(files))


def _hunks(patch: bytes) -> Iterator[Hunk]:
    for found in _HUNK.finditer(patch):
        base, head = (_lines(found[at], found[at + 1]) for at in (1, 3))
        yield Hunk(base, head)


def _lines(first: bytes, count: bytes | None) -> Lines | None:
    number = 1 if count is None else int(count)
    return (int(first), int(first) + number - 1) if number else None
