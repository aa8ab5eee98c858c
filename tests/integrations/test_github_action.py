"""The steps of the composite action, run as a runner runs them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "integrations" / "github"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text())
EXPRESSION = re.compile(r"\$\{\{ ([\w.]+) }}")


def step(name: str) -> dict[str, Any]:
    (found,) = [one for one in ACTION["runs"]["steps"] if one["name"] == name]
    return found  # type: ignore[no-any-return]


@pytest.fixture
def act(pull_request, bin_dir, forge, tmp_path):
    """Runs the step "Impact" with the inputs that a workflow gives."""

    def run(**inputs: str) -> subprocess.CompletedProcess[str]:
        given = {name: one["default"] for name, one in ACTION["inputs"].items()}
        given |= {"base": pull_request.base, "head": pull_request.head, "token": forge.token} | inputs
        values = {f"inputs.{name}": value for name, value in given.items()}
        values["github.event.pull_request.number"] = "7"
        wanted = step("Impact")
        runner = {
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_ACTION_PATH": str(FOLDER),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "GITHUB_API_URL": forge.url,
            "GITHUB_REPOSITORY": "acme/fleet",
        }
        env = {name: EXPRESSION.sub(lambda m: values[m[1]], value) for name, value in wanted["env"].items()}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", wanted["run"]],
            cwd=pull_request.root,
            env=pull_request.env(bin_dir, **runner) | env,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_dangerous_change_fails_the_job_and_is_told_on_its_line(act, forge, tmp_path) -> None:
    done = act()
    assert done.returncode == 1, done.stderr
    assert re.search(r"^::error \S*file=apps/api\.yaml,line=6,", done.stdout, re.MULTILINE)
    (comment,) = [text for key, text in forge.comments.items() if key > 1]
    assert comment.startswith("<!-- ")
    assert "Deployment" in comment
    assert (tmp_path / "summary.md").read_text() == comment


def test_the_next_push_updates_its_own_comment(act, forge) -> None:
    act()
    act()
    assert forge.comments[1] == "Looks good to me"
    assert list(forge.comments) == [1, 2]
    assert forge.calls.count("PATCH") == 1


def test_each_cluster_has_its_own_comment_when_asked(act, forge) -> None:
    act(clusters="prod staging")
    first, second = (text for key, text in forge.comments.items() if key > 1)
    assert "prod" in first
    assert "prod" not in second.splitlines()[0]
    assert first.splitlines()[0] != second.splitlines()[0]


def test_another_gate_lets_it_pass(act, forge) -> None:
    done = act(gate="no-such-object-is-orphaned", comment="false")
    assert done.returncode == 2
    assert "no-such-object-is-orphaned" in done.stderr
    assert forge.calls == []


def test_findings_are_written_for_code_scanning(act, pull_request) -> None:
    act(sarif="fluxidx.sarif", comment="false")
    assert '"version": "2.1.0"' in (pull_request.root / "fluxidx.sarif").read_text()


def test_a_base_that_is_not_fetched_fails_with_the_way_out(act, forge) -> None:
    done = act(base="0123456789012345678901234567890123456789")
    assert done.returncode == 2
    assert "0123456789" in done.stderr
    assert forge.comments == {1: "Looks good to me"}


def test_a_token_that_may_not_write_is_said(act) -> None:
    done = act(token="another")  # noqa: S106 - not one of a real forge
    assert done.returncode != 0
    assert "may this job's token write comments?" in done.stderr


def test_the_installation_is_of_the_action_s_own_checkout() -> None:
    script = step("Install fluxidx")["run"]
    assert '"$GITHUB_ACTION_PATH/../.."' in script
    assert (FOLDER / "../../pyproject.toml").resolve().is_file()
    assert subprocess.run(["bash", "-n", "-c", script], check=False).returncode == 0
