"""The working tree of a repository as a tree: what ``git add --all`` would know of, as it is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Final

from indexer.deferred import regex
from indexer.git import disk
from indexer.git.command import Git, Running
from indexer.git.linked import without_lfs_pointer
from indexer.git.text import decoded, encoded
from indexer.git.tree import EntryKind, Missing, OutOfReach, Unreadable

LISTING: Final = (
    "ls-files", "-z", "-v", "--stage", "--cached", "--modified", "--deleted", "--others", "--exclude-standard",
)  # fmt: skip
"""One command for everything; its tags: H cached, S not checked out, C changed, R removed, ? not tracked."""

_CONVERTS: Final = regex(rb"(?m)^[^#\n]*[ \t](text|eol|crlf|filter|ident|working-tree-encoding)\b")


class Listing:
    """What git says of the working tree: a kind for each directory's names, and the blob ids of unchanged files."""

    def __init__(self, listing: bytes, kind_on_disk: Callable[[str], EntryKind | None]) -> None:
        self.blobs: dict[str, str] = {}
        self.absent: set[str] = set()
        """Files that a sparse checkout leaves out of the working tree."""
        self.directories: dict[str, dict[str, EntryKind]] = {"": {}}
        kinds: dict[str, EntryKind | None] = {}
        for record in listing.split(b"\0"):
            tag = record[:1]
            if tag == b"?":
                path = decoded(record[2:])
                kinds[path.rstrip("/")] = EntryKind.SUBMODULE if path.endswith("/") else kind_on_disk(path)
            elif tag in (b"R", b"r"):
                # Deleted, or in a directory that may not be looked into.
                path = decoded(record.partition(b"\t")[2])
                kinds[path] = kind_on_disk(path)
            elif tag:
                self._tracked(record, kinds, kind_on_disk)
        for path, kind in kinds.items():
            if kind is not None:
                self._place(path, kind)

    def _tracked(
        self, record: bytes, kinds: dict[str, EntryKind | None], kind_on_disk: Callable[[str], EntryKind | None]
    ) -> None:
        fields, _, name = record.partition(b"\t")
        tag, mode, blob, stage = fields.decode().split(" ")
        path = decoded(name)
        if mode == "160000":
            kinds[path] = EntryKind.SUBMODULE
        elif tag in ("C", "c"):
            self.blobs.pop(path, None)
            if kinds.get(path) is not None:
                kinds[path] = kind_on_disk(path)
        else:
            kinds[path] = EntryKind.SYMLINK if mode == "120000" else EntryKind.FILE
            if stage == "0" and tag in ("H", "S"):
                # Lower case marks files that git was told to assume unchanged: those are hashed.
                self.blobs[path] = blob
            if tag in ("S", "s"):
                self.absent.add(path)

    def _place(self, path: str, kind: EntryKind) -> None:
        directory, _, name = path.rpartition("/")
        names = self.directories.get(directory)
        if names is None:
            self._place(directory, EntryKind.DIRECTORY)
            names = self.directories[directory] = {}
        names[name] = kind


class WorkTree(disk.DiskTree):
    """Tracked and untracked files, not the ignored ones, with their content on disk; submodules stay closed.

    Nothing is asked of git before the first look, and then once: an unchanged file's blob id is the index's. Where
    attributes or settings convert content on its way into Git, ids are those of the bytes on disk.
    """

    def __init__(
        self,
        root: str,
        repository: str | None,
        git: Git,
        config: Mapping[str, list[str]],
        algorithm: str = "sha1",
    ) -> None:
        super().__init__(root, repository)
        self._git = git
        self._config = config
        self._algorithm = algorithm
        self._hashed: dict[str, str] = {}
        self._looking: Running | None = None

    def look(self) -> None:
        """Has git look at what this tree will ask it for, while this process goes on."""
        if self._looking is None:
            self._looking = self._git.start(*LISTING)

    @cached_property
    def _index(self) -> Listing:
        looking, self._looking = self._looking or self._git.start(*LISTING), None
        return Listing(looking.heard()[0], lambda path: disk.kind_of(self._on_disk(path)))

    @cached_property
    def names(self) -> bytes:
        """What stands for all names in the tree, and what they are: the same as long as only files' contents differ."""
        import hashlib  # which a question about one file need not wait for

        digest = hashlib.sha256("\0".join(sorted(self._index.absent)).encode("utf-8", "surrogateescape"))
        for directory, names in self._index.directories.items():
            digest.update(encoded("\0".join([directory, str(len(names)), *names, *names.values(), ""])))
            if EntryKind.SYMLINK in names.values():
                links = [name for name, kind in names.items() if kind is EntryKind.SYMLINK]
                targets = [self._leads(f"{directory}/{name}" if directory else name) for name in links]
                digest.update(encoded("\0".join([*targets, ""])))
        return digest.digest()

    def _leads(self, link: str) -> str:
        try:
            return self._target(link)
        except Unreadable:
            return ""

    @cached_property
    def blobs(self) -> Mapping[str, str]:
        """The blob ids that git has at hand and that are also those of the bytes on disk."""
        return {} if self._converts() else self._index.blobs

    def _converts(self) -> bool:
        config = self._config
        if (
            config.get("core.autocrlf", ["false"])[-1] not in ("false", "no", "off", "0", "")
            or "core.attributesfile" in config
        ):
            return True
        return any(_CONVERTS.search(text) for text in self._attributes())

    def _attributes(self) -> Iterable[bytes]:
        for directory, names in self._index.directories.items():
            if names.get(".gitattributes") is EntryKind.FILE:
                try:
                    yield disk.read_file(
                        self._on_disk(f"{directory}/.gitattributes" if directory else ".gitattributes")
                    )
                except (Missing, Unreadable):
                    continue

    def _entry(self, path: str) -> EntryKind | None:
        if not path:
            return EntryKind.DIRECTORY
        directory, _, name = path.rpartition("/")
        names = self._index.directories.get(directory)
        return names.get(name) if names is not None else None

    def _names(self, path: str) -> Mapping[str, EntryKind]:
        return self._index.directories[path]

    def _content(self, path: str) -> bytes:
        return without_lfs_pointer(self._bytes(path))

    def _bytes(self, path: str) -> bytes:
        try:
            content = disk.read_file(self._on_disk(path))
        except Missing:
            if path in self._index.absent:
                raise OutOfReach("is not checked out: run git sparse-checkout add for its directory") from None
            raise
        if path not in self.blobs:
            self._hashed[path] = disk.blob_id(content, self._algorithm)
        return content

    def _blob(self, path: str) -> str:
        known = self.blobs.get(path) or self._hashed.get(path)
        if known is None:
            self._bytes(path)
            known = self._hashed[path]
        return known
