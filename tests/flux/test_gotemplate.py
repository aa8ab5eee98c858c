"""Templates of ResourceSets: every expected text is what flux-operator 0.59 gives."""

import pytest

from indexer.flux.gotemplate import TemplateError, Unsupported, execute
from indexer.flux.govalues import Value

INPUTS = {
    "s": "str",
    "n": 3,
    "f": 2.5,
    "l": ["p", "q", "r"],
    "m": {"a": "1", "b": {"c": 2}},
    "t": True,
    "e": "",
    "q": {"nul": None},
}


def text(template):
    return execute(template, Value(INPUTS)).text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<< inputs.s >>", "str"),
        ("<< inputs.f >> << inputs.l >> << inputs.m >>", "2.5 [p q r] map[a:1 b:map[c:2]]"),
        ("<< inputs.q.nul >>", "<no value>"),
        ("<< 1000000.0 >> << mul 1000000 1000000 >>", "1e+06 1000000000000"),
        ("<< inputs.m.b.c >> << (inputs).s >>", "2 str"),
        ('<< get inputs "zz" | default "v" >>', "v"),
        ("<< inputs.s | upper | repeat 2 | quote >>", '"STRSTR"'),
        ('<< printf "%s-%05d-%.2f" inputs.s inputs.n 1.5 >>', "str-00003-1.50"),
        ('<< title "foo bar-baz o\'neil" >>', "Foo Bar-Baz O'Neil"),
        ('<< trunc -3 "hello" >> << substr 1 3 "hello" >>', "llo el"),
        ('<< nindent 2 "a\\nb" >>', "\n  a\n  b"),
        ('<< (split "/" "a/b/c")._1 >> << join "-" inputs.l >>', "b p-q-r"),
        ("<< seq 0 2 9 >> << until 3 >> << untilStep 10 1 -3 >>", "0 2 4 6 8 [0 1 2] [10 7 4]"),
        ("<< div -7 2 >> << mod -7 3 >> << int 3.9 >>", "-3 -1 3"),
        ("<< toYaml inputs.m >>", 'a: "1"\nb:\n  c: 2\n'),
        ("<< toYaml inputs.s >>", "str\n"),
        ("<< toJson inputs.m >>", '{"a":"1","b":{"c":2}}'),
        ('<< slugify "feat/some-branch_NAME.x & y" >>', "feat-some-branch_name-x-and-y"),
        (f'<< slugify "{"a" * 34}-{"b" * 31}" >>', "a" * 34),
        ('<< dig "m" "zz" "def" inputs >> << index inputs.l 1 >>', "def q"),
        ('<< ternary "a" "b" (eq inputs.n 3) >> << eq inputs.s "x" "str" >>', "a true"),
        ("<< and inputs.t inputs.s >> << or 0 inputs.e >> << not inputs.e >>", "str  true"),
        ("<< $x := 1 >><< $x = 2 >><< $x >>", "2"),
        ("<< range $k, $v := inputs.m >><< $k >>,<< end >>", "a,b,"),
        ('<< range inputs.l >><< if eq . "q" >><< continue >><< end >><< . >><< end >>', "pr"),
        ("<< range $i, $e := inputs.l >><< if eq $i 1 >><< break >><< end >><< $e >><< end >>", "p"),
        ("<< range inputs.q.nul >>a<< else >>none<< end >>", "none"),
        ("<< with inputs.e >>a<< else with inputs.s >><< . >><< end >>", "str"),
        ("<< if false >>a<< else if inputs.t >>b<< end >>", "b"),
        ("a <<- if inputs.t ->> b <<- else ->> c << end >>|", "ab|"),
        ("x <<- /* c >> */ ->> y", "xy"),
        ('<< "a >> b" >>', "a >> b"),
        ("<<-3>>", "-3"),
        ("<< 'a' >> << `raw` >>", "97 raw"),
    ],
)
def test_a_template_gives_what_go_gives(template, expected):
    assert text(template) == expected


@pytest.mark.parametrize(
    ("template", "offset", "message"),
    [
        ("ab << inputs.zz >>", 6, 'map has no entry for key "zz"'),
        ("<< inputs.s.x >>", 3, "x is taken of what is no map"),
        ("<< upper 3 >>", 3, "expected string"),
        ("<< eq 1 1.0 >>", 3, "incompatible types for comparison"),
        ("<< if inputs.t >>x", 0, "`if` has no end"),
        ("x << end >>", 2, "unexpected"),
        ('<< "open >>', 3, "unterminated quoted string"),
        ("a << b", 2, "unclosed action"),
        ("<< $y >>", 3, "undefined variable: $y"),
        ('<< fail "no" >>', 3, "no"),
        ("<< >>", 0, "missing value for command"),
    ],
)
def test_what_go_refuses_is_refused_with_its_place(template, offset, message):
    with pytest.raises(TemplateError, match=message.replace("$", r"\$")) as raised:
        text(template)
    assert raised.value.offset == offset


@pytest.mark.parametrize(
    ("template", "offset"),
    [
        ('x<< define "t" >>a<< end >>', 4),
        ('<< regexMatch "a" "b" >>', 3),
        ("<< keys inputs.m >>", 3),
        ('<< slugify "Bär" >>', 3),
        ('<< printf "%T" 1 >>', 3),
    ],
)
def test_what_cannot_be_known_here_is_no_error_of_the_template(template, offset):
    with pytest.raises(Unsupported) as raised:
        text(template)
    assert raised.value.offset == offset


def test_every_part_of_the_output_knows_what_made_it():
    output = execute("a << inputs.s >>-<< inputs.n >>", Value(INPUTS))
    assert [(part.text, part.start, part.end, part.literal) for part in output.parts] == [
        ("a ", 0, 2, True),
        ("str", 2, 16, False),
        ("-", 16, 17, True),
        ("3", 17, 31, False),
    ]


def test_a_template_without_end_is_bounded():
    with pytest.raises(Unsupported, match="4 MiB"):
        text("<< range 100000 >><< range 100000 >>xxxxxxxxxxxxxxxx<< end >><< end >>")
