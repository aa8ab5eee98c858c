"""SQLite files that are written by one transaction at a time, with as few waits for the disk as they can be safe with.

A transaction goes into the log beside the file, where a checksum tells whether all of it arrived: it needs no wait, as
long as the log is on the disk before the file itself is changed (https://www.sqlite.org/wal.html). Each wait takes
some milliseconds, and so does deleting a file: a small build would wait for most of its time.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Final

_SMALL: Final = 1 << 24
"""Bytes of a log that is cheaper to read than to get rid of."""
_PRIMARY: Final = 0xFF
"""The part of an error's code that is not only a detail."""
_PAUSE: Final = 0.005


def open_for_writing(path: Path, patience_ms: int) -> sqlite3.Connection:
    """A connection whose transactions all go into the log; ``patience_ms``: how long to wait for other writers."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {patience_ms}")
        if not path.stat().st_size:
            # Nothing is there yet that could be lost.
            connection.execute("PRAGMA synchronous = OFF")
        _use_log(connection, patience_ms)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA synchronous = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_log(connection: sqlite3.Connection, patience_ms: int) -> None:
    """SQLite does not wait by itself where several make the first log of a file."""
    end = time.monotonic() + patience_ms / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_PAUSE)


def close_with_log(connection: sqlite3.Connection, path: Path) -> None:
    """Closes what ``open_for_writing`` opened. A small log stays, for the next writer to add to."""
    _careful(connection)
    log = path.with_name(f"{path.name}-wal")
    keep = log.exists() and log.stat().st_size <= _SMALL
    with _reader(path) if keep else nullcontext():
        connection.close()


def close_without_log(connection: sqlite3.Connection, path: Path) -> None:
    """Closes what ``open_for_writing`` opened. What the log holds goes into the file, which then can stand alone."""
    _careful(connection)
    # Who still reads the old state is not waited for: a later writer finds the log, and does this.
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with _reader(path):
        connection.close()


def _careful(connection: sqlite3.Connection) -> None:
    """From here on the file itself is written, which has to wait for the disk. What is not committed is gone."""
    connection.rollback()
    connection.execute("PRAGMA synchronous = NORMAL")


def _reader(path: Path) -> closing[sqlite3.Connection]:
    """A reader, for the last writer not to be the last to close: that one deletes the log, and a reader cannot."""
    reader = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    reader.execute("PRAGMA schema_version").fetchone()  # the least that makes it look into the log
    return closing(reader)
