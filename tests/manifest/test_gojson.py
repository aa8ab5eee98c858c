"""JSON in Go's form: what differs from Python's, and character by character against a plain statement of the rules."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.manifest.gojson import dumps
from indexer.manifest.gonumber import json_float_text

SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def character(one: str) -> str:
    if "\ud800" <= one <= "\udfff":
        return "\\ufffd"
    if one in SHORT:
        return SHORT[one]
    return f"\\u{ord(one):04x}" if one < " " or one in "<>&\u2028\u2029" else one


def plain(data: object) -> str:
    """The rules of encoding/json, one value after the other."""
    match data:
        case str():
            return f'"{"".join(map(character, data))}"'
        case dict():
            return f"{{{','.join(f'{plain(key)}:{plain(data[key])}' for key in sorted(data))}}}"
        case list():
            return f"[{','.join(map(plain, data))}]"
        case float():
            return json_float_text(data)
        case None:
            return "null"
        case bool():
            return "true" if data else "false"
    return str(data)


TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from('<>&\u2028\u2029\x7f\b\f\n\r\t\0\x1f"\\:,[1.5e-NaN'),
    )
)
LEAVES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXTS, inner))))
def test_every_value_is_written_by_the_rules(data) -> None:
    assert dumps(data) == plain(data)


@pytest.mark.parametrize(
    ("data", "written"),
    [
        ({"b": 1, "a": [True, None], "é": {}}, '{"a":[true,null],"b":1,"é":{}}'),
        (["\b\f\n\r\t\x01\x1f\x7f"], '["\\b\\f\\n\\r\\t\\u0001\\u001f\x7f"]'),
        ("<a href='x'>&\u2028\u2029", "\"\\u003ca href='x'\\u003e\\u0026\\u2028\\u2029\""),
        ("\udc80é", '"\\ufffdé"'),
        (1.0, "1"),
        ([1.5, -0.0, 1e20, 1e21, 1e-6, 1e-7], "[1.5,-0,100000000000000000000,1e+21,0.000001,1e-7]"),
        ({"a": '{"b":1.0,"c":[2.0]}', "d": 3.0}, '{"a":"{\\"b\\":1.0,\\"c\\":[2.0]}","d":3}'),
        (["\\", 2.0, '\\"', 3.0], '["\\\\",2,"\\\\\\"",3]'),
        (["1:2.0", "[3.0", ",NaN"], '["1:2.0","[3.0",",NaN"]'),
    ],
)
def test_what_differs_from_python(data, written) -> None:
    assert dumps(data) == written


@pytest.mark.parametrize(("value", "word"), [(float("inf"), "+Inf"), (-float("inf"), "-Inf"), (float("nan"), "NaN")])
def test_a_number_that_json_does_not_have(value, word) -> None:
    for data in (value, [value], {"a": value}):
        with pytest.raises(ValueError, match=re.escape(f"json: unsupported value: {word}")):
            dumps(data)
