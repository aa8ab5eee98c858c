"""Links that open the lines of an answer in the forge, pinned to the commit that was looked at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from indexer.git.permalink import permalink

if TYPE_CHECKING:
    from indexer.flux.config import Config
    from indexer.git.repository import Repository
    from indexer.manifest.node import Span


class Links:
    """The pages of the lines of one commit of the repository."""

    def __init__(self, repository: Repository, config: Config, sha: str | None) -> None:
        """``sha``: the commit in full; None: there is none, so there are no links."""
        self._repository = repository
        self._forges = config.forges
        self._sha = sha

    def __call__(self, span: Span) -> str | None:
        """The page of a span; None for a line of another repository, and where the forge is not known."""
        if self._sha is None or self._remote is None or span.source.repository is not None:
            return None
        return permalink(self._remote, self._sha, span.source.file, span.line, span.end_line, self._forges)

    @cached_property
    def _remote(self) -> str | None:
        return self._repository.remote(self._repository.seen.branch)
