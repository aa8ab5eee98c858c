"""Whether an index still holds what a build would put into it."""

from __future__ import annotations

import os
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, TypeVar

from indexer import __version__
from indexer.deferred import NamedTuple
from indexer.errors import FluxidxError, IndexMissing
from indexer.git.status import fingerprint
from indexer.index.errors import IndexStale
from indexer.index.location import Location
from indexer.index.read import RUN_BUILD, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from indexer.flux.config import Config
    from indexer.git.repository import Repository
    from indexer.git.tree import Tree
    from indexer.index.read import Index, Row

Answer = TypeVar("Answer")


class Target(NamedTuple):
    """What a build reads, and the mark of all it depends on."""

    repository: Repository
    revision: str | None
    """As it was asked for; None for the working tree."""
    commit: str | None
    """The commit that ``revision`` named when it was asked for; None where no revision was."""
    fingerprint: str
    """Equal as long as a build that looks up no other branch or tag would give the same rows."""

    def name_in(self, location: Location) -> str:
        """What tells the repository from others in an index."""
        return location.name_of(self.repository)

    def tree(self) -> Tree:
        """The files that are read, which git begins to look at."""
        if self.revision is not None:
            return self.repository.revision(self.revision)
        tree = self.repository.worktree()
        tree.look()
        return tree

    def with_refs(self, names: Sequence[str]) -> str:
        """Equal as long as a build that looks up these branches and tags would give the same rows."""
        if not names:
            return self.fingerprint
        return f"{self.fingerprint} {self.repository.refs(*names)}"


def target_of(repository: Repository, config: Config, revision: str | None, *, as_seen: bool = False) -> Target:
    """What a build of ``revision`` would read now; by default the working tree, and HEAD where there is none.

    With ``as_seen``, the working tree is as it was when git last looked at it. Raises GitError for an unknown revision.
    """
    commit = None
    if revision is not None:
        commit = repository.commit(revision)
        files = f"commit {commit}"
    else:
        files = (repository.seen if as_seen else repository.status()).fingerprint
    marks = "\n".join([__version__, files, _charts(), *_config(config)])
    if revision is None and repository.place.root is None:
        revision = "HEAD"
    return Target(
        repository,
        revision,
        commit,
        fingerprint(marks.encode("utf-8", "surrogateescape")),
    )


def open_fresh(location: Location, target: Target, *, any_revision: bool = False) -> Index:
    """Opens an index that holds exactly ``target``; see ``demand_fresh``.

    Raises IndexMissing, IndexStale, IndexNewer, IndexUnusable.
    """
    index, build = open_built(location, target.repository)
    try:
        demand_fresh(location, build, target, any_revision=any_revision)
    except BaseException:
        index.close()
        raise
    return index


def ask_fresh(
    location: Location,
    repository: Repository,
    config: Config,
    revision: str | None,
    question: Callable[[Index, Row], Answer],
    *,
    any_revision: bool = False,
) -> Answer:
    """What ``question`` finds in an index of ``revision``, or of the working tree as it was when git last looked at it.

    It is asked of an index and its row of view ``builds`` while git still looks, and its answer forgotten where what
    git finds shows the index to be stale. Raises as ``open_fresh``, and what the question raises.
    """
    index, build = open_built(location, repository)

    def judge() -> None:
        target = target_of(repository, config, revision, as_seen=True)
        demand_fresh(location, build, target, any_revision=any_revision)

    with index:
        try:
            answer = question(index, build)
        except FluxidxError:
            judge()
            raise
    judge()
    return answer


def open_built(location: Location, repository: Repository) -> tuple[Index, Row]:
    """Opens an index that holds a build of the repository, of whatever age, and reads its row of view ``builds``.

    Raises IndexMissing, IndexStale (an older schema), IndexNewer, IndexUnusable.
    """
    index = connect(location)
    try:
        name = location.name_of(repository)
        found = index.rows("SELECT * FROM builds WHERE repository = :name", {"name": name})
        if not found:
            raise IndexMissing(f"{location}: this repository is not in the index{RUN_BUILD}")
    except BaseException:
        index.close()
        raise
    return index, found[0]


def demand_fresh(location: Location, build: Row, target: Target, *, any_revision: bool = False) -> None:
    """Raises IndexStale unless a build is exactly of ``target``.

    With ``any_revision``, one of a revision that was built on purpose may stand for the working tree: a commit does not
    grow old.
    """
    if build["fingerprint"] != target.with_refs(_refs(build)):
        pinned = build["revision"] is not None and target.revision is None
        if not (pinned and any_revision):
            raise IndexStale(f"{location}: {_difference(build, target)}{RUN_BUILD}")


def _refs(build: Row) -> list[str]:
    """The branches and tags that sources were looked up by; hardly ever any, for which json would be imported."""
    if build["refs"] == "[]":
        return []
    import json

    names: list[str] = json.loads(build["refs"])
    return names


def _difference(build: Row, target: Target) -> str:
    if build["engine"] != __version__:
        return f"the index was built by version {build['engine']}"
    if build["revision"] != target.revision:
        return f"the index holds {build['revision'] or 'the working tree'}, not {target.revision or 'the working tree'}"
    return "the index is older than the repository"


def _charts() -> str:
    """Whether charts are rendered: the package that does it is optional."""
    return "charts" if PathFinder.find_spec("helm_python") is not None else ""


def _config(config: Config) -> list[str]:
    """The marks of the configuration file and of everything outside the repository that it draws in."""
    files = [path for path in (config.path, *(path for cluster in config.clusters for path in cluster.objects)) if path]
    return [*map(_file, files), *(f"{source.url}={_source(source.path)}" for source in config.sources)]


def _file(path: Path) -> str:
    try:
        return _digest(path.read_bytes())
    except OSError:
        return "unreadable"


def _source(path: Path) -> str:
    from indexer.git.command import GitError
    from indexer.git.repository import Repository

    try:
        repository = Repository.open(path)
        return f"{repository.status().fingerprint} {repository.refs()}"
    except GitError:
        return _file(path) if path.is_file() else _folder(path)


def _folder(path: Path) -> str:
    """The mark of a folder without Git: names, sizes and times of all files below it."""
    marks = []
    for directory, names, files in os.walk(path):
        names.sort()
        for name in sorted(files):
            file = f"{directory}/{name}"
            try:
                status = os.lstat(file)
            except OSError:
                continue
            marks.append(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0")
    return _digest("".join(marks).encode("utf-8", "surrogateescape"))


def _digest(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
