"""Files of the file system: reading them safely, the blob ids Git would give them, and what trees of them share."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from indexer.git.linked import LinkedTree
from indexer.git.tree import EntryKind, Missing, OutOfReach, Unreadable


def kind_of(path: str) -> EntryKind | None:
    """What stands at a path, links not followed; None where nothing does.

    What may not be looked at counts as a file: reading it says why it cannot be had.
    """
    try:
        mode = os.lstat(path).st_mode
    except PermissionError:
        return EntryKind.FILE
    except (OSError, ValueError):
        return None
    if stat.S_ISLNK(mode):
        return EntryKind.SYMLINK
    return EntryKind.DIRECTORY if stat.S_ISDIR(mode) else EntryKind.FILE


def read_file(path: str) -> bytes:
    """The bytes of a regular file. Raises Missing, OutOfReach, Unreadable."""
    try:
        # O_NONBLOCK: opening a named pipe must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Missing("no such file or directory") from None
    except OSError as error:
        raise OutOfReach(f"cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("is not a regular file")
        return file.readall()


def blob_id(content: bytes, algorithm: str = "sha1") -> str:
    """The object id Git gives to a file with this content."""
    import hashlib

    digest = hashlib.new(algorithm, b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


class DiskTree(LinkedTree):
    """What trees whose files lie below a real directory have in common. ``root`` holds no symbolic link."""

    def _on_disk(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _target(self, path: str) -> str:
        try:
            return os.fspath(Path(self._on_disk(path)).readlink())
        except OSError as error:
            raise OutOfReach(f"cannot be read: {error.strerror}") from None

    def _back_inside(self, directory: str, target: str) -> str | None:
        real = os.path.realpath(Path(self._on_disk(directory)) / target)
        if real == (self._root or "/"):
            return ""
        return real.removeprefix(f"{self._root}/") if real.startswith(f"{self._root}/") else None
