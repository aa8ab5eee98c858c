"""What this machine alone does not give is not held against the repository, and looked at again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BASE = "flux/apps/base"
PLAIN: list[str] = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Before a command whose user may not read everything, as root may."""

needs_rights = pytest.mark.skipif(
    bool(PLAIN) and shutil.which("setpriv") is None, reason="root may read everything, and setpriv is not here"
)


def build(fleet: Any) -> list[str]:
    """What ``build`` says, as a user without special rights."""
    done = subprocess.run(
        [*PLAIN, sys.executable, "-m", "indexer", "build"],
        cwd=fleet.root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_a_sparse_checkout_leaves_units_unresolved_until_it_grows(fleet: Any) -> None:
    fleet.git("sparse-checkout", "set", "clusters", "flux/apps/staging")
    for last in ("Indexed", "Up to date"):
        first, *reason, _, end = build(fleet)
        assert first == "a-flux-cluster  2 units (1 unresolved), 3 objects"
        assert " ".join(" ".join(reason).split()) == (
            "Unresolved flux/apps/base/kustomization.yaml: is not checked out: "
            "run git sparse-checkout add for its directory"
        )
        assert end.startswith(f"{last}: working tree")
    found = fleet.run("check", "--gate", "failed-unit")
    assert found.returncode == 0, found.stdout
    fleet.git("sparse-checkout", "disable")
    assert build(fleet)[0] == "a-flux-cluster  2 units, 5 objects"


@needs_rights
@pytest.mark.parametrize(
    ("path", "reason", "place"),
    [
        (f"{BASE}/api.yaml", "api.yaml: cannot be read: Permission denied", "flux/apps/base/kustomization.yaml:2:3"),
        (
            BASE,
            f"{BASE}/kustomization.yaml: cannot be read: Permission denied",
            "flux/apps/staging/kustomization.yaml:2:3",
        ),
    ],
)
def test_what_may_not_be_read_is_said_and_read_once_it_may(fleet: Any, path: str, reason: str, place: str) -> None:
    assert build(fleet)[0] == "a-flux-cluster  2 units, 5 objects"
    file = fleet.root / path
    mode = file.stat().st_mode
    file.chmod(0)
    try:
        for _ in range(2):
            first, _, why, unit, _ = build(fleet)
            assert first == "a-flux-cluster  2 units (1 unresolved), 3 objects"
            assert why.strip() == reason
            assert unit.split()[-1] == place
    finally:
        file.chmod(mode)
    assert build(fleet)[0] == "a-flux-cluster  2 units, 5 objects"
