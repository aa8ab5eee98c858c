"""What all tests share: where the shared material is, real programs, a Git configuration of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.flux import render

pytest_plugins = ["servers.fixtures", "servers.postgresql"]

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("FLUXIDX_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The conformance suites and the corpus; without them the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared material at {SHARED}")
    return SHARED


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clusters that are looked at unit by unit."""
    names: list[str] = []
    run = render._run_cluster

    def noted(entry, ground, workspace, config):
        names.append(entry.config.name)
        return run(entry, ground, workspace, config)

    monkeypatch.setattr(render, "_run_cluster", noted)
    return names


@pytest.fixture(autouse=True)
def _own_git_config(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not depend on who runs them."""
    for key, value in {
        "GIT_AUTHOR_NAME": "Ada Example",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada Example",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }.items():
        monkeypatch.setenv(key, value)
    for key in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "FLUXIDX_INDEX"):
        monkeypatch.delenv(key, raising=False)
