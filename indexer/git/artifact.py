"""The trees that Flux builds from: a source's artifact, which is not quite its checkout."""

from __future__ import annotations

import hashlib
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from indexer.git.linked import in_byte_order
from indexer.git.sourceignore import Ignore
from indexer.git.text import encoded
from indexer.git.tree import Entry, EntryKind, Missing, NotADirectory, NotAFile, Outside, Tree, TreeError, Unreadable


class _View(ABC):
    """A tree without symbolic links, each of whose files is a file of another tree."""

    def __init__(self, root: str, repository: str | None) -> None:
        self.root = root
        self.repository = repository
        self._kinds: dict[str, EntryKind] = {"": EntryKind.DIRECTORY}

    @abstractmethod
    def _names(self, path: str) -> Mapping[str, EntryKind]:
        """The names in a directory of the view."""

    @abstractmethod
    def beneath(self, path: str) -> tuple[Tree, str]:
        """The tree that a path of the view shows, and the path there."""

    @abstractmethod
    def identity(self, home: Tree) -> tuple[Any, ...] | None:
        """See the function of this name."""

    def _why_absent(self, _path: str) -> str:
        """What to say after "no such file or directory"."""
        return ""

    def resolve(self, path: str) -> str:
        """The path without dots. Raises Missing, Outside, Unreadable."""
        plain = posixpath.normpath(path.strip("/"))
        if plain == ".":
            return ""
        if plain == ".." or plain.startswith("../"):
            raise Outside("leads out of the artifact")
        self._walk(plain)
        return plain

    def _walk(self, plain: str) -> EntryKind:
        """What is at a path without dots. Raises Missing, Unreadable."""
        known = self._kinds.get(plain)
        if known is not None:
            return known
        kind = EntryKind.DIRECTORY
        above = ""
        for name in plain.split("/"):
            if kind is EntryKind.SUBMODULE:
                raise Unreadable(f"{above} is a Git submodule, whose files are in another repository")
            found = self._names(above).get(name) if kind is EntryKind.DIRECTORY else None
            above = f"{above}/{name}" if above else name
            if found is None:
                raise Missing(f"no such file or directory{self._why_absent(above)}")
            kind = found
        self._kinds[plain] = kind
        return kind

    def kind(self, path: str) -> EntryKind | None:
        """FILE, DIRECTORY, or SUBMODULE, that also below one; None where there is nothing."""
        try:
            return self._walk(self.resolve(path))
        except Unreadable:
            return EntryKind.SUBMODULE
        except TreeError:
            return None

    def list(self, path: str) -> list[Entry]:
        """The names in a directory in byte order. Raises Missing, NotADirectory, Outside, Unreadable."""
        plain = self.resolve(path)
        kind = self._walk(plain)
        if kind is EntryKind.SUBMODULE:
            raise Unreadable(f"{plain} is a Git submodule, whose files are in another repository")
        if kind is not EntryKind.DIRECTORY:
            raise NotADirectory("is not a directory")
        return in_byte_order(self._names(plain))

    def read(self, path: str) -> bytes:
        tree, there = self._file(path)
        return tree.read(there)

    def blob(self, path: str) -> str:
        tree, there = self._file(path)
        return tree.blob(there)

    def _file(self, path: str) -> tuple[Tree, str]:
        plain = self.resolve(path)
        if self._walk(plain) is EntryKind.DIRECTORY:
            raise NotAFile("is a directory")
        return self.beneath(plain)

    def origin(self, path: str) -> tuple[str | None, str]:
        tree, there = self.beneath(posixpath.normpath(path) if path else "")
        return tree.origin(there)


class ArtifactTree(_View):
    """What source-controller packs of ``tree`` below ``base`` (flux-semantics.md §3.1, §3.2).

    Symbolic links are dropped, and what ``ignore`` excludes; with ``include_prefixes`` (``spec.sparseCheckout``) there
    are only files whose path starts with one of these texts. A directory is there if it is not excluded itself or
    something in it is not.
    """

    def __init__(
        self, tree: Tree, ignore: Ignore, include_prefixes: Sequence[str] | None = None, base: str = ""
    ) -> None:
        super().__init__(f"{tree.root}/{base}" if base else tree.root, tree.repository)
        self.ignore = ignore
        self._tree = tree
        self._base = base
        self._prefixes = None if include_prefixes is None else tuple(p.removeprefix("./") for p in include_prefixes)
        self._directories: dict[str, dict[str, EntryKind]] = {}

    def beneath(self, path: str) -> tuple[Tree, str]:
        return self._tree, "/".join(part for part in (self._base, path) if part)

    def identity(self, home: Tree) -> tuple[Any, ...] | None:
        below = identity(self._tree, home)
        return None if below is None else (below, self.root, self._base, self._prefixes, self.ignore.digest)

    def _names(self, path: str) -> dict[str, EntryKind]:
        names = self._directories.get(path)
        if names is None:
            prefix = f"{path}/" if path else ""
            names = self._directories[path] = {
                entry.name: entry.kind
                for entry in self._tree.list(self.beneath(path)[1])
                if entry.kind is not EntryKind.SYMLINK and self._packed(prefix + entry.name, entry.kind)
            }
        return names

    def _packed(self, path: str, kind: EntryKind) -> bool:
        if not self._checked_out(path, kind):
            return False
        is_dir = kind is not EntryKind.FILE
        if not self.ignore.ignored(path, is_dir):
            return True
        return kind is EntryKind.DIRECTORY and bool(self._names(path))

    def _checked_out(self, path: str, kind: EntryKind) -> bool:
        """Whether a sparse checkout has it: a directory is there for the files in it, links included."""
        if self._prefixes is None or path.startswith(self._prefixes):
            return True
        if kind is not EntryKind.DIRECTORY or not any(prefix.startswith(f"{path}/") for prefix in self._prefixes):
            return False
        below = self._tree.list(self.beneath(path)[1])
        return any(self._checked_out(f"{path}/{entry.name}", entry.kind) for entry in below)

    def _why_absent(self, path: str) -> str:
        tree, there = self.beneath(path)
        kind = tree.kind(there)
        if kind is None:
            return ""
        rule = self.ignore.rule(path, kind is EntryKind.DIRECTORY)
        if self.ignore.ignored(path, kind is EntryKind.DIRECTORY) and rule is not None:
            return f": left out of the artifact by {rule.place}"
        if not self._checked_out(path, kind):
            return ": left out of the artifact by spec.sparseCheckout"
        return ": left out of the artifact, which holds no symbolic links"


class MappedTree(_View):
    """Files of other trees under paths of their own: what an ArtifactGenerator copies together (§3.6)."""

    def __init__(self, files: Mapping[str, tuple[Tree, str]], root: str, repository: str | None = None) -> None:
        super().__init__(root, repository)
        self._files = dict(sorted(files.items()))
        self._directories: dict[str, dict[str, EntryKind]] = {"": {}}
        for path in self._files:
            self._place(path, EntryKind.FILE)

    def _place(self, path: str, kind: EntryKind) -> None:
        directory, _, name = path.rpartition("/")
        if directory not in self._directories:
            self._directories[directory] = {}
            self._place(directory, EntryKind.DIRECTORY)
        self._directories[directory][name] = kind

    @property
    def digest(self) -> str:
        """Hex digest of which file stands where; not of what the files hold."""
        origins = ((path, *tree.origin(there)) for path, (tree, there) in self._files.items())
        text = "\n".join(f"{path}\0{repository}\0{there}" for path, repository, there in origins)
        return hashlib.sha256(encoded(text)).hexdigest()

    def identity(self, home: Tree) -> tuple[Any, ...] | None:
        trees = {id(tree): tree for tree, _ in self._files.values()}
        below = [identity(tree, home) for tree in trees.values()]
        return None if None in below else (*below, self.root, self.digest)

    def _names(self, path: str) -> Mapping[str, EntryKind]:
        return self._directories[path]

    def beneath(self, path: str) -> tuple[Tree, str]:
        """A file's tree and path; for a directory, the one that its first file was copied from at the same depth."""
        if path in self._files:
            return self._files[path]
        for file, (tree, there) in self._files.items():
            tail = file.removeprefix(f"{path}/" if path else "")
            if (not path or file.startswith(f"{path}/")) and f"/{there}".endswith(f"/{tail}"):
                return tree, there.removesuffix(tail).rstrip("/")
        raise Missing("no file of this directory keeps its name")


def plain(tree: Tree, path: str) -> tuple[Tree, str]:
    """The tree of real files that ``path`` of an artifact shows, and the path there; itself for any other tree."""
    while isinstance(tree, _View):
        tree, path = tree.beneath(path)
    return tree, path


def identity(tree: Tree, home: Tree) -> tuple[Any, ...] | None:
    """What tells the files of a tree from those of any other, as far as a record of ``home``, the repository that is
    indexed, does not: commits, rules, compositions. None for a folder outside of Git, whose files may change.
    """
    if tree is home:
        return (tree.root,)
    if isinstance(tree, _View):
        return tree.identity(home)
    from indexer.git.revision import RevisionTree

    return (tree.repository, tree.commit, tree.root) if isinstance(tree, RevisionTree) else None
