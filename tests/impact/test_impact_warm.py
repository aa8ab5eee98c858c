"""What a warm ``impact`` looks at: the head's clusters that changed, and of the base only the units that differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from changedfleet import Fleet

from indexer.flux.config import Config
from indexer.flux.store import Store
from indexer.git.repository import Repository
from indexer.query.impact import Impact, impact


def asked(fleet: Fleet, store: Path) -> Impact:
    repository = Repository.open(fleet.root)
    try:
        with Store(store) as kept:
            return impact(repository, Config(), "HEAD", store=kept)
    finally:
        repository.close()


def told(answer: Impact) -> list[tuple[object, ...]]:
    return [
        (one.cluster, one.object, one.unit, one.change, one.fields, one.cause)
        for c in answer.clusters
        for one in c.objects
    ]


CHANGES = {
    "a value": ("apps/base/api.yaml", "replicas: 1", "replicas: 2", ["prod", "test"]),
    "of one cluster": ("tools/first.yaml", "a: b", "a: c", ["prod"]),
    "a variable": (
        "clusters/prod/settings.yaml",
        "DOMAIN: prod.example.org",
        "DOMAIN: other.example.org",
        ["prod", "prod"],
    ),
    "a field of a unit": ("clusters/prod/tools.yaml", "path: ./tools", "path: ./apps/test", ["prod", "prod"]),
}
"""A file, its edit, and the clusters that have to be looked at: twice where the units depend on more than files."""


@pytest.mark.parametrize("change", CHANGES)
def test_a_warm_impact_says_what_a_cold_one_does(
    fleet: Fleet, tmp_path: Path, looked_at: list[str], change: str
) -> None:
    file, old, new, clusters = CHANGES[change]
    store = tmp_path / "cache.db"
    asked(fleet, store)
    fleet.edit(file, old, new)
    looked_at.clear()
    warm = asked(fleet, store)
    assert sorted(looked_at) == clusters
    assert told(warm) == told(fleet.impact("HEAD"))
    assert told(warm)
