import os

import pytest

from indexer.errors import FluxidxError
from indexer.git.directory import DirectoryTree
from indexer.query.places import Place, parse


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "apps/base").mkdir(parents=True)
    for name in ("apps/api.yaml", "apps/base/api.yaml", "top.yaml", "odd:7"):
        (root / name).write_text("kind: X\n")
    return root


def place(repository, text, current=""):
    return parse(text, DirectoryTree(repository), repository, repository / current)


@pytest.mark.parametrize(
    ("text", "current", "expected"),
    [
        ("apps/api.yaml", "", Place("apps/api.yaml")),
        ("apps/api.yaml:12", "", Place("apps/api.yaml", (12, 12))),
        ("apps/api.yaml:3-9", "", Place("apps/api.yaml", (3, 9))),
        ("apps/api.yaml:12:5", "", Place("apps/api.yaml", (12, 12))),
        ("api.yaml", "apps", Place("apps/api.yaml")),
        ("api.yaml:1", "apps/base", Place("apps/base/api.yaml", (1, 1))),
        ("top.yaml", "apps", Place("top.yaml")),
        ("../top.yaml", "apps", Place("top.yaml")),
        ("./apps//api.yaml", "", Place("apps/api.yaml")),
        (".", "apps", Place("apps")),
        (".", "", Place("")),
        ("apps/", "", Place("apps")),
        ("odd:7", "", Place("odd:7")),
        ("gone.yaml", "apps", Place("apps/gone.yaml")),
        ("gone.yaml:4", "", Place("gone.yaml", (4, 4))),
    ],
)
def test_a_path_counts_from_here_then_from_the_root(repository, text, current, expected) -> None:
    assert place(repository, text, current) == expected


def test_an_absolute_path_is_understood_also_through_links(repository, tmp_path) -> None:
    (tmp_path / "link").symlink_to(repository)
    assert place(repository, str(repository / "top.yaml")) == Place("top.yaml")
    assert place(repository, f"{tmp_path}/link/apps/api.yaml:2") == Place("apps/api.yaml", (2, 2))


@pytest.mark.parametrize("text", ["../outside.yaml", "/etc/hosts", "../outside.yaml:3"])
def test_a_path_outside_is_refused(repository, text) -> None:
    with pytest.raises(FluxidxError, match="not in this repository"):
        place(repository, text)


@pytest.mark.parametrize("text", ["top.yaml:0", "top.yaml:9-3"])
def test_lines_that_cannot_be_are_refused(repository, text) -> None:
    with pytest.raises(FluxidxError, match="write PATH:FIRST-LAST"):
        place(repository, text)


def test_a_directory_has_no_lines(repository) -> None:
    with pytest.raises(FluxidxError, match="apps is a directory and has no lines"):
        place(repository, "apps:3")


def test_a_repository_without_files_on_disk_counts_from_its_root(repository) -> None:
    assert parse("apps/api.yaml:2", DirectoryTree(repository), None, repository / os.sep) == Place(
        "apps/api.yaml", (2, 2)
    )
