"""The README's commands print what the README says. `FLUXIDX_UPDATE=1` writes what they print into it."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
FINDS = {"impact"}
"""Commands whose example ends with findings."""
BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "fixtures" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    made: Path = demo.make_repository(tmp_path_factory.mktemp("readme"))
    return made


def printed(command: str, repository: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "fluxidx"
    done = subprocess.run(
        [sys.executable, "-m", "indexer", *words[1:]],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if words[1] in FINDS else 0), done.stderr
    return re.sub(r"[^\s]*/a-flux-cluster/\.git/", ".git/", done.stdout).rstrip() + "\n"


def test_the_readme_says_what_is_printed(repository: Path) -> None:
    text = README.read_text()
    fresh = BLOCK.sub(lambda m: f"```console\n$ {m['command']}\n{printed(m['command'], repository)}```", text)
    if os.environ.get("FLUXIDX_UPDATE"):
        README.write_text(fresh)
    assert len(BLOCK.findall(text)) > 5
    assert fresh == text or os.environ.get("FLUXIDX_UPDATE")
