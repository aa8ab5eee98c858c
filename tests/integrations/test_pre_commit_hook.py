"""The hook on staged files, called as pre-commit calls it: its entry, then the names of the files."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def hook(pull_request, bin_dir, *files: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shlex.split(HOOK["entry"]), *files],
        cwd=pull_request.root,
        env=pull_request.env(bin_dir),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_staged_file_with_a_finding_fails(pull_request, bin_dir) -> None:
    done = hook(pull_request, bin_dir, "apps/api.yaml", "apps/namespace.yaml")
    assert done.returncode == 1, done.stderr
    assert "apps/api.yaml:6" in done.stdout


def test_findings_in_other_files_do_not_stop_a_commit(pull_request, bin_dir) -> None:
    done = hook(pull_request, bin_dir, "apps/namespace.yaml")
    assert (done.returncode, done.stderr) == (0, "")
