"""Entries that name a Git repository or a file on the web. They are recognised and never fetched; who builds may know
where a copy lies.

Rules: kustomize's ``api/internal/git/repospec.go`` (kustomize-semantics.md §18.1).
"""

from __future__ import annotations

import posixpath
import re
from typing import Final, Protocol
from urllib.parse import parse_qs

from indexer.deferred import NamedTuple, regex
from indexer.git.tree import Tree

_SCHEMES: Final = ("ssh://", "https://", "http://", "file://")
_USERNAME: Final = regex(r"[a-zA-Z][a-zA-Z0-9-]*@")
_WEB: Final = regex(r"https?:", re.IGNORECASE)


class RepoSpec(NamedTuple):
    """A Git URL, taken apart."""

    clone_spec: str
    """What ``git clone`` gets."""
    directory: str
    """The directory in the checkout to build, "" for its root."""
    ref: str = ""
    """Branch, tag or commit; "" is the default branch."""


class Remotes(Protocol):
    """Copies of what lies behind URLs: a tree and the path in it, or None where there is no copy.

    Both raise CopyError for a copy that lacks what is asked for.
    """

    def repository(self, spec: RepoSpec) -> tuple[Tree, str] | None:
        """The root of a repository, at the ref that the entry names."""

    def file(self, url: str) -> tuple[Tree, str] | None:
        """One file."""


def is_remote_file(path: str) -> bool:
    """Whether kustomize would first GET this entry from a web server."""
    return _WEB.match(path) is not None


def parse_repo_spec(url: str) -> RepoSpec | None:
    """The repository that an entry names, or None where kustomize takes it for a local path."""
    if url.startswith("/"):
        return None
    location, _, query = url.partition("?")
    parts = _host_and_path(location)
    if parts is None:
        return None
    host, path = parts
    split = _repository_and_directory(path, whole=host == "file://")
    if split is None or not split[0]:
        return None
    repository, directory = split
    if posixpath.normpath(directory.removeprefix("/")).split("/")[0] == "..":
        return None
    return RepoSpec(host + repository, directory.removeprefix("/"), _ref(query))


def _ref(query: str) -> str:
    values = parse_qs(query)
    return (values.get("ref") or values.get("version") or [""])[0]


def _host_and_path(url: str) -> tuple[str, str] | None:
    """("https://github.com/", "org/repo/dir") or None."""
    if url[:5].lower() == "git::":
        url = url[5:]
    scheme = next((known for known in _SCHEMES if url[: len(known)].lower() == known), "")
    rest = url[len(scheme) :]
    if scheme == "file://":
        return scheme, rest
    found = _USERNAME.match(rest)
    username = found[0] if found is not None else ""
    rest = rest[len(username) :]
    github = rest.lower().startswith(("github.com/", "github.com:"))
    scp = not scheme and (bool(username) or github)
    if not scheme and not scp:
        return None
    end = rest.find("/")
    colon = rest.find(":")
    if scp and (end == -1 or 0 < colon < end):
        end = colon
    host, path = (rest, "") if end == -1 else (rest[: end + 1], rest[end + 1 :])
    if github:
        by_ssh = scheme == "ssh://" or bool(username)
        return (f"{username}github.com:" if by_ssh else "https://github.com/"), path
    return (scheme + username + host, path) if host else None


def _repository_and_directory(path: str, *, whole: bool) -> tuple[str, str] | None:
    """Splits at the first of the marks ``_git/``, ``//`` and ``.git``, else after two segments."""
    before, mark, after = path.partition("_git/")
    if mark:
        name, _, directory = after.partition("/")
        return before + mark + name, directory
    before, mark, after = path.partition("//")
    if mark:
        return before, after
    before, mark, after = path.partition(".git")
    if mark:
        return before + mark, after
    if whole:
        return path, ""
    segments = path.split("/")
    return ("/".join(segments[:2]), "/".join(segments[2:])) if len(segments) >= 2 else None
