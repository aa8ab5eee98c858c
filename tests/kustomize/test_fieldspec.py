import re

import pytest

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import Create, FieldSpec, apply, merge_specs, set_scalar, split_path
from indexer.kustomize.resid import Gvk
from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping, Node
from indexer.manifest.scalars import to_data


def tree(text: str) -> Mapping:
    node = parse(text.encode(), "f.yaml")[0].node
    assert isinstance(node, Mapping)
    return node


def setter(text: str):
    def set_(node: Node) -> Node:
        return set_scalar(node, text, None, None, None)

    return set_


def test_a_slash_can_be_escaped() -> None:
    assert split_path("metadata/annotations/a.b\\/c") == ("metadata", "annotations", "a.b/c")
    assert split_path("/spec/replicas") == ("spec", "replicas")


def test_every_item_of_a_sequence_is_visited() -> None:
    root = tree("spec: {containers: [{image: a}, {image: b}, {name: c}]}")
    new = apply(root, FieldSpec("spec/containers/image"), setter("x"), Create.SCALAR, str)
    assert to_data(new) == {"spec": {"containers": [{"image": "x"}, {"image": "x"}, {"name": "c"}]}}


def test_a_missing_field_is_made_only_where_the_spec_says_so() -> None:
    root = tree("kind: A")
    assert apply(root, FieldSpec("spec/replicas"), setter("3"), Create.SCALAR, str) is root
    made = apply(root, FieldSpec("spec/replicas", create=True), setter("3"), Create.SCALAR, str)
    assert to_data(made) == {"kind": "A", "spec": {"replicas": 3}}


def test_brackets_never_create_but_turn_null_into_a_list() -> None:
    root = tree("spec: {containers: null}")
    new = apply(root, FieldSpec("spec/containers[]/image"), setter("x"), Create.SCALAR, str)
    assert to_data(new) == {"spec": {"containers": []}}


def test_a_quoted_value_stays_a_string() -> None:
    root = tree("spec: {replicas: '1'}")
    new = apply(root, FieldSpec("spec/replicas"), setter("3"), Create.SCALAR, str)
    assert to_data(new) == {"spec": {"replicas": "3"}}


def test_the_new_value_remembers_the_old_one() -> None:
    root = tree("spec: {replicas: 1}")
    new = apply(root, FieldSpec("spec/replicas"), setter("3"), Create.SCALAR, str)
    spec = new.get("spec")
    assert isinstance(spec, Mapping)
    replicas, old = spec.get("replicas"), root.get("spec")
    assert replicas is not None
    assert isinstance(old, Mapping)
    assert replicas.prev is old.get("replicas")


def test_a_scalar_on_the_way_is_an_error_that_names_the_object() -> None:
    with pytest.raises(KustomizeError) as caught:
        apply(tree("spec: text"), FieldSpec("spec/replicas"), setter("3"), Create.SCALAR, lambda: "Some/id")
    assert str(caught.value) == "considering field 'spec/replicas' of object Some/id: expected sequence or mapping node"
    assert str(caught.value.span) == "f.yaml:1:7"


def test_specs_merge_unless_they_contradict() -> None:
    a = FieldSpec("spec/x", Gvk("", "", "A"))
    assert merge_specs((a,), [a, FieldSpec("spec/y")]) == (a, FieldSpec("spec/y"))
    with pytest.raises(KustomizeError, match="conflicting fieldspecs"):
        merge_specs((a,), [FieldSpec("spec/x", Gvk("", "", "A"), create=True)])


@pytest.mark.parametrize(("path", "expected"), [("", ("",)), ("/", ("",)), ("\\/a", ("/a",)), ("/\\/a", ("/a",))])
def test_a_leading_slash_means_nothing_unless_it_is_all(path: str, expected: tuple[str, ...]) -> None:
    assert split_path(path) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "cannot set or create an empty field name"),
        ("spec/[]/image", "cannot set or create an empty field name"),
        ("spec/0", "fieldName: 0: wrong node kind: expected SequenceNode but got MappingNode"),
        ("spec/-", "fieldName: -: wrong node kind: expected SequenceNode but got MappingNode"),
        ("spec/-1", "fieldName: -1: array index -1 cannot be negative"),
        ("spec/list/0/image", "fieldName: 0: wrong node kind: expected SequenceNode but got MappingNode"),
        ("spec/list/[image=a]/image", "fieldName: [image=a]: wrong node kind: expected SequenceNode"),
        ("spec/list/*/image", "fieldName: *: wildcard is not supported in PathGetter"),
        ("spec/[x]", "list path element must contain fieldName=fieldValue for element to match"),
    ],
)
def test_a_part_that_names_no_field_is_refused(path: str, message: str) -> None:
    root = tree('spec: {"0": a, list: [{image: a}]}')
    with pytest.raises(KustomizeError, match=re.escape(message)):
        apply(root, FieldSpec(path), setter("x"), Create.SCALAR, str)


def test_blanks_around_a_name_mean_nothing() -> None:
    root = tree("spec: {image: a}")
    for path in ("spec/ image ", "spec/ /image"):
        new = apply(root, FieldSpec(path), setter("x"), Create.SCALAR, str)
        assert to_data(new) == {"spec": {"image": "x"}}
