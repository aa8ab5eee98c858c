"""The schemas that merges go by."""

from __future__ import annotations

import json

import pytest

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.schema import Schema, SchemaHolder, SchemaNode

CUSTOM = {
    "definitions": {
        "Foo": {
            "properties": {"items": {"type": "array", "items": {"$ref": "#/definitions/Item"},
                                     "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "id"}},
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Foo"}],
        },
        "Item": {"properties": {"self": {"$ref": "#/definitions/Item"}}},
    }
}  # fmt: skip


def at(schema: Schema, api_version: str, kind: str, *path: str) -> SchemaNode | None:
    node = schema.root(api_version, kind)
    for key in path:
        node = node and (node.items() if key == "[]" else node.field(key))
    return node


POD = ("spec", "template", "spec")


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        (("containers",), ("name",)),
        (("containers", "[]", "ports"), ("containerPort", "protocol")),
        (("containers", "[]", "volumeMounts"), ("mountPath",)),
        (("hostAliases",), ("ip",)),
        (("topologySpreadConstraints",), ("topologyKey", "whenUnsatisfiable")),
        (("volumes",), ("name",)),
    ],
)
def test_built_in_lists_that_merge(path: tuple[str, ...], keys: tuple[str, ...]) -> None:
    node = at(SchemaHolder().current, "apps/v1", "Deployment", *POD, *path)
    assert node is not None
    assert (node.merges, node.merge_keys) == (True, keys)


@pytest.mark.parametrize(
    "path", [("tolerations",), ("containers", "[]", "args"), ("ephemeralContainers", "[]", "ports")]
)
def test_other_lists_are_replaced(path: tuple[str, ...]) -> None:
    node = at(SchemaHolder().current, "apps/v1", "Deployment", *POD, *path)
    assert node is None or not node.merges


def test_unknown_kinds_have_no_schema() -> None:
    assert SchemaHolder().current.root("autoscaling/v2", "HorizontalPodAutoscaler") is None


def test_a_custom_schema_replaces_the_built_in_one() -> None:
    holder = SchemaHolder()
    holder.set({}, json.dumps(CUSTOM).encode(), reset=True)
    items = at(holder.current, "example.com/v1", "Foo", "items")
    assert items is not None
    assert items.merge_keys == ("id",)
    assert at(holder.current, "example.com/v1", "Foo", "items", "[]", "self", "self") is not None
    assert holder.current.root("apps/v1", "Deployment") is None


def test_the_first_of_the_bases_wins_unless_the_root_sets_one() -> None:
    holder = SchemaHolder()
    holder.set({}, None, reset=True)
    holder.set({}, b"definitions: {}", reset=False)
    holder.set({}, json.dumps(CUSTOM).encode(), reset=False)
    assert holder.current.root("example.com/v1", "Foo") is None


def test_what_was_in_use_stays() -> None:
    holder = SchemaHolder()
    assert holder.current.root("v1", "Pod") is not None
    holder.set({}, json.dumps(CUSTOM).encode(), reset=False)
    assert holder.current.root("v1", "Pod") is not None
    assert holder.current.root("example.com/v1", "Foo") is not None


def test_an_unknown_kind_read_before_brings_the_built_in_schema_along() -> None:
    known, unknown = SchemaHolder(), SchemaHolder()
    known.seen.add(("apps/v1", "Deployment"))
    unknown.seen.add(("example.com/v1", "Foo"))
    for holder in (known, unknown):
        holder.set({}, json.dumps(CUSTOM).encode(), reset=False)
    assert known.current.root("v1", "Pod") is None
    assert unknown.current.root("v1", "Pod") is not None


@pytest.mark.parametrize(
    ("openapi", "data", "message"),
    [
        ({"version": "v1.20.4"}, None, "the specified OpenAPI version is not built in"),
        ({"version": "v1.21.2"}, b"{}", "builtin version and custom schema provided, cannot use both"),
        ({}, b"{", "invalid schema file"),
        ({}, b"", "invalid schema file"),
        ({}, b"[]", "invalid schema file"),
    ],
)
def test_errors(openapi: dict[str, str], data: bytes | None, message: str) -> None:
    with pytest.raises(KustomizeError, match=message):
        SchemaHolder().set(openapi, data, reset=True)


@pytest.mark.parametrize("data", [b"null", b"{}", b"# nothing\n"])
def test_a_schema_may_define_nothing(data: bytes) -> None:
    holder = SchemaHolder()
    holder.set({}, data, reset=True)
    assert holder.current.root("v1", "Pod") is None
