"""Where an index is: a SQLite file, by default inside the repository's git directory, or any SQLAlchemy URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indexer.index.errors import IndexUnusable

_SQLITE: Final = re.compile(r"sqlite(?:\+pysqlite)?://(?:/(?P<path>[^?]*))?")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"(?<=://)([^:/@]*):[^@]*@")


@dataclass(frozen=True, slots=True)
class Location:
    """The place of an index. ``str()`` is fit for a message: it shows no password."""

    url: str
    """What SQLAlchemy opens."""
    path: Path | None
    """The file, where it is SQLite."""

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else _PASSWORD.sub(r"\1:***@", self.url)


def locate(index: str | None, git_dir: Path) -> Location:
    """The location that ``--index`` names (a path or a URL), or the default in a repository's git directory.

    Raises IndexUnusable for a SQLite URL without a file.
    """
    if not index:
        return at_path(git_dir / "fluxidx" / "index.db")
    if sqlite := _SQLITE.fullmatch(index):
        if sqlite["path"] in {None, "", ":memory:"}:
            raise IndexUnusable(f"--index {index}: an index in memory is gone when the command ends: name a file")
        return at_path(Path(sqlite["path"]))
    if _SCHEME.match(index):
        # The driver this project is tested with and depends on; SQLAlchemy's own default differs between its versions.
        return Location(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", index), None)
    return at_path(Path(index).expanduser())


def at_path(path: Path) -> Location:
    """The location of a SQLite file."""
    path = path.absolute()
    return Location(f"sqlite:///{path}", path)
