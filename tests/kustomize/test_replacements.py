from typing import cast

import pytest

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.factory import resources_from
from indexer.kustomize.kustomization import REPLACEMENT_FIELD
from indexer.kustomize.layer import Layer
from indexer.kustomize.loader import Loader
from indexer.kustomize.nodes import find
from indexer.kustomize.record import decode
from indexer.kustomize.replacements import replacement_transformer
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.schema import SchemaHolder
from indexer.manifest.compose import parse
from indexer.manifest.errors import UndecodableError
from indexer.manifest.node import Role, Sequence
from indexer.manifest.scalars import to_data

SOURCE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: src}
data: {five: "5", word: abc, host: a.b.c}
num: 7
map: {x: 1}
nothing: null
---
"""
WRONG_KIND = "wrong node kind: expected SequenceNode but got ScalarNode"


class Files:
    """A loader of one file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def load(self, path: str) -> bytes:
        assert path == "replacement.yaml"
        return self.text.encode()

    def file(self, path: str) -> tuple[str | None, str]:
        return None, f"dir/{path}"


def build(entries: str, objects: str, file: str = "") -> tuple[ResMap, Layer]:
    resmap = ResMap(resources_from(parse((SOURCE + objects).encode(), "r.yaml")))
    node = parse(entries.encode(), "kustomization.yaml")[0].node
    assert isinstance(node, Sequence)
    layer = Layer(cast("Loader", Files(file)), cast("SchemaHolder", None), "kustomization.yaml")
    replacement_transformer(resmap, layer, [decode(item, REPLACEMENT_FIELD) for item in node.items])
    return resmap, layer


def target(data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: dst}}\ndata:\n  {data}\n"


def entry(path: str, source: str = "data.five", options: str = "{}", source_options: str = "{}") -> str:
    return f"""
- source: {{kind: ConfigMap, name: src, fieldPath: '{source}', options: {source_options}}}
  targets:
  - select: {{name: dst}}
    fieldPaths: ['{path}']
    options: {options}
"""


def result(entries: str, data: str) -> object:
    resmap, _ = build(entries, target(data))
    return to_data(resmap.resources[-1].root)["data"]


@pytest.mark.parametrize(
    ("source", "data", "expected"),
    [
        ("data.five", "k: 3", 5),
        ("data.five", "k: '3'", "5"),
        ("data.five", "k: text", "5"),
        ("num", "k: 3", 7),
        ("num", "k: text", "7"),
        ("map", "k: [1]", {"x": 1}),
        ("data.word", "k: [1]", "abc"),
    ],
)
def test_a_scalar_keeps_its_type_and_anything_else_is_copied_over(source: str, data: str, expected: object) -> None:
    assert result(entry("data.k", source), data) == {"k": expected}


def test_a_text_in_the_place_of_a_number_shows_when_the_object_is_printed() -> None:
    with pytest.raises(UndecodableError, match="cannot decode !!str `abc` as a !!int"):
        result(entry("data.k", "data.word"), "k: 3")


def test_a_created_field_has_the_type_of_its_text() -> None:
    assert result(entry("data.new.x", options="{create: true}"), "k: 3") == {"k": 3, "new": {"x": 5}}


@pytest.mark.parametrize(("index", "expected"), [(-1, "5/a/b"), (0, "5/b"), (1, "a/5"), (9, "a/b/5")])
def test_a_piece_of_a_text_can_be_replaced(index: int, expected: str) -> None:
    assert result(entry("data.k", options=f"{{delimiter: /, index: {index}}}"), "k: a/b") == {"k": expected}


def test_a_piece_of_the_source_can_be_taken() -> None:
    assert result(entry("data.k", "data.host", source_options="{delimiter: ., index: 1}"), "k: x") == {"k": "b"}


def test_a_value_can_be_given_in_place() -> None:
    assert result("- {sourceValue: new, targets: [{select: {name: dst}, fieldPaths: [data.k]}]}", "k: x") == {
        "k": "new"
    }


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ('\'{"b": {"z": 1, "a": "<"}}\'', "data.k.b.z", '{"b":{"a":"\\u003c","z":5}}'),
        ('|-\n    {\n      "l": [1, {}]\n    }', "data.k.l.0", '{\n  "l": [\n    5,\n    {}\n  ]\n}'),
        ("|\n    b:   1\n    l:\n      - 'x'\n      - y: \"z\"", "data.k.b", "b: 5\nl:\n- 'x'\n- y: \"z\""),
        ('|\n    a: {b: "c"}', "data.k.a.b", 'a: {b: "5"}'),
    ],
)
def test_a_value_inside_json_or_yaml_text_is_replaced(text: str, path: str, expected: str) -> None:
    assert result(entry(path), f"k: {text}") == {"k": expected}


@pytest.mark.parametrize(
    ("select", "reject", "changed"),
    [
        ("{kind: Deployment}", "[]", ["app", "app-2"]),
        ("{name: app.*}", "[]", ["app", "app-2"]),
        ("{name: ap}", "[]", []),
        ("{kind: Deployment}", "[{name: app}]", ["app-2"]),
        ("{labelSelector: 'tier=web'}", "[]", ["app"]),
        ("{kind: Deployment}", "[{labelSelector: 'tier=web'}]", ["app-2"]),
        ("{kind: Deployment}", "[{}]", ["app", "app-2"]),
        ("{kind: Deployment, namespace: default}", "[]", []),
    ],
)
def test_select_and_reject(select: str, reject: str, changed: list[str]) -> None:
    objects = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app, labels: {tier: web}}\nspec: {v: 1}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app-2}\nspec: {v: 1}\n"
    )
    entries = f"- {{sourceValue: '2', targets: [{{select: {select}, reject: {reject}, fieldPaths: [spec.v]}}]}}"
    resmap, layer = build(entries, objects)
    assert [res.id.name for res in resmap.resources[1:] if to_data(res.root)["spec"]["v"] == 2] == changed
    assert len(layer.unmatched) == (not changed)


def test_a_target_without_object_is_remembered() -> None:
    _, layer = build("- sourceValue: x\n  targets:\n  - select: {name: none}\n", target("k: v"))
    assert [(str(dead.span), dead.operation) for dead in layer.unmatched] == [("kustomization.yaml:3:5", "replacement")]


@pytest.mark.parametrize("text", ["- {sourceValue: x, %s}", "{sourceValue: x, %s}"])
def test_a_file_holds_one_replacement_or_a_list(text: str) -> None:
    file = text % "targets: [{select: {name: dst}, fieldPaths: [data.k]}]"
    resmap, _ = build("- path: replacement.yaml", target("k: v"), file)
    node = find(resmap.resources[-1].root, "data", "k")
    assert node is not None
    assert (to_data(node), node.span.source.file) == ("x", "dir/replacement.yaml")  # type: ignore[union-attr]


def test_the_new_value_stands_where_the_source_is_written() -> None:
    resmap, _ = build(entry("data.k"), target("k: old"))
    node = find(resmap.resources[-1].root, "data", "k")
    assert node is not None
    assert str(node.span) == "r.yaml:5:14"
    assert node.op is not None
    assert (node.op.role, node.op.name, str(node.op.entry)) == (Role.REPLACES, "replacement", "kustomization.yaml:2:3")
    assert node.prev is not None
    assert str(node.prev.span) == "r.yaml:14:6"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("- {targets: []}", "replacements must specify a source and at least one target"),
        ("- {sourceValue: x}", "replacements must specify a source and at least one target"),
        (
            "- {sourceValue: x, source: {name: src}, targets: []}",
            "value and resource selectors are mutually exclusive",
        ),
        ("- {sourceValue: x, targets: [{fieldPaths: [a]}]}", "target must specify resources to select"),
        ("- {path: a, source: {name: src}}", "cannot specify both path and inline replacement"),
        (
            "- {source: {kind: Secret, name: s, fieldPath: data.x}, targets: []}",
            "nothing selected by Secret.[noVer].[noGrp]/s.[noNs]:data.x",
        ),
        (
            "- {source: {kind: ConfigMap, options: {delimiter: '-'}}, targets: []}",
            "multiple matches for selector ConfigMap.[noVer].[noGrp]/[noName].[noNs]:-(0), create=false",
        ),
        (
            entry("data.k", "nothing"),
            "fieldPath `nothing` is missing for replacement source ConfigMap.[noVer].[noGrp]/src.[noNs]",
        ),
        (entry("data.k", "data.*"), "error looking up replacement source: wildcard is not supported in PathGetter"),
        (
            entry("data.k", "data.host", source_options="{delimiter: ., index: 3}"),
            "options.index 3 is out of bounds for value a.b.c",
        ),
        (
            entry("data.k", "map", source_options="{delimiter: .}"),
            "delimiter option can only be used with scalar nodes",
        ),
        (entry("data", options="{delimiter: .}"), "delimiter option can only be used with scalar nodes"),
        (entry("data.none"), 'unable to find field "data.none" in replacement target'),
        (
            entry("data.k.1.x", options="{create: true}"),
            f'unable to find or create field "data.k.1.x" in replacement target: {WRONG_KIND}',
        ),
    ],
)
def test_errors_are_kustomizes(entries: str, message: str) -> None:
    with pytest.raises(KustomizeError) as error:
        build(entries, target("k: v"))
    assert str(error.value) == message
    assert error.value.span is not None
