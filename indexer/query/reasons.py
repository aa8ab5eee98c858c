"""Why a file deploys nothing: the sentence that tells a person what to look at next."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from indexer.deferred import NamedTuple
from indexer.flux.identity import UnitId, UnitState
from indexer.git.sourceignore import Ignore, load
from indexer.git.tree import EntryKind, Tree, TreeError

_MANIFESTS = (".yaml", ".yml", ".json")
_UNKNOWN = (UnitState.FAILED, UnitState.UNRESOLVED)


class Reader(NamedTuple):
    """A unit whose build read a file."""

    cluster: str
    unit: UnitId
    state: str
    reason: str | None
    objects: int


class Reasons:
    """Looks for the reason in the order in which a person would: the file, what Flux leaves out, who reads it."""

    def __init__(self, tree: Tree, readers: Callable[[str], Sequence[Reader]], *, pinned: bool) -> None:
        """``readers`` gives the units that read a file; ``pinned``: ``tree`` is that of a revision."""
        self._tree = tree
        self._readers = readers
        self._pinned = pinned

    def why(self, path: str, *, elsewhere: int) -> str:
        """Why ``path`` deploys nothing, or the lines of it that were asked for.

        ``elsewhere`` is the number of objects in which its other lines have a part.
        """
        if elsewhere:
            objects = "1 object" if elsewhere == 1 else f"{elsewhere} objects"
            return f"these lines set nothing that is deployed; other lines of the file have a part in {objects}"
        return (
            self._unreadable(path)
            or self._excluded(path)
            or self._failed(path)
            or self._unused(path)
            or self._no_manifest(path)
            or self._unlisted(path)
        )

    def _unreadable(self, path: str) -> str | None:
        kind = self._tree.kind(path)
        if kind is None and (self._pinned or not os.path.lexists(f"{self._tree.root}/{path}")):
            return "does not exist in the repository"
        if kind is None:
            return "is ignored by Git, so Flux never sees it"
        if kind is EntryKind.SUBMODULE:
            return "is a submodule, and Flux reads submodules only where the source's recurseSubmodules says so"
        return None

    def _excluded(self, path: str) -> str | None:
        """The pattern by which Flux leaves the file out of what it applies."""
        if not self._ignore.ignored(path):
            return None
        rule = self._ignore.rule(path)
        assert rule is not None
        return f"is left out of Flux's artifact by a pattern: {rule.place}"

    @cached_property
    def _ignore(self) -> Ignore:
        return load(self._tree)

    def _failed(self, path: str) -> str | None:
        readers = self._readers(path)
        # A unit that only lacks the value of a variable is unresolved and has its objects all the same.
        broken = [one for one in readers if one.state in _UNKNOWN and not one.objects]
        if not broken or len(broken) < len(readers):
            return None
        return f"is read by {_unit(broken[0])}, which could not be rendered: {broken[0].reason}" + _more(broken)

    def _unused(self, path: str) -> str | None:
        readers = self._readers(path)
        if not readers:
            return None
        return f"is read by {_unit(readers[0])}, and nothing in it reaches an object" + _more(readers)

    def _no_manifest(self, path: str) -> str | None:
        if not path.endswith(_MANIFESTS) and posixpath.basename(path) != "Kustomization":
            return "is not a manifest, and no unit reads it"
        from indexer.manifest.compose import parse
        from indexer.manifest.errors import ManifestError

        try:
            parse(self._tree.read(path), path)
        except ManifestError as error:
            return f"is not valid YAML: {error}"
        except TreeError as error:
            return str(error)
        return None

    def _unlisted(self, path: str) -> str:
        """The file is sound and no unit reads it: is it listed by a kustomization that nothing deploys, or by none?"""
        for directory in _upwards(posixpath.dirname(path)):
            kustomization = self._kustomization(directory)
            if kustomization is None or kustomization == path:
                continue
            if self._lists(kustomization, directory, path):
                return f"is listed by {kustomization}, which no entry point leads to"
            deployed = "" if self._readers(kustomization) else " (which no entry point leads to either)"
            return f"is listed nowhere; the nearest file that could list it is {kustomization}{deployed}"
        return "is deployed by no entry point: no unit's path is above it, and no kustomization lists it"

    def _kustomization(self, directory: str) -> str | None:
        from indexer.kustomize.kustomization import FILE_NAMES

        for name in FILE_NAMES:
            path = posixpath.join(directory, name)
            if self._tree.kind(path) is EntryKind.FILE:
                return path
        return None

    def _lists(self, kustomization: str, directory: str, path: str) -> bool:
        """Whether any text of a kustomization file is the path of this file, or of a directory above it."""
        from indexer.manifest.compose import parse
        from indexer.manifest.errors import ManifestError
        from indexer.manifest.node import Scalar, leaves

        try:
            documents = parse(self._tree.read(kustomization), kustomization)
        except (ManifestError, TreeError):
            return False
        for document in documents:
            for _, leaf in leaves(document.node) if document.node is not None else ():
                if isinstance(leaf, Scalar) and leaf.text:
                    listed = posixpath.normpath(posixpath.join(directory, leaf.text.rpartition("=")[2]))
                    if path == listed or (listed != directory and path.startswith(f"{listed}/")):
                        return True
        return False


def _upwards(directory: str) -> Iterator[str]:
    while directory:
        yield directory
        directory = posixpath.dirname(directory)
    yield ""


def _unit(one: Reader) -> str:
    return f"{one.unit.kind} {one.unit.namespace}/{one.unit.name} of cluster {one.cluster}"


def _more(readers: Sequence[Reader]) -> str:
    return f" (and {len(readers) - 1} more)" if len(readers) > 1 else ""
