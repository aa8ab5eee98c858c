"""An index opened for writing: its schema brought up to date, and everything that follows in one transaction.

A new SQLite index, and one that has the newest schema, is written by ``sqlite3`` itself, because importing SQLAlchemy
and Alembic takes as long as rendering a small repository. An old one is migrated and written through them, and so is
every other database.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from indexer.index.errors import IndexUnusable
from indexer.index.location import Location
from indexer.index.read import SCHEMA
from indexer.sqlite import close_without_log, open_for_writing

EMPTY: Final = Path(__file__).with_name("empty.json")
"""The statements that make an empty SQLite index, as the migrations leave one: ``python -m migrations`` writes it."""

_BUSY_MS: Final = 60_000
_NONE: Final[Mapping[str, Any]] = {}


class Writer(Protocol):
    """The transaction of one build."""

    def execute(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> list[tuple[Any, ...]]:
        """Runs one statement, ``:name`` in it standing for a parameter, and returns its rows."""

    def insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Adds rows, with their values in the order of the table's columns."""


@contextmanager
def writing(location: Location) -> Iterator[Writer]:
    """A transaction on the index, which is made or migrated in it where needed; readers see nothing before it ends.

    Raises IndexNewer, IndexUnusable.
    """
    if location.path is not None:
        _make_directory(location.path.parent)
        with _sqlite(location.path) as writer:
            if writer.is_current():
                yield writer
                return
    from indexer.index.engine import migrating

    with migrating(location) as other:
        yield other


def prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Settings of every connection that writes."""
    connection.isolation_level = None  # the driver's own BEGINs would leave the schema's changes out of the transaction
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")


class _SQLite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - names of our own tables

    def is_current(self) -> bool:
        """Whether the index has the newest schema, which a new one gets here."""
        if not self.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"):
            for statement in json.loads(EMPTY.read_text(encoding="utf-8")):
                self.execute(statement)
            self.insert("alembic_version", [(SCHEMA,)])
        return self.execute("SELECT version_num FROM alembic_version") == [(SCHEMA,)]


@contextmanager
def _sqlite(path: Path) -> Iterator[_SQLite]:
    try:
        connection = open_for_writing(path, _BUSY_MS)
        try:
            prepare_sqlite(connection)
            # Not a lazy lock: two writers that had both begun to read could never both go on.
            connection.execute("BEGIN IMMEDIATE")
            yield _SQLite(connection)
            connection.execute("COMMIT")
        finally:
            close_without_log(connection, path)
    except sqlite3.Error as error:
        raise IndexUnusable(f"{path}: the index cannot be written: {error}") from error


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexUnusable(
            f"{path}: the index cannot be written: {error.strerror}: name another place with --index"
        ) from error
