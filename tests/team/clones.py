"""Generated repositories, and the program as several people and jobs run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COUNTED = "SELECT cluster, unit_name, kind, namespace, name, digest, file, line FROM objects ORDER BY 1, 2, 3, 4, 5"
EVIDENCE = """
    SELECT o.cluster, o.unit_name, o.kind, o.name, c.role, c.operation, c.file, c.line, c.column_, c.fields,
           c.overridden
    FROM contributions c JOIN objects o ON o.object_id = c.object_id ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""
UNITS = """
    SELECT u.cluster, u.kind, u.name, u.state, u.reason, u.file, u.line, u.objects, p.name AS parent, i.path, i.blob
    FROM units u LEFT JOIN units p ON p.unit_id = u.parent_id LEFT JOIN inputs i ON i.unit_id = u.unit_id
    ORDER BY 1, 2, 3, 10, 11
"""
FILLED = """
    SELECT o.cluster, o.name, s.variable, s.supplied_by, s.file, s.line
    FROM substitutions s JOIN objects o ON o.object_id = s.object_id ORDER BY 1, 2, 3
"""


@dataclass(frozen=True)
class Clone:
    """A clone of a repository, and where its owner keeps the index."""

    path: Path
    index: str
    no_build: bool = False

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "FLUXIDX_INDEX": self.index}
        if self.no_build:
            environment["FLUXIDX_NO_BUILD"] = "1"
        return [sys.executable, "-W", "error", "-m", "indexer", *arguments], environment

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command, environment = self.command(*arguments)
        return subprocess.Popen(
            command, cwd=self.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """What the program prints, or says on its way out."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=900)
        assert process.returncode == code, err
        return out if code == 0 else err

    def contents(self) -> list[Any]:
        """All that the views show of the index, but for the keys."""
        return [json.loads(self.run("sql", query, "-o", "json")) for query in (COUNTED, EVIDENCE, UNITS, FILLED)]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()


def generate(directory: Path, clusters: int, applications: int) -> None:
    command = [sys.executable, str(ROOT / "fixtures" / "fleet.py"), str(directory)]
    options = ["--clusters", str(clusters), "--applications", str(applications)]
    subprocess.run([*command, *options], check=True, capture_output=True)


def clone_of(origin: Path, path: Path, index: str, url: str, *, no_build: bool = False) -> Clone:
    """A clone that believes to be fetched from ``url``."""
    subprocess.run(["git", "clone", "-q", str(origin), str(path)], check=True)
    clone = Clone(path, index, no_build)
    clone.git("remote", "set-url", "origin", url)
    return clone
