"""Clusters that are taken whole from the store: which ones, and that nothing is overlooked."""

import sqlite3

import pytest
from flux_fleet import Fleet, config_map, kustomization, sync

from indexer.flux.clusters import no_trees
from indexer.flux.config import Config
from indexer.flux.render import render_repository
from indexer.flux.store import Store
from indexer.git.recording import Present
from indexer.git.repository import Repository

HOME = "https://git.example.org/team/fleet"
OTHER = "https://git.example.org/other/bases"


def listing(*names):
    return "resources:\n" + "".join(f"- {name}\n" for name in names)


@pytest.fixture
def fleet(tmp_path):
    root = tmp_path / "fleet"
    root.mkdir()
    fleet = Fleet(root).write(
        **{"shared/one.yaml": config_map("one"), "shared/kustomization.yaml": listing("one.yaml")}
    )
    fleet.git("tag", "v1")
    for cluster in ("prod", "test"):
        fleet.write(
            **{
                f"clusters/{cluster}/flux-system/gotk-sync.yaml": sync(cluster),
                f"clusters/{cluster}/apps.yaml": kustomization("apps", "./apps"),
                "apps/kustomization.yaml": listing("web.yaml"),
                "apps/web.yaml": config_map("web"),
            }
        )
    return fleet


def rendered(fleet, path=None):
    repository = Repository.open(fleet.root)
    store = Store(path) if path is not None else None
    try:
        found = render_repository(repository, repository.worktree(), Config(), store=store, trees=no_trees)
        return {
            (cluster.name, unit.id.name): (unit.state, unit.reason, unit.inputs, tuple(unit.objects))
            for cluster in found
            for unit in cluster.units
        }
    finally:
        if store is not None:
            store.close()
        repository.close()


def test_a_cluster_that_does_not_read_a_changed_file_is_left_alone(fleet, tmp_path, looked_at):
    path = tmp_path / "cache.db"
    rendered(fleet, path)
    looked_at.clear()
    fleet.write(**{"clusters/test/more.yaml": config_map("more")})
    changed = rendered(fleet, path)
    assert looked_at == ["test"]
    assert changed == rendered(fleet)


@pytest.mark.parametrize("base", [f"{OTHER}//crds?ref=v1", f"{OTHER}/raw/main/crds.yaml", f"{HOME}//shared?ref=main"])
def test_a_remote_base_that_is_nowhere_or_among_the_files_keeps_no_cluster_from_it(fleet, tmp_path, looked_at, base):
    path = tmp_path / "cache.db"
    fleet.write(**{"apps/kustomization.yaml": listing("web.yaml", base)})
    first = rendered(fleet, path)
    looked_at.clear()
    assert rendered(fleet, path) == first
    assert looked_at == []
    fleet.write(**{"shared/one.yaml": config_map("one", "{a: changed}")})
    changed = rendered(fleet, path)
    assert changed == rendered(fleet)
    assert (changed == first) is (OTHER in base)


@pytest.mark.parametrize("tag", ["v1", "v2"])
def test_a_remote_base_at_another_revision_is_looked_for_again(fleet, tmp_path, looked_at, tag):
    path = tmp_path / "cache.db"
    fleet.write(**{"apps/kustomization.yaml": listing("web.yaml", f"{HOME}//shared?ref={tag}")})
    first = rendered(fleet, path)
    fleet.write(**{"shared/one.yaml": config_map("one", "{a: changed}")})
    fleet.git("tag", "-f", tag)
    looked_at.clear()
    changed = rendered(fleet, path)
    assert looked_at == ["prod", "test"]
    assert changed == rendered(fleet) != first


@pytest.fixture
def compared(monkeypatch):
    """The paths whose blobs were compared, one by one."""
    paths = []
    blob = Present._blob

    def noted(self, path):
        paths.append(path)
        return blob(self, path)

    monkeypatch.setattr(Present, "_blob", noted)
    return paths


def test_a_changed_file_reaches_the_clusters_that_read_it_and_of_others_nothing_is_compared(
    fleet, tmp_path, looked_at, compared
):
    path = tmp_path / "cache.db"
    fleet.write(**{"clusters/test/own.yaml": config_map("own")})
    rendered(fleet, path)
    fleet.write(**{"clusters/test/own.yaml": config_map("own", "{a: changed}")})
    looked_at.clear()
    compared.clear()
    changed = rendered(fleet, path)
    assert looked_at == ["test"]
    assert not any(file.startswith("clusters/prod") for file in compared)
    assert changed == rendered(fleet)
    fleet.write(**{"apps/web.yaml": config_map("web", "{a: changed}")})
    looked_at.clear()
    changed = rendered(fleet, path)
    assert looked_at == ["prod", "test"]
    assert changed == rendered(fleet)
    looked_at.clear()
    assert rendered(fleet, path) == changed
    assert looked_at == []


def test_a_link_that_leads_elsewhere_reaches_those_that_followed_it(fleet, tmp_path):
    path = tmp_path / "cache.db"
    fleet.write(**{"apps/kustomization.yaml": listing("web.yaml", "linked.yaml"), "apps/other.yaml": config_map("o")})
    link = fleet.root / "apps/linked.yaml"
    link.symlink_to("../shared/one.yaml")
    first = rendered(fleet, path)
    link.unlink()
    link.symlink_to("other.yaml")
    changed = rendered(fleet, path)
    assert changed == rendered(fleet) != first


@pytest.mark.parametrize("record", [True, False])
def test_what_the_store_has_dropped_is_rendered(fleet, tmp_path, looked_at, record):
    path = tmp_path / "cache.db"
    first = rendered(fleet, path)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM record" if record else "DELETE FROM memo")
    looked_at.clear()
    assert rendered(fleet, path) == first
    assert looked_at == (["prod", "test"] if record else [])
