"""How symbolic links are followed: once, for every tree whose directories hold links."""

from __future__ import annotations

import posixpath
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

from indexer.git.text import encoded
from indexer.git.tree import Entry, EntryKind, Missing, NotADirectory, NotAFile, Outside, TreeError, Unreadable

MAX_LINKS: Final = 40
"""Linux gives up after as many links in one path (path_resolution(7))."""

LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/v1"


class _InSubmodule(Unreadable):
    """The path leads into a submodule, whose files are another repository's."""


class LinkedTree(ABC):
    """A ``Tree`` made of a few questions about plain paths: relative, without dots, all directories real."""

    def __init__(self, root: str, repository: str | None) -> None:
        self._root = root
        self._repository = repository
        self._resolved: dict[str, str] = {"": ""}

    @property
    def repository(self) -> str | None:
        return self._repository

    @property
    def root(self) -> str:
        return self._root

    @abstractmethod
    def _entry(self, path: str) -> EntryKind | None:
        """What stands at a plain path, links not followed."""

    @abstractmethod
    def _names(self, path: str) -> Mapping[str, EntryKind]:
        """The names in a plain directory."""

    @abstractmethod
    def _target(self, path: str) -> str:
        """The text of the link at a plain path."""

    @abstractmethod
    def _content(self, path: str) -> bytes:
        """The bytes of the file at a plain path."""

    @abstractmethod
    def _blob(self, path: str) -> str:
        """The blob id of the file at a plain path."""

    @abstractmethod
    def _back_inside(self, directory: str, target: str) -> str | None:
        """The path in the tree of a link's target that is absolute or climbs over the root; None: it is outside."""

    def resolve(self, path: str) -> str:
        """The path without symbolic links or dots. Raises Missing, Outside, Unreadable."""
        known = self._resolved.get(path)
        if known is not None:
            return known
        head, _, name = path.rpartition("/")
        start = self._resolved.get(head)
        done, todo = (start, [name]) if start is not None else ("", path.split("/")[::-1])
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if done and self._entry(done) is not EntryKind.DIRECTORY:
                raise self._no_way_through(done)
            if part == "..":
                if not done and self._root:
                    raise Outside("leads out of the tree")
                done = posixpath.dirname(done)
                continue
            here = f"{done}/{part}" if done else part
            kind = self._entry(here)
            if kind is None:
                raise Missing("no such file or directory")
            if kind is not EntryKind.SYMLINK:
                done = here
                continue
            links += 1
            if links > MAX_LINKS:
                raise Unreadable(f"too many symbolic links, {here} is one of a cycle")
            done, target = self._follow(here, done)
            todo.extend(target.split("/")[::-1])
        self._resolved[path] = done
        return done

    def _follow(self, link: str, directory: str) -> tuple[str, str]:
        """Where to go on behind a link: a directory, and the path from there."""
        target = self._target(link)
        aim = posixpath.normpath(posixpath.join(directory, target))
        if not aim.startswith(("/", "../")) and aim != "..":
            return directory, target
        inside = self._back_inside(directory, target)
        if inside is None:
            raise Outside(f"symbolic link {link} leads out of the tree, to {target}")
        return "", inside

    def _no_way_through(self, path: str) -> TreeError:
        if self._entry(path) is EntryKind.SUBMODULE:
            return _InSubmodule(f"{path} is a Git submodule, whose files are in another repository")
        return Missing(f"no such file or directory: {path} is a file")

    def kind(self, path: str) -> EntryKind | None:
        """What is behind any links; SUBMODULE also for paths below one, since nobody can say what is there."""
        try:
            return self._entry(self.resolve(path))
        except _InSubmodule:
            return EntryKind.SUBMODULE
        except TreeError:
            return None

    def list(self, path: str) -> list[Entry]:
        """The names in a directory in byte order. Raises Missing, NotADirectory, Outside, Unreadable (a submodule)."""
        directory = self.resolve(path)
        kind = self._entry(directory)
        if kind is EntryKind.SUBMODULE:
            raise self._no_way_through(directory)
        if kind is not EntryKind.DIRECTORY:
            raise NotADirectory("is not a directory")
        return in_byte_order(self._names(directory))

    def read(self, path: str) -> bytes:
        """A file's bytes, exactly as stored. Raises any TreeError."""
        return self._content(self._file(path))

    def blob(self, path: str) -> str:
        """The blob id of a file's content. Raises as ``read``, but a Git LFS pointer has one like any text."""
        return self._blob(self._file(path))

    def _file(self, path: str) -> str:
        file = self.resolve(path)
        kind = self._entry(file)
        if kind is EntryKind.DIRECTORY:
            raise NotAFile("is a directory")
        if kind is EntryKind.SUBMODULE:
            raise self._no_way_through(file)
        return file

    def origin(self, path: str) -> tuple[str | None, str]:
        return self._repository, path


def in_byte_order(names: Mapping[str, EntryKind]) -> list[Entry]:
    """Entries in the order of their names' bytes, which is not the order of surrogate-escaped text."""
    return [Entry(name, names[name]) for name in sorted(names, key=encoded)]


def without_lfs_pointer(content: bytes) -> bytes:
    """``content``, unless it only points at content in Git LFS. Raises Unreadable."""
    if content.startswith(LFS_POINTER):
        raise Unreadable("is a Git LFS pointer, whose content Git does not have: Flux sees the pointer, too")
    return content
