import pytest

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.hasher import hash_resource
from indexer.kustomize.resource import Resource
from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping


def resource(text: str) -> Resource:
    root = parse(text.encode(), "a.yaml")[0].node
    assert isinstance(root, Mapping)
    return Resource(root, root.span)


def test_only_content_counts() -> None:
    one = resource("kind: ConfigMap\nmetadata: {name: a, labels: {b: c}}\ndata: {x: y}\nimmutable: true\n")
    two = resource("kind: ConfigMap\nmetadata: {name: b}\ndata: {x: 'y'}\n")
    assert hash_resource(one) == hash_resource(two)


def test_a_missing_field_and_an_empty_one_differ() -> None:
    texts = ["", "data:\n", "data: {}\n", "data: {a: 1}\n", "data: {a: 1.0}\n", "data: {a: '1'}\n"]
    found = [hash_resource(resource("kind: ConfigMap\nmetadata: {name: a}\n" + text)) for text in texts]
    assert found[0] == found[1] == "6ct58987ht"
    assert found[3] == found[4]
    assert len(set(found)) == 4


def test_other_kinds_have_none() -> None:
    with pytest.raises(KustomizeError, match="not supported"):
        hash_resource(resource("kind: Pod\nmetadata: {name: a}\n"))
