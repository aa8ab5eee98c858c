"""One build of a repository at a time: two that write the same rows would only undo each other's work."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from indexer.index.errors import IndexUnusable
from indexer.index.location import Location

_ADVISORY: Final = 0x666C7578  # "flux": the first half of the keys of PostgreSQL's advisory locks


def building(location: Location, name: str, say: Callable[[str], None]) -> AbstractContextManager[bool]:
    """Holds the index for one build of ``name``; gives whether another build had to end first, which ``say`` is told.

    A SQLite index, which has one writer in any case, is held for all repositories. The lock goes with the process,
    however it ends. On databases other than SQLite and PostgreSQL the database's own transactions are all that keeps
    two builds apart.
    """

    def waiting() -> None:
        say(f"{location}: another build of this index is running: waiting for it")

    if location.path is not None:
        return _file_lock(location.path, waiting)
    return _advisory_lock(location, name, waiting)


@contextmanager
def _file_lock(index: Path, waiting: Callable[[], None]) -> Iterator[bool]:
    path = index.with_name(f"{index.name}.lock")
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise IndexUnusable(
            f"{path}: the index cannot be written: {error.strerror}: name another place with --index"
        ) from error
    with lock:
        waited = False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield waited


@contextmanager
def _advisory_lock(location: Location, name: str, waiting: Callable[[], None]) -> Iterator[bool]:
    from zlib import crc32

    from sqlalchemy import text

    from indexer.index.database import engine_of, failures

    engine = engine_of(location).execution_options(isolation_level="AUTOCOMMIT")
    with failures(location, "written"), engine.connect() as connection:
        waited = False
        if engine.dialect.name == "postgresql":
            # The keys are signed numbers of 32 bits; two names with one number wait for each other in vain, no more.
            keys = {"ours": _ADVISORY, "name": crc32(name.encode()) - (1 << 31)}
            waited = not connection.execute(text("SELECT pg_try_advisory_lock(:ours, :name)"), keys).scalar()
            if waited:
                waiting()
                connection.execute(text("SELECT pg_advisory_lock(:ours, :name)"), keys)
        yield waited
