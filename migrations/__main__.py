"""``python -m migrations`` writes down what the migrations make of an empty SQLite database, for new indexes."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path

from indexer.index.engine import migrating
from indexer.index.location import at_path
from indexer.index.writer import EMPTY


def statements(path: Path) -> list[str]:
    """The statements that make the schema of an index."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    finally:
        connection.close()
    return [" ".join(sql.split()) for (sql,) in rows]


def migrated(directory: Path) -> list[str]:
    """What all migrations make of a new database in ``directory``."""
    path = directory / "migrated.db"
    with migrating(at_path(path)):
        pass
    return statements(path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        EMPTY.write_text(json.dumps(migrated(Path(directory)), indent=1) + "\n", encoding="utf-8")
