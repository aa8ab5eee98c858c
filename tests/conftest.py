"""What all tests share: where the shared material is, real programs, a Git configuration of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from indexer.flux import render

pytest_plugins = ["servers.fixtures", "servers.postgresql"]

# How long an example takes says nothing of the code where others use the machine.
settings.register_profile(
    "any machine",
    settings.get_profile("ci" if os.environ.get("CI") else "default"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

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


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> Iterator[None]:
    """Tests do not depend on who runs them, and where; nor does what outlives a test."""
    strange = "GIT_", "FLUXIDX_INDEX", "FLUXIDX_NO_BUILD", "COLUMNS", "KUBECONFIG", "KUBERNETES_SERVICE_"
    with pytest.MonkeyPatch.context() as patch:
        for key in [key for key in os.environ if key.startswith(strange)]:
            patch.delenv(key)
        for key, value in {
            "GIT_AUTHOR_NAME": "Ada Example",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada Example",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }.items():
            patch.setenv(key, value)
        yield
