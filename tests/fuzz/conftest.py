"""The files that are broken on purpose: every input of the conformance suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest


class Case(NamedTuple):
    """One input of the suite."""

    directory: str
    files: dict[str, bytes]


@pytest.fixture(scope="session")
def cases(shared: Path) -> list[Case]:
    """The small inputs of the suite; a big one only makes examples slow."""
    found = []
    for case in sorted((shared / "conformance" / "kustomize").glob("*/case.json")):
        root = case.parent / "input"
        files = {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}
        if files and sum(map(len, files.values())) < 20_000:
            found.append(Case(json.loads(case.read_text())["build_dir"], files))
    return found
