"""Questions to an index: SQL over the documented views, with named parameters.

A SQLite index is read with ``sqlite3`` itself, because importing SQLAlchemy takes longer than any question; every other
index is read through SQLAlchemy. Both give the same rows.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from indexer.errors import IndexMissing
from indexer.git.text import storable
from indexer.index.errors import BadQuery, IndexNewer, IndexStale, IndexUnusable
from indexer.index.location import Location

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCHEMA: Final = "0002"
"""The newest migration. Identifiers of migrations are numbers of four digits, so that they sort by age."""

RUN_BUILD: Final = ": run `fluxidx build`"
"""How the message of every IndexMissing ends."""

Row = dict[str, Any]
"""A row by the names of its columns."""

_NONE: Final[Mapping[str, Any]] = {}


class Index(Protocol):
    """An open index. Nothing can be changed through it; every row it gives belongs to the same build."""

    location: Location

    def rows(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> list[Row]:
        """The rows of a query of this program over the views; ``:name`` in it stands for a parameter."""

    def ask(self, sql: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """The columns and rows of a query that a user wrote. Raises BadQuery."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class _Closing:
    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _SQLite(_Closing):
    def __init__(self, location: Location, connection: sqlite3.Connection) -> None:
        self.location = location
        self._connection = connection

    def rows(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> list[Row]:
        try:
            cursor = self._connection.execute(sql, _storable(parameters))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.DatabaseError as error:
            raise IndexUnusable(
                f"{self.location}: the index cannot be read: {error}: delete it and build it again"
            ) from error

    def has_version(self) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"))

    def ask(self, sql: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        self._connection.set_authorizer(_only_reads)
        with _refusals():
            cursor = self._connection.execute(sql)
        if cursor.description is None:
            raise BadQuery("sql: there is nothing to run: write a SELECT")
        return [column[0] for column in cursor.description], _guarded(cursor)

    def close(self) -> None:
        self._connection.close()


def _only_reads(action: int, *_: object) -> int:
    """SQLite's authorizer for SQL of a user: nothing but reading this one file (``ATTACH`` could open others)."""
    reads = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    return sqlite3.SQLITE_OK if action in reads else sqlite3.SQLITE_DENY


class _SQLAlchemy(_Closing):
    def __init__(self, location: Location, connection: Connection) -> None:
        self.location = location
        self._connection = connection
        self._asked = ExitStack()

    def rows(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> list[Row]:
        from sqlalchemy import text

        from indexer.index.database import failures

        with failures(self.location, "read"):
            return [dict(row) for row in self._connection.execute(text(sql), _storable(parameters)).mappings()]

    def has_version(self) -> bool:
        from sqlalchemy import inspect

        return inspect(self._connection).has_table("alembic_version")

    def ask(self, sql: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        # A server-side cursor takes one SELECT and nothing else, so that no second statement can leave the transaction.
        with _refusals():
            result = self._connection.execution_options(stream_results=True).exec_driver_sql(sql)
        self._asked.callback(result.close)
        return list(result.keys()), _guarded(tuple(row) for row in result)

    def close(self) -> None:
        self._asked.close()
        self._connection.close()
        self._connection.engine.dispose()


def _storable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: storable(value) if isinstance(value, str) else value for name, value in parameters.items()}


def _guarded(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    with _refusals():
        yield from rows


@contextmanager
def _refusals() -> Iterator[None]:
    """Turns what the database says about a user's SQL into a message."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:
        hint = ": only SELECT is allowed" if "not authorized" in str(error) else ""
        raise BadQuery(f"sql: {error}{hint}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "sqlalchemy":
            raise
        raise BadQuery(f"sql: {str(getattr(error, 'orig', None) or error).splitlines()[0]}") from error


def connect(location: Location) -> Index:
    """Opens an index for questions.

    Raises IndexMissing (nothing built yet), IndexStale (an older schema), IndexNewer, IndexUnusable.
    """
    index = _open_sqlite(location, location.file) if location.file is not None else _open_sqlalchemy(location)
    try:
        versions = index.rows("SELECT version_num FROM alembic_version") if index.has_version() else []
        check_version(location, versions[0]["version_num"] if versions else None)
        if not index.rows("SELECT 1 FROM builds LIMIT 1"):
            raise IndexMissing(f"{location}: the index is empty{RUN_BUILD}")
    except BaseException:
        index.close()
        raise
    return index


def check_version(location: Location, version: str | None) -> None:
    """Raises unless ``version``, that of the index, is the one this program reads."""
    if version is None:
        raise IndexMissing(f"{location}: there is no index{RUN_BUILD}")
    if version > SCHEMA:
        raise IndexNewer(
            f"{location}: the index has schema {version} and this program knows {SCHEMA}: "
            "upgrade fluxidx, or name another index with --index"
        )
    if version < SCHEMA:
        raise IndexStale(f"{location}: the index has the old schema {version}{RUN_BUILD}")


def _open_sqlite(location: Location, file: str) -> _SQLite:
    if not os.path.exists(file):  # noqa: PTH110 - pathlib is slow
        raise IndexMissing(f"{file}: there is no index{RUN_BUILD}")
    # https://www.sqlite.org/uri.html, 3.1: the three characters that mean something in the URI of a file.
    quoted = file.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{quoted}?mode=ro"
    try:
        connection = _begin_sqlite(uri)
    except sqlite3.OperationalError:
        # Where SQLite may not write beside the file, it cannot share it with a writer; then there is no writer either.
        log = f"{file}-wal"
        if os.path.exists(log) and os.path.getsize(log):  # noqa: PTH110, PTH202
            raise IndexUnusable(f"{file}: the index cannot be opened: check its permissions") from None
        try:
            connection = _begin_sqlite(f"{uri}&immutable=1")
        except sqlite3.Error as error:
            raise IndexUnusable(f"{file}: the index cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise IndexUnusable(
            f"{file}: not an index: {error}: delete it if it was one, or name another file with --index"
        ) from error
    return _SQLite(location, connection)


def _begin_sqlite(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA mmap_size = 268435456")
        # One transaction for all questions: a build that ends between two of them does not mix its rows in.
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _open_sqlalchemy(location: Location) -> _SQLAlchemy:
    from indexer.index.database import engine_of, failures

    engine = engine_of(location)
    with failures(location, "opened"):
        # A snapshot for all questions, as above.
        connection = engine.connect().execution_options(isolation_level="REPEATABLE READ")
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    return _SQLAlchemy(location, connection)
