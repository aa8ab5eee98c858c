"""``postBuild`` on whole objects: types, keys, provenance, failures."""

import pytest

from indexer.flux.postbuild import PostBuildError, Template, Variable, Variables, substitute
from indexer.manifest.compose import parse
from indexer.manifest.history import contributions
from indexer.manifest.node import Role
from indexer.manifest.scalars import to_data


def root(text):
    return parse(text.encode(), "f.yaml")[0].node


def variables(**values):
    return Variables({name: Variable(value, "inline", None) for name, value in values.items()})


def expanded(text, **values):
    return to_data(substitute(Template(root(text)), variables(**values)).root)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ('x: "${v}"', "8080", 8080),
        ('x: "${v}"', "yes", True),
        ('x: "${v}"', "", None),
        ('x: "${v}"', "1e3", 1000),
        ('x: "${v}"', "2024-01-01", "2024-01-01"),
        ('x: "${v}"', "012", 10),
        ("x: 'a: ${v}'", "5", "a: 5"),
        ("x: ' ${v}'", "5", " 5"),
        ("x: |\n  ${v}\n", "5", "5\n"),
        ("x: ${v}", "'5'", "5"),
        ("x: ${v}", "a #b", "a"),
        ("x: ${v}", "[a, b]", ["a", "b"]),
    ],
)
def test_types_after_expansion(text, value, expected):
    assert expanded(text, v=value) == {"x": expected}


def test_keys_are_expanded_and_other_values_keep_their_types():
    assert expanded('{"${k}": 1, t: "yes", n: null, d: "12:30"}', k="key") == {
        "key": 1, "t": "yes", "n": None, "d": "12:30",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "key"), [("a:", "a:"), ("5", "5"), ("'q'", "q"), ("on", "true"), ("k" * 200, "k" * 200)]
)
def test_a_key_is_read_as_the_key_of_a_mapping(value, key):
    assert expanded('{"${k}": 1, b: 2}', k=value) == {key: 1, "b": 2}


def test_of_two_keys_that_become_one_the_last_counts():
    assert expanded("{key: 1, '${k}': 2}", k="key") == {"key": 1}


def test_large_integers_lose_digits_even_without_a_variable():
    assert expanded("a: 9007199254740993\nb: 5", v="x") == {"a": 9007199254740992, "b": 5}


def test_without_variables_nothing_happens():
    tree = root("x: ${v:=d}")
    assert substitute(Template(tree), variables()).root is tree


def test_always_expands_without_variables():
    assert to_data(substitute(Template(root("x: ${v:=d}")), Variables(always=True)).root) == {"x": "d"}


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_opting_out(field):
    tree = root(f"metadata: {{{field}: {{kustomize.toolkit.fluxcd.io/substitute: disabled}}}}\nx: ${{v}}")
    assert substitute(Template(tree), variables(v="1")).root is tree


def test_untouched_parts_keep_their_nodes():
    tree = root("a: {b: 1}\nc: ${v}")
    after = substitute(Template(tree), variables(v="x")).root
    assert after.get("a") is tree.get("a")
    changed = after.get("c")
    assert changed.prev is tree.get("c")
    assert changed.op.role is Role.SUBSTITUTES
    assert [(c.role, str(c.span), c.fields) for c in contributions(after)] == [
        (Role.SUBSTITUTES, "f.yaml:2:4", ("/c",))
    ]


def test_substitutions_name_the_variable_and_its_fields():
    found = substitute(Template(root("a: ${v}-${w:=d}\nb: {c: ['${v}']}")), variables(v="x")).substitutions
    assert [(s.variable, s.fields, s.supplied_by) for s in found] == [
        ("v", ("/a", "/b/c/0"), "inline"),
        ("w", ("/a",), "default"),
    ]


def test_a_secret_value_is_marked():
    secret = Variables({"v": Variable("x", "Secret ns/s v", None, redacted=True)})
    assert substitute(Template(root("a: ${v}")), secret).substitutions[0].redacted


def test_unknown_variables_stay_as_they_are_written():
    unknown = Variables({"v": Variable("x", "inline", None)}, unknown="ConfigMap ns/cm is not in this repository")
    after = substitute(Template(root("a: ${v}-${w:=d}")), unknown)
    assert to_data(after.root) == {"a": "x-${w:=d}"}
    assert after.unknown == {"w"}


def test_a_default_is_used_where_an_optional_object_is_missing():
    unknown = Variables({"v": Variable("x", "inline", None)}, unknown="ConfigMap ns/cm", optional=True)
    assert to_data(substitute(Template(root("a: ${v}-${w:=d}")), unknown).root) == {"a": "x-d"}


@pytest.mark.parametrize(
    ("text", "values", "message", "place"),
    [
        ("a: 1\nb: ${nope}", {"v": "1"}, 'variable not set (strict mode): "nope"', "f.yaml:2:4"),
        ("a: |\n  x\n  ${b-c}\n", {"v": "1"}, "missing closing brace", "f.yaml:3:1"),
        ("a: '1'\nb: \"'${v}'x\"", {"v": "it's"}, "YAMLToJSON", "f.yaml:2:4"),
        ("a: ${v}", {"v": "*x"}, "unknown anchor 'x' referenced", "f.yaml:1:4"),
        ("a: ${v}", {"v": ".inf"}, "unsupported value", "f.yaml:1:4"),
        ("a: 1\nb: 2\na: 3", {"v": "1"}, 'mapping key "a" already defined at line 1', "f.yaml:3:1"),
        ("a: ${v}", {"v": "1", "my-key": "2"}, "'my-key' var name is invalid", None),
    ],
)
def test_failures_point_at_the_text(text, values, message, place):
    with pytest.raises(PostBuildError) as caught:
        substitute(Template(root(text)), variables(**values))
    assert message in str(caught.value)
    assert (str(caught.value.span) if caught.value.span else None) == place


@pytest.mark.parametrize(
    ("text", "readable"),
    [('"\\ta\\nb"', False), ('"\\t${v}\\nb"', False), ('"a\\n\\tb"', True), ('"\\n\\tb"', True), ('"\\ta"', True)],
)
def test_a_text_of_several_lines_that_begins_with_a_tab_cannot_be_read_again(text, readable):
    if readable:
        assert expanded(f"a: {text}\nb: 1", v="x")["b"] == 1
    else:
        with pytest.raises(PostBuildError, match="found a tab character") as failure:
            expanded(f"b: 1\na: {text}", v="x")
        assert str(failure.value.span) == "f.yaml:2:4"
