import pytest

from indexer.kustomize.remote import is_remote_file, parse_repo_spec


@pytest.mark.parametrize(
    ("url", "clone_spec", "directory", "ref"),
    [
        ("https://github.com/org/repo//a/b?ref=v1", "https://github.com/org/repo", "a/b", "v1"),
        ("github.com/org/repo/a/b?version=v2", "https://github.com/org/repo", "a/b", "v2"),
        ("http://github.com/org/repo/a/b", "https://github.com/org/repo", "a/b", ""),
        ("https://github.com/org/repo.git/a", "https://github.com/org/repo.git", "a", ""),
        ("git@github.com:org/repo/a", "git@github.com:org/repo", "a", ""),
        ("ssh://git@github.com/org/repo/a", "git@github.com:org/repo", "a", ""),
        ("git@gitlab.x:grp/sub/repo.git//a", "git@gitlab.x:grp/sub/repo.git", "a", ""),
        ("https://host/coll/proj/_git/repo/a?version=v1", "https://host/coll/proj/_git/repo", "a", "v1"),
        ("file:///srv/repo//a", "file:///srv/repo", "a", ""),
        ("git::https://gitlab.x/grp/sub/repo//a", "https://gitlab.x/grp/sub/repo", "a", ""),
    ],
)
def test_a_url_is_taken_apart(url: str, clone_spec: str, directory: str, ref: str) -> None:
    spec = parse_repo_spec(url)
    assert spec is not None
    assert (spec.clone_spec, spec.directory, spec.ref) == (clone_spec, directory, ref)


@pytest.mark.parametrize(
    "path", ["../base", "/srv/repo", "base", "a/b/c", "https://github.com/org", "https://github.com/org/repo//../x"]
)
def test_a_path_is_no_url(path: str) -> None:
    assert parse_repo_spec(path) is None


def test_only_web_addresses_are_fetched_as_files() -> None:
    assert is_remote_file("HTTPS://host/a.yaml")
    assert not is_remote_file("ssh://host/a.yaml")
    assert not is_remote_file("httpd.yaml")
