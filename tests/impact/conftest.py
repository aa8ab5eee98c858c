"""The repository that tests change."""

from __future__ import annotations

from pathlib import Path

import pytest
from changedfleet import FILES, Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet(tmp_path / "fleet")
    for path, text in FILES.items():
        fleet.write(path, text)
    fleet.git("init", "-q", "-b", "main")
    fleet.git("add", ".")
    fleet.git("commit", "-q", "-m", "The fleet")
    fleet.git("remote", "add", "origin", "https://github.com/acme/fleet.git")
    return fleet
