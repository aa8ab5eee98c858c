"""Where an index is: a SQLite file, by default inside the repository's git directory, or any SQLAlchemy URL."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from indexer.deferred import NamedTuple
from indexer.git.text import storable
from indexer.index.errors import IndexUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.git.repository import Repository

_SQLITE: Final = r"sqlite(?:\+pysqlite)?://(?:/(?P<path>[^?]*))?|:memory:"
_SCHEME: Final = r"(?i)[a-z][a-z0-9+]*://"
# Too much rather than too little, where a password is not written as it should be.
_CREDENTIALS: Final = r"(?i)(?<=://)([^:/@]*):.*@|(?<=[?&])(password=)[^&]*"


class Location(NamedTuple):
    """The place of an index. ``str()`` is fit for a message: it shows no password."""

    url: str
    """What SQLAlchemy opens."""
    file: str | None
    """The path, where it is a file of SQLite."""

    @property
    def path(self) -> Path | None:
        """The same for those who go on from there."""
        from pathlib import Path

        return Path(self.file) if self.file is not None else None

    def __str__(self) -> str:
        return self.file if self.file is not None else re.sub(_CREDENTIALS, _hidden, self.url)

    def name_of(self, repository: Repository) -> str:
        """What tells a repository from others in this index.

        In a file, the path of its git directory; on a server, which many machines have clones for, the remote that it
        is fetched from.
        """
        if self.file is None and (remote := repository.remote()) is not None:
            from indexer.git.remotes import canonical

            place = canonical(remote)
            return storable(remote if place is None else f"{place.host}/{place.path}")
        return storable(repository.place.common_dir)


def _hidden(found: re.Match[str]) -> str:
    return f"{found[2]}***" if found[2] else f"{found[1]}:***@"


def locate(index: str | None, git_dir: Path | str) -> Location:
    """The location that ``--index`` names (a path or a URL), or the default in a repository's git directory.

    Raises IndexUnusable for a SQLite URL without a file.
    """
    if not index:
        return _in_file(f"{git_dir}/fluxidx/index.db")
    if index.startswith("/") and index == os.path.normpath(index):
        return _in_file(index)
    from pathlib import Path  # which is slow, and mostly not needed

    if sqlite := re.fullmatch(_SQLITE, index):
        if sqlite["path"] in {None, "", ":memory:"}:
            raise IndexUnusable(f"--index {index}: an index in memory is gone when the command ends: name a file")
        return at_path(Path(sqlite["path"]))
    if re.match(_SCHEME, index):
        # The driver this project is tested with and depends on; SQLAlchemy's own default differs between its versions.
        return Location(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", index), None)
    return at_path(Path(index).expanduser())


def at_path(path: Path) -> Location:
    """The location of a SQLite file."""
    return _in_file(str(path.absolute()))


def _in_file(file: str) -> Location:
    return Location(f"sqlite:///{file}", file)
