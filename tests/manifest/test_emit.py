"""The bytes that kustomize writes."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.manifest.compose import parse
from indexer.manifest.emit import emit
from indexer.manifest.errors import EmitError
from indexer.manifest.scalars import to_data

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "kustomize"
EXPECTED = sorted(CONFORMANCE.glob("*/expected.yaml"))


def find_kustomize():
    places = [os.environ.get("FLUXIDX_ORACLES"), Path.home() / ".cache" / "fluxidx-oracles"]
    found = [Path(place) / "kustomize" for place in places if place]
    on_path = shutil.which("kustomize")
    return next((str(path) for path in found if path.is_file()), on_path)


KUSTOMIZE = find_kustomize()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"), ("", '""'), ("yes", '"yes"'), ("y", '"y"'), ("1", '"1"'), ("1.5", '"1.5"'), ("~", '"~"'),
        ("0o7", '"0o7"'), ("0x", "0x"), ("0b2", "0b2"), ("1:30", '"1:30"'), ("2020-01-01", '"2020-01-01"'),
        ("<<", "<<"), ("=", "="), ("- a", "'- a'"), ("-a", "-a"), ("a: b", "'a: b'"), ("a:b", "a:b"),
        ("a #b", "'a #b'"), ("a#b", "a#b"), (" a", "' a'"), ("a ", "'a '"), ("it's", "it's"),
        ("'", "''''"), ('"', "'\"'"), ("%", "'%'"),
        ("---", "'---'"), ("...x", "'...x'"), ("a\tb", '"a\\tb"'), ("😀", '"\\U0001F600"'), ("\x01", '"\\x01"'),
        ("\xa0", "\xa0"), ("\ufeffa", '"\\uFEFF\\x61"'), ("a\n", "|\n  a"), ("a\nb", "|-\n  a\n  b"),
        ("a\n\n", "|+\n  a\n"), ("\n", "|2+\n"), (" a\n", "|2\n   a"), ("a \nb", '"a \\nb"'),
        ("a\nb ", '"a\\nb "'), ("a\n\nb", "|-\n  a\n\n  b"),
        ("a\u2028b", "'a\u2028  b'"), ("a\x85b", "a b"), ("a\x85\x85b", "|-\n  a\n  b"),
        (None, "null"), (True, "true"), (False, "false"), (12, "12"), (1.0, "1"), (1.5, "1.5"), (-0.0, "0"),
        (1e20, "1e+20"), (8184467440737095516.0, "8184467440737096000"), (18446744073709551615, "18446744073709551615"),
        ({}, "{}"), ([], "[]"),
    ],
)  # fmt: skip
def test_scalars(value, text):
    assert emit({"k": value}) == f"k: {text}\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"a": {"b": [1, {"c": 2, "d": 3}]}}, "a:\n  b:\n  - 1\n  - c: 2\n    d: 3\n"),
        ({"a": [["x", ["w"]], [{"z": []}]]}, "a:\n- - x\n  - - w\n- - z: []\n"),
        ({"a": ["x\n", "y\n"], "b": "z\n"}, "a:\n- |\n  x\n- |\n  y\nb: |\n  z\n"),
        ({"k" * 129: "v"}, "? " + "k" * 129 + "\n: v\n"),
        ({"k" * 129: ["v", {"a": "b"}]}, "? " + "k" * 129 + "\n: - v\n  - a: b\n"),
        ({"a\nb": {"c": 1}}, "? |-\n  a\n  b\n: c: 1\n"),
        ({"": 1, "no": 2, "a b": 3, "a: b": 4}, '"": 1\na b: 3\n\'a: b\': 4\n"no": 2\n'),
        ([1, 2], "- 1\n- 2\n"),
    ],
)
def test_structure(data, text):
    assert emit(data) == text


def test_keys_are_in_natural_order():
    keys = ["ab", "a_b", "a/b", "a.b", "a-b", "a", "A", "10", "2", "1", "_", "a10", "a9", "a010", "é"]
    order = ["_", "1", "2", "10", "A", "a", "a-b", "a.b", "a/b", "a_b", "a9", "a10", "a010", "ab", "é"]
    assert list(re.findall(r'^"?([^":]+)"?:', emit(dict.fromkeys(keys)), re.MULTILINE)) == order


def test_long_texts_fold_past_column_80():
    words = "word " * 30 + "end"
    assert emit({"k": words}) == ("k: " + ("word " * 16).strip() + "\n  " + ("word " * 14) + "end\n")
    assert emit({"k": "x" * 200}) == "k: " + "x" * 200 + "\n"
    text = "a" * 80 + "  " + "b" + " c"
    assert emit({"k": text}) == "k: " + "a" * 80 + "  b\n  c\n"
    assert emit({"k": "\t" + text}) == 'k: "\\t' + "a" * 80 + '\n  \\ b c"\n'


@pytest.mark.parametrize("text", ["a\x7f", "\uffff", "\x9f", "\ud800"])
def test_what_yaml_cannot_hold(text):
    with pytest.raises(EmitError, match="control characters are not allowed"):
        emit({"a": text})


@pytest.mark.skipif(not EXPECTED, reason="the conformance data is not beside the checkout")
def test_the_expected_outputs_of_kustomize_come_back_byte_for_byte():
    different = []
    for path in EXPECTED:
        text = path.read_bytes().decode()
        documents = parse(text.encode(), str(path))
        if "---\n".join(emit(to_data(d.node)) for d in documents if d.node is not None) != text:
            different.append(path.parent.name)
    assert not different


NASTY = st.sampled_from([
    "a", "b", "foo", "1", "0", "10", "-", "--", "---", "...", ":", ": ", " :", "#", " #", "?", "? ", "- ", " ",
    "  ", "\n", "\n\n", "\t", "\r", '"', "'", "\\", "{", "}", "[", "]", ",", "&", "*", "!", ">", "%", "@", "`",
    "~", "=", "<<", "null", "true", "yes", "no", "on", "0x1", "0o7", "0b1", "1_0", "1e3", ".5", ".inf", "1:30",
    "2020-01-01", "é", "日本", "😀", "\x01", "\x1b", "\x00", "\xa0", "\u2028", "\ufeff", "/", ".", "_",
    "word word word ", "longwordlongwordlongwordlongword", "x y x y x y x y x y x y ", "two  spaces", "it's",
])  # fmt: skip
TEXT = st.lists(NASTY | st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=12).map("".join)
KEY = TEXT.filter(lambda key: key != "<<")
DATA = st.recursive(
    TEXT
    | st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=12,
)


def as_flow(data):
    """Any data as YAML that says nothing but the data: flow style and escapes."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{as_flow(key)}: {as_flow(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(as_flow, data)) + "]"
    if isinstance(data, str):
        return '"' + re.sub(r"[^ !#-\[\]-~]", lambda found: f"\\U{ord(found[0]):08X}", data) + '"'
    return {None: "null", True: "true", False: "false"}[data] if data is None or isinstance(data, bool) else repr(data)


@pytest.mark.skipif(KUSTOMIZE is None, reason="no kustomize in $FLUXIDX_ORACLES, ~/.cache/fluxidx-oracles or PATH")
@settings(max_examples=25, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.lists(DATA, max_size=12), st.lists(st.dictionaries(KEY, TEXT, max_size=4), max_size=3))
def test_the_same_bytes_as_kustomize(tmp_path, specs, contents):
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{i:03}"}, "data": data}
        for i, data in enumerate(contents)
    ] + [
        {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": f"w{i:03}"}, "spec": spec}
        for i, spec in enumerate(specs)
    ]  # fmt: skip
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    (tmp_path / "all.yaml").write_text("\n---\n".join(map(as_flow, objects)), encoding="ascii")
    built = subprocess.run([str(KUSTOMIZE), "build", str(tmp_path)], capture_output=True, check=True, text=True)
    assert "---\n".join(map(emit, objects)).split("\n") == built.stdout.split("\n")
