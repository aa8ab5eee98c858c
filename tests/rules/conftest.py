"""An empty repository for each test."""

import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "impact")]

from rules_fleet import Repo


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path)
