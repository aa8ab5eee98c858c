"""Files of SQLite that wait for the disk as seldom as they can."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.sqlite import close_with_log, close_without_log, open_for_writing

Close = Callable[[sqlite3.Connection, Path], None]


def _write(path: Path, close: Close, *numbers: int) -> None:
    connection = open_for_writing(path, 1000)
    connection.execute("CREATE TABLE IF NOT EXISTS number (value INTEGER)")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO number VALUES (?)", [(number,) for number in numbers])
    connection.execute("COMMIT")
    close(connection, path)


def _read(path: Path) -> list[int]:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return [value for (value,) in connection.execute("SELECT value FROM number ORDER BY value")]
    finally:
        connection.close()


@pytest.mark.parametrize("close", [close_with_log, close_without_log])
def test_what_was_committed_is_there(tmp_path: Path, close: Close) -> None:
    path = tmp_path / "any.db"
    _write(path, close, 1, 2)
    _write(path, close, 3)
    assert _read(path) == [1, 2, 3]


def test_a_file_without_its_log_can_stand_alone(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    _write(path, close_without_log, 1)
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    assert _read(copy) == [1]
    assert (tmp_path / "any.db-wal").stat().st_size == 0


def test_a_small_log_stays_and_a_large_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.sqlite._SMALL", 1 << 15)
    path = tmp_path / "any.db"
    _write(path, close_with_log, 1)
    assert (tmp_path / "any.db-wal").stat().st_size > 0
    _write(path, close_with_log, *range(10_000))
    assert not (tmp_path / "any.db-wal").exists()
    assert len(_read(path)) == 10_001


def test_what_is_not_committed_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    _write(path, close_without_log, 1)
    connection = open_for_writing(path, 1000)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO number VALUES (2)")
    close_without_log(connection, path)
    assert _read(path) == [1]


def test_a_reader_of_the_old_state_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    _write(path, close_without_log, 1)
    reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM number").fetchone() == (1,)
    _write(path, close_without_log, 2)
    assert reader.execute("SELECT count(*) FROM number").fetchone() == (1,)
    reader.close()
    assert _read(path) == [1, 2]


def test_who_is_about_to_make_the_first_log_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "any.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE number (value INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        open_for_writing(path, 0)
    monkeypatch.setattr("indexer.sqlite.time.sleep", lambda _: other.rollback())
    _write(path, close_without_log, 1)
    other.close()
    assert _read(path) == [1]


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    path.write_bytes(b"a letter to a friend, and long enough for one" * 99)
    with pytest.raises(sqlite3.DatabaseError):
        open_for_writing(path, 1000)
    assert path.read_bytes().startswith(b"a letter")
