"""What the text of a scalar means to go-yaml v3 and v2."""

import math

import pytest

from indexer.manifest.compose import parse
from indexer.manifest.errors import DuplicateKeyError, NonStringKeyError, UndecodableError
from indexer.manifest.gojson import dumps
from indexer.manifest.gonumber import float32_text, float_text, json_float_text
from indexer.manifest.node import Scalar, Style
from indexer.manifest.scalars import resolve, tag_of, to_data, to_data_11


def root(text):
    return parse(text.encode(), "f.yaml")[0].node


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [
        ("true", "!!bool", True), ("FALSE", "!!bool", False), ("yes", "!!str", "yes"), ("on", "!!str", "on"),
        ("", "!!null", None), ("~", "!!null", None), ("Null", "!!null", None), ("nULL", "!!str", "nULL"),
        ("0644", "!!int", 420), ("0o17", "!!int", 15), ("0x1F", "!!int", 31), ("0b11", "!!int", 3),
        ("-0b11", "!!int", -3), ("0b-1", "!!int", -1), ("0o-7", "!!int", -7), ("1_000", "!!int", 1000),
        ("+1", "!!int", 1), ("-0", "!!int", 0), ("0_", "!!int", 0),
        ("18446744073709551615", "!!int", 18446744073709551615),
        ("+18446744073709551615", "!!float", 1.8446744073709552e19),
        ("18446744073709551616", "!!float", 1.8446744073709552e19),
        ("-9223372036854775808", "!!int", -9223372036854775808),
        ("-9223372036854775809", "!!float", -9223372036854775808.0),
        ("1e3", "!!float", 1000.0), ("08", "!!float", 8.0), ("1e400", "!!str", "1e400"), (".5", "!!float", 0.5),
        (".5_0", "!!float", 0.5), ("._5", "!!str", "._5"), ("1.", "!!float", 1.0), ("1_.5", "!!float", 1.5),
        ("0x", "!!str", "0x"), ("0b2", "!!str", "0b2"), ("0o8", "!!str", "0o8"), ("1:30", "!!str", "1:30"),
        ("-", "!!str", "-"), ("+", "!!str", "+"), (".", "!!str", "."), ("1.2.3", "!!str", "1.2.3"),
        ("9" * 400, "!!str", "9" * 400),
        ("2020-01-01", "!!timestamp", "2020-01-01T00:00:00Z"),
        ("2020-1-2", "!!timestamp", "2020-01-02T00:00:00Z"),
        ("2020-1-2T3:4:5.10Z", "!!timestamp", "2020-01-02T03:04:05.1Z"),
        ("2020-01-02t03:04:05+01:30", "!!timestamp", "2020-01-02T03:04:05+01:30"),
        ("2020-01-02T03:04:05-00:00", "!!timestamp", "2020-01-02T03:04:05Z"),
        ("2020-01-02 03:04:05", "!!timestamp", "2020-01-02T03:04:05Z"),
        ("2020-01-02 03:04:05Z", "!!str", "2020-01-02 03:04:05Z"),
        ("2020-01-02T03:04:05", "!!str", "2020-01-02T03:04:05"),
        ("2020-02-30", "!!str", "2020-02-30"), ("2024-02-29", "!!timestamp", "2024-02-29T00:00:00Z"),
        ("2020-01-02T24:00:00Z", "!!str", "2020-01-02T24:00:00Z"), ("20-01-01", "!!str", "20-01-01"),
    ],
)  # fmt: skip
def test_plain_text(text, tag, value):
    data = to_data(Scalar(text))
    assert (resolve(text), data, type(data)) == (tag, value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("No", False), ("on", True), ("OFF", False), ("y", True), ("N", False), ("true", True),
        ("0644", 420), ("0o17", 15), ("0o-7", "0o-7"), ("0b-1", -1), ("1e3", 1000.0), ("~", None),
        ("2020-01-01", "2020-01-01"), ("1:30", "1:30"), ("1_0", 10),
    ],
)  # fmt: skip
def test_plain_text_in_yaml_11(text, value):
    data = to_data_11(Scalar(text))
    assert (data, type(data)) == (value, type(value))


def test_quoted_and_block_text_is_text():
    for style in (Style.SINGLE, Style.DOUBLE, Style.LITERAL, Style.FOLDED):
        assert tag_of(Scalar("1", style=style)) == "!!str"
        assert to_data(Scalar("1", style=style)) == to_data_11(Scalar("1", style=style)) == "1"


def test_tags():
    text = "a: !!str 1\nb: !!int '5'\nc: !!float 3\nd: !!binary aGk=\ne: !custom 1\nf: !!bool 'true'\ng: !!null ''\n"
    assert to_data(root(text)) == {"a": "1", "b": 5, "c": 3.0, "d": "hi", "e": "1", "f": True, "g": None}
    assert isinstance(to_data(root(text))["c"], float)
    assert tag_of(root("<<")) == "!!merge"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!int abc", "yaml: cannot decode !!str `abc` as a !!int"),
        ("a: !!int 1.5", "yaml: cannot decode !!float `1.5` as a !!int"),
        ("a: !!bool yes", "yaml: cannot decode !!str `yes` as a !!bool"),
        ("a: !!binary '*'", "yaml: !!binary value contains invalid base64 data"),
        ("a: .inf", "json: unsupported value: +Inf"),
        ("a: -.Inf", "json: unsupported value: -Inf"),
        ("a: .nan", "json: unsupported value: NaN"),
    ],
)
def test_what_cannot_be_decoded(text, message):
    with pytest.raises(UndecodableError, match=r"^f.yaml:1:4: ") as caught:
        to_data(root(text))
    assert caught.value.go_message == message


def test_keys():
    assert to_data(root("1: a\nyes: b\n? \n: c\n")) == {"1": "a", "yes": "b", "": "c"}
    assert to_data(root("a: {'1': b, !!str 2: c}\n")) == {"a": {"1": "b", "2": "c"}}
    for text in ("a: {1: b}", "a: {true: b}", "a: {~: b}", "a: {2020-01-01: b}", "a: {1.5: b}", "~: a"):
        with pytest.raises(NonStringKeyError):
            to_data(root(text))
    keys = to_data_11(root("1: a\n1.5: b\nyes: c\n2020-01-01: d\n1e40: e\n'x': f\n"))
    assert list(keys) == ["1", "1.5", "true", "2020-01-01", ".inf", "x"]
    with pytest.raises(NonStringKeyError):
        to_data_11(root("~: a"))


def test_duplicate_keys():
    with pytest.raises(DuplicateKeyError, match=r'^f.yaml:3:3: mapping key "b" already defined at line 2'):
        to_data(root("a:\n  b: 1\n  b: 2\n"))
    assert to_data_11(root("a: 1\nb: 2\na: 3\n")) == {"a": 3, "b": 2}


def test_a_value_left_out_in_a_flow_mapping_is_an_empty_string():
    assert to_data(root("{a: , b: [~], c: {d: }}")) == {"a": "", "b": [None], "c": {"d": ""}}
    assert to_data(root("a:\nb: [{c: }]\n")) == {"a": None, "b": [{"c": ""}]}
    assert to_data_11(root("{a: }")) == {"a": None}


@pytest.mark.parametrize(
    ("value", "general", "json", "narrow"),
    [
        (1.0, "1", "1", "1"), (-0.0, "-0", "-0", "-0"), (0.1, "0.1", "0.1", "0.1"),
        (1e20, "1e+20", "1" + "0" * 20, "1e+20"), (1e21, "1e+21", "1e+21", "1e+21"),
        (1e-7, "1e-07", "1e-7", "1e-07"), (1e-5, "1e-05", "0.00001", "1e-05"),
        (0.0001, "0.0001", "0.0001", "0.0001"), (123456.5, "123456.5", "123456.5", "123456.5"),
        (1234567.5, "1.2345675e+06", "1234567.5", "1.2345675e+06"), (-2.5e-10, "-2.5e-10", "-2.5e-10", "-2.5e-10"),
        (1.7976931348623157e308, "1.7976931348623157e+308", "1.7976931348623157e+308", ".inf"),
        (-1e300, "-1e+300", "-1e+300", "-.inf"), (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004", "0.3"),
    ],
)  # fmt: skip
def test_floats_as_go_prints_them(value, general, json, narrow):
    assert (float_text(value), json_float_text(value), float32_text(value)) == (general, json, narrow)


def test_not_a_number_as_a_key():
    assert float32_text(math.nan) == ".nan"


def test_json_as_go_writes_it():
    data = {"b": [1, -2, 1.5, 1e3, None, True, False], "a": {"<&>": '\u2028\x01\b\f\n\r\t"\\é😀\x7f'}, "c": {}, "d": []}
    assert dumps(data) == (
        '{"a":{"\\u003c\\u0026\\u003e":"\\u2028\\u0001\\b\\f\\n\\r\\t\\"\\\\é😀\x7f"},'
        '"b":[1,-2,1.5,1000,null,true,false],"c":{},"d":[]}'
    )
    assert dumps({"é": 1, "z": 2, "Z": 3, "😀": 4, "\uffff": 5}) == '{"Z":3,"z":2,"é":1,"\uffff":5,"😀":4}'
    with pytest.raises(ValueError, match="json: unsupported value: NaN"):
        dumps([math.nan])
