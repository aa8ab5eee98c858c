from __future__ import annotations

import pytest

from indexer.git.permalink import permalink
from indexer.git.remotes import Forge

SHA = "0123456789abcdef0123456789abcdef01234567"
FORGES = {"git.example.org": Forge.GITEA, "ghes.example.org": Forge.GITHUB}


@pytest.mark.parametrize(
    ("remote", "path", "first", "last", "expected"),
    [
        ("git@github.com:o/r.git", "a b/ü#?.yaml", 3, 9, f"https://github.com/o/r/blob/{SHA}/a%20b/%C3%BC%23%3F.yaml#L3-L9"),
        ("https://t0ken@github.com/o/r", "a.yaml", 3, 3, f"https://github.com/o/r/blob/{SHA}/a.yaml#L3"),
        ("https://github.com/o/r", "README.md", 3, 4, f"https://github.com/o/r/blob/{SHA}/README.md?plain=1#L3-L4"),
        ("ssh://git@ssh.github.com:443/o/r", "a.yaml", 1, 2, f"https://github.com/o/r/blob/{SHA}/a.yaml#L1-L2"),
        ("https://ghes.example.org/o/r", "a.yaml", 1, 2, f"https://ghes.example.org/o/r/blob/{SHA}/a.yaml#L1-L2"),
        ("git@gitlab.com:g/s/r.git", "a.yaml", 3, 9, f"https://gitlab.com/g/s/r/-/blob/{SHA}/a.yaml#L3-9"),
        (
            "http://gitlab.example.org:8080/g/r", "a.yaml", 3, 3,
            f"http://gitlab.example.org:8080/g/r/-/blob/{SHA}/a.yaml#L3",
        ),
        (
            "ssh://git@gitlab.example.org:2222/g/r", "a.yaml", 3, 3,
            f"https://gitlab.example.org/g/r/-/blob/{SHA}/a.yaml#L3",
        ),
        ("https://codeberg.org/o/r", "a.yaml", 3, 9, f"https://codeberg.org/o/r/src/commit/{SHA}/a.yaml#L3-L9"),
        (
            "git@git.example.org:o/r.git", "a.md", 3, 9,
            f"https://git.example.org/o/r/src/commit/{SHA}/a.md?display=source#L3-L9",
        ),
        ("git@bitbucket.org:w/r.git", "a.yaml", 3, 9, f"https://bitbucket.org/w/r/src/{SHA}/a.yaml#lines-3:9"),
        ("git@bitbucket.org:w/r.git", "a.yaml", 3, 3, f"https://bitbucket.org/w/r/src/{SHA}/a.yaml#lines-3"),
        (
            "https://bitbucket.example.org/scm/KEY/r.git", "a.yaml", 3, 9,
            f"https://bitbucket.example.org/projects/KEY/repos/r/browse/a.yaml?at={SHA}#3-9",
        ),
        (
            "ssh://git@stash.example.org:7999/~ada/r.git", "a.yaml", 3, 3,
            f"https://stash.example.org/users/ada/repos/r/browse/a.yaml?at={SHA}#3",
        ),
        (
            "https://stash.example.org/context/scm/KEY/r.git", "a.yaml", 3, 3,
            f"https://stash.example.org/context/projects/KEY/repos/r/browse/a.yaml?at={SHA}#3",
        ),
        (
            "git@ssh.dev.azure.com:v3/org/My%20Project/r", "a b.yaml", 3, 9,
            (
                f"https://dev.azure.com/org/My%20Project/_git/r?path=/a%20b.yaml&version=GC{SHA}&_a=contents"
                "&line=3&lineEnd=10&lineStartColumn=1&lineEndColumn=1"
            ),
        ),
    ],
)  # fmt: skip
def test_links(remote: str, path: str, first: int, last: int, expected: str) -> None:
    assert permalink(remote, SHA, path, first, last, FORGES) == expected


@pytest.mark.parametrize(
    "remote",
    ["https://unknown.example.org/o/r", "git://github.com/o/r", "https://github.com/o", "https://github.com/o/r/more",
     "/srv/git/r", "file:///srv/github.com/o/r", "oci://ghcr.io/o/r", "javascript:alert(1)", "https://dev.azure.com/org"],
)  # fmt: skip
def test_no_link_for_what_has_no_known_shape(remote: str) -> None:
    assert permalink(remote, SHA, "a.yaml", 1, 2) is None


@pytest.mark.parametrize("sha", ["main", SHA[:12], SHA + "x"])
def test_a_branch_or_tag_is_linked_where_links_take_either(sha: str) -> None:
    assert permalink("https://github.com/o/r", sha, "a.yaml", 1, 2) == f"https://github.com/o/r/blob/{sha}/a.yaml#L1-L2"
    assert (
        permalink("https://gitlab.com/o/r", sha, "a.yaml", 1, 2) == f"https://gitlab.com/o/r/-/blob/{sha}/a.yaml#L1-2"
    )
    assert permalink("https://codeberg.org/o/r", sha, "a.yaml", 1, 2) is None


def test_no_link_without_a_revision() -> None:
    assert permalink("https://github.com/o/r", "", "a.yaml", 1, 2) is None


def test_names_that_are_not_utf_8() -> None:
    link = permalink("https://github.com/o/r", SHA, b"\xff.yaml".decode("utf-8", "surrogateescape"), 1, 1)
    assert link == f"https://github.com/o/r/blob/{SHA}/%FF.yaml#L1"
