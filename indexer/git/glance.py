"""The working tree for a question about a few files, which does not wait until everything is listed."""

from __future__ import annotations

import os
from typing import Any

from indexer.git import disk
from indexer.git.tree import EntryKind
from indexer.git.worktree import LISTING, Listing, WorkTree


class Glance(WorkTree):
    """A working tree that looks files up alone, for as long as nothing else is asked for."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._plain: dict[str, bool] = {}
        """Path → whether it is a file, and neither a link nor below one."""

    def kind(self, path: str) -> EntryKind | None:
        if path and "_index" not in self.__dict__:
            if self._is_plain(path):
                return EntryKind.FILE
            if not os.path.lexists(self._on_disk(path)):
                return None
        return super().kind(path)

    def resolve(self, path: str) -> str:
        return path if self._plain.get(path) else super().resolve(path)

    def _is_plain(self, path: str) -> bool:
        if path not in self._plain:
            listing = Listing(self._git.run(*LISTING, "--", path), lambda one: disk.kind_of(self._on_disk(one)))
            directory, _, name = path.rpartition("/")
            self._plain[path] = listing.directories.get(directory, {}).get(name) is EntryKind.FILE
        return self._plain[path]
