"""Files that nobody wrote to a disk: what is unpacked from an archive, or made of other files."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from indexer.git import disk
from indexer.git.linked import in_byte_order
from indexer.git.tree import Entry, EntryKind, Missing, NotADirectory, NotAFile


class MemoryTree:
    """A tree of texts by their path; ``repository`` is what spans say they belong to."""

    def __init__(self, files: Mapping[str, bytes], repository: str | None = None) -> None:
        self.root = ""
        self.repository = repository
        self._files = dict(files)
        self._directories: dict[str, dict[str, EntryKind]] = {"": {}}
        for path in files:
            self._place(path, EntryKind.FILE)

    def _place(self, path: str, kind: EntryKind) -> None:
        directory, name = posixpath.split(path)
        if directory not in self._directories:
            self._directories[directory] = {}
            self._place(directory, EntryKind.DIRECTORY)
        self._directories[directory][name] = kind

    def resolve(self, path: str) -> str:
        if self.kind(path) is None:
            raise Missing("no such file or directory")
        return path

    def kind(self, path: str) -> EntryKind | None:
        if path in self._files:
            return EntryKind.FILE
        return EntryKind.DIRECTORY if path in self._directories else None

    def list(self, path: str) -> list[Entry]:
        if self.resolve(path) in self._files:
            raise NotADirectory("is not a directory")
        return in_byte_order(self._directories[path])

    def read(self, path: str) -> bytes:
        if self.resolve(path) not in self._files:
            raise NotAFile("is a directory")
        return self._files[path]

    def blob(self, path: str) -> str:
        return disk.blob_id(self.read(path))

    def origin(self, path: str) -> tuple[str | None, str]:
        return self.repository, self.resolve(path)
