"""A branch or tag of the indexed repository that a source names: where it moves, the index is stale."""

import pytest
from flux_fleet import config_map, kustomization, source, sync

from indexer.flux.config import Config
from indexer.git.repository import Repository
from indexer.index.ensure import ensure_fresh
from indexer.index.errors import IndexStale


def fresh(fleet, *, build):
    """The names of the objects in the index."""
    repository = Repository.open(fleet.root)
    try:
        with ensure_fresh(repository, Config(), None, build=build) as index:
            return {row["name"] for row in index.rows("SELECT name FROM objects WHERE kind = 'ConfigMap'")}
    finally:
        repository.close()


@pytest.fixture
def pinned(fleet):
    """A cluster that reads ``app`` as it was at another ref of its own repository."""

    def of(ref):
        fleet.write(
            **{
                "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
                "clusters/one/app.yaml": f"{source('pinned', ref=ref)}---\n"
                + kustomization("app", "./app", of="pinned"),
                "app/cm.yaml": config_map("new"),
            }
        )
        return fleet

    fleet.write(**{"app/cm.yaml": config_map("old")})
    fleet.git("tag", "v1.0.0")
    fleet.git("branch", "release")
    return of


@pytest.mark.parametrize(
    ("ref", "move"),
    [
        ("tag: v1.0.0", ("tag", "-f", "v1.0.0")),
        ("branch: release", ("branch", "-f", "release")),
        ("name: refs/heads/release", ("branch", "-f", "release")),
        ('semver: ">=1.0.0"', ("tag", "v1.1.0")),
    ],
)
def test_a_ref_that_moves_makes_the_index_stale(pinned, ref, move):
    fleet = pinned(ref)
    assert fresh(fleet, build=True) == {"old"}
    assert fresh(fleet, build=False) == {"old"}
    fleet.git(*move)
    with pytest.raises(IndexStale, match="older than the repository"):
        fresh(fleet, build=False)
    assert fresh(fleet, build=True) == {"new"}


def test_a_ref_that_is_fetched_later_makes_the_index_stale(pinned):
    fleet = pinned("branch: later")
    assert fresh(fleet, build=True) == set()
    fleet.git("update-ref", "refs/remotes/origin/later", "HEAD")
    assert fresh(fleet, build=True) == {"new"}


def test_a_ref_that_no_source_names_changes_nothing(pinned):
    fleet = pinned("tag: v1.0.0")
    fresh(fleet, build=True)
    fleet.git("branch", "of-no-interest")
    fleet.git("tag", "v2.0.0")
    assert fresh(fleet, build=False) == {"old"}
