"""Rendered units on disk, by what they were rendered from: a build of any branch or revision renders what is new.

The file lies in the git directory of the repository that is indexed, and nobody else writes it: what it holds is read
with ``marshal``, which must not be given a stranger's bytes. It never holds a value of a Secret or ciphertext. It can
be deleted at any time; where it cannot be read or written, everything is rendered.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final, Self

from indexer import __version__
from indexer.deferred import NamedTuple
from indexer.flux.packing import canonical, digest
from indexer.sqlite import close_with_log, open_for_writing

LIMIT: Final = 256 * 1024 * 1024
"""Bytes of records that are kept; beyond it those go that were not used for the longest time."""

SIZE: Final = 20
"""Bytes of the name of a record."""
_LAYOUT: Final = 2
_BUSY_MS: Final = 2_000
_DAY: Final = 86_400
_ROOMS: Final = ("git", "manifest", "kustomize", "helm", "flux")
"""The packages whose code decides what a unit renders to."""

_TABLES: Final = """
DROP TABLE IF EXISTS record;
DROP TABLE IF EXISTS memo;
CREATE TABLE record (
    id BLOB PRIMARY KEY, key BLOB NOT NULL, used INTEGER NOT NULL, size INTEGER NOT NULL,
    inputs BLOB NOT NULL, outcome BLOB NOT NULL, rows BLOB NOT NULL
);
CREATE INDEX record_key ON record (key);
CREATE INDEX record_used ON record (used, size);
CREATE TABLE memo (name TEXT PRIMARY KEY, made_by BLOB NOT NULL, value BLOB NOT NULL);
"""
_INSERT: Final = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)"


class LostRows(Exception):
    """Another process has dropped what was found in the store: it has to be rendered after all."""


class Record(NamedTuple):
    """What is known of one unit as it was rendered once."""

    id: bytes
    """Equal for what is equal in all that is stored of it."""
    inputs: bytes
    """What it read, listed and did not find."""
    outcome: bytes
    """What the rest of its cluster needs of it."""


@cache
def engine() -> bytes:
    """What stands for this program: its version, its Python, and the state of its own files, which change when it is
    being developed.
    """
    package = Path(__file__).parents[1]
    files = []
    for room in _ROOMS:
        with os.scandir(package / room) as found:
            status = [(entry.name, entry.stat()) for entry in found if entry.name.endswith(".py")]
        files += [(room, name, one.st_size, one.st_mtime_ns) for name, one in sorted(status)]
    return digest(canonical((__version__, sys.version, tuple(files))))


class Store:
    """The records of one repository. Several processes may use the same file; what is added is written at the end."""

    def __init__(self, path: Path, patience_ms: int = _BUSY_MS) -> None:
        self.path = path
        self._patience_ms = patience_ms
        self._limit = LIMIT
        self._connection: sqlite3.Connection | None = None
        self._left: tuple[sqlite3.Connection | None, ...] = ()
        self._handed = 0
        """How much of what was added is known to the process that has the file."""
        self._added: dict[bytes, tuple[bytes, Record, bytes]] = {}
        self._by_key: dict[bytes, list[Record]] = {}
        self._used: set[bytes] = set()
        self._memos: dict[str, bytes] = {}
        self._today = int(time.time()) // _DAY
        self._open()

    @classmethod
    def within(cls, git_dir: Path, patience_ms: int = _BUSY_MS) -> Self:
        """The store of the repository with this git directory. ``patience_ms``: how long to wait for other writers."""
        return cls(git_dir / "fluxidx" / "cache.db", patience_ms)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was kept here before, as far as can be seen."""
        found = None
        if self._connection is not None:
            with self._harmless():
                found = self._connection.execute("SELECT 1 FROM record LIMIT 1").fetchone()
        return found is None

    def find(self, key: bytes) -> list[Record]:
        """The records that were added under a key, the last used first."""
        found = list(self._by_key.get(key, ()))
        if self._connection is not None:
            with self._harmless():
                rows = self._connection.execute(
                    "SELECT id, inputs, outcome, used FROM record WHERE key = ? ORDER BY used DESC", (key,)
                ).fetchall()
                self._used.update(row[0] for row in rows if row[3] != self._today)
                found += [Record(*row[:3]) for row in rows]
        return found

    def has(self, record: bytes) -> bool:
        """Whether a record is there."""
        found = None
        if record not in self._added and self._connection is not None:
            with self._harmless():
                found = self._connection.execute("SELECT 1 FROM record WHERE id = ?", (record,)).fetchone()
        return record in self._added or found is not None

    def rows(self, record: bytes) -> bytes | None:
        """The rows of a record; None where it is not there, or not any more."""
        added = self._added.get(record)
        if added is not None:
            return added[2]
        row = None
        if self._connection is not None:
            with self._harmless():
                row = self._connection.execute("SELECT rows FROM record WHERE id = ?", (record,)).fetchone()
        return None if row is None else bytes(row[0])

    def add(self, key: bytes, record: Record, rows: bytes) -> None:
        """Keeps a record under a key."""
        if record.id not in self._added:
            self._added[record.id] = key, record, rows
            self._by_key.setdefault(key, []).append(record)

    def record(self, name: bytes) -> tuple[bytes, Record, bytes] | None:
        """A record with its key and its rows; None where it is not there."""
        found = self._added.get(name)
        if found is None and self._connection is not None:
            with self._harmless():
                sql = "SELECT key, inputs, outcome, rows FROM record WHERE id = ?"
                row = self._connection.execute(sql, (name,)).fetchone()
                found = None if row is None else (row[0], Record(name, row[1], row[2]), row[3])
        return found

    def take(self, records: Iterable[tuple[bytes, Record, bytes]]) -> None:
        """Writes the records of another store down."""
        if self._connection is None:
            for key, record, rows in records:
                self.add(key, record, rows)
            return
        with self._harmless():
            self._connection.execute("BEGIN IMMEDIATE")
            for one in records:
                self._connection.execute(_INSERT, self._row(*one))
            self._connection.execute("COMMIT")

    def leave(self) -> None:
        """Leaves the file to the process that opened it, of which this one is a copy: it is neither used nor closed."""
        self._left, self._connection = (self._connection,), None
        self._handed = len(self._added)

    def hand_over(self) -> list[tuple[bytes, Record, bytes]]:
        """What was added since ``leave``, once, for the process that has the file; nothing in that process itself."""
        if not self._left:
            return []
        added = list(islice(self._added.values(), self._handed, None))
        self._handed = len(self._added)
        return added

    def memo(self, name: str) -> bytes | None:
        """What this very program last remembered under a name. What another did may mean something else."""
        row = None
        if self._connection is not None:
            with self._harmless():
                query = "SELECT value FROM memo WHERE name = ? AND made_by = ?"
                row = self._connection.execute(query, (name, engine())).fetchone()
        return None if row is None else bytes(row[0])

    def remember(self, name: str, value: bytes) -> None:
        """Puts something in place of what was remembered under a name."""
        self._memos[name] = value

    def begins_to_use(self, record: bytes) -> bool:
        """Whether a record that was found had not been used for a day."""
        return record in self._used

    def use(self, records: Iterable[bytes]) -> None:
        """Says that records are used that nobody asks for."""
        self._used.update(records)

    def close(self) -> None:
        """Writes what was added. Another process that writes for long makes this one forget it."""
        if self._connection is None:
            return
        with self._harmless():
            if self._added or self._memos or self._used:
                self._write(self._connection)
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._harmless():
                close_with_log(connection, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        with self._harmless():
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError:
                return
            self._connection = open_for_writing(self.path, self._patience_ms)
            if self._connection.execute("PRAGMA user_version").fetchone()[0] != _LAYOUT:
                self._connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_LAYOUT}; COMMIT")

    def _write(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, [self._row(*one) for one in self._added.values()])
        memos = [(name, engine(), value) for name, value in self._memos.items()]
        connection.executemany("INSERT OR REPLACE INTO memo VALUES (?, ?, ?)", memos)
        connection.executemany("UPDATE record SET used = ? WHERE id = ?", [(self._today, one) for one in self._used])
        if self._added:
            self._shrink(connection)
        connection.execute("COMMIT")

    def _row(self, key: bytes, record: Record, rows: bytes) -> tuple[bytes, bytes, int, int, bytes, bytes, bytes]:
        size = sum(map(len, (*record, rows)))
        return record.id, key, self._today, size, record.inputs, record.outcome, rows

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Drops the least recently used records until a quarter of the room is free again."""
        (total,) = connection.execute("SELECT coalesce(sum(size), 0) FROM record").fetchone()
        if total <= self._limit:
            return
        for record, size in connection.execute("SELECT id, size FROM record ORDER BY used, rowid").fetchall():
            if total <= self._limit * 3 // 4:
                return
            connection.execute("DELETE FROM record WHERE id = ?", (record,))
            total -= size

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """What SQLite cannot do is not done, from here on; a file that is none of its own goes."""
        try:
            yield
        except sqlite3.Error as error:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()
            if not isinstance(error, sqlite3.OperationalError):
                for name in (self.path, Path(f"{self.path}-wal"), Path(f"{self.path}-shm")):
                    try:
                        name.unlink(missing_ok=True)
                    except OSError:
                        return
