"""An index opened for writing: its schema brought up to date, and everything that follows in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event, inspect, text

from indexer.index.database import engine_of, failures
from indexer.index.errors import IndexUnusable
from indexer.index.location import Location
from indexer.index.read import SCHEMA, check_version

if TYPE_CHECKING:
    import sqlite3

_BUSY_MS = 60_000


@contextmanager
def writing(location: Location) -> Iterator[Connection]:
    """A transaction on the index, which is made or migrated in it where needed; readers see nothing before it ends.

    Raises IndexNewer, IndexUnusable.
    """
    engine = _engine(location)
    with failures(location, "written"), engine.begin() as connection:
        _migrate(connection, location)
        yield connection


def _engine(location: Location) -> Engine:
    if location.path is not None:
        _make_directory(location.path.parent)
    engine = engine_of(location)
    if location.path is not None:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexUnusable(
            f"{path}: the index cannot be written: {error.strerror}: name another place with --index"
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGINs would leave the schema's changes out of the transaction
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")


def _begin_sqlite(connection: Connection) -> None:
    # Not a lazy lock: two writers that had both begun to read could never both go on.
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

    import migrations

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(migrations.__path__[0])).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
