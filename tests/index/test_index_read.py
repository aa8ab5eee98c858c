"""Questions: where the index is found, what opens it, and what SQL of a user may do."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from indexer.errors import ExitCode, IndexMissing
from indexer.index.errors import BadQuery, IndexUnusable
from indexer.index.location import Location, at_path, locate
from indexer.index.read import connect
from indexer.index.write import replace


@pytest.fixture
def location(tmp_path, cluster, build):
    location = at_path(tmp_path / "index.db")
    replace(location, build(), [cluster()])
    return location


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (None, "/repo/.git/fluxidx/index.db"),
        ("", "/repo/.git/fluxidx/index.db"),
        ("/var/lib/a.db", "/var/lib/a.db"),
        ("sqlite:////var/lib/a.db", "/var/lib/a.db"),
        ("sqlite+pysqlite:////var/lib/a.db", "/var/lib/a.db"),
        ("sqlite:///a.db", "{cwd}/a.db"),
        ("a.db", "{cwd}/a.db"),
        ("~/a.db", "{home}/a.db"),
    ],
)
def test_a_path_or_sqlite_url_is_a_file(index, path):
    expected = Path(path.format(cwd=Path.cwd(), home=Path.home()))
    assert locate(index, Path("/repo/.git")) == Location(f"sqlite:///{expected}", str(expected))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_other_url_is_for_sqlalchemy_and_shows_no_password(scheme):
    location = locate(f"{scheme}://ada:s3cret@db.example.org/index", Path("/repo/.git"))
    assert location.path is None
    assert location.url == "postgresql+psycopg://ada:s3cret@db.example.org/index"
    assert str(location) == "postgresql+psycopg://ada:***@db.example.org/index"


@pytest.mark.parametrize("index", ["sqlite://", "sqlite:///:memory:", ":memory:"])
def test_an_index_in_memory_is_refused(index):
    with pytest.raises(IndexUnusable, match="name a file"):
        locate(index, Path("/repo/.git"))


def test_a_missing_index_says_how_to_make_it(tmp_path):
    with pytest.raises(IndexMissing, match="there is no index: run `fluxidx build`") as error:
        connect(at_path(tmp_path / "none.db"))
    assert error.value.exit_code is ExitCode.INDEX
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_index_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be none" * 30)
    with pytest.raises(IndexUnusable, match=r"notes.txt: not an index") as error:
        connect(at_path(path))
    assert error.value.exit_code is ExitCode.ENVIRONMENT


def test_a_database_of_something_else_is_no_index(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE unit (id)")
    connection.close()
    with pytest.raises(IndexMissing):
        connect(at_path(tmp_path / "other.db"))


def test_a_damaged_index_is_one_message(location):
    content = location.path.read_bytes()
    location.path.write_bytes(content[: len(content) // 4096 // 2 * 4096])
    with pytest.raises(IndexUnusable, match=r"index.db: .* malformed"):
        connect(location)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql:///x?host=/nonexistent", "the index cannot be opened"),
        ("nosuchdatabase://host/x", "not the URL of a database"),
        ("postgresql://ada:secret@host:port/x", r"ada:\*\*\*@host:port/x: not the URL of a database"),
        ("mysql+mysqldb://host/x", "install the database's driver"),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_message(url, message):
    pytest.importorskip("psycopg")
    with pytest.raises(IndexUnusable, match=message):
        connect(locate(url, Path("/repo/.git")))


def test_an_index_in_a_folder_that_cannot_be_written_is_read(location, tmp_path):
    folder = tmp_path / "artifact"
    folder.mkdir()
    shutil.copy(location.path, folder / "index.db")
    (folder / "index.db").chmod(0o444)
    folder.chmod(0o555)
    try:
        with connect(at_path(folder / "index.db")) as index:
            assert index.rows("SELECT cluster FROM clusters") == [{"cluster": "prod"}]
    finally:
        folder.chmod(0o755)


def test_a_user_may_ask_anything_of_the_views(location):
    with connect(location) as index:
        columns, rows = index.ask("SELECT kind, count(*) AS n FROM units GROUP BY kind ORDER BY kind")
        assert columns == ["kind", "n"]
        assert list(rows) == [("HelmRelease", 1), ("Kustomization", 3)]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM unit",
        "DROP VIEW units",
        "INSERT INTO gvk VALUES (99, 'a', 'b', 'c')",
        "PRAGMA query_only = 0",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "COMMIT",
        "CREATE TEMP TABLE t (x)",
        "SELECT 1; DELETE FROM unit",
        "SELECT nothing FROM units",
        "SELECT load_extension('x')",
        "nonsense",
        "",
    ],
)
def test_a_user_can_change_nothing_and_errors_are_one_line(location, query, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = location.path.read_bytes()
    with connect(location) as index, pytest.raises(BadQuery, match=r"^sql: [^\n]+$"):
        list(index.ask(query)[1])
    assert location.path.read_bytes() == before
    assert not (tmp_path / "copy.db").exists()
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM unit",
        "SELECT 1; DELETE FROM unit",
        "COMMIT; DELETE FROM unit",
        "SET default_transaction_read_only = off",
        "WITH gone AS (DELETE FROM unit RETURNING 1) SELECT * FROM gone",
        "COPY unit TO '/tmp/fluxidx-copy'",
        "SELECT nothing FROM units",
    ],
)
def test_a_user_of_postgresql_can_change_nothing(postgresql, tmp_path, cluster, build, query):
    location = locate(postgresql, tmp_path)
    replace(location, build(), [cluster()])
    with connect(location) as index, pytest.raises(BadQuery, match=r"^sql: [^\n]+$"):
        list(index.ask(query)[1])
    with connect(location) as index:
        assert index.rows("SELECT count(*) AS n FROM units") == [{"n": 4}]
