"""Git repositories on this machine, and the revisions that sources check out (section 3.1 of the Flux rules)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from indexer.deferred import NamedTuple
from indexer.git.command import GitError
from indexer.git.repository import Repository, UnknownRevision
from indexer.git.tree import Tree
from indexer.kustomize.nodes import text_at
from indexer.manifest.node import Mapping


class RefKind(StrEnum):
    """How a revision is named."""

    COMMIT = "commit"
    NAME = "name"
    TAG = "tag"
    SEMVER = "semver"
    BRANCH = "branch"
    ANY = "ref"
    """A branch, tag or commit, as in a remote base of kustomize; "" is the default branch."""


class GitRef(NamedTuple):
    """What is checked out of a repository."""

    kind: RefKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}" if self.value else "default branch"

    @property
    def branch(self) -> str | None:
        """The branch it follows, if it follows one."""
        if self.kind is RefKind.NAME:
            return self.value.removeprefix("refs/heads/") if self.value.startswith("refs/heads/") else None
        return self.value if self.kind is RefKind.BRANCH else None


def git_ref(source: Mapping) -> GitRef:
    """What a GitRepository checks out; of several fields, the first in the order of ``RefKind`` wins."""
    for kind in RefKind:
        value = text_at(source, "spec", "ref", kind)
        if kind is not RefKind.ANY and value:
            return GitRef(kind, value)
    return GitRef(RefKind.BRANCH, "master")


class Clones:
    """Repositories and revisions, each opened once."""

    def __init__(self) -> None:
        self._opened: dict[Path, Repository | None] = {}
        self._trees: dict[tuple[Path, str | None, GitRef], Tree | None] = {}

    def open(self, path: Path, name: str) -> Repository | None:
        """The repository whose top is ``path``, whose spans carry ``name``; None where there is none."""
        if path not in self._opened:
            self._opened[path] = _open(path, name)
        return self._opened[path]

    def close(self) -> None:
        """Ends the processes that read the repositories opened here."""
        for repository in self._opened.values():
            if repository is not None:
                repository.close()

    def tree(self, repository: Repository, ref: GitRef, name: str | None = None) -> Tree | None:
        """The files that ``ref`` means; None where the clone lacks it.

        With ``name``, spans carry ``NAME@REF``: the lines are not those of the repository's own working tree.
        """
        key = (repository.git_dir, name, ref)
        if key not in self._trees:
            self._trees[key] = _tree(repository, ref, name)
        return self._trees[key]


def _open(path: Path, name: str) -> Repository | None:
    try:
        repository = Repository.open(path, name)
    except GitError:
        return None
    top = repository.root or repository.git_dir
    return repository if path in (top, repository.git_dir) else None


def _tree(repository: Repository, ref: GitRef, name: str | None) -> Tree | None:
    value = ref.value
    if ref.kind is RefKind.SEMVER:
        found = _in_range(value, repository)
        if found is None:
            return None
        value = found
    for candidate in _candidates(repository, ref, value):
        try:
            return repository.revision(candidate, f"{name}@{value or 'HEAD'}" if name is not None else None)
        except UnknownRevision:
            continue
    return None


def _in_range(constraint: str, repository: Repository) -> str | None:
    from indexer.flux import semver  # which few repositories need

    try:
        return semver.best(constraint, repository.tags())
    except semver.BadRange:
        return None


def ref_names(repository: Repository, ref: GitRef) -> list[str]:
    """The branches and tags, in full, on which it rests what ``ref`` means; a prefix stands for all below it."""
    if ref.kind is RefKind.SEMVER:
        return ["refs/tags"]
    names = [name for name in _candidates(repository, ref, ref.value) if name.startswith("refs/")]
    # What is no branch or tag, such as a commit, may come with the next fetch of any.
    return names or ["refs"]


def _candidates(repository: Repository, ref: GitRef, value: str) -> list[str]:
    """What to ask git for, the likeliest first."""
    remotes = list(repository.remotes())
    branches = [f"refs/heads/{value}", *(f"refs/remotes/{remote}/{value}" for remote in remotes)]
    match ref.kind:
        case RefKind.BRANCH:
            return branches
        case RefKind.TAG | RefKind.SEMVER:
            return [f"refs/tags/{value}"]
        case RefKind.ANY if not value:
            return [*(f"refs/remotes/{remote}/HEAD" for remote in remotes), "HEAD"]
        case RefKind.ANY:
            return [*branches, f"refs/tags/{value}", value]
    if ref.branch is not None:
        tail = ref.branch
        return [value, *(f"refs/remotes/{remote}/{tail}" for remote in remotes)]
    return [value]
