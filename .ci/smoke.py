"""Builds the wheel, installs it into an empty environment, and uses it from a directory that is not the checkout."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "fixtures"))

from demo import make_repository  # noqa: E402  # the fixture's own module, from the path above


def run(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def check(truth: bool, what: str) -> None:
    if not truth:
        sys.exit(f"smoke test: {what}")
    print(f"smoke test: {what}: ok")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", directory / "dist", ROOT, cwd=directory)
        wheel = next((directory / "dist").glob("*.whl"))
        venv.create(directory / "env", with_pip=True)
        python, fluxidx = directory / "env/bin/python", directory / "env/bin/fluxidx"
        run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=directory)

        repository = make_repository(directory)
        run(fluxidx, "build", cwd=repository)
        where = json.loads(run(fluxidx, "where", "namespace/bar", "-o", "json", cwd=repository))
        check(where["matches"][0]["definition"]["file"] == "flux/apps/base/namespace.yaml", "where")
        what = json.loads(run(fluxidx, "what", "flux/apps/base/namespace.yaml:4", "-o", "json", cwd=repository))
        check(what["files"][0]["deploys"][0]["object"]["name"] == "bar", "what")
        same = run(python, "-m", "indexer", "--version", cwd=directory)
        check(same == run(fluxidx, "--version", cwd=directory), "python -m indexer is fluxidx")

        # An index without tables is older than any: opening it runs the migrations that the wheel brought.
        old = directory / "old.db"
        sqlite3.connect(old).close()
        run(fluxidx, "build", "--index", old, cwd=repository)
        tables = {name for (name,) in sqlite3.connect(old).execute("select name from sqlite_master")}
        check({"alembic_version", "objects", "units"} <= tables, "migration")


if __name__ == "__main__":
    main()
