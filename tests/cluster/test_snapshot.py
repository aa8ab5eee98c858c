from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from indexer.cluster.model import (
    Condition,
    Discovery,
    FluxState,
    LiveSource,
    LiveUnit,
    Metadata,
    Resource,
    SourceId,
    Trouble,
    Unreadable,
)
from indexer.cluster.snapshot import Snapshot, save, snapshots
from indexer.flux.identity import ObjectId, UnitId
from indexer.index.location import Location, locate
from indexer.index.read import connect
from indexer.index.write import Build
from indexer.index.write import replace as build

PODS = Resource("", "v1", "Pod", "pods", namespaced=True, verbs=frozenset({"get", "list"}))
NODES = Resource("", "v1", "Node", "nodes", namespaced=False, short=("no",))
READY = Condition("Ready", "False", "BuildFailed", "no such file", "2026-01-01T00:00:00Z")


def pod(name: str, **annotations: str) -> Metadata:
    return Metadata(
        ObjectId("", "v1", "Pod", "shop", name), f"uid-{name}", "2026-01-01T00:00:00Z", {"app": name}, annotations
    )


UNIT = LiveUnit(
    id=UnitId("Kustomization", "flux-system", "apps"),
    metadata=replace(pod("apps"), labels={}),
    source=SourceId("GitRepository", "flux-system", "flux-system"),
    path="./apps",
    target_namespace=None,
    suspended=True,
    prune=True,
    conditions=(READY,),
    observed_generation=3,
    applied="main@sha1:1",
    attempted="main@sha1:2",
    applied_origin=None,
    inventory=(ObjectId("", "v1", "Pod", "shop", "a"),),
)
SOURCE = LiveSource(
    id=SourceId("GitRepository", "flux-system", "flux-system"),
    metadata=pod("source"),
    url="https://git.example.org/x",
    ref="branch main",
    suspended=False,
    conditions=(),
    revision="main@sha1:2",
    digest="sha256:0",
    origin_url=None,
    origin_revision=None,
)


def cluster(*objects: Metadata, name: str = "prod", at: str = "2026-01-01T00:00:00+00:00", **more: Any) -> Any:
    """What a Cluster has read."""
    return SimpleNamespace(
        context=name,
        server="https://prod",
        read_at=at,
        discovery=Discovery((PODS, NODES)),
        flux=FluxState((UNIT,), (SOURCE,), (Unreadable("nodes", Trouble.FORBIDDEN, "no"),)),
        seen={one.id.key: one for one in objects},
        went_through=more.get("went_through"),
    )


@pytest.fixture
def location(any_index: str, tmp_path: Path) -> Location:
    """A built index, in each kind of database."""
    location = locate(any_index, tmp_path)
    build_nothing(location)
    return location


def build_nothing(location: Location) -> None:
    build(
        location,
        Build(repository="r", root="/r", revision=None, head=None, fingerprint="f", engine="0", built_at="now"),
        [],
    )


Kept = Callable[..., list[Snapshot]]


@pytest.fixture
def kept(location: Location) -> Iterator[Kept]:
    """Reads the snapshots that the index holds now."""
    with ExitStack() as opened:
        yield lambda *contexts: list(snapshots(opened.enter_context(connect(location)), contexts))


def test_a_snapshot_answers_as_the_cluster_did(location, kept):
    save(location, cluster(pod("a")))
    (found,) = kept()
    assert (found.context, found.server, found.complete) == ("prod", "https://prod", False)
    assert found.discovery == Discovery((PODS, NODES))
    assert found.flux.units == (UNIT,)
    assert found.flux.sources == (SOURCE,)
    assert found.flux.unreadable == (Unreadable("nodes", Trouble.FORBIDDEN, "no"),)
    assert found.metadata(PODS, "shop", "a") == pod("a")
    assert found.listed(PODS, "shop", labels="app=a").items == (pod("a"),)
    assert found.listed(PODS, "shop", labels="app=b").items == ()
    assert found.listed(PODS, name="b").items == ()


def test_no_field_is_kept_and_of_annotations_those_that_say_who_made_it(location, kept):
    annotations = {"meta.helm.sh/release-name": "lamp", "example.org/password": "hush"}
    save(location, cluster(pod("a", **annotations)))
    (found,) = kept()
    one = found.metadata(PODS, "shop", "a")
    assert isinstance(one, Metadata)
    assert one.annotations == {"meta.helm.sh/release-name": "lamp"}
    fields = found.get(PODS, "shop", "a")
    assert isinstance(fields, Unreadable)
    assert fields.trouble is Trouble.NOT_KEPT


def test_what_was_not_looked_at_is_not_known_and_not_absent(location, kept):
    save(location, cluster(pod("a")))
    (found,) = kept()
    for lost in (found.metadata(PODS, "shop", "b"), found.listed(PODS).unreadable):
        assert isinstance(lost, Unreadable)
        assert lost.trouble is Trouble.NOT_KEPT


def test_a_cluster_that_was_gone_through_knows_what_is_absent(location, kept):
    save(location, cluster(pod("a"), went_through=()))
    (found,) = kept()
    lost = found.metadata(PODS, "shop", "b")
    assert isinstance(lost, Unreadable)
    assert lost.trouble is Trouble.ABSENT
    assert found.listed(PODS).unreadable is None


def test_later_questions_add_to_a_snapshot_and_going_through_all_replaces_it(location, kept):
    save(location, cluster(pod("a"), pod("b")))
    save(location, cluster(pod("c"), at="2026-02-01T00:00:00+00:00"))
    (found,) = kept()
    assert found.read_at == "2026-02-01T00:00:00+00:00"
    assert {one.id.name for one in found.listed(PODS).items} == {"a", "b", "c"}
    save(location, cluster(pod("d"), went_through=()))
    (found,) = kept()
    assert {one.id.name for one in found.listed(PODS).items} == {"d"}


def test_clusters_are_told_apart_by_context(location, kept):
    save(location, cluster(pod("a")))
    save(location, cluster(pod("b"), name="staging"))
    assert [one.context for one in kept()] == ["prod", "staging"]
    assert [one.context for one in kept("staging")] == ["staging"]


def test_a_build_leaves_snapshots_alone(location, kept):
    save(location, cluster(pod("a")))
    build_nothing(location)
    assert [one.context for one in kept()] == ["prod"]


def test_the_views_say_it_in_sql(location):
    save(location, cluster(pod("a")))
    with connect(location) as index:
        (unit,) = index.rows("SELECT name, suspended, ready, reason, applied, attempted FROM live_units")
        assert unit == {
            "name": "apps",
            "suspended": 1,
            "ready": "False",
            "reason": "BuildFailed",
            "applied": "main@sha1:1",
            "attempted": "main@sha1:2",
        }
        assert index.rows("SELECT kind, name FROM live_objects") == [{"kind": "Pod", "name": "a"}]
        assert index.rows("SELECT url, ref FROM live_sources") == [
            {"url": "https://git.example.org/x", "ref": "branch main"}
        ]
