"""Strategic merge: the rules and the known quirks of kustomize 5.8.1."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.merge import merge
from indexer.kustomize.nodes import find
from indexer.kustomize.schema import SchemaHolder
from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping, Operation, Role, Scalar, Sequence, stamped
from indexer.manifest.scalars import to_data

OP = Operation(Role.PATCHES, "strategic merge patch")
SCHEMA = SchemaHolder().current


def load(text: str, file: str = "d.yaml") -> Mapping:
    node = parse(text.encode(), file)[0].node
    assert isinstance(node, Mapping)
    return node


def merged(dest: str, patch: str) -> Mapping | None:
    new = stamped(load(patch, "p.yaml"), OP)
    assert isinstance(new, Mapping)
    return merge(load(dest), new, SCHEMA)


def data(dest: str, patch: str) -> object:
    result = merged(dest, patch)
    return None if result is None else to_data(result)


def pod(*lines: str) -> str:
    return "apiVersion: v1\nkind: Pod\nspec:\n" + "".join(f"  {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("dest", "patch", "expected"),
    [
        ("a: 1", "b: 2", {"a": 1, "b": 2}),
        ("a: {x: 1, y: 2}", "a: {x: null}", {"a": {"y": 2}}),
        ("a: {x: 1}\nb: 1", "a: {$patch: delete}", {"b": 1}),
        ("a: {x: 1}", "a: {$patch: replace, y: 2}", {"a": {"y": 2}}),
        ("a: {x: 1}", "a: {$patch: merge, y: 2}", {"a": {"x": 1, "y": 2}}),
        ("a: 1", "b: {x: null, y: {$patch: delete}, z: 1}", {"a": 1, "b": {"z": 1}}),
        ("a: [1, 2]", "a: [3]", {"a": [3]}),
        ("a: [1, 2]", "a: []", {"a": []}),
        ("a: [1, 2]\nb: 1", "a: null", {"b": 1}),
        ("a: [1]", "a: [{$patch: delete}]", {"a": [{"$patch": "delete"}]}),
        ("a: 1", "$patch: replace\nb: 2", {"a": 1}),
        ("a: 1", "$patch: delete", None),
    ],
)
def test_mappings_and_plain_lists(dest: str, patch: str, expected: object) -> None:
    assert data(dest, patch) == expected


@pytest.mark.parametrize(
    ("dest", "patch", "expected"),
    [
        ('a: "1"', "a: 2", "2"),
        ("a: 1", 'a: "2"', "2"),
        ('a: "x"', "a: 0123", "0123"),
        ("a: 1", "a: 2", 2),
        ("a: null", 'a: "5"', "5"),
    ],
)
def test_a_value_takes_over_the_style_of_what_it_overwrites(dest: str, patch: str, expected: object) -> None:
    assert data(dest, patch) == {"a": expected}


def test_any_patch_drops_implied_nulls_and_keeps_written_ones() -> None:
    assert data("a:\nb: null\nc: ~\nd: 1", "d: 2") == {"b": None, "c": None, "d": 2}


def test_a_string_that_yaml_11_takes_for_a_boolean_is_quoted_for_later_patches() -> None:
    once = merged("a: yes\nb: 1", "b: 2")
    assert once is not None
    again = stamped(load("a: 5"), OP)
    assert isinstance(again, Mapping)
    twice = merge(once, again, SCHEMA)
    assert twice is not None
    assert to_data(twice) == {"a": "5", "b": 2}


@pytest.mark.parametrize(
    ("dest", "patch", "expected"),
    [
        ("[{name: a, image: x}, {name: b}]", "[{name: b, image: y}, {name: c}]",
         [{"name": "b", "image": "y"}, {"name": "c"}, {"name": "a", "image": "x"}]),
        ("[{name: a}, {name: b}]", "[{name: a, $patch: delete}]", [{"name": "b"}]),
        ("[{name: a}, {name: b}]", "[{$patch: replace}, {name: c}]", [{"name": "c"}]),
        ("[{name: a, image: x}]", "[{name: a, $patch: replace, command: [y]}]", [{"name": "a", "image": "x"}]),
        ("[{name: a}]", "[{image: n}]", []),
        ("[{name: a}, {image: x}, {name: b}]", "[{name: a}]", [{"image": "x"}]),
        ("[{name: a, image: x}, {name: a, image: y}]", "[{name: b}]", [{"name": "b"}, {"name": "a", "image": "y"}]),
    ],
)  # fmt: skip
def test_containers_merge_by_name(dest: str, patch: str, expected: object) -> None:
    result = data(pod(f"containers: {dest}"), pod(f"containers: {patch}"))
    assert result == {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": expected}}


def test_a_list_directive_without_a_list_stays_in_the_output() -> None:
    patch = pod("volumes: [{$patch: replace}, {name: q}]")
    assert data(pod("x: 1"), patch) == {
        "apiVersion": "v1", "kind": "Pod", "spec": {"x": 1, "volumes": [{"$patch": "replace"}]},
    }  # fmt: skip


SERVICE = "apiVersion: v1\nkind: Service\nspec:\n  ports: "


@pytest.mark.parametrize(
    ("dest", "patch", "expected"),
    [
        ("[{port: 1, protocol: TCP}, {port: 2, protocol: TCP}]", "[{port: 3, protocol: UDP}]",
         [(3, "UDP"), (1, "TCP"), (2, "TCP")]),
        ("[{port: 1, protocol: TCP}, {port: 1, protocol: UDP}]", "[{port: 1, name: x}]", [(1, "TCP"), (1, "UDP")]),
        ("[{port: 1}]", "[{port: 1, protocol: TCP}]", [(1, None)]),
    ],
)  # fmt: skip
def test_ports_have_two_keys(dest: str, patch: str, expected: object) -> None:
    result = merged(SERVICE + dest, SERVICE + patch)
    assert result is not None
    ports = to_data(result)["spec"]["ports"]
    assert [(port["port"], port.get("protocol")) for port in ports] == expected


def test_finalizers_are_a_set() -> None:
    head = "apiVersion: v1\nkind: Pod\nmetadata:\n  finalizers: "
    result = merged(head + "[a, b]", head + "[c, b]")
    assert result is not None
    assert to_data(result)["metadata"]["finalizers"] == ["c", "b", "a"]


def test_errors() -> None:
    with pytest.raises(KustomizeError, match="expected MappingNode but got SequenceNode"):
        merged("a: {b: 1}", "a: [1]")
    with pytest.raises(KustomizeError, match="unknown patch strategy 'foo'"):
        merged("a: {b: 1}", "a: {$patch: foo}")


def test_history_of_a_value_and_of_a_removal() -> None:
    result = merged("a: 1\nb: 2\nc: {d: 1}", "a: 3\nb: null\n")
    assert result is not None
    value = result.get("a")
    assert isinstance(value, Scalar)
    assert (str(value.span), value.op, str(value.prev and value.prev.span)) == ("p.yaml:1:4", OP, "d.yaml:1:4")
    (removal,) = result.gone
    assert (removal.key, str(removal.node.span), str(removal.at.span)) == ("b", "d.yaml:2:4", "p.yaml:2:4")


def test_history_of_items_is_kept_apart() -> None:
    result = merged(
        pod("containers:", "- name: a", "  image: x", "- name: b"),
        pod("containers:", "- name: a", "  image: y", "- name: b", "  $patch: delete", "- name: c"),
    )
    containers = find(result, "spec", "containers")
    assert isinstance(containers, Sequence)
    image = find(containers.items[0], "image")
    assert image is not None
    assert (str(image.span), str(image.prev and image.prev.span)) == ("p.yaml:6:12", "d.yaml:6:12")
    assert containers.items[1].op is OP
    (removal,) = containers.gone
    assert (removal.key, str(removal.at.span)) == ("b", "p.yaml:8:13")


def test_what_does_not_change_is_shared() -> None:
    dest = load("a: {b: {c: 1}}\nd: [1]\ne: 1")
    patch = stamped(load("e: 2"), OP)
    assert isinstance(patch, Mapping)
    result = merge(dest, patch, SCHEMA)
    assert result is not None
    assert result.get("a") is dest.get("a")
    assert result.get("d") is dest.get("d")


VALUES = st.recursive(
    st.integers(0, 9) | st.sampled_from(["x", "y"]),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, min_size=1, max_size=4)


@given(OBJECTS)
def test_an_object_merged_into_itself_is_itself(value: dict[str, object]) -> None:
    text = json.dumps(value)
    assert data(text, text) == value


@given(OBJECTS)
def test_a_patch_merged_into_nothing_is_the_patch(value: dict[str, object]) -> None:
    assert data("{}", json.dumps(value)) == value
