"""The index that a question needs: the one that is there while it is fresh, else a new one.

Nothing of a build is imported before one is needed: a question on a fresh index does not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.errors import IndexMissing
from indexer.index.freshness import Answer, ask_fresh, open_fresh, target_of
from indexer.index.location import at_path, locate
from indexer.index.read import RUN_BUILD, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from indexer.flux.config import Config
    from indexer.git.repository import Repository
    from indexer.index.read import Index

_REVISIONS: Final = "revisions"
_KEPT: Final = 8


def ensure_fresh(
    repository: Repository,
    config: Config,
    index: str | None,
    *,
    revision: str | None = None,
    build: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Index:
    """The opened index of the working tree, or of ``revision``, built first where it is missing or stale.

    ``index`` is what ``--index`` says. ``progress`` gets one line where there is something to wait for. Raises
    IndexMissing or IndexStale where a build is needed and not allowed, and whatever a build raises.
    """
    location = locate(index, repository.place.common_dir)
    target = target_of(repository, config, revision)
    try:
        return open_fresh(location, target, any_revision=not build)
    except IndexMissing as error:
        missing = error
    if revision is not None:
        # A question about the past must not take the index of the present away.
        location = at_path(repository.git_dir / "fluxidx" / _REVISIONS / f"{target.commit}.db")
        try:
            return open_fresh(location, target)
        except IndexMissing as error:
            missing = error if build else _of_revision(missing, revision)
    if not build:
        raise missing
    if progress is not None:
        progress(f"{str(missing).removesuffix(RUN_BUILD)}: building it")
    from indexer.index.build import build_index

    build_index(repository, config, location, revision=revision, say=progress)
    if location.path is not None and location.path.parent.name == _REVISIONS:
        _forget_old(location.path.parent)
    return connect(location)


def answered(
    repository: Repository,
    config: Config,
    index: str | None,
    question: Callable[[Index], Answer],
    *,
    build: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Answer:
    """What ``question`` finds in the index of the working tree, built first where it is missing or stale.

    It is asked of the index that is there, and where that turns out to be stale, again of a new one. Raises as
    ``ensure_fresh``, and what the question raises.
    """
    repository.look()
    location = locate(index, repository.place.common_dir)
    try:
        return ask_fresh(
            location, repository, config, None, lambda opened, _build: question(opened), any_revision=not build
        )
    except IndexMissing:
        with ensure_fresh(repository, config, index, build=build, progress=progress) as fresh:
            return question(fresh)


def _of_revision(missing: IndexMissing, revision: str) -> IndexMissing:
    """What to do where a question about ``revision`` is not to build its index."""
    from shlex import quote

    return type(missing)(f"{str(missing).removesuffix(RUN_BUILD)}: run `fluxidx build --rev {quote(revision)}`")


def _forget_old(folder: Path) -> None:
    """Deletes the indexes of revisions but the newest few; each can be built again."""
    indexes = sorted(folder.glob("*.db"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in indexes[_KEPT:]:
        for part in folder.glob(f"{path.name}*"):
            part.unlink(missing_ok=True)
