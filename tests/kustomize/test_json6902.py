"""JSON patches: results, coercions, errors and history."""

from __future__ import annotations

import pytest

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.json6902 import apply_operations, parse_operations
from indexer.kustomize.nodes import find
from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping, Operation, Role, Scalar
from indexer.manifest.scalars import to_data

OP = Operation(Role.PATCHES, "JSON 6902 patch")


def applied(dest: str, patch: str) -> Mapping:
    root = parse(dest.encode(), "d.yaml")[0].node
    assert isinstance(root, Mapping)
    documents = parse(patch.encode(), "p.yaml")
    operations = parse_operations(patch, documents[0].node if documents else None, Scalar(patch))
    return apply_operations(root, operations, OP)


def op(kind: str, path: str, **more: str) -> str:
    extra = "".join(f"  {name.rstrip('_')}: {value}\n" for name, value in more.items())
    return f'- op: {kind}\n  path: "{path}"\n{extra}'


@pytest.mark.parametrize(
    ("dest", "patch", "expected"),
    [
        ("a: 1", op("add", "/b", value="2"), {"a": 1, "b": 2}),
        ("a: 1", op("add", "x/b", value="2"), {"a": 1, "b": 2}),
        ("a: 1", op("add", "/b"), {"a": 1, "b": None}),
        ("a: [1, 2]", op("add", "/a/-", value="3"), {"a": [1, 2, 3]}),
        ("a: [1, 2]", op("add", "/a/0", value="3"), {"a": [3, 1, 2]}),
        ("a: [1, 2]", op("add", "/a/-1", value="3"), {"a": [1, 2, 3]}),
        ("a: [1, 2]", op("replace", "/a/-1", value="3"), {"a": [1, 3]}),
        ("a: 1", op("replace", "/b", value="3"), {"a": 1, "b": 3}),
        ("a: 1\nb: 2", op("replace", "", value="{c: 1}"), {"c": 1}),
        ("a: 1\nb: 2", op("remove", "/b"), {"a": 1}),
        ("a: 1\nb: 2", op("move", "/c", from_="/b"), {"a": 1, "c": 2}),
        ("a: 1", op("copy", "/c", from_="/x"), {"a": 1, "c": None}),
        ("a: {b/c: 1, d~e: 2}", op("remove", "/a/b~1c") + op("replace", "/a/d~0e", value="3"), {"a": {"d~e": 3}}),
        ("a: 1", op("test", "/a", value="1") + op("test", "/x", value="null"), {"a": 1}),
        ("a: 1", op("add", "/b", value="yes"), {"a": 1, "b": True}),
        ("a: 1", op("add", "/b", value="0644"), {"a": 1, "b": 420}),
        ("a: 1", op("add", "/b", value="2020-01-02"), {"a": 1, "b": "2020-01-02"}),
        ("a: 2020-01-02\nb: 12345678901234567890", op("test", "/x"),
         {"a": "2020-01-02T00:00:00Z", "b": 1.2345678901234567e19}),
        ("a: 1", '[{"op": "add", "path": "/b", "value": "\\u00e9"}]', {"a": 1, "b": "é"}),
    ],
)  # fmt: skip
def test_results(dest: str, patch: str, expected: dict[str, object]) -> None:
    assert to_data(applied(dest, patch)) == expected


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (op("add", "b", value="1"), 'add operation does not apply: doc is missing path: "b": missing value'),
        (op("add", "/x/y", value="1"), 'add operation does not apply: doc is missing path: "/x/y": missing value'),
        (op("add", "/n/y", value="1"), 'add operation does not apply: doc is missing path: "/n/y": missing value'),
        (op("replace", "/x/y"), "replace operation does not apply: doc is missing path: /x/y: missing value"),
        (op("replace", "/l/9", value="1"), "replace operation does not apply: doc is missing key: /l/9: missing value"),
        (op("remove", "/x/y"), 'remove operation does not apply: doc is missing path: "/x/y": missing value'),
        (op("remove", "/x"), "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value"),
        (
            op("remove", "/l/5"),
            "error in remove for path: '/l/5': Unable to access invalid index: 5: invalid index referenced",
        ),
        (op("add", "/l/x", value="1"), ("error in add for path: '/l/x': value was not a proper array index: 'x': "
         'strconv.Atoi: parsing "x": invalid syntax')),
        (op("test", "/a", value="2"), "testing value /a failed: test failed"),
        (op("frob", "/a"), "Unexpected kind: frob"),
        ("- path: /a\n", "Unexpected kind: unknown"),
        ("- op: add\n", "add operation failed to decode path: missing value"),
    ],
)  # fmt: skip
def test_errors(patch: str, message: str) -> None:
    with pytest.raises(KustomizeError) as caught:
        applied("a: 1\nn: null\nl: [1]", patch)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["[{op: add, path: /a}]", "{}", "a: 1", "text", "- 1", ""])
def test_what_is_no_patch(text: str) -> None:
    documents = parse(text.encode(), "p.yaml") if text else []
    with pytest.raises(KustomizeError):
        parse_operations(text, documents[0].node if documents else None, Scalar(text))


def test_history() -> None:
    patch = op("replace", "/a", value="3") + op("remove", "/b") + op("move", "/e", from_="/d")
    result = applied("a: 1\nb: 2\nd: 4", patch)
    value, moved = result.get("a"), result.get("e")
    assert value is not None
    assert moved is not None
    assert (str(value.span), value.op, str(value.prev and value.prev.span)) == ("p.yaml:3:10", OP, "d.yaml:1:4")
    assert [(removal.key, str(removal.at.span)) for removal in result.gone] == [
        ("b", "p.yaml:5:9"),
        ("d", "p.yaml:8:9"),
    ]
    assert str(moved.span) == "d.yaml:3:4"


def test_a_quoted_string_loses_its_quotes_where_it_needs_none() -> None:
    result = applied('a: "x"\nb: "1"', op("add", "/c", value="1"))
    assert [find(result, key).style.value for key in "ab"] == ["", '"']  # type: ignore[union-attr]
