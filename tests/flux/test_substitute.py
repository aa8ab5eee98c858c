"""The expansion grammar, against outcomes of the real controller (flux-semantics.md §4.8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.flux.substitute import SubstitutionError, expand, expansions, parse

VARIABLES = {"a": "A", "e": "", "p": "foo/bar", "long": "abcdefghij", "u": "é☃"}


def run(text, *, strict=True):
    return expand(parse(text), lambda e: VARIABLES.get(e.name) if strict else VARIABLES.get(e.name, ""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain $ $a $(a) %{a}", "plain $ $a $(a) %{a}"),
        ("x$", "x$"),
        ("$$a", "$a"),
        ("$$${a}", "$A"),
        ("$$$${a}", "$${a}"),
        ("${x:=$${a}}", "$A"),
        ("$${x:=${a}}", "${x:=A}"),
        ("${e:+d}", "d"),
        ("${a:+d}", "A"),
        ("${e:?d}", "d"),
        ("${e:-d}${e:=d}${e=d}", "ddd"),
        ("${x:=a:b/c}", "a:b/c"),
        ("${x:=}", ""),
        ("${v:={}}", "{}"),
        (r"\${a}", r"\A"),
        ("${#p}", "7"),
        ("${#u}", "5"),
        ("${p:4}", "bar"),
        ("${p:1:2}", "oo"),
        ("${p: -3}", "foo/bar"),
        ("${p:x}", "foo/bar"),
        ("${p:0:-4}", "foo"),
        ("${long:9:5}", "j"),
        ("${long:99}", ""),
        ("${p^}", "Foo/bar"),
        ("${p^^}", "FOO/BAR"),
        ("${a,}${a,,}", "aa"),
        (r"${p//\//-}", "foo-bar"),
        ("${p/o/0}", "f0o/bar"),
        ("${p//o/0}", "f00/bar"),
        ("${p//o/}", "f/bar"),
        ("${p/#foo/x}", "x/bar"),
        ("${p/%bar/x}", "foo/x"),
        ("${p/#foo/}", "foo/bar"),
        ("${p/#bar/x}", "foo/bar"),
        ("${p#*/}", "bar"),
        ("${p#*}", "oo/bar"),
        ("${p##*}", ""),
        ("${p%/*}", "foo"),
        ("${p%%o*}", "f"),
        ("${p#[a-f]}", "oo/bar"),
        ("${p#[^f]}", "foo/bar"),
        ("${p#[}", "foo/bar"),
        ("${p#zzz}", "foo/bar"),
        ("${x:=${y:=${a}}}", "A"),
        ("${a:${#a}}", ""),
    ],
)
def test_expands(text, expected):
    assert run(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, "missing closing brace")
            for text in ("${a.b}", "${a-b}", "${a+b}", "${a?b}", "${a[0]}", "${a@Q}", "${a")
        ),
        *((text, "unable to parse variable name") for text in ("${}", "${ a }", "${.Values.x}", "${!a}", "${{ a }}")),
        *((text, "bad substitution") for text in ("${p/o}", "${a,,b}", "${a^b}", "${#}", "${a:1")),
        *(
            (text, "unable to parse substitution within function")
            for text in ("${a:}", "${p///-}", "${a%}", "${a:=", "${a#}")
        ),
        *(
            (text, 'variable not set (strict mode): "x"')
            for text in ("${x}", "${#x}", "${x^}", "${x:1}", "${x/a/b}", "${x#a}", "${a:=${x}}")
        ),
    ],
)
def test_refuses(text, message):
    with pytest.raises(SubstitutionError) as caught:
        run(text)
    assert str(caught.value) == message
    assert text.startswith(caught.value.expression) or caught.value.expression in text


def test_an_undefined_variable_is_empty_where_the_controller_is_lenient():
    assert run("[${x}${x^^}${#x}]", strict=False) == "[0]"


def test_finds_nested_expansions():
    assert [e.name for e in expansions(parse("${a:=${b:=c}} ${d/x/${f}}"))] == ["a", "b", "d", "f"]


@given(st.text(alphabet="ab $\\/x\n"))
def test_text_without_braces_only_loses_doubled_dollars(text):
    expected = text
    out = ""
    while expected:
        taken = 2 if expected.startswith("$$") else 1
        out, expected = out + expected[0], expected[taken:]
    assert run(text) == out


@given(st.text())
def test_any_text_expands_or_is_refused(text):
    try:
        run(text, strict=False)
    except SubstitutionError as error:
        assert error.args[0]  # noqa: PT017


@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_escaping_is_undone(text):
    assert run(text.replace("$", "$$")) == text
