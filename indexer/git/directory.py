"""A plain folder of the file system as a tree; it needs no Git."""

from __future__ import annotations

import os
from pathlib import Path

from indexer.git import disk
from indexer.git.tree import EntryKind, OutOfReach


class DirectoryTree(disk.DiskTree):
    """The folder ``root`` as it was when each of its paths was first looked at: an instance lives for one build."""

    def __init__(self, root: Path | str, repository: str | None = None) -> None:
        super().__init__(os.path.realpath(root).rstrip("/"), repository)
        self._kinds: dict[str, EntryKind | None] = {"": EntryKind.DIRECTORY}
        self._listed: dict[str, dict[str, EntryKind]] = {}

    def _entry(self, path: str) -> EntryKind | None:
        if path in self._kinds:
            return self._kinds[path]
        kind = self._kinds[path] = disk.kind_of(self._on_disk(path))
        return kind

    def _names(self, path: str) -> dict[str, EntryKind]:
        names = self._listed.get(path)
        if names is None:
            names = self._listed[path] = self._scan(path)
        return names

    def _scan(self, path: str) -> dict[str, EntryKind]:
        names = {}
        try:
            with os.scandir(self._on_disk(path)) as entries:
                for entry in entries:
                    kind = EntryKind.FILE
                    if entry.is_symlink():
                        kind = EntryKind.SYMLINK
                    elif entry.is_dir(follow_symlinks=False):
                        kind = EntryKind.DIRECTORY
                    names[entry.name] = kind
                    self._kinds[f"{path}/{entry.name}" if path else entry.name] = kind
        except OSError as error:
            raise OutOfReach(f"cannot be read: {error.strerror}") from None
        return names

    def _content(self, path: str) -> bytes:
        return disk.read_file(self._on_disk(path))

    def _blob(self, path: str) -> str:
        return disk.blob_id(self._content(path))
