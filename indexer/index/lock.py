"""One build of an index at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from indexer.index.errors import IndexUnusable
from indexer.index.location import Location

_ADVISORY: Final = 0x666C7578696478  # "fluxidx": the number of PostgreSQL's advisory lock


def building(location: Location, waiting: Callable[[], None]) -> AbstractContextManager[None]:
    """Holds the index for one build; ``waiting`` is called where another build has to end first.

    The lock goes with the process, however it ends. On databases other than SQLite and PostgreSQL the database's own
    transactions are all that keeps two builds apart.
    """
    if location.path is not None:
        return _file_lock(location.path, waiting)
    return _advisory_lock(location, waiting)


@contextmanager
def _file_lock(index: Path, waiting: Callable[[], None]) -> Iterator[None]:
    path = index.with_name(f"{index.name}.lock")
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise IndexUnusable(
            f"{path}: the index cannot be written: {error.strerror}: name another place with --index"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _advisory_lock(location: Location, waiting: Callable[[], None]) -> Iterator[None]:
    from sqlalchemy import text

    from indexer.index.database import engine_of, failures

    engine = engine_of(location).execution_options(isolation_level="AUTOCOMMIT")
    with failures(location, "written"), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            number = {"number": _ADVISORY}
            if not connection.execute(text("SELECT pg_try_advisory_lock(:number)"), number).scalar():
                waiting()
                connection.execute(text("SELECT pg_advisory_lock(:number)"), number)
        yield
