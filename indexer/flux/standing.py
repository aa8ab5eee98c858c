"""Clusters that hold because no file that they read has changed since the last build of the working tree.

To look again at all that each cluster looked at takes as long as there are clusters. So a build leaves behind which
clusters read which files. As long as the names in the tree are the same, a file that changed reaches those that read
it, and no other.
"""

from __future__ import annotations

import marshal
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from indexer.deferred import NamedTuple
from indexer.flux.store import Store
from indexer.git.tree import Tree, TreeError
from indexer.git.worktree import WorkTree

_MEMO: Final = "what clusters read"
_DAY: Final = 86_400


class Kept(NamedTuple):
    """A record of clusters that holds."""

    record: bytes
    recipes: tuple[tuple[Any, str], ...]
    """The artifacts that the clusters rest on, with what stands for their rules."""
    outcome: bytes


class Standing:
    """What the last build found to hold, and what this one does. Of revisions nothing is remembered."""

    def __init__(self, tree: Tree, store: Store) -> None:
        self._tree = tree if isinstance(tree, WorkTree) else None
        self._store = store
        self._noted: dict[bytes, Kept] = {}
        """What holds in this build, by key."""
        self._read: dict[bytes, Callable[[], Mapping[str, str]]] = {}
        """Record → the files that it read, with their blobs; of those that the last build did not have."""
        self._files: dict[str, tuple[str, int]] = {}
        """Of the last build: the files that were read, with their blobs and the bits of the records that read them."""
        self._bits: dict[bytes, int] = {}
        """Record → its bit."""
        self._kept: dict[bytes, Kept] = {}
        """What holds of the last build, by key."""
        memo = store.memo(_MEMO) if self._tree is not None else None
        if memo is not None:
            mark, self._files, kept = marshal.loads(memo)  # noqa: S302 - see the store
            self._bits = {record: bit for _, bit, record, *_ in kept}
            if mark == self._mark():
                reached = self._reached()
                self._kept = {key: Kept(*one) for key, bit, *one in kept if not bit & reached}

    def find(self, key: bytes) -> Kept | None:
        """What was kept under a key and surely holds; None where that has to be looked at."""
        return self._kept.get(key)

    def note(self, key: bytes, kept: Kept, read: Callable[[], Mapping[str, str]]) -> None:
        """Takes note of what holds, and of the files that it read, with their blobs."""
        self._noted[key] = kept
        if kept.record not in self._bits:
            self._read[kept.record] = read

    def remember(self) -> None:
        """Leaves all that was noted to the next build."""
        if self._tree is None:
            return
        bits = {kept.record: self._bits[kept.record] for kept in self._noted.values() if kept.record in self._bits}
        taken = sum(bits.values())
        files = {path: (blob, left) for path, (blob, readers) in self._files.items() if (left := readers & taken)}
        for record, read in self._read.items():
            bits[record] = free = ~taken & (taken + 1)
            taken |= free
            for path, blob in read().items():
                files[path] = blob, files.get(path, (blob, 0))[1] | free
        kept = [(key, bits[one.record], *one) for key, one in self._noted.items()]
        self._store.remember(_MEMO, marshal.dumps((self._mark(), files, kept)))

    def _mark(self) -> tuple[int, bytes]:
        assert self._tree is not None
        # Once a day all is looked up in the store, which drops what is not used.
        return int(time.time()) // _DAY, self._tree.names

    def _reached(self) -> int:
        """The bits of the records that read a file which is different now."""
        assert self._tree is not None
        tree, now, reached = self._tree, self._tree.blobs, 0
        for path, (blob, readers) in self._files.items():
            if now.get(path) != blob and not _is(tree, path, blob):
                reached |= readers
        return reached


def _is(tree: Tree, path: str, blob: str) -> bool:
    try:
        return tree.blob(path) == blob
    except TreeError:
        return False
