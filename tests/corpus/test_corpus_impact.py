"""What ``impact`` lists for scripted changes of real repositories is the difference of two builds by the real flux."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from impacted import Prover
from material import NAMES, SHARED

CHANGES = int(os.environ.get("FLUXIDX_IMPACT", "2"))
"""How many of each repository; ``make prove-impact`` makes fifty."""


@pytest.mark.parametrize("name", NAMES)
def test_the_objects_that_change_are_those_of_two_real_builds(name: str, tmp_path: Path, flux_cli: str) -> None:
    root = tmp_path / name
    subprocess.run([SHARED / "corpus" / "checkout", name, root], check=True, capture_output=True)
    tally = Prover(root, flux_cli).prove(CHANGES)
    print(f"{name}: {tally}")  # noqa: T201 - the figures of `make prove-impact`
    assert not tally.wrong, "\n".join(tally.wrong)
