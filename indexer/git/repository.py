"""A Git repository: where it is, what it is called elsewhere, its trees, and who wrote which line.

Everything but a revision's files is asked of git by plain processes, so that a question does not import GitPython.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple
from indexer.git import status
from indexer.git.command import Git, GitError, Running, without_filters
from indexer.git.place import NoRepository, Place, Search
from indexer.git.status import Status
from indexer.git.text import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from indexer.git.blame import BlameLine, Commit, Uncommitted
    from indexer.git.changes import Changes
    from indexer.git.glance import Glance
    from indexer.git.objects import ObjectDatabase
    from indexer.git.revision import RevisionTree
    from indexer.git.worktree import WorkTree


class UnknownRevision(GitError):
    """The revision names no commit that this clone has."""


class Upstream(NamedTuple):
    """The remote branch that a local one follows."""

    remote: str
    branch: str


class Repository:
    """One repository, or one linked worktree of it. ``name`` is what its trees' spans carry."""

    def __init__(self, place: Place, name: str | None = None) -> None:
        self.place = place
        self.shallow = place.shallow
        self.name = name
        self._looking: Running | None = None
        self._seen: Status | None = None
        self._blaming: dict[tuple[str, int, int], Running] = {}
        self._config = place.config
        self._algorithm = place.algorithm
        environment = {"GIT_DIR": place.git_dir} | ({"GIT_WORK_TREE": place.root} if place.root else {})
        self._git = Git(place.root or place.git_dir, environment)

    @classmethod
    def open(cls, path: Path | str, name: str | None = None) -> Repository:
        """The repository around ``path``, found as git finds it (``GIT_DIR`` included). Raises NoRepository."""
        return cls(Search(str(path)).found(), name)

    @cached_property
    def root(self) -> Path | None:
        """The top of the working tree, without symbolic links; None for a bare repository."""
        return _path(self.place.root) if self.place.root is not None else None

    @cached_property
    def git_dir(self) -> Path:
        """The directory that all worktrees of the repository share."""
        return _path(self.place.common_dir)

    @cached_property
    def _careful(self) -> Git:
        """For commands that look at content on disk, and would run the configured filters on it."""
        return Git(self._git.directory, self._git.environment | without_filters(self._config))

    def worktree(self) -> WorkTree:
        """The working tree as it is now. Raises NoRepository for a bare repository."""
        from indexer.git.worktree import WorkTree

        return WorkTree(*self._working())

    def glance(self) -> Glance:
        """As ``worktree``, for a look at a few files."""
        from indexer.git.glance import Glance

        return Glance(*self._working())

    def _working(self) -> tuple[str, str | None, Git, Mapping[str, list[str]], str]:
        if self.root is None:
            raise NoRepository("a bare repository has no working tree: name a revision")
        return str(self.root), self.name, self._careful, self._config, self._algorithm

    @cached_property
    def _objects(self) -> ObjectDatabase:
        from indexer.git.objects import ObjectDatabase

        return ObjectDatabase(self._git.environment["GIT_DIR"])

    def revision(self, rev: str, name: str | None = None) -> RevisionTree:
        """The files of a commit; their spans carry ``name`` where it is not the repository's own.

        Raises UnknownRevision.
        """
        from indexer.git.revision import RevisionTree

        if self._algorithm != "sha1":
            raise UnknownRevision(f"revisions of a repository with {self._algorithm} object ids cannot be read")
        commit = self.commit(rev)
        header = self._objects.read(commit)[1].partition(b"\n")[0]
        tree = header.removeprefix(b"tree ").decode()
        return RevisionTree(self._objects, commit, tree, str(self.root or self.git_dir), name or self.name)

    def close(self) -> None:
        """Ends the process that reads revisions, if there is one."""
        if "_objects" in self.__dict__:
            self._objects.close()

    def _commit(self, rev: str) -> str | None:
        if not rev or rev.startswith("-"):
            return None
        try:
            return self._git.run("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}").decode().strip()
        except GitError:
            return None

    def _why_unknown(self, rev: str) -> str:
        from difflib import get_close_matches

        why = f"{rev} names no commit of this repository"
        names = decoded(self._git.run("for-each-ref", "--format=%(refname:short)")).split()
        if not names and self.head() is None:
            return f"{why}: it has no commits yet"
        if rev in names:
            return f"{why}: what it points at is no commit, or is missing in this clone"
        close = [name for name in names if name.endswith(f"/{rev}")] or get_close_matches(rev, names, n=3)
        if close:
            return f"{why}: is {' or '.join(close)} meant?"
        return f"{why}: this is a shallow clone, git fetch --unshallow gets the rest" if self.shallow else why

    def commit(self, rev: str) -> str:
        """The full sha of the commit that ``rev`` names. Raises UnknownRevision."""
        commit = self._commit(rev)
        if commit is None:
            raise UnknownRevision(self._why_unknown(rev))
        return commit

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest commit that both have as an ancestor; None where this clone knows of none."""
        return self._git.run("merge-base", one, other, accept=(0, 1)).decode().strip() or None

    def distance(self, one: str, other: str) -> tuple[int, int]:
        """By how many commits ``one`` lacks what ``other`` has, and the other way round. Raises GitError."""
        lacks, has = self._git.run("rev-list", "--left-right", "--count", f"{other}...{one}").split()
        return int(lacks), int(has)

    def changed_paths(self, one: str, other: str) -> frozenset[str]:
        """The files that two commits hold differently. Raises GitError."""
        names = self._git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", one, other)
        return frozenset(decoded(name) for name in names.split(b"\0") if name)

    def changes_between(self, base: str, head: str | None) -> Changes:
        """What differs between two commits, or a commit and the working tree (untracked files included)."""
        from indexer.git.changes import changes_between

        return changes_between(self._careful, self.root, base, head)

    def head(self) -> str | None:
        """The full sha of the commit that is checked out; None before the first one."""
        return self._commit("HEAD")

    def branch(self) -> str | None:
        """The branch that is checked out, also before its first commit; None when HEAD is detached.

        The one that ``status`` found, where that was asked for: a build reads the files of one moment.
        """
        if self._seen is not None:
            return self._seen.branch
        return decoded(self._git.run("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1))).strip() or None

    def upstream(self, branch: str | None = None) -> Upstream | None:
        """What a branch, by default the one that is checked out, follows; None where nothing is configured."""
        branch = branch or self.branch()
        remote = self._config.get(f"branch.{branch}.remote")
        merge = self._config.get(f"branch.{branch}.merge")
        return Upstream(remote[-1], merge[-1].removeprefix("refs/heads/")) if remote and merge else None

    def remotes(self) -> dict[str, str]:
        """The URL that each remote is fetched from, after git's own rewriting and without credentials."""
        from indexer.git.remotes import rewritten, without_credentials

        urls = {key: found for key, found in self._config.items() if key.startswith("remote.") and key.endswith(".url")}
        return {
            key.removeprefix("remote.").removesuffix(".url"): without_credentials(rewritten(found[0], self._config))
            for key, found in urls.items()
        }

    def remote(self, branch: str | None = None) -> str | None:
        """The URL of the remote that a branch follows, else of ``origin``, else of the first; None without any."""
        remotes = self.remotes()
        upstream = self.upstream(branch)
        names = [upstream.remote if upstream else "origin", "origin", *remotes]
        return next((remotes[name] for name in names if name in remotes), None)

    def tags(self) -> dict[str, int]:
        """Each tag of a commit, and when that was committed, in seconds since 1970."""
        form = "%(refname:strip=2)%09%(*committerdate:unix)%(committerdate:unix)"
        rows = decoded(self._git.run("for-each-ref", f"--format={form}", "refs/tags")).splitlines()
        return {name: int(time) for name, _, time in (row.partition("\t") for row in rows) if time}

    def refs(self, *names: str) -> str:
        """A hex digest of branches and tags and what they point at: of ``names`` and all below them, else of all.

        Names are in full: ``refs/tags/v1``, ``refs/heads``.
        """
        import hashlib

        return hashlib.sha256(self._git.run("for-each-ref", "--format=%(objectname) %(refname)", *names)).hexdigest()

    def look(self, *, again: bool = False) -> None:
        """Has git look at what ``status`` and ``seen`` are to say, while this process goes on.

        A look that nobody has heard of yet will do, unless it is to be taken ``again``.
        """
        self._seen = None
        if again:
            self._looking = None
        if self.place.root is not None and self._looking is None:
            self._looking = self._careful.start(*status.COMMAND)

    def status(self) -> Status:
        """The working tree as it is now, or was when ``look`` was called; of a bare repository, what its HEAD names."""
        if self.place.root is None:
            head, branch = self.head(), self.branch()
            self._seen = Status(head, branch, frozenset(), f"{branch} {head}")
        else:
            looking, self._looking = self._looking or self._careful.start(*status.COMMAND), None
            said, besides = looking.heard()
            self._seen = status.read(said, self.place.root, self._sparse() + besides)
        return self._seen

    def _sparse(self) -> bytes:
        """What stands for the part of the tree that is checked out, of which git status says nothing."""
        wanted = self._config.get("core.sparsecheckout", ["false"])[-1]
        return b"" if wanted == "false" else status.stamp(f"{self._git.environment['GIT_DIR']}/info/sparse-checkout")

    @property
    def seen(self) -> Status:
        """The working tree as at the last ``look`` or ``status``, of which an answer and its index speak."""
        return self._seen or self.status()

    def look_at(self, path: str, first: int, last: int) -> None:
        """Has git find out who wrote lines of a file on disk, which ``blame`` is to say, while this process goes on."""
        key = (path, first, last)
        if self.root is not None and key not in self._blaming:
            self._blaming[key] = self._blame(*key)

    def _blame(self, path: str, first: int, last: int, *commit: str) -> Running:
        return self._careful.start(
            "blame", "--porcelain", "--no-textconv", "-L", f"{first},{last}", *commit, "--", path
        )

    def blame(self, path: str, first: int, last: int, rev: str | None = None) -> list[BlameLine]:
        """Who wrote the lines ``first`` to ``last`` (from 1, inclusive) of a file: on disk, or of a revision.

        Raises GitError where there is no such file or it has fewer than ``first`` lines, UnknownRevision.
        """
        if rev is None and self.root is None:
            rev = "HEAD"
        commit = self._commit(rev) if rev is not None else None
        if rev is not None and commit is None:
            raise UnknownRevision(self._why_unknown(rev))
        from indexer.git.blame import BlameLine, Uncommitted, parse

        begun = self._blaming.pop((path, first, last), None) if commit is None else None
        try:
            said = (begun or self._blame(path, first, last, *([commit] if commit else []))).heard()[0]
        except GitError:
            if commit is None and self._is_new(path):
                return [BlameLine(line, Uncommitted()) for line in range(first, last + 1)]
            raise
        return list(parse(said))

    def _is_new(self, path: str) -> bool:
        """Whether a file is on disk and not in the commit that is checked out."""
        assert self.root is not None
        if not (self.root / path).is_file():
            return False
        try:
            self._git.run("cat-file", "-e", f"HEAD:{path}")
        except GitError:
            return True
        return False

    def last_commit(self, path: str, first: int, last: int, rev: str | None = None) -> Commit | Uncommitted:
        """The newest commit among those that wrote these lines; Uncommitted if one line is. Raises as ``blame``."""
        from indexer.git.blame import Uncommitted

        commits: dict[str, Commit] = {}
        for line in self.blame(path, first, last, rev):
            if isinstance(line.commit, Uncommitted):
                return line.commit
            commits[line.commit.sha] = line.commit
        newest = max(commit.committed for commit in commits.values())
        tied = [sha for sha, commit in commits.items() if commit.committed == newest]
        if len(tied) > 1:
            # Rebased commits often share a second; then ancestry tells.
            tied = self._git.run("merge-base", "--independent", *tied).decode().split()
        return commits[tied[0]]


def _path(place: str) -> Path:
    from pathlib import Path  # 4 ms, in which a build with nothing to do has its answer

    return Path(place)
