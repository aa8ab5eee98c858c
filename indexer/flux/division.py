"""Which shard of a build renders which unit: the same division in every shard, from the repository's files alone.

Units whose directories lead to the same base are of one shard, so that no two shards build that base. What may deliver
further units is of every shard, since each has to find its own.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as Table
from typing import TYPE_CHECKING, Final

from indexer.deferred import NamedTuple
from indexer.flux.identity import UnitId
from indexer.flux.kustomization import clamped
from indexer.flux.resources import items_of
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.kustomization import FILE_NAMES
from indexer.kustomize.loader import ParseCache
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Scalar

if TYPE_CHECKING:
    from indexer.flux.job import Job

_DELIVERING: Final = (b"kustomize.toolkit.fluxcd.io", b"fluxcd.controlplane.io")
"""Groups of objects that bring units to a cluster. Releases and sources do not, and stand in most directories."""
_LISTS: Final = ("resources", "bases", "components")


class Shard(NamedTuple):
    """One of ``of`` parts of a build; the first is number 0."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class Division:
    """The division of the units of a repository among shards, as one of them sees it."""

    def __init__(self, tree: Tree, documents: ParseCache, shard: Shard) -> None:
        self._tree = tree
        self._documents = documents
        self._shard = shard
        self._listed: dict[str, tuple[str, ...]] = {}
        self._delivering: dict[str, bool] = {}
        self._bases: dict[str, str] = {}

    def is_mine(self, directory: str) -> bool:
        """Whether this shard renders the Kustomizations of a directory."""
        return self.is_delivering(directory) or self._owner(directory) == self._shard.number

    def takes(self, job: Job, jobs: Table[UnitId, Job]) -> bool:
        """Whether this shard renders a Kustomization. What only one shard can find belongs to that one."""
        parent = jobs.get(job.parent) if job.parent is not None else None
        if parent is None:
            return True
        found_by_all = parent.parent is None or self.is_delivering(clamped(parent.spec.path))
        return self.is_mine(clamped((job if found_by_all else parent).spec.path))

    def help(self, jobs: Collection[Job]) -> bool:
        """Takes a Kustomization of another shard that may deliver what those of this one wait for; False: none does."""
        names = {name for job in jobs if job.waits for name in job.lacks}
        for job in jobs:
            if names and job.elsewhere and self.mentions(clamped(job.spec.path), names):
                job.elsewhere = False
                return True
        return False

    def mentions(self, directory: str, names: Iterable[str]) -> bool:
        """Whether the files that a directory leads to hold one of ``names``: it may deliver what is called so."""
        wanted = [name.encode("utf-8", "surrogateescape") for name in names]
        return any(name in data for data in self._contents(directory) for name in wanted)

    def _owner(self, directory: str) -> int:
        digest = hashlib.sha256(self._base(directory).encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8]) % self._shard.of

    def is_delivering(self, directory: str) -> bool:
        """Whether the Kustomizations of a directory may deliver further units, so that every shard renders them."""
        if directory not in self._delivering:
            found = any(mark in data for data in self._contents(directory) for mark in _DELIVERING)
            self._delivering[directory] = found
        return self._delivering[directory]

    def _base(self, directory: str) -> str:
        """The directory that is listed first, the one that this one lists first, and so on to the end."""
        if directory not in self._bases:
            self._bases[directory] = directory  # where a circle ends
            below = (path for path in self._entries(directory) if self._tree.kind(path) is EntryKind.DIRECTORY)
            first = next(below, None)
            if first is not None:
                self._bases[directory] = self._base(first)
        return self._bases[directory]

    def _contents(self, directory: str) -> Iterator[bytes]:
        """The files that a directory leads to, each once."""
        seen = {directory}
        todo = [directory]
        while todo:
            for path in self._entries(todo.pop()):
                if path in seen:
                    continue
                seen.add(path)
                if self._tree.kind(path) is EntryKind.DIRECTORY:
                    todo.append(path)
                else:
                    yield self._read(path)

    def _read(self, path: str) -> bytes:
        try:
            return self._tree.read(path)
        except TreeError:
            return b""

    def _entries(self, directory: str) -> tuple[str, ...]:
        """The files and directories that a directory lists; all that is in it where no kustomization file does."""
        if directory not in self._listed:
            self._listed[directory] = tuple(self._find(directory))
        return self._listed[directory]

    def _find(self, directory: str) -> Iterator[str]:
        for name in FILE_NAMES:
            path = posixpath.join(directory, name)
            if self._tree.kind(path) is EntryKind.FILE:
                yield path
                yield from self._listed_in(path, directory)
                return
        try:
            entries = self._tree.list(directory)
        except TreeError:
            return
        for entry in entries:
            if entry.kind is EntryKind.DIRECTORY or entry.name.endswith((".yaml", ".yml")):
                yield posixpath.join(directory, entry.name)

    def _listed_in(self, file: str, directory: str) -> Iterator[str]:
        try:
            documents = self._documents.documents(self._tree, file)
        except (TreeError, ManifestError):
            # The shard that the directory belongs to will say so.
            return
        for document in documents:
            if isinstance(document.node, Mapping):
                for field in _LISTS:
                    for item in items_of(document.node.get(field)):
                        path = posixpath.normpath(
                            posixpath.join(directory, item.text if isinstance(item, Scalar) else "")
                        )
                        if not path.startswith("..") and self._tree.kind(path) is not None:
                            yield path
