"""The index of real repositories, and what is said of them, does not depend on how many processes render."""

import sqlite3
import subprocess
import sys
from contextlib import closing


def contents(index):
    """All that the views show, but for the keys and the time."""
    with closing(sqlite3.connect(index)) as connection:
        views = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
        shown = {}
        for view in views:
            names = [column[0] for column in connection.execute(f"SELECT * FROM {view} LIMIT 0").description]  # noqa: S608
            kept = [name for name in names if name != "built_at" and not name.endswith("_id")]
            rows = connection.execute(f"SELECT {', '.join(kept)} FROM {view}")  # noqa: S608
            shown[view] = sorted(map(repr, rows))
        return shown


def test_processes_give_one_index(indexed, tmp_path):
    def built(count):
        for file in (indexed.repository.git_dir / "fluxidx").glob("cache.db*"):
            file.unlink()
        index = tmp_path / f"{count}.db"
        command = [sys.executable, "-m", "indexer", "build", "-v", "--jobs", str(count)]
        options = ["--repo", str(indexed.path), "--index", str(index)]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
        return done.stdout.replace(str(index), ""), done.stderr, contents(index)

    one = built(1)
    assert built(2) == one
    assert built(3) == one
