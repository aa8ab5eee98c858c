"""Where the remote bases and files of kustomizations can be read: nothing is fetched, and a copy may be at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from indexer.deferred import regex
from indexer.flux.clones import GitRef, RefKind
from indexer.flux.sources import Sources, UnresolvedSource, repository_name
from indexer.git.directory import DirectoryTree
from indexer.git.tree import EntryKind, Tree
from indexer.kustomize.errors import CopyError
from indexer.kustomize.remote import RepoSpec

Place = tuple[Tree, str]

# How forges call one file of a repository, at a branch, tag or commit.
_RAW: Final = (
    (
        regex(r"https://raw\.githubusercontent\.com/([^/]+/[^/]+)/(?:refs/(?:heads|tags)/)?([^/]+)/(.+)"),
        "github.com",
    ),
    (regex(r"https://github\.com/([^/]+/[^/]+)/raw/(?:refs/(?:heads|tags)/)?([^/]+)/(.+)"), "github.com"),
    (regex(r"https://(?P<host>[^/]+)/(.+)/-/raw/([^/]+)/(.+)"), ""),
)


class RemoteBases:
    """The copies that ``[[source]]`` names, and revisions of the repository that is indexed."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._folders: dict[Path, Tree] = {}

    def repository(self, spec: RepoSpec) -> Place | None:
        """The root of a repository at the ref that the entry names. Raises CopyError for a copy that lacks it."""
        return self._copy(spec.clone_spec, spec.ref)

    def file(self, url: str) -> Place | None:
        """One file: of a folder or file whose URL is in the configuration, or of a repository's copy.

        Raises CopyError for a copy that lacks it.
        """
        found = self._raw(url) or self._mapped(url)
        if found is not None and found[0].kind(found[1]) is not EntryKind.FILE:
            raise CopyError(
                f"remote file '{url}' is not fetched",
                problem=f"{url} is not fetched, and its copy has no file {found[1]}: correct path of its [[source]]",
            )
        return found

    def _copy(self, url: str, ref: str) -> Place | None:
        try:
            return self._sources.copy(url, GitRef(RefKind.ANY, ref))
        except UnresolvedSource as error:
            raise CopyError(f"remote base '{url}' is not fetched", problem=f"{url} is not fetched: {error}") from None

    def _mapped(self, url: str) -> Place | None:
        """The copy of exactly this file, or the file of that name in the copy of a folder."""
        plain = url.partition("?")[0]
        for source in self._sources.config.sources:
            known = source.url.rstrip("/")
            if plain == known:
                return self._on_disk(source.path.parent, source.path.name, source.url)
            if plain.startswith(known + "/") and source.path.is_dir():
                found = self._on_disk(source.path, plain[len(known) + 1 :], source.url)
                if found[0].kind(found[1]) is EntryKind.FILE:
                    return found
        return None

    def _on_disk(self, folder: Path, path: str, url: str) -> Place:
        """A file of a folder, which is a folder of the tree being indexed where it lies in that repository."""
        folder = folder.resolve()
        inside = self._sources.inside(folder)
        if inside is not None:
            return self._sources.tree, f"{inside}/{path}" if inside else path
        if folder not in self._folders:
            self._folders[folder] = DirectoryTree(folder, repository_name(url))
        return self._folders[folder], path

    def _raw(self, url: str) -> Place | None:
        for pattern, host in _RAW:
            found = pattern.fullmatch(url.partition("?")[0])
            if found is not None:
                *_, repository, ref, path = found.groups()
                copy = self._copy(f"https://{host or found['host']}/{repository}", ref)
                return None if copy is None else (copy[0], "/".join(filter(None, (copy[1], path))))
        return None
