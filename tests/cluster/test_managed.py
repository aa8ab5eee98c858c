from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from indexer.cluster.managed import Written
from indexer.cluster.model import LiveObject, Metadata, Writer
from indexer.flux.identity import ObjectId
from indexer.query.livefields import Absent, differences

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "labels": {"app": "api", "team": "a"}},
    "spec": {
        "replicas": 5,
        "template": {
            "spec": {
                "containers": [
                    {"name": "side", "image": "side:1"},
                    {
                        "name": "api",
                        "image": "api:2",
                        "imagePullPolicy": "Always",
                        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    },
                ]
            }
        },
    },
}
CONTAINER = {
    "f:image": {},
    "f:name": {},
    "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:containerPort": {}}},
}
FLUX = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"api"}': {".": {}, **CONTAINER}}}}},
}
HAND = {"f:spec": {"f:replicas": {}}, "f:gone": {}}


def live(body: dict[str, Any] = DEPLOYMENT, *writers: Writer) -> LiveObject:
    metadata = Metadata(ObjectId("apps", "v1", "Deployment", "shop", "api"), "u", "")
    return LiveObject(metadata, body, writers)


FLUX_WRITER = Writer("kustomize-controller", "Apply", "2026-01-01T00:00:00Z", "", FLUX)
HAND_WRITER = Writer("kubectl", "Update", "2026-01-02T00:00:00Z", "scale", HAND)
LIVE = live(DEPLOYMENT, FLUX_WRITER, HAND_WRITER)


def test_a_field_has_those_who_own_it():
    written = Written.of(LIVE)
    assert written.by(("spec", "replicas")) == (HAND_WRITER,)
    assert written.by(("metadata", "labels", "app")) == (FLUX_WRITER,)
    assert written.by(("metadata", "labels", "team")) == ()


def test_the_latest_owner_is_the_first():
    other = Writer("helm", "Apply", "2026-03-01T00:00:00Z", "", HAND)
    assert Written.of(live(DEPLOYMENT, HAND_WRITER, other)).by(("spec", "replicas")) == (other, HAND_WRITER)


def test_items_are_found_by_their_keys_where_they_stand_now():
    written = Written.of(LIVE)
    containers = ("spec", "template", "spec", "containers")
    assert written.by((*containers, "1", "image")) == (FLUX_WRITER,)
    assert written.by((*containers, "0", "image")) == ()
    assert written.keys(containers) == ("name",)
    assert written.keys((*containers, "1", "ports")) == ("containerPort", "protocol")


def test_what_a_manager_owns():
    assert Written.of(LIVE).owned("kubectl") == {("spec", "replicas")}


def test_what_is_above_an_atomic_field_owns_it():
    whole = Writer("flux", "Apply", "", "", {"f:spec": {"f:selector": {}}})
    body = {"spec": {"selector": {"app": "api"}}}
    assert Written.of(live(body, whole)).by(("spec", "selector", "app")) == (whole,)


def rendered(**changes: Any) -> dict[str, Any]:
    container = {
        "name": "api",
        "image": "api:2",
        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
        "ports": [{"containerPort": 80}],
        **changes,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api", "creationTimestamp": None, "labels": {"app": "api"}},
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {},
    }


def test_defaults_other_items_and_other_spellings_of_a_quantity_are_no_difference():
    assert differences(rendered(), LIVE) == []


def test_a_field_that_differs_is_told_by_its_place_in_git():
    (found,) = differences(rendered(image="api:1"), LIVE)
    assert found.pointer == "/spec/template/spec/containers/0/image"
    assert (found.rendered, found.live, found.writers) == ("api:1", "api:2", (FLUX_WRITER,))


def test_a_field_that_is_gone_is_told_leaf_by_leaf():
    found = differences(rendered(securityContext={"runAsUser": 1, "privileged": False}), LIVE)
    assert [(one.path[-1], one.rendered, one.live) for one in found] == [("runAsUser", 1, Absent())]


def test_an_item_that_is_gone_is_one_difference():
    (found,) = differences(rendered(name="worker"), LIVE)
    assert found.pointer == "/spec/template/spec/containers/0"
    assert found.live == Absent()


def test_a_list_without_keys_is_compared_as_a_whole_where_its_length_differs():
    (found,) = differences({"spec": {"args": ["a", "b"]}}, live({"spec": {"args": ["a"]}}))
    assert (found.pointer, found.rendered, found.live) == ("/spec/args", ["a", "b"], ["a"])


def test_a_list_without_keys_is_compared_item_by_item_where_its_length_is_the_same():
    (found,) = differences({"spec": {"args": ["a", "b"]}}, live({"spec": {"args": ["a", "c"]}}))
    assert (found.pointer, found.live) == ("/spec/args/1", "c")


def test_a_boolean_is_no_number_and_a_text_is_no_boolean():
    found = differences({"a": 1, "b": "true", "c": "1"}, live({"a": True, "b": True, "c": 1}))
    assert [one.path for one in found] == [("a",), ("b",)]


@given(st.integers(0, 10**9), st.sampled_from([("m", 1000), ("", 1), ("k", 10**-3), ("Ki", 2**-10)]))
def test_a_quantity_is_the_same_in_every_unit(number, unit):
    suffix, factor = unit
    thousand = number * 1024 * 1000
    assert differences({"a": f"{int(thousand * factor)}{suffix}"}, live({"a": str(thousand)})) == []


@given(st.integers(1, 10**6))
def test_quantities_that_differ_are_told_apart(number):
    assert len(differences({"a": f"{number}Mi"}, live({"a": f"{number}M"}))) == 1
