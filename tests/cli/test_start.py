"""Git is sent to look before the command line is read: whatever that says, the answer is about what was asked."""

import json
from pathlib import Path

import pytest


def names(done) -> set[str]:
    assert done.returncode == 0, done.stderr
    return {one["object"]["name"] for one in json.loads(done.stdout)}


@pytest.fixture
def other(fleet, tmp_path) -> Path:
    """A copy of the repository in which one object is called otherwise."""
    fleet.git("clone", "-q", str(fleet.root), str(tmp_path / "other"))
    manifest = tmp_path / "other/flux/apps/base/api.yaml"
    patch = tmp_path / "other/flux/apps/staging/patch.yaml"
    for file in (manifest, patch):
        file.write_text(file.read_text().replace("name: api", "name: web"))
    return tmp_path / "other"


@pytest.mark.parametrize("form", [["--repo", "{other}"], ["--repo={other}"]], ids=" ".join)
def test_another_repository_than_the_one_around(fleet, other, form) -> None:
    options = [part.format(other=other) for part in form]
    assert "web" in names(fleet.run("ls", *options, "-q", "-o", "json"))
    assert "api" in names(fleet.run("ls", "-q", "-o", "json"))


def test_from_where_there_is_no_repository(fleet, tmp_path) -> None:
    assert "api" in names(fleet.run("ls", "--repo", str(fleet.root), "-q", "-o", "json", cwd=tmp_path))
    done = fleet.run("ls", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fluxidx: {tmp_path}: ")
    assert done.stderr.count("not a git repository") == 1


def test_a_revision_rather_than_the_files_on_disk(fleet) -> None:
    fleet.write("flux/apps/staging/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: baz\n")
    assert "baz" in names(fleet.run("ls", "-q", "-o", "json"))
    assert fleet.run("where", "namespace/bar", "--at", "HEAD", "-q").returncode == 0
    assert fleet.run("where", "namespace/bar", "-q").returncode == 1


def test_a_file_that_is_written_between_two_commands(fleet) -> None:
    assert fleet.run("build", "-q").returncode == 0
    fleet.write("flux/apps/staging/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: baz\n")
    assert "baz" in names(fleet.run("ls", "-q", "-o", "json"))


def test_what_is_no_command(fleet) -> None:
    done = fleet.run("biuld")
    assert (done.returncode, done.stdout) == (2, "")
    assert "biuld" in done.stderr
