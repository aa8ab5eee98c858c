"""The grammar of ``targetPath``; expected values are what Helm's own tests of ``--set`` say."""

import pytest

from indexer.helm.setpath import Assignment, SetError, assignments


def pairs(path, value, **options):
    return [(one.path, one.value) for one in assignments(path, value, **options)]


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("a", "b", [(("a",), "b")]),
        ("a.b.c", "1", [(("a", "b", "c"), 1)]),
        (r"a\.b.c", "x", [(("a.b", "c"), "x")]),
        ("a[0].b", "x", [(("a", 0, "b"), "x")]),
        ("a[0][1]", "x", [(("a", 0, 1), "x")]),
        ("a", "", [(("a",), "")]),
        ("a", "true", [(("a",), True)]),
        ("a", "FALSE", [(("a",), False)]),
        ("a", "null", [(("a",), None)]),
        ("a", "0", [(("a",), 0)]),
        ("a", "007", [(("a",), "007")]),
        ("a", "-5", [(("a",), -5)]),
        ("a", "1.5", [(("a",), "1.5")]),
        ("a", "9223372036854775808", [(("a",), "9223372036854775808")]),
        ("a", "{x,1,true}", [(("a",), ["x", 1, True])]),
        ("a", "x,b=y", [(("a",), "x"), (("b",), "y")]),
        ("a", r"x\,y", [(("a",), "x,y")]),
        ("a", "{x},b=y", [(("a",), ["x"]), (("b",), "y")]),
        ("a", "https://x?y=z", [(("a",), "https://x?y=z")]),
    ],
)
def test_what_an_expression_sets(path, value, found):
    assert pairs(path, value) == found


@pytest.mark.parametrize("value", ['"1"', "'1'"])
def test_quotes_keep_a_text_a_text(value):
    assert pairs("a", value) == [(("a",), "1")]


def test_a_literal_has_no_grammar():
    assert pairs("a.b", r"{x},y=[1]\n true", literal=True) == [(("a", "b"), r"{x},y=[1]\n true")]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("a", "x,b", '"b" has no value'),
        ("a[x]", "y", '"x" is no index of a list'),
        ("a[-1]", "y", "an index lies between 0 and 65536"),
        ("a[70000]", "y", "an index lies between 0 and 65536"),
        ("a[0]b", "y", 'unexpected text after the index in "a.0"'),
        ("a", "{x", "a list must end with }"),
        (".".join("a" * 40), "y", "a path has at most 30 parts"),
    ],
)
def test_what_helm_refuses(path, value, message):
    with pytest.raises(SetError) as error:
        assignments(path, value)
    assert str(error.value) == message


def test_an_empty_key_sets_nothing():
    assert assignments("", "x") == []
    assert assignments("a", "1") == [Assignment(("a",), 1)]
