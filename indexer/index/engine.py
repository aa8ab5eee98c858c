"""Writing through SQLAlchemy: an index that Alembic has to migrate first, and every database that is not SQLite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from indexer.index.database import engine_of, failures
from indexer.index.errors import IndexUnusable
from indexer.index.location import Location
from indexer.index.read import SCHEMA, check_version
from indexer.index.writer import prepare_sqlite

if TYPE_CHECKING:
    import sqlite3

    from indexer.index.writer import Writer

_WRITING: Final = 0x666C7578696478  # "fluxidx"


@contextmanager
def migrating(location: Location) -> Iterator[Writer]:
    """As ``writing``, for an index in any state and of any kind. Raises IndexNewer, IndexUnusable."""
    engine = engine_of(location)
    if location.path is not None:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    with failures(location, "written"), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Writers go one after the other, as on SQLite: migrations, and keys that are counted on from the highest.
            connection.execute(text("SELECT pg_advisory_xact_lock(:writing)"), {"writing": _WRITING})
        _migrate(connection, location)
        yield _Writer(connection)


class _Writer:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        result = self._connection.execute(text(sql), parameters)
        return [tuple(row) for row in result] if result.returns_rows else []

    def insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        if self._connection.dialect.driver == "psycopg":
            self._copy(table, rows)
            return
        mark = "?" if self._connection.dialect.paramstyle == "qmark" else "%s"
        marks = ", ".join([mark] * len(rows[0]))
        # By the driver alone: nothing in the rows needs translation.
        self._connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", list(rows))  # noqa: S608 - names of our own tables

    def _copy(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """As INSERT does, in a fraction of the time."""
        driver = self._connection.connection.driver_connection
        assert driver is not None
        try:
            with driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise SQLAlchemyError(str(error)) from error


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    prepare_sqlite(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(connection: Connection, location: Location) -> None:
    """Runs the migrations that the index lacks; none of Alembic is imported where there are none."""
    version = None
    if inspect(connection).has_table("alembic_version"):
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is not None and version >= SCHEMA:
        check_version(location, version)
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    import migrations

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(migrations.__path__[0])).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise IndexUnusable(f"{location}: {error}: delete the index, or name another with --index") from None
