"""Expanding text by text gives what a round trip of the whole object gives, or declines."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.flux.leafwise import leafwise
from indexer.flux.postbuild import PostBuildError, Template, Variable, Variables, substitute
from indexer.manifest.compose import parse_stream
from indexer.manifest.history import contributions
from indexer.manifest.node import Mapping
from indexer.manifest.scalars import to_data

KNOWN = {
    "A": "one",
    "B": "two words",
    "C": "",
    "D": "7",
    "E": "a: b",
    "F": "x #y",
    "G": "true",
    "H": "q'\"\\",
    "I": "- z",
}


def mapping(data: object) -> Mapping:
    root = parse_stream(json.dumps(data).encode(), "a.yaml")[0].node
    assert isinstance(root, Mapping)
    return root


def variables(values: dict[str, str]) -> Variables:
    return Variables({name: Variable(value, "inline", None) for name, value in values.items()})


def expanded(data: object, values: dict[str, str]) -> object:
    """Data and contributions, or the message of the failure."""
    try:
        done = substitute(Template(mapping(data)), variables(values))
    except PostBuildError as error:
        return str(error)
    made = [(one.role, one.operation, one.span, one.fields) for one in contributions(done.root)]
    return to_data(done.root), made, done.substitutions, done.unknown


PIECES = st.sampled_from(
    [
        *(f"${{{name}}}" for name in (*KNOWN, "Z", "Z:=z", "Z:-a b")),
        *("$${A}", "$", "${A", "}", "a", "host.", " ", "/", ":", "#", "-", "'", '"', "\\", "\n", "\n  "),
        *("1", "true", "{{ x }}", "é", "long " * 9),
    ]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=6).map("".join)
OBJECTS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "${A}", "d.e/f"]),
    st.recursive(
        TEXTS | st.integers() | st.booleans() | st.none(), lambda below: st.lists(below, max_size=3), max_leaves=5
    )
    | st.dictionaries(st.sampled_from(["k", "l"]), TEXTS, max_size=2),
    min_size=1,
    max_size=4,
)


@given(OBJECTS)
def test_text_by_text_is_as_good_as_the_whole(data: object) -> None:
    quick = expanded(data, KNOWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.flux.leafwise.leafwise", lambda *_: None)
        assert quick == expanded(data, KNOWN)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("app.${A}.org", "app.one.org"),
        ("${B}", "two words"),
        ("${D}", 7),
        ("${G}", True),
        ("^v(.*)${C}$", "^v(.*)$"),
        ("first\nhost: ${A}\n", "first\nhost: one\n"),
        ("--name=${A}", "--name=one"),
    ],
)
def test_common_texts_stand_alone(text: str, value: object) -> None:
    data = {"a": {"b": [text, "other"]}, "c": ["shared"]}
    done = leafwise(data, [(("a", "b", "0"), text)], lambda expansion: KNOWN.get(expansion.name))
    assert done == {"a": {"b": [value, "other"]}, "c": ["shared"]}
    assert done["c"] is data["c"]


@pytest.mark.parametrize("text", ["${E}", "${F}", "${I}", "${A", "a ${A:=\nb}", "${A}\nb", "word " * 20 + "${A}"])
def test_what_may_have_an_effect_elsewhere_is_declined(text: str) -> None:
    assert leafwise({"a": text}, [(("a",), text)], lambda expansion: KNOWN.get(expansion.name)) is None


def test_a_key_is_declined() -> None:
    assert leafwise({"${A}": "b"}, [(("${A}",), "${A}")], lambda _: "one") is None
