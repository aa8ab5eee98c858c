from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.git.remotes import Forge, RemoteUrl, canonical, forge_of, same_repository, without_credentials

APPS = RemoteUrl("git.example.org", "team/apps")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example.org/team/apps", APPS),
        ("https://git.example.org/team/apps.git", APPS),
        ("https://git.example.org/team/apps.git/", APPS),
        ("https://git.example.org:443//team//apps/", APPS),
        ("https://user@git.example.org/team/apps", APPS),
        ("https://user:to%40ken@GIT.example.org/team/apps.git", APPS),
        ("http://git.example.org:80/team/apps", APPS),
        ("ssh://git@git.example.org/team/apps.git", APPS),
        ("ssh://git@git.example.org:22/team/apps.git", APPS),
        ("git@git.example.org:team/apps.git", APPS),
        ("git@git.example.org:/team/apps.git", APPS),
        ("git.example.org:team/apps", APPS),
        ("git://git.example.org/team/apps", APPS),
        ("https://git.example.org/team/my%20apps", RemoteUrl("git.example.org", "team/my apps")),
        ("https://git.example.org/Team/Apps", RemoteUrl("git.example.org", "Team/Apps")),
        ("https://git.example.org/team/apps.git.git", RemoteUrl("git.example.org", "team/apps.git")),
        ("https://git.example.org:8443/team/apps", RemoteUrl("git.example.org:8443", "team/apps")),
        ("ssh://git@git.example.org:29418/team/apps", RemoteUrl("git.example.org:29418", "team/apps")),
        ("ssh://git@ssh.github.com:443/o/r.git", RemoteUrl("github.com", "o/r")),
        ("ssh://git@altssh.gitlab.com:443/o/r.git", RemoteUrl("gitlab.com", "o/r")),
        ("ssh://git@altssh.bitbucket.org:443/o/r.git", RemoteUrl("bitbucket.org", "o/r")),
        ("ssh://git@bitbucket.example.org:7999/KEY/r.git", RemoteUrl("bitbucket.example.org", "scm/KEY/r")),
        ("https://bitbucket.example.org/scm/KEY/r.git", RemoteUrl("bitbucket.example.org", "scm/KEY/r")),
        ("https://org@dev.azure.com/org/proj/_git/r", RemoteUrl("dev.azure.com", "org/proj/_git/r")),
        ("https://dev.azure.com/org/_git/r", RemoteUrl("dev.azure.com", "org/r/_git/r")),
        ("git@ssh.dev.azure.com:v3/org/proj/r", RemoteUrl("dev.azure.com", "org/proj/_git/r")),
        ("https://org.visualstudio.com/DefaultCollection/proj/_git/r", RemoteUrl("dev.azure.com", "org/proj/_git/r")),
        ("https://org.visualstudio.com/_git/r", RemoteUrl("dev.azure.com", "org/r/_git/r")),
        ("org@vs-ssh.visualstudio.com:v3/org/proj/r", RemoteUrl("dev.azure.com", "org/proj/_git/r")),
        (
            "codecommit::eu-west-1://profile@apps",
            RemoteUrl("git-codecommit.eu-west-1.amazonaws.com", "v1/repos/apps"),
        ),
        ("https://[2001:DB8::1]/team/apps", RemoteUrl("[2001:db8::1]", "team/apps")),
    ],
)
def test_every_spelling_of_a_url(url: str, expected: RemoteUrl) -> None:
    assert canonical(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "../apps", "/srv/git/apps.git", "file:///srv/git/apps.git", "oci://ghcr.io/o/r", "https://", "https://host",
     "https://host/", "https://ho st/a", "https://host:port/a", "https://[::1/a", "C:/git/apps", "x" * 10, "javascript:alert(1)://h/p"],
)  # fmt: skip
def test_what_names_no_repository_on_a_server(url: str) -> None:
    assert canonical(url) is None


_SEGMENT = st.text(min_size=1, max_size=8).filter(lambda s: "/" not in s and not s.endswith(".git"))


@given(st.lists(_SEGMENT, min_size=1, max_size=4))
def test_the_canonical_url_is_its_own_canonical_url(segments: list[str]) -> None:
    remote = RemoteUrl("git.example.org", "/".join(segments))
    assert canonical(str(remote)) == remote


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    for url in (text, f"https://{text}", f"ssh://{text}", f"git@host:{text}"):
        found = canonical(url)
        assert found is None or (found.path and found.host)
        without_credentials(url)


@given(st.from_regex(r"\A[a-z0-9]{1,6}\Z"), st.from_regex(r"\AS3CR3T[A-Za-z0-9%._~:@-]{1,10}\Z"))
def test_no_secret_survives(user: str, password: str) -> None:
    for scheme in ("https", "ssh"):
        url = f"{scheme}://{user}:{password}@git.example.org/team/apps"
        assert "S3CR3T" not in without_credentials(url)
        assert "S3CR3T" not in str(canonical(url))
    assert "S3CR3T" not in without_credentials(f"https://{password}@git.example.org/team/apps")


def test_credentials() -> None:
    assert without_credentials("https://u:p@h/x@y") == "https://h/x@y"
    assert without_credentials("ssh://git:p@h/x") == "ssh://git@h/x"
    assert without_credentials("git@h:x") == "git@h:x"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://github.com/O/R", "git@github.com:o/r.git", True),
        ("https://gitlab.example.org/O/R", "https://gitlab.example.org/o/r", True),
        ("https://git.example.org/O/R", "https://git.example.org/o/r", False),
        ("https://github.com/o/r", "https://gitlab.com/o/r", False),
        ("https://github.com/o/r", "https://github.com/o/rr", False),
        ("ssh://git@bitbucket.example.org:7999/key/r", "https://bitbucket.example.org/scm/KEY/r.git", True),
        ("/srv/git/r", "/srv/git/r", False),
    ],
)
def test_same_repository(first: str, second: str, same: bool) -> None:
    assert same_repository(first, second) is same
    assert same_repository(second, first) is same


@pytest.mark.parametrize(
    ("host", "forge"),
    [
        ("github.com", Forge.GITHUB),
        ("gitlab.example.org", Forge.GITLAB),
        ("gitlab-eu.example.org:8443", Forge.GITLAB),
        ("code.gitea.example.org", Forge.GITEA),
        ("codeberg.org", Forge.FORGEJO),
        ("bitbucket.org", Forge.BITBUCKET),
        ("dev.azure.com", Forge.AZURE),
        ("notgithub.org", None),
        ("git.example.org", None),
    ],
)
def test_a_forge_is_told_by_a_label(host: str, forge: Forge | None) -> None:
    assert forge_of(host) is forge
    assert forge_of(host, {host: Forge.GITEA}) is Forge.GITEA
