"""What Git knows of a definition: the indexed revision, the last commit that touched the lines, and their link."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from indexer.git.blame import Commit, Uncommitted
from indexer.git.command import GitError
from indexer.git.permalink import permalink
from indexer.query.answers import Hop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.git.remotes import Forge
    from indexer.git.repository import Repository
    from indexer.index.read import Row
    from indexer.manifest.provenance import Span

_SHORT: Final = 10
History = tuple[Commit | None, str | None, tuple[Hop, ...]]
"""The commit, the link, and what could not be found out."""


class Commits:
    """The history of one indexed revision. Lines that many objects share are looked up once."""

    def __init__(self, repository: Repository, build: Row, forges: Mapping[str, Forge]) -> None:
        self._repository = repository
        self._pinned = build["revision"] is not None
        self._head: str | None = build["head"]
        self._forges = forges
        self._known: dict[tuple[str | None, str, int, int], History] = {}

    @cached_property
    def revision(self) -> str:
        """``main@sha1:3f2c…``, as Flux spells it; the commit alone for a revision that was asked for."""
        if self._head is None:
            return "no commit yet + uncommitted changes"
        if self._pinned:
            return f"sha1:{self._head}"
        branch = self._branch
        shown = f"{branch}@sha1:{self._head}" if branch else f"sha1:{self._head}"
        return f"{shown} + uncommitted changes" if self._changes else shown

    @cached_property
    def _branch(self) -> str | None:
        return None if self._pinned else self._repository.seen.branch

    @cached_property
    def _changes(self) -> frozenset[str]:
        return frozenset() if self._pinned else self._repository.seen.changed

    def foresee(self, definition: Span | None) -> None:
        """Has git begin to look at lines that ``of`` will be asked about."""
        if definition is not None and definition.source.repository is None and not self._pinned:
            self._repository.look_at(definition.source.file, definition.line, definition.end_line)

    def of(self, definition: Span | None) -> History:
        """What Git knows of the lines of a definition."""
        if definition is None:
            return None, None, ()
        named, file = definition.source.repository, definition.source.file
        key = (named, file, definition.line, definition.end_line)
        if key not in self._known:
            lines = (file, definition.line, definition.end_line)
            self._known[key] = self._look_up(*lines) if named is None else self._look_up_elsewhere(named, *lines)
        return self._known[key]

    def _look_up_elsewhere(self, named: str, file: str, first: int, last: int) -> History:
        """Of lines of ``HOST/PATH@REF``: another ref of this repository, or another repository."""
        from indexer.git.remotes import same_repository

        place, _, ref = named.rpartition("@")
        url = f"https://{place}"
        own = next((one for one in self._repository.remotes().values() if same_repository(one, url)), None)
        try:
            sha = None if own is None else self._repository.commit(ref)
        except GitError:
            sha = None
        if own is None or sha is None:
            link = permalink(url, ref, file, first, last, self._forges) if place else None
            # What a generator makes or an archive holds is called by a sentence.
            where = f"no file of this repository: it is {named}" if " " in named else f"another repository, {named}"
            return None, link, (Hop("commit", f"the definition is in {where}"),)
        commit, cut = self._told(self._repository.last_commit(file, first, last, sha))
        link = permalink(own, sha, file, first, last, self._forges)
        return commit, link, cut

    def _look_up(self, file: str, first: int, last: int) -> History:
        try:
            found = self._repository.last_commit(file, first, last, self._head if self._pinned else None)
        except GitError as error:
            return None, None, (Hop("commit", str(error)),)
        commit, cut = self._told(found)
        if isinstance(found, Uncommitted):
            return None, None, cut
        if file in self._changes:
            return commit, None, (*cut, Hop("link", f"{file} has uncommitted changes, which may have moved the lines"))
        link, why = self._link(file, first, last)
        return commit, link, (*cut, Hop("link", why)) if link is None else cut

    def _told(self, commit: Commit | Uncommitted) -> tuple[Commit | None, tuple[Hop, ...]]:
        """The commit that surely wrote the lines; else why there is none to tell."""
        if isinstance(commit, Uncommitted):
            return None, (Hop("commit", "the lines are not committed yet"),)
        if commit.boundary and self._repository.shallow:
            why = f"this clone is shallow and ends at {commit.sha[:_SHORT]}, and an older commit may have written the"
            return None, (Hop("commit", f"{why} lines: git fetch --unshallow gets the rest"),)
        return commit, ()

    def _link(self, file: str, first: int, last: int) -> tuple[str | None, str]:
        """The lines in the forge, pinned to the indexed commit; else why not."""
        if self._remote is None or self._head is None:
            return None, "the repository has no remote"
        link = permalink(self._remote, self._head, file, first, last, self._forges)
        return link, f"{self._remote} is no forge that is known: name it under [forges] in .fluxidx.toml"

    @cached_property
    def _remote(self) -> str | None:
        return self._repository.remote(self._branch)
