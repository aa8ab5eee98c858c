import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldpath import PathWriter, lookup, replaced_at, split_field_path
from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping, Node, Scalar
from indexer.manifest.scalars import to_data


def tree(text: str) -> Mapping:
    node = parse(text.encode(), "f.yaml")[0].node
    assert isinstance(node, Mapping)
    return node


LIST = tree("l: [{name: nginx, v: 1}, {name: nginx-2, v: 2}, plain, null]\np: [a, b, ab]\nt: '{x: 1}'\nn: null")


def written(path: str, root: Mapping = LIST, leaf: type[Node] | None = None) -> tuple[object, int]:
    writer = PathWriter(lambda _: Scalar("X"), leaf)
    new = writer.write(root, split_field_path(path))
    return to_data(new), writer.hits


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("a.b.c", ("a", "b", "c")),
        (".a.b", ("a", "b")),
        (r"metadata.annotations.a\.b/c", ("metadata", "annotations", "a.b/c")),
        ("metadata.annotations.[a.b/c]", ("metadata", "annotations", "a.b/c")),
        ("l.[name=a.b.c].v", ("l", "[name=a.b.c]", "v")),
        ("l.[name=a].v", ("l", "[name=a]", "v")),
        ("l.[x]", ("l", "[x]")),
        ("l.[a.b", ("l", "a.b")),
        ("", ("",)),
    ],
)
def test_paths_are_split_at_dots_outside_brackets(path: str, segments: tuple[str, ...]) -> None:
    assert split_field_path(path) == segments


@given(st.lists(st.text("ab/-", min_size=1), min_size=1))
def test_escaped_dots_come_back(keys: list[str]) -> None:
    assert split_field_path(".".join(key + r"\.x" for key in keys)) == tuple(key + ".x" for key in keys)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("l.0.v", 1),
        ("l.[name=nginx-2].v", 2),
        ("p.-", "ab"),
        ("p.[=b]", "b"),
        ("l..0.name", "nginx"),
    ],
)
def test_lookup_takes_the_first_literal_match(path: str, found: object) -> None:
    node = lookup(LIST, split_field_path(path))
    assert node is not None
    assert to_data(node) == found


@pytest.mark.parametrize("path", ["x", "l.9", "l.[name=ngin]", "n.x"])
def test_lookup_of_what_is_missing_is_none(path: str) -> None:
    assert lookup(LIST, split_field_path(path)) is None


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("l.*", "wildcard is not supported in PathGetter"),
        ("l.-1", "array index -1 cannot be negative"),
        ("l.x", "wrong node kind: expected MappingNode but got SequenceNode"),
        ("t.x", "wrong node kind: expected MappingNode but got ScalarNode"),
        ("l.[name]", "list path element must contain fieldName=fieldValue for element to match"),
    ],
)
def test_lookup_refuses_what_makes_no_sense(path: str, message: str) -> None:
    with pytest.raises(KustomizeError) as error:
        lookup(LIST, split_field_path(path))
    assert str(error.value) == message


def test_a_selector_writes_to_every_item_whose_field_the_pattern_occurs_in() -> None:
    data, hits = written("l.[name=nginx].v")
    assert hits == 2
    assert isinstance(data, dict)
    assert data["l"][:2] == [{"name": "nginx", "v": "X"}, {"name": "nginx-2", "v": "X"}]


def test_a_selector_of_primitive_items_and_a_wildcard() -> None:
    assert written("p.[=a]", tree("p: [a, b, ab]")) == ({"p": ["X", "b", "X"]}, 2)
    assert written("p.*", tree("p: [a, b]")) == ({"p": ["X", "X"]}, 2)


def test_nothing_is_created_unless_asked() -> None:
    root = tree("a: {}")
    writer = PathWriter(lambda _: Scalar("X"))
    assert writer.write(root, ("a", "b")) is root
    assert writer.hits == 0


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.b.c", {"a": {"b": {"c": "X"}}}),
        ("a.b.0", {"a": {"b": ["X"]}}),
        ("a.b.[name=x].v", {"a": {"b": [{"name": "x", "v": "X"}]}}),
        ("a.b.[=x]", {"a": {"b": ["X"]}}),
    ],
)
def test_creation_makes_the_containers_that_the_path_needs(path: str, data: object) -> None:
    assert written(path, tree("a: {}"), Scalar) == (data, 1)


def test_an_index_can_append_but_not_leave_a_gap() -> None:
    assert written("p.2", tree("p: [a, b]"), Scalar) == ({"p": ["a", "b", "X"]}, 1)
    with pytest.raises(KustomizeError, match="index 3 specified but only 2 elements found"):
        written("p.3", tree("p: [a, b]"), Scalar)


def test_a_selector_that_would_not_match_what_it_creates_is_refused() -> None:
    with pytest.raises(KustomizeError, match="would not match"):
        written("a.[name=x+y].v", tree("a: []"), Scalar)


def test_a_step_into_a_text_counts_but_changes_nothing() -> None:
    root = tree("t: '{x: 1}'")
    assert written("t.x", root) == ({"t": "{x: 1}"}, 1)


def test_what_is_off_the_path_is_shared() -> None:
    root = tree("a: {b: 1}\nc: {d: 2}")
    new = PathWriter(lambda _: Scalar("X")).write(root, ("a", "b"))
    assert isinstance(new, Mapping)
    assert new.get("c") is root.get("c")
    assert to_data(root) == {"a": {"b": 1}, "c": {"d": 2}}


def test_replaced_at_follows_lookup() -> None:
    assert to_data(replaced_at(tree("a: [{n: x}, {n: y, v: 1}]"), ("a", "[n=y]", "v"), Scalar("Z"))) == {
        "a": [{"n": "x"}, {"n": "y", "v": "Z"}]
    }
