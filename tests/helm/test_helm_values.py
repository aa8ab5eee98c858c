"""Values: merged as Helm does it, each leaf with its place."""

import pytest

from indexer.helm.setpath import SetError, assignments
from indexer.helm.values import Values, merge, origin_at, origin_of, put, to_plain
from indexer.manifest.compose import parse
from indexer.manifest.node import Scalar


def origin(text, name="x", **options):
    return origin_of(name, parse(text.encode(), f"{name}.yaml")[0].node, yaml_11=True, **options)


def merged(*texts):
    tree = {}
    for text in texts:
        tree = merge(tree, origin(text)[1])
    return to_plain(tree)


def test_maps_are_merged_and_all_else_replaced():
    assert merged("a: {b: 1, c: [1, 2]}", "a: {c: [3], d: x}\ne: null") == {
        "a": {"b": 1, "c": [3], "d": "x"},
        "e": None,
    }
    assert merged("a: {b: 1}", "a: 1") == {"a": 1}
    assert merged("a: 1", "a: {b: 1}") == {"a": {"b": 1}}


def test_a_values_file_is_yaml_1_1():
    assert merged("a: yes\nc: 010\nd: 1.50\ne: 1e3\nf: ~\ng: '1'\n1: x") == {
        "a": True, "c": 8, "d": 1.5, "e": 1000.0, "f": None, "g": "1", "1": "x",
    }  # fmt: skip


def setting(tree, path, value):
    for leaf in origin_at("x", assignments(path, value), Scalar(""), None, secret=False).leaves:
        put(tree, leaf)
    return to_plain(tree)


def test_setting_makes_what_is_on_the_way():
    assert setting({}, "a.b[1].c", "x") == {"a": {"b": [None, {"c": "x"}]}}
    assert setting(origin("a: {b: [{c: 1, d: 2}]}")[1], "a.b[0].c", "x") == {"a": {"b": [{"c": "x", "d": 2}]}}


def test_setting_below_a_scalar_is_refused():
    with pytest.raises(SetError):
        setting(origin("a: 1")[1], "a.b", "x")
    with pytest.raises(SetError):
        setting(origin("a: {b: 1}")[1], "a[0]", "x")


def values(*origins):
    tree = {}
    for _, one in origins:
        tree = merge(tree, one)
    return Values(tree, tuple(one for one, _ in origins))


def told(found):
    return [
        (one.operation, one.span.line, one.span.end_line, one.fields, one.overridden) for one in found.contributions(())
    ]


def test_every_origin_says_what_of_it_is_in_effect():
    low = origin("a:\n  b: 1\n  c: 2\nd:\n  e: 1\n  f: 2\n", "low")
    high = origin("a:\n  b: 3\n", "high")
    assert told(values(low, high)) == [
        ("low", 2, 2, ("/a/b",), True),
        ("low", 3, 3, ("/a/c",), False),
        ("low", 4, 6, ("/d",), False),
        ("high", 1, 2, ("",), False),
    ]


def test_what_is_replaced_whole_is_one_span():
    assert told(values(origin("a:\n  b: 1\n  c: 2\nd: 1", "low"), origin("a: 1", "high")))[0] == (
        "low", 1, 3, ("/a",), True,
    )  # fmt: skip


def test_texts_of_secrets_are_known_and_their_booleans_are_not_secret():
    assert values(origin("a: s3cret\nb: true\nc: 12\nd: ''", secret=True)).secrets() == {"s3cret", "12"}


def test_values_along_a_path_are_those_below_and_above_it():
    one = origin("a:\n  b: {c: 1}\n  d: 2\ne: 3\n")
    found = values(one)
    assert [leaf.path for _, leaf in found.along(("a", "b"))] == [("a", "b", "c")]
    assert [leaf.path for _, leaf in found.along(("e", "x"))] == [("e",)]
    assert list(values(origin("a: 1", default=True)).along(("a",))) == []
