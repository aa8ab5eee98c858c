"""Reading what a kustomization names, relative to its directory, within the bounds kustomize sets.

Rules: kustomize's ``api/internal/loader`` (kustomize-semantics.md §3). Nothing is ever fetched from a network.
"""

from __future__ import annotations

import posixpath
from enum import StrEnum

from indexer.git.recording import RecordingTree
from indexer.git.tree import EntryKind, Missing, NotADirectory, NotAFile, Outside, Tree, TreeError
from indexer.kustomize.errors import KustomizeError, RemoteError, of_manifest
from indexer.kustomize.remote import Remotes, RepoSpec, is_remote_file, parse_repo_spec
from indexer.manifest.compose import Document, parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.move import copied
from indexer.manifest.node import Source


class LoadRestrictor(StrEnum):
    """Which files a kustomization may read; directories are never restricted."""

    ROOT_ONLY = "LoadRestrictionsRootOnly"
    NONE = "LoadRestrictionsNone"


class ParseCache:
    """Documents by (repository, file, blob): a blob is parsed once a process, however many overlays read it."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str | None, str, str], list[Document] | ManifestError] = {}
        self._contents: dict[str, list[Document]] = {}

    def documents(self, tree: Tree, path: str) -> list[Document]:
        """The documents of a file as kustomize reads resources. Raises TreeError, ManifestError."""
        repository, file = tree.origin(path)
        blob = tree.blob(path)
        key = (repository, file, blob)
        found = self._documents.get(key)
        if found is None:
            twin = self._contents.get(blob)
            if twin is not None:
                # A copy takes a fraction of the time of parsing: each cluster has the same components of Flux.
                found = [_placed(document, repository, file) for document in twin]
            else:
                try:
                    found = self._contents[blob] = parse(tree.read(path), file, repository)
                except ManifestError as error:
                    found = error
            self._documents[key] = found
        if isinstance(found, ManifestError):
            raise found
        return found


def _placed(document: Document, repository: str | None, file: str) -> Document:
    """A document as it stands in another file of the same content."""
    source = Source(repository, file, document.source.document)
    return Document(None if document.node is None else copied(document.node, source), source)


class Loader:
    """Reads files relative to one kustomization's directory, and opens loaders for the directories it names."""

    def __init__(
        self,
        tree: Tree,
        directory: str,
        restrictor: LoadRestrictor,
        cache: ParseCache,
        referrer: Loader | None = None,
        remotes: Remotes | None = None,
        clone: str = "",
    ) -> None:
        self.tree = tree
        self.directory = directory
        """From the tree's root, without symbolic links."""
        self.restrictor = restrictor
        self.cache = cache
        self.referrer = referrer
        self.remotes = remotes
        self.clone = clone
        """The URL of the remote base that it is in; "" in the tree that is built."""

    @property
    def root(self) -> str:
        """The absolute directory, as messages print it."""
        return self.absolute(self.directory)

    def absolute(self, path: str) -> str:
        return f"{self.tree.root}/{path}" if path else self.tree.root or "/"

    def shown(self, path: str) -> str:
        """A path as a person finds it: from the repository's root; absolute where the tree is the file system."""
        return path or "." if self.tree.root else f"/{path}"

    def _joined(self, path: str) -> str:
        """A path from the tree's root, cleaned as Go's filepath.Join does. Raises KustomizeError outside the tree."""
        if path.startswith("/"):
            prefix = self.tree.root + "/"
            if not path.startswith(prefix):
                gone = "no such file or directory"
                raise KustomizeError(
                    f"evalsymlink failure on '{path}' : lstat {path}: {gone}", problem=f"{gone}: {path}"
                )
            joined = posixpath.normpath(path[len(prefix) :])
        else:
            above = "/" if not self.tree.root else ""
            joined = posixpath.normpath(posixpath.join(above + self.directory, path)).lstrip("/")
        if joined == ".." or joined.startswith("../"):
            raise KustomizeError(
                f"security; file '{path}' is outside the repository",
                problem=f"{path} leads out of the repository: name a path inside it",
            )
        return "" if joined == "." else joined

    def locate(self, path: str) -> str:
        """A local file that Load would read, from the tree's root and without symbolic links. Raises KustomizeError."""
        joined = self._joined(path)
        try:
            real = self.tree.resolve(joined)
            kind = self.tree.kind(real)
        except Outside as error:
            raise KustomizeError(
                f"security; file '{self.absolute(joined)}' is not in or below '{self.root}'", problem=f"{path}: {error}"
            ) from None
        except (Missing, NotADirectory):
            raise self._missing(joined) from None
        except TreeError as error:
            raise KustomizeError(f"{self.absolute(joined)}: {error}", problem=f"{path}: {error}") from None
        if kind is not EntryKind.FILE:
            if self.restrictor is LoadRestrictor.NONE:
                raise KustomizeError(
                    f"read {self.absolute(joined)}: is a directory", problem=f"{path} is a directory, not a file"
                )
            raise KustomizeError(
                f"'{self.absolute(joined)}' must resolve to a file", problem=f"{path} is a directory, not a file"
            )
        if self.restrictor is LoadRestrictor.ROOT_ONLY and not _is_below(posixpath.dirname(real), self.directory):
            raise KustomizeError(
                f"security; file '{self.absolute(joined)}' is not in or below '{self.root}'",
                problem=f"{path} is outside this kustomization's directory",
            )
        return real

    def _missing(self, joined: str) -> KustomizeError:
        absolute = self.absolute(joined)
        if self.restrictor is LoadRestrictor.NONE:
            return KustomizeError(
                f"open {absolute}: no such file or directory",
                problem=f"{self.shown(joined)} does not exist: create it or correct the entry",
            )
        first = self._first_missing(joined)
        return KustomizeError(
            f"evalsymlink failure on '{absolute}' : lstat {self.absolute(first)}: no such file or directory",
            problem=f"{self.shown(joined)} does not exist: create it or correct the entry",
        )

    def _first_missing(self, path: str) -> str:
        """The first part of a path that is not there: what lstat complains about."""
        parts = path.split("/")
        for count in range(1, len(parts)):
            part = "/".join(parts[:count])
            if self.tree.kind(part) is None:
                return part
        return path

    def find(self, path: str) -> tuple[Tree, str]:
        """The file that Load would read, local or the copy of a remote one, and the tree it is in.

        Raises KustomizeError.
        """
        if not is_remote_file(path):
            return self.tree, self.locate(path)
        self._note_remote()
        found = self.remotes.file(path) if self.remotes is not None else None
        if found is None:
            raise RemoteError(
                f"remote file '{path}' is not fetched",
                problem=f"{path} is remote and not fetched; put a copy into the repository, or map the URL to a local "
                "copy in .fluxidx.toml",
            )
        return self._recorded(found[0]), found[1]

    def _note_remote(self) -> None:
        if isinstance(self.tree, RecordingTree):
            self.tree.remote = True

    def _recorded(self, tree: Tree) -> Tree:
        return self.tree.beside(tree) if isinstance(self.tree, RecordingTree) else tree

    def load(self, path: str) -> bytes:
        """A file's bytes. Raises KustomizeError."""
        tree, real = self.find(path)
        try:
            return tree.read(real)
        except TreeError as error:
            raise KustomizeError(f"{self.absolute(real)}: {error}", problem=f"{path}: {error}") from None

    def file(self, path: str) -> tuple[str | None, str]:
        """(repository, path in it) of a file that ``load`` reads."""
        tree, real = self.find(path)
        return tree.origin(real)

    def documents(self, path: str) -> list[Document]:
        """The documents of a resource or patch file, parsed once a process. Raises KustomizeError."""
        tree, real = self.find(path)
        try:
            return self.cache.documents(tree, real)
        except ManifestError as error:
            raise of_manifest(error, path) from None
        except TreeError as error:
            raise KustomizeError(f"{self.absolute(real)}: {error}", problem=f"{path}: {error}") from None

    def new(self, path: str) -> Loader:
        """A loader for a directory. Raises KustomizeError: not a directory, remote without a copy, a cycle."""
        if path == "":
            raise KustomizeError("new root cannot be empty", problem="an entry is empty")
        spec = parse_repo_spec(path)
        if spec is not None:
            return self._cloned(path, spec)
        if path.startswith("/"):
            raise KustomizeError(f"new root '{path}' cannot be absolute", problem=f"{path} is absolute")
        return self._opened(path)

    def _cloned(self, url: str, spec: RepoSpec) -> Loader:
        self._note_remote()
        found = self.remotes.repository(spec) if self.remotes is not None else None
        if found is None:
            raise RemoteError(
                f"remote base '{url}' is not fetched",
                problem=f"remote base {url} is not fetched: map {spec.clone_spec} to a local copy in .fluxidx.toml",
            )
        loader: Loader | None = self
        while loader is not None:
            if loader.clone.startswith(url):
                raise KustomizeError(
                    f"cycle detected: URI '{url}' referenced by previous URI '{loader.clone}'",
                    problem=f"a cycle: {loader.clone} leads to {url}",
                )
            loader = loader.referrer
        # What was cloned may never read files outside its own directories.
        tree, root = found
        clone = Loader(self._recorded(tree), root, LoadRestrictor.ROOT_ONLY, self.cache, self, self.remotes, url)
        return clone._opened(spec.directory or ".", self)

    def _opened(self, path: str, referrer: Loader | None = None) -> Loader:
        """The loader for a directory from here; ``referrer`` names it where that is another than this one."""
        real = self.directory_at(self._joined(path), path)
        if referrer is None:
            self._refuse_cycle(real)
        return Loader(self.tree, real, self.restrictor, self.cache, referrer or self, self.remotes, self.clone)

    @classmethod
    def at_root(
        cls, tree: Tree, directory: str, restrictor: LoadRestrictor, cache: ParseCache, remotes: Remotes | None
    ) -> Loader:
        """The loader for the directory that is built. Raises KustomizeError where there is none."""
        above = cls(tree, "", restrictor, cache)
        real = above.directory_at(directory, above.shown(directory))
        return cls(tree, real, restrictor, cache, remotes=remotes)

    def directory_at(self, joined: str, path: str) -> str:
        """The directory at ``joined`` from the tree's root, without symbolic links; messages call it ``path``."""
        try:
            real = self.tree.resolve(joined)
        except (Missing, NotADirectory):
            absolute, first = self.absolute(joined), self.absolute(self._first_missing(joined))
            raise KustomizeError(
                f"must build at directory: not a valid directory: evalsymlink failure on '{absolute}' : "
                f"lstat {first}: no such file or directory",
                problem=f"{self.shown(joined)} does not exist: create it or correct the entry",
            ) from None
        except (NotAFile, TreeError) as error:
            raise KustomizeError(
                f"must build at directory: not a valid directory: {error}", problem=f"{path}: {error}"
            ) from None
        kind = self.tree.kind(real)
        if kind is EntryKind.SUBMODULE:
            raise KustomizeError(
                f"must build at directory: '{self.absolute(joined)}': submodule",
                problem=f"{path} is a Git submodule, whose content is not in this repository",
            )
        if kind is not EntryKind.DIRECTORY:
            raise KustomizeError(
                f"must build at directory: '{self.absolute(joined)}': file is not directory",
                problem=f"{path} is a file, not a directory",
            )
        return real

    def _refuse_cycle(self, candidate: str) -> None:
        """An overlay may not build on a directory at or above itself, nor on one that led to it."""
        loader: Loader | None = self
        while loader is not None:
            if loader.clone == self.clone and _is_below(loader.directory, candidate):
                root = self.absolute(candidate)
                raise KustomizeError(
                    f"cycle detected: candidate root '{root}' contains visited root '{loader.root}'",
                    problem=(
                        f"a cycle: {candidate} leads here: remove one of the entries"
                        if candidate == loader.directory
                        else f"a cycle: {candidate or '.'} contains {loader.directory}, which leads here: move one"
                    ),
                )
            loader = loader.referrer


def _is_below(path: str, directory: str) -> bool:
    return directory in ("", path) or path.startswith(directory + "/")
