"""What a rendering looked at, so that a later one can tell whether it would see the same."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from indexer.git.artifact import plain
from indexer.git.text import encoded
from indexer.git.tree import Entry, EntryKind, OutOfReach, Tree, TreeError

_LINK: Final = "-> "
_KINDS: Final = frozenset(kind.value for kind in EntryKind)
_Seen = TypeVar("_Seen")


def listing_digest(entries: Iterable[Entry]) -> str:
    """Hex digest of the names and kinds in a directory."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(b"%s\0%s\0" % (entry.kind.encode(), encoded(entry.name)))
    return digest.hexdigest()


class RecordingTree:
    """A tree that remembers what was asked of it, in paths of the repository that really holds the files.

    It sees through artifacts: their ignore rules (``Ignore.digest``) and their composition (``MappedTree.digest``)
    are not remembered here and belong to the key that the record is kept under.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.read_files: dict[str, str] = {}
        """File → blob id; "" for what could not be read here, so that no later look finds the same."""
        self.listed: dict[str, str] = {}
        """Directory → digest of its listing; a path that was only looked for → what is there; a link → where to."""
        self.absent: set[str] = set()
        """Paths that were looked for and lead to nothing in the tree."""
        self.elsewhere: set[str] = set()
        """Names of other repositories that were looked at; the three records above leave those out."""
        self.withheld: set[str] = set()
        """What this machine did not give: the cluster may well have it."""
        self.remote = False
        """Whether something was looked for by its URL: what that means is remembered nowhere."""

    @property
    def tree(self) -> Tree:
        """The tree that is read."""
        return self._tree

    def fresh(self) -> RecordingTree:
        """Another record of the same tree, with nothing in it."""
        return RecordingTree(self._tree)

    def beside(self, tree: Tree) -> RecordingTree:
        """Another tree, remembered in this same record."""
        other = RecordingTree(tree)
        other.read_files, other.listed = self.read_files, self.listed
        other.absent, other.elsewhere, other.withheld = self.absent, self.elsewhere, self.withheld
        return other

    def absorb(self, other: RecordingTree) -> None:
        """Adds what another record of the same tree holds."""
        self.read_files.update(other.read_files)
        self.listed.update(other.listed)
        self.absent |= other.absent
        self.elsewhere |= other.elsewhere
        self.withheld |= other.withheld
        self.remote = self.remote or other.remote

    @property
    def repository(self) -> str | None:
        return self._tree.repository

    @property
    def root(self) -> str:
        return self._tree.root

    def resolve(self, path: str) -> str:
        resolved = self._look(self._tree.resolve, path)
        self._note(path)
        return resolved

    def kind(self, path: str) -> EntryKind | None:
        kind = self._tree.kind(path)
        self._note(path)
        return kind

    def list(self, path: str) -> list[Entry]:
        entries = self._look(self._tree.list, path)
        place = self._place(path)
        if place is not None:
            tree, there = place
            self.listed[tree.resolve(there)] = listing_digest(tree.list(there))
        return entries

    def read(self, path: str) -> bytes:
        content = self._look(self._tree.read, path)
        self._note_file(path)
        return content

    def blob(self, path: str) -> str:
        blob = self._look(self._tree.blob, path)
        self._note_file(path)
        return blob

    def origin(self, path: str) -> tuple[str | None, str]:
        return self._tree.origin(path)

    def _look(self, look: Callable[[str], _Seen], path: str) -> _Seen:
        """What a look at a path finds; that it fails is remembered."""
        try:
            return look(path)
        except TreeError as error:
            self._note_failure(path, error)
            raise

    def _place(self, path: str) -> tuple[Tree, str] | None:
        """The real place behind a path, without dots, its links noted; None where that is nothing to remember."""
        path = posixpath.normpath(path.strip("/")) if path else ""
        path = "" if path == "." else path
        if path == ".." or path.startswith("../"):
            return None
        try:
            tree, there = plain(self._tree, path)
        except TreeError:
            # A path that an ArtifactGenerator did not fill: the composition answers for it.
            return None
        if tree.repository is not None:
            self.elsewhere.add(tree.repository)
            return None
        self._note_links(tree, there)
        return tree, there

    def _note_links(self, tree: Tree, path: str) -> None:
        try:
            if tree.resolve(path) == path:
                return
            done = ""
            for name in path.split("/"):
                here = f"{done}/{name}" if done else name
                done = tree.resolve(here)
                if done != here:
                    self.listed[here] = _LINK + done
        except TreeError:
            return

    def _note(self, path: str) -> None:
        """Remembers what is at a path, or that nothing is."""
        place = self._place(path)
        if place is None:
            return
        tree, there = place
        kind = tree.kind(there)
        if kind is None:
            self.absent.add(there)
        elif self._tree.kind(path) is not None:
            self.listed.setdefault(there if kind is EntryKind.SUBMODULE else tree.resolve(there), kind.value)
        else:
            # Left out of the artifact: by a rule, or as a link, which the directory's listing tells.
            above = posixpath.dirname(there)
            self.listed[above] = listing_digest(tree.list(above))

    def _note_failure(self, path: str, error: TreeError) -> None:
        """Remembers a look that failed: it fails again for as long as the same is there."""
        if not isinstance(error, OutOfReach):
            self._note_file(path)
            return
        self.withheld.add(path)
        place = self._place(path)
        if place is not None:
            self.read_files[place[1]] = ""

    def _note_file(self, path: str) -> None:
        if self._tree.kind(path) is not EntryKind.FILE:
            self._note(path)
            return
        place = self._place(path)
        if place is not None:
            tree, there = place
            self.read_files[tree.resolve(there)] = tree.blob(there)


class Present:
    """What the repository shows now (its own tree, not an artifact of it): each path is looked at once, however many
    records name it.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._blobs: dict[str, str] = {}
        """What was found to be as a record has it; so the two below."""
        self._listed: dict[str, str] = {}
        self._absent: set[str] = set()
        self._listings: dict[str, str] = {}

    def matches(self, read: Mapping[str, str], listed: Mapping[str, str], absent: Iterable[str]) -> bool:
        """Whether a record still holds."""
        for path, blob in _new(read, self._blobs):
            if self._blob(path) != blob:
                return False
            self._blobs[path] = blob
        for path, seen in _new(listed, self._listed):
            if not self._still(path, seen):
                return False
            self._listed[path] = seen
        for path in [path for path in absent if path not in self._absent]:
            if self._tree.kind(path) is not None:
                return False
            self._absent.add(path)
        return True

    def _blob(self, path: str) -> str | None:
        try:
            return self._tree.blob(path)
        except TreeError:
            return None

    def _still(self, path: str, seen: str) -> bool:
        try:
            if seen.startswith(_LINK):
                return self._tree.resolve(path) == seen.removeprefix(_LINK)
            if seen in _KINDS:
                kind = self._tree.kind(path)
                return kind is not None and kind.value == seen
            if path not in self._listings:
                self._listings[path] = listing_digest(self._tree.list(path))
            return self._listings[path] == seen
        except TreeError:
            return False


def _new(record: Mapping[str, str], known: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a record says and is not known yet to be so."""
    return [(path, seen) for path, seen in record.items() if known.get(path) != seen]
