"""The script of the GitLab job, line by line, as a runner runs it."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml.safe_load((ROOT / "integrations" / "gitlab" / "fluxidx.yml").read_text())


@pytest.fixture
def job(pull_request, bin_dir, forge):
    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        given = {name: str(value) for name, value in TEMPLATE[".fluxidx"]["variables"].items()}
        script = TEMPLATE["fluxidx"]["script"]
        assert "pip install" in script[0]
        env = {
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": pull_request.base,
            "CI_COMMIT_SHA": pull_request.head,
            "CI_API_V4_URL": forge.url,
            "CI_PROJECT_ID": "12",
            "CI_MERGE_REQUEST_IID": "7",
            "FLUXIDX_TOKEN": forge.token,
        }
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(script[1:])],
            cwd=pull_request.root,
            env=pull_request.env(bin_dir, **given, **env) | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_gate_decides_and_everything_is_reported_all_the_same(job, forge, pull_request) -> None:
    done = job()
    assert done.returncode == 1, done.stderr
    assert "apps/api.yaml:6" in done.stdout
    assert list(forge.comments) == [1, 2]
    report = ET.parse(pull_request.root / "fluxidx.xml")  # noqa: S314 - our own output
    assert report.findall(".//failure")


def test_the_second_run_updates_the_comment(job, forge) -> None:
    job()
    job()
    assert list(forge.comments) == [1, 2]
    assert forge.calls.count("PUT") == 1


def test_without_a_token_there_is_no_comment(job, forge) -> None:
    done = job(FLUXIDX_TOKEN="")
    assert done.returncode == 1
    assert forge.calls == []
