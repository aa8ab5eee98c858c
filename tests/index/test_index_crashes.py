"""Builders that die and servers that go away: the index is the old one or the new one, and messages are clear."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from servers.postgresql import PASSWORD

from indexer.index.engine import _Writer
from indexer.index.errors import IndexUnusable
from indexer.index.location import locate
from indexer.index.read import connect
from indexer.index.write import replace

_MORTAL = """
import os, pickle, signal, sys
from pathlib import Path
from indexer.index import engine, write, writer
from indexer.index.location import locate

left = int(sys.argv[3])

def mortal(method):
    def call(self, *arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(self, *arguments)
    return call

for kind in writer._SQLite, engine._Writer:
    kind.insert, kind.execute = mortal(kind.insert), mortal(kind.execute)
write.replace(locate(sys.argv[1], Path()), *pickle.loads(Path(sys.argv[2]).read_bytes()))
"""


def seen(location):
    """What a reader sees: the build, and the clusters that objects and contributions belong to."""
    with connect(location) as index:
        return (
            [row["fingerprint"] for row in index.rows("SELECT fingerprint FROM builds")],
            [row["cluster"] for row in index.rows("SELECT cluster FROM objects ORDER BY 1")],
            index.rows("SELECT count(*) AS n FROM contributions")[0]["n"],
        )


def test_a_builder_killed_at_any_moment_leaves_the_old_index_or_the_new_one(any_index, tmp_path, cluster, build):
    location = locate(any_index, tmp_path)
    replace(location, build(fingerprint="old"), [cluster("old")])
    old = seen(location)
    values = tmp_path / "values.pickle"
    values.write_bytes(pickle.dumps((build(fingerprint="new"), [cluster("new"), cluster("newer")])))
    root = str(Path(__file__).parents[2])
    for moment in range(100):
        command = [sys.executable, "-c", _MORTAL, location.url, str(values), str(moment)]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": root}, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        assert seen(location) == old
    assert moment > 10
    assert seen(location) == (["new"], ["new", "new", "newer", "newer"], 2 * old[2])


@pytest.fixture
def any_index(postgresql):
    """Here the index is on PostgreSQL."""
    return postgresql


def is_one_clear_line(error):
    return error.count("\n") == 1 and error.startswith("fluxidx: ") and PASSWORD not in error


@pytest.mark.usefixtures("rendering")
def test_a_server_that_restarts_during_a_build_loses_nothing(fluxidx, repository, postgresql_server, monkeypatch):
    assert fluxidx("build")[0] == 0
    before = fluxidx("ls")
    (repository / "clusters" / "readme.txt").write_text("two\n")
    insert = _Writer.insert

    def restarting(self, table, rows):
        insert(self, table, rows)
        if table == "object":
            postgresql_server.stop()
            postgresql_server.start()

    with monkeypatch.context() as patch:
        patch.setattr(_Writer, "insert", restarting)
        code, out, err = fluxidx("build")
    assert (code, out) == (2, "")
    assert is_one_clear_line(err)
    assert "the index cannot be written: " in err
    assert fluxidx("sql", "SELECT count(*) FROM objects")[0] == 0
    assert fluxidx("build")[0] == 0
    assert fluxidx("ls") == before


def test_a_server_that_restarts_between_two_questions(postgresql, postgresql_server, tmp_path, cluster, build):
    location = locate(postgresql, tmp_path)
    replace(location, build(), [cluster()])
    with connect(location) as index:
        index.rows("SELECT * FROM builds")
        postgresql_server.stop()
        postgresql_server.start()
        with pytest.raises(IndexUnusable, match="the index cannot be read") as error:
            index.rows("SELECT * FROM builds")
    assert PASSWORD not in str(error.value)
    assert seen(location)[0] == ["f1"]


@pytest.mark.usefixtures("rendering")
@pytest.mark.parametrize("command", [["build"], ["ls"], ["sql", "SELECT 1"], ["units", "--no-build"]])
def test_a_server_that_is_down_is_one_clear_line(fluxidx, postgresql_server, command):
    assert fluxidx("build")[0] == 0
    postgresql_server.stop()
    try:
        code, out, err = fluxidx(*command)
    finally:
        postgresql_server.start()
    assert (code, out) == (2, "")
    assert is_one_clear_line(err)
    assert "refused" in err


@pytest.mark.usefixtures("rendering")
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://fluxidx:{wrong}@127.0.0.1:{port}/{name}", "authentication failed"),
        ("postgresql://nobody:{wrong}@127.0.0.1:{port}/{name}", "authentication failed"),
        ("postgresql://fluxidx:{right}@127.0.0.1:{port}/nothing", 'database "nothing" does not exist'),
        ("postgresql://127.0.0.1:{port}/{name}?user=fluxidx&password={wrong}", "authentication failed"),
        ("postgresql://fluxidx:{wrong}@{right}@127.0.0.1:{port}/{name}", "write @ in a password as %40"),
        ("postgresql://fluxidx:{right}@127.0.0.1:{port}/{name}?sslmode=nonsense", "sslmode"),
        ("postgresql://fluxidx:{right}@127.0.0.1:{port}/{name}?nonsense=1", "nonsense"),
        ("postgresql://fluxidx:{right}/{wrong}@127.0.0.1:{port}/{name}", "authentication failed"),
    ],
)
def test_no_message_holds_a_password(fluxidx, postgresql, postgresql_server, url, why):
    name = postgresql.rpartition("/")[2]
    filled = url.format(wrong="wrong-one", right=PASSWORD, port=postgresql_server.port, name=name)
    for command in (["build"], ["sql", "SELECT 1"]):
        code, out, err = fluxidx(*command, "--index", filled)
        assert (code, out) == (2, "")
        assert is_one_clear_line(err)
        assert why in err
        assert "wrong-one" not in err
