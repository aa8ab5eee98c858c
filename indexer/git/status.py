"""``git status --porcelain=v2 --branch`` as data: what is checked out, and what differs from it on disk."""

from __future__ import annotations

import os
from typing import Final

from indexer.deferred import NamedTuple
from indexer.git.text import decoded

COMMAND: Final = (
    "status", "--porcelain=v2", "-z", "--branch", "--untracked-files=all", "--no-renames", "--no-ahead-behind",
    "--ignore-submodules=dirty",
)  # fmt: skip

_PATH_FIELD: Final = {b"1": 8, b"u": 10, b"?": 1}
"""Kind of a record → the number of fields before its path."""
_DETACHED: Final = b"(detached)"
_INITIAL: Final = b"(initial)"
_LONG: Final = 512


class Status(NamedTuple):
    """The working tree at one moment."""

    head: str | None
    """The full sha of the commit that is checked out; None before the first one."""
    branch: str | None
    """None where HEAD is detached."""
    changed: frozenset[str]
    """The files that differ from the commit, untracked and deleted ones included."""
    fingerprint: str
    """Equal as long as the commit, the branch, the index and the files on disk that differ from it are the same.

    Such a file counts by its size and times, so that a touched one looks changed and no change goes unnoticed.
    """


def read(said: bytes, root: str, besides: bytes = b"") -> Status:
    """What git said of the working tree at ``root``, and what counts besides: its warnings, the sparse checkout."""
    head = branch = None
    changed = set()
    marks = [besides] if besides else []
    for record in said.split(b"\0"):
        kind, _, text = record.partition(b" ")
        if kind == b"#":
            name, _, value = text.partition(b" ")
            if name == b"branch.oid":
                head = None if value == _INITIAL else value.decode()
            elif name == b"branch.head":
                branch = None if value == _DETACHED else decoded(value)
            else:
                continue
        marks.append(record)
        if kind in _PATH_FIELD:
            path = decoded(record.split(b" ", _PATH_FIELD[kind])[-1])
            changed.add(path)
            marks.append(stamp(f"{root}/{path}"))
    return Status(head, branch, frozenset(changed), fingerprint(b"\n".join(marks)))


def fingerprint(marks: bytes) -> str:
    """A text for ``marks``: the marks themselves while they are short, since importing hashlib takes 4 ms."""
    if len(marks) <= _LONG:
        return marks.decode("ascii", "backslashreplace")
    import hashlib

    return hashlib.sha256(marks).hexdigest()


def stamp(file: str) -> bytes:
    """Size and times of a file."""
    try:
        found = os.lstat(file)
    except OSError:
        return b"absent"
    return f"{found.st_mode} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}".encode()
