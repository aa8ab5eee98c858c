"""Selectors of patches and replacements."""

from __future__ import annotations

import pytest

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.kustomization import SELECTOR
from indexer.kustomize.labelselector import parse_selector
from indexer.kustomize.nodes import put, string
from indexer.kustomize.record import decode
from indexer.kustomize.regexp import anchored
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selector import Selector, select
from indexer.manifest.compose import parse
from indexer.manifest.node import Mapping


def node(text: str) -> Mapping:
    found = parse(text.encode(), "f.yaml")[0].node
    assert isinstance(found, Mapping)
    return found


def selector(text: str) -> Selector:
    return Selector.from_record(decode(node(text), SELECTOR))


RESOURCES = ResMap(
    Resource(node(text))
    for text in (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, labels: {app: x}}}",
        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: api-db, namespace: shop}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, annotations: {a: b}}}",
    )
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("{}", ["Deployment", "StatefulSet", "Namespace"]),
        ("{name: api}", ["Deployment"]),
        ("{name: api.*}", ["Deployment", "StatefulSet"]),
        ("{kind: Deployment|Namespace}", ["Deployment", "Namespace"]),
        ("{group: apps, version: v1}", ["Deployment", "StatefulSet"]),
        ("{namespace: default}", ["Deployment"]),
        ("{namespace: shop}", ["StatefulSet"]),
        ("{name: '(?i)API'}", ["Deployment"]),
        ("{name: '(?<n>api)'}", ["Deployment"]),
        ("{labelSelector: app=x}", ["Deployment"]),
        ("{labelSelector: app!=x}", ["StatefulSet", "Namespace"]),
        ("{annotationSelector: a in (b)}", ["Namespace"]),
    ],
)
def test_select(text: str, kinds: list[str]) -> None:
    assert [res.id.kind for res in select(RESOURCES, selector(text))] == kinds


def test_the_original_name_selects_too() -> None:
    res = Resource(node("{apiVersion: v1, kind: ConfigMap, metadata: {name: old}}"))
    res.store_previous_id()
    res.root = put(res.root, ("metadata", "name"), string("new"))
    for name in ("old", "new"):
        assert select(ResMap([res]), selector(f"{{name: {name}}}")) == [res]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{name: '*'}", "error parsing regexp: missing argument to repetition operator: `*`"),
        ("{name: 'a**'}", "error parsing regexp: invalid nested repetition operator: `**`"),
        ("{name: 'a{2000}'}", "error parsing regexp: invalid repeat count: `{2000}`"),
        ("{name: '('}", "error parsing regexp: missing closing ): `^(?:()$`"),
        ("{name: '[a'}", "error parsing regexp: missing closing ]: `[a)$`"),
        ("{name: '(?!x)'}", "error parsing regexp: invalid or unsupported Perl syntax: `(?!`"),
        ("{name: '\\1'}", "error parsing regexp: invalid escape sequence: `\\1`"),
    ],
)
def test_bad_regular_expressions(text: str, message: str) -> None:
    with pytest.raises(KustomizeError) as caught:
        selector(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {}, True),
        ("a", {"a": "1"}, True),
        ("!a", {"a": "1"}, False),
        ("a=1,b!=2", {"a": "1"}, True),
        ("a==1, c notin (x, y)", {"a": "1", "c": "x"}, False),
        ("a in (1,2)", {"a": "2"}, True),
        ("a>1", {"a": "2"}, True),
        ("a<1", {"a": "x"}, False),
        ("a=", {"a": ""}, True),
        ("app.kubernetes.io/name=x", {"app.kubernetes.io/name": "x"}, True),
    ],
)
def test_label_selectors(text: str, labels: dict[str, str], matches: bool) -> None:
    assert all(requirement.matches(labels) for requirement in parse_selector(text)) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b", "unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', notin'"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a>x", "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer"),
    ],
)
def test_bad_label_selectors(text: str, message: str) -> None:
    with pytest.raises(KustomizeError) as caught:
        parse_selector(text)
    assert str(caught.value) == message


def test_no_pattern_takes_for_ever() -> None:
    assert not anchored("(a+)+b").search("a" * 60)
    assert anchored("a)|(b").search("b")
