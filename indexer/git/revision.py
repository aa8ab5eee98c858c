"""A revision as a tree, read from the object database without a checkout."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.git.linked import LinkedTree, without_lfs_pointer
from indexer.git.objects import ObjectDatabase
from indexer.git.text import decoded
from indexer.git.tree import EntryKind, Unreadable

_KINDS = {
    b"40000": EntryKind.DIRECTORY,
    b"120000": EntryKind.SYMLINK,
    b"160000": EntryKind.SUBMODULE,
}
_ID_LENGTH = 20


class RevisionTree(LinkedTree):
    """The files of one commit. Trees are read when a path first leads through them; blobs are not kept."""

    def __init__(self, objects: ObjectDatabase, commit: str, tree: str, root: str, repository: str | None) -> None:
        super().__init__(root, repository)
        self.commit = commit
        """Full sha of the commit."""
        self._objects = objects
        self._ids = {"": tree}
        self._directories: dict[str, dict[str, EntryKind]] = {}

    def _entry(self, path: str) -> EntryKind | None:
        if not path:
            return EntryKind.DIRECTORY
        directory, _, name = path.rpartition("/")
        return self._names(directory).get(name)

    def _names(self, path: str) -> Mapping[str, EntryKind]:
        names = self._directories.get(path)
        if names is None:
            names = {}
            for name, mode, object_id in _entries(self._object(path, "tree")):
                names[name] = _KINDS.get(mode, EntryKind.FILE)
                self._ids[f"{path}/{name}" if path else name] = object_id
            self._directories[path] = names
        return names

    def _object(self, path: str, expected: str) -> bytes:
        kind, content = self._objects.read(self._ids[path])
        if kind != expected:
            raise Unreadable(f"object {self._ids[path]} is a {kind} where Git expects a {expected}")
        return content

    def _target(self, path: str) -> str:
        return decoded(self._object(path, "blob"))

    def _back_inside(self, directory: str, target: str) -> str | None:
        """Nothing: where a revision would be checked out, and so what an absolute link means, is not known."""

    def _content(self, path: str) -> bytes:
        return without_lfs_pointer(self._object(path, "blob"))

    def _blob(self, path: str) -> str:
        return self._ids[path]


def _entries(tree: bytes) -> list[tuple[str, bytes, str]]:
    """Name, mode and object id of each entry of a tree object (gitformat-pack does not say: see ``git mktree``)."""
    entries = []
    start = 0
    while start < len(tree):
        space = tree.index(b" ", start)
        end = tree.index(b"\0", space)
        after = end + 1 + _ID_LENGTH
        entries.append((decoded(tree[space + 1 : end]), tree[start:space], tree[end + 1 : after].hex()))
        start = after
    return entries
