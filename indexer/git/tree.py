"""What every room below reads files through: one interface for a working tree, a revision, an artifact.

Paths are relative to the tree's root, with ``/``, without a leading or trailing one; ``""`` is the root. Names that
are not UTF-8 are decoded with ``surrogateescape``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from indexer.deferred import NamedTuple


class EntryKind(StrEnum):
    """What a name in a directory stands for."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"


class Entry(NamedTuple):
    """One name in a directory."""

    name: str
    kind: EntryKind


class TreeError(Exception):
    """A path that cannot be read; the message says why, without the path in front."""


class Missing(TreeError):
    """There is nothing at this path."""


class NotAFile(TreeError):
    """The path is a directory."""


class NotADirectory(TreeError):
    """The path is a file."""


class Outside(TreeError):
    """The path, or a symbolic link on it, leads out of the tree."""


class Unreadable(TreeError):
    """It exists and its content cannot be had: a submodule, a Git LFS pointer, a link cycle."""


class OutOfReach(Unreadable):
    """It is this machine alone that does not give it: it is not checked out, the right to read it or an object is
    missing. The next look may find it.
    """


class Tree(Protocol):
    """A tree of files. Symbolic links are followed as long as they stay inside."""

    @property
    def repository(self) -> str | None:
        """The name spans carry: None for the repository being indexed."""

    @property
    def root(self) -> str:
        """The absolute path that messages show for the root, without a trailing slash ("" for the file system)."""

    def resolve(self, path: str) -> str:
        """The path without symbolic links or dots. Raises Missing, Outside, Unreadable."""

    def kind(self, path: str) -> EntryKind | None:
        """FILE, DIRECTORY or SUBMODULE behind any links; None where there is nothing or a link leads nowhere."""

    def list(self, path: str) -> list[Entry]:
        """The names in a directory in byte order, links not followed. Raises Missing, NotADirectory, Outside."""

    def read(self, path: str) -> bytes:
        """A file's bytes. Raises any TreeError."""

    def blob(self, path: str) -> str:
        """The Git blob id of a file's content (its content address, whether or not Git stores it). Raises as read."""

    def origin(self, path: str) -> tuple[str | None, str]:
        """The repository that really holds a file, and the file's path from that repository's root."""
