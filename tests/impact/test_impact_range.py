"""Which two states are compared."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from changedfleet import Fleet

from indexer.errors import FluxidxError
from indexer.git.command import GitError


def two(fleet: Fleet) -> None:
    """Two branches that parted, each with a commit."""
    fleet.git("switch", "-qc", "work")
    fleet.edit("tools/first.yaml", "a: b", "a: c")
    fleet.git("commit", "-qam", "First")
    fleet.git("switch", "-q", "main")
    fleet.edit("tools/second.yaml", "a: b", "a: c")
    fleet.git("commit", "-qam", "Second")
    fleet.git("switch", "-q", "work")


def names(fleet: Fleet, change: str | None) -> set[str]:
    return {one.object.name for cluster in fleet.impact(change).clusters for one in cluster.objects}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("main..work", {"first", "second"}),
        ("main...work", {"first"}),
        ("main...", {"first"}),
        ("work...main", {"second"}),
        ("..main", {"first", "second"}),
        ("main", {"first", "second"}),
        (None, {"first"}),
    ],
)
def test_ranges_as_in_git(fleet: Fleet, change: str | None, changed: set[str]) -> None:
    two(fleet)
    assert names(fleet, change) == changed


def test_a_range_of_commits_leaves_out_what_is_on_disk(fleet: Fleet) -> None:
    two(fleet)
    fleet.write("tools/third.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: third\n")
    assert names(fleet, "main...work") == {"first"}
    assert names(fleet, None) == {"first", "third"}


def test_the_default_is_the_upstream_branch(fleet: Fleet) -> None:
    two(fleet)
    assert fleet.impact(None).chosen == "the branch main"
    fleet.git("branch", "-q", "--set-upstream-to", "main")
    answer = fleet.impact(None)
    assert answer.chosen == "the upstream branch main"
    assert (answer.base.commit, answer.head.commit) == (fleet.git("rev-parse", "main~1"), None)
    assert (answer.base.label, answer.head.label) == ("main", "working tree")


def test_a_shallow_clone_is_told_what_to_fetch(fleet: Fleet, tmp_path: Path) -> None:
    two(fleet)
    clone = tmp_path / "clone"
    source = f"file://{fleet.root}"
    subprocess.run(["git", "clone", "-q", "--depth=1", "--no-single-branch", source, clone], check=True)
    with pytest.raises(FluxidxError, match=r"no commit in common here: this is a shallow clone.*fetch-depth: 0"):
        Fleet(clone).impact("origin/main...HEAD")
    assert names(Fleet(clone), "origin/main..HEAD") == {"first", "second"}


def test_an_unknown_revision(fleet: Fleet) -> None:
    with pytest.raises(GitError, match="nowhere names no commit of this repository"):
        fleet.impact("nowhere")


def test_a_repository_without_commits(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    with pytest.raises(FluxidxError, match="no commit yet"):
        Fleet(tmp_path).impact(None)
