"""A generated repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from team.clones import generate


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository of two clusters with four applications each."""
    generate(tmp_path / "origin", 2, 4)
    return tmp_path / "origin"
