"""What all tests share: where the shared material and the real programs are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("FLUXIDX_SHARED", ROOT.parent / "shared"))


def oracle(name: str) -> str | None:
    """The real program of that name, from FLUXIDX_ORACLES, the oracles' cache or PATH."""
    cache = Path(os.environ.get("FLUXIDX_ORACLES", Path.home() / ".cache" / "fluxidx-oracles"))
    return shutil.which(name, path=str(cache)) or shutil.which(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The conformance suites and the corpus; without them the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared material at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def kustomize() -> str:
    """The real kustomize 5.8.1; without it the test is skipped, except in CI."""
    found = oracle("kustomize")
    if found is None:
        if os.environ.get("CI") and SHARED.is_dir():
            pytest.fail("kustomize is required in CI: build it with the oracles script")
        pytest.skip("no kustomize binary")
    return found


@pytest.fixture(scope="session")
def helm() -> str:
    """The real helm; without it the test is skipped."""
    found = oracle("helm")
    if found is None:
        pytest.skip("no helm binary")
    return found


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
