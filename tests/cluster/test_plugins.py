"""``kubectl fluxidx`` and ``flux idx``: the scripts that the package installs, run by the real kubectl and flux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


@pytest.fixture
def installed(tmp_path):
    """A folder with the scripts, as an installer would write them."""
    for name, entry in SCRIPTS.items():
        module, _, function = entry.partition(":")
        script = tmp_path / name
        script.write_text(f"#!{sys.executable}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
        script.chmod(0o755)
    return tmp_path


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_scripts_are_the_same_program():
    assert dict.fromkeys(("fluxidx", "kubectl-fluxidx", "flux-idx"), "indexer.cli.start:main") == SCRIPTS


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl")
def test_kubectl_finds_the_plugin_and_passes_everything_on(installed):
    path = f"{installed}{os.pathsep}{os.environ['PATH']}"
    assert str(installed / "kubectl-fluxidx") in run("kubectl", "plugin", "list", PATH=path).stdout
    helped = run("kubectl", "fluxidx", "where", "--help", PATH=path)
    assert helped.returncode == 0
    assert "Usage: kubectl fluxidx where [OPTIONS] OBJECT" in helped.stdout
    assert run("kubectl", "fluxidx", "where", "--no-such-option", PATH=path).returncode == 2


def test_flux_finds_the_plugin_in_its_folder_and_passes_everything_on(installed, flux_cli, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "flux-idx").symlink_to(installed / "flux-idx")
    given = {"FLUXCD_PLUGINS": str(plugins), "HOME": str(tmp_path)}
    assert "idx" in run(flux_cli, "plugin", "list", **given).stdout
    helped = run(flux_cli, "idx", "where", "--help", **given)
    assert helped.returncode == 0
    assert "Usage: flux idx where [OPTIONS] OBJECT" in helped.stdout
    # Completion by cobra's protocol is not spoken: flux takes that for "nothing to complete".
    completed = run(flux_cli, "__complete", "idx", "whe", **given)
    assert completed.returncode == 0
