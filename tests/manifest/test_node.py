"""Positions, sharing and history of nodes."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.manifest.compose import parse
from indexer.manifest.history import Contribution, contributions
from indexer.manifest.node import (
    NOWHERE,
    Mapping,
    Operation,
    Removal,
    Role,
    Scalar,
    Source,
    Span,
    leaves,
    overridden,
    pack,
    pointer,
    relocated,
    span_of,
    stamped,
    unpack,
)
from indexer.manifest.scalars import to_data

SOURCE = Source(None, "a.yaml")
COORDINATE = st.integers(0, 2**24 - 1)


def root(text, file="a.yaml"):
    return parse(text.encode(), file)[0].node


@given(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE))
def test_a_position_comes_back_as_it_was_packed(place):
    assert unpack(pack(*place)) == place


@given(st.tuples(*[COORDINATE] * 4), st.tuples(*[COORDINATE] * 4))
def test_packed_positions_are_ordered_like_places(one, other):
    assert (pack(*one) < pack(*other)) == (one < other)


def test_spans_count_from_one_and_end_inclusive():
    assert span_of(SOURCE, pack(1, 2, 1, 5)) == Span(SOURCE, 2, 3, 2, 5)
    assert span_of(SOURCE, pack(1, 2, 1, 2)) == Span(SOURCE, 2, 3, 2, 3)
    assert Scalar("x").span is None


def test_an_overlay_shares_what_it_does_not_change():
    base = root("a: {b: 1}\nc: {d: 2}\n")
    changed = base.with_field(Scalar("a"), Scalar("new"))
    assert to_data(changed) == {"a": "new", "c": {"d": 2}}
    assert to_data(base) == {"a": {"b": 1}, "c": {"d": 2}}
    assert changed.get("c") is base.get("c")
    assert changed.touched
    assert not base.touched
    assert list(changed.without("a").fields) == ["c"]


def test_pointers_escape():
    assert pointer(("a/b", "c~d", "0")) == "/a~1b/c~0d/0"
    assert pointer(()) == ""


def test_leaves_in_document_order():
    node = root("a: {b: [1, {}], c: []}\nd:\n")
    assert [pointer(path) for path, _ in leaves(node)] == ["/a/b/0", "/a/b/1", "/a/c", "/d"]


def test_history_of_a_field():
    patch = Operation(Role.PATCHES, "strategic merge patch")
    images = Operation(Role.TRANSFORMS, "images")
    base = root("image: a:1\nkeep: x\ngone: y\n")
    first = relocated(root("image: b:2\n", "patch.yaml").get("image"), op=patch, prev=base.get("image"))
    second = relocated(
        Scalar("b:3", source=Source(None, "kustomization.yaml"), pos=pack(4, 2, 4, 5)), op=images, prev=first
    )
    null = root("gone: null\n", "patch.yaml").get("gone")
    built = base.with_field(Scalar("image"), second).without("gone", Removal("gone", base.get("gone"), patch, null))
    assert list(overridden(second)) == [first, base.get("image")]
    assert contributions(built) == (
        Contribution(Role.PATCHES, "strategic merge patch", first.span, ("/image",), overridden=True),
        Contribution(Role.TRANSFORMS, "images", second.span, ("/image",)),
        Contribution(Role.PATCHES, "strategic merge patch", null.span, ("/gone",)),
    )


def test_a_tree_that_one_operation_put_in_place_is_one_contribution():
    patch = Operation(Role.PATCHES, "strategic merge patch")
    base = root("a: 1\n")
    added = stamped(root("b: {c: [1, 2], d: 3}\n", "patch.yaml").get("b"), patch)
    built = base.with_field(Scalar("b"), added)
    assert contributions(built) == (Contribution(Role.PATCHES, patch.name, added.span, ("/b",)),)
    assert contributions(base) == ()


def test_stamped_copies_deeply():
    node = root("a: [1]\na: 2\n")
    operation = Operation(Role.PATCHES, "patch")
    copy = stamped(node, operation)
    assert isinstance(copy, Mapping)
    assert copy.get("a").items[0].op is operation
    assert copy.duplicate[0][1].op is operation
    assert node.get("a").items[0].op is None
    assert copy.source is not NOWHERE
