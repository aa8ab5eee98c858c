import re

import pytest

from indexer.errors import ExitCode, FluxidxError, NotFound
from indexer.query.names import Name, find, parse, parse_many, parse_unit


def found(scope, *words, namespace=None):
    return [
        (row["cluster"], row["kind"], row["namespace"], row["name"])
        for row in find(scope, parse(words, namespace))
        if row["cluster"] == "prod"
    ]


@pytest.mark.parametrize(
    ("words", "namespace", "name"),
    [
        (["deploy/api"], None, Name("deploy", None, "api")),
        (["deploy", "api"], None, Name("deploy", None, "api")),
        (["deploy/shop/api"], None, Name("deploy", "shop", "api")),
        (["deploy/api"], "shop", Name("deploy", "shop", "api")),
        (["deploy/shop/api"], "shop", Name("deploy", "shop", "api")),
        (["clusterrole/system:admin"], None, Name("clusterrole", None, "system:admin")),
    ],
)
def test_an_object_is_named_in_three_ways(words, namespace, name) -> None:
    assert parse(words, namespace) == name


@pytest.mark.parametrize(
    "words", [["api"], ["a/b/c/d"], ["/api"], ["deploy/"], ["a", "b", "c"], ["deploy/shop", "api"]]
)
def test_anything_else_is_a_mistake_that_shows_the_right_way(words) -> None:
    with pytest.raises(FluxidxError, match="KIND/NAME, KIND NAME or KIND/NAMESPACE/NAME") as caught:
        parse(words)
    assert caught.value.exit_code == ExitCode.ENVIRONMENT


def test_a_name_alone_is_told_how_to_ask_for_any_kind(fleet) -> None:
    with pytest.raises(FluxidxError, match=r"or '\*/api' for any kind$"):
        parse(["api"])
    assert ("prod", "Deployment", "shop", "api") in found(fleet.scope, "*/api")


def test_two_namespaces_are_one_too_many() -> None:
    with pytest.raises(FluxidxError, match="-n says other"):
        parse(["deploy/shop/api"], "other")


def test_a_kind_and_a_name_find_the_object(fleet) -> None:
    assert found(fleet.scope, "deploy/api") == [("prod", "Deployment", "shop", "api")]
    assert found(fleet.scope, "Deployments.apps", "api") == [("prod", "Deployment", "shop", "api")]
    assert found(fleet.scope, "widgets/gear") == [("prod", "Widget", "shop", "gear")]


def test_namespace_bar_is_the_namespace(fleet) -> None:
    assert found(fleet.scope, "namespace/bar") == [("prod", "Namespace", "", "bar")]


def test_a_namespace_narrows_and_does_not_hide_what_lives_outside_namespaces(fleet) -> None:
    assert found(fleet.scope, "deploy/api", namespace="shop") == [("prod", "Deployment", "shop", "api")]
    assert found(fleet.scope, "ns/bar", namespace="shop") == [("prod", "Namespace", "", "bar")]
    with pytest.raises(NotFound):
        found(fleet.scope, "deploy/api", namespace="other")


def test_an_object_without_namespace_is_in_default(fleet) -> None:
    assert found(fleet.scope, "deploy/default/lonely") == [("prod", "Deployment", "", "lonely")]


def test_a_known_namespace_in_place_of_a_kind_means_any_kind(fleet) -> None:
    assert found(fleet.scope, "shop/api") == [
        ("prod", "Deployment", "shop", "api"),
        ("prod", "GitRepository", "shop", "api"),
    ]


def test_a_star_stands_for_any_text_and_nothing_else_does(fleet) -> None:
    assert [name for *_, name in found(fleet.scope, "deploy/api*")] == ["api", "api-worker"]
    assert [name for *_, name in found(fleet.scope, "deploy/*worker")] == ["api-worker"]
    assert [name for *_, name in found(fleet.scope, "*/gear")] == ["gear"]
    for pattern in ("deploy/ap?", "deploy/[a]pi", "deploy/a.i"):
        with pytest.raises(NotFound):
            found(fleet.scope, pattern)


def test_a_cluster_narrows(fleet) -> None:
    assert {row["cluster"] for row in find(fleet.scope, Name("ns", None, "bar"))} == {"prod", "test"}
    assert {row["cluster"] for row in find(fleet.of("test"), Name("ns", None, "bar"))} == {"test"}
    with pytest.raises(FluxidxError, match=r"no cluster 'tset' in this repository; there is: prod, test"):
        fleet.of("tset")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["deplyoment/api"], "'deplyoment' is neither a kind nor a namespace.*did you mean deployment/api\\?"),
        (["deploy/apl"], "no Deployment 'apl' in the index.*did you mean deployment/api in shop"),
        (["deploy/other/api"], "no Deployment 'api' in namespace other.*did you mean deployment/api in shop\\?"),
        (["cm/gear"], "no ConfigMap 'gear'.*did you mean widget/gear in shop\\?"),
        (["ks/flux-system"], "is an entry point of cluster prod: it is applied by hand from clusters/prod/sync.yaml:3"),
        (["deploy/nowhere"], "2 units could not be rendered and may define it: flux-system/broken"),
    ],
)
def test_near_misses_help(fleet, words, message) -> None:
    with pytest.raises(NotFound) as caught:
        find(fleet.scope, parse(words))
    assert caught.value.exit_code == ExitCode.FINDINGS
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)


def test_a_unit_is_named_in_full() -> None:
    assert parse_unit("ks/flux-system/apps") == (frozenset({"Kustomization"}), "flux-system", "apps")
    for text in ("ks/apps", "nonsense/a/b", "ks//b"):
        with pytest.raises(FluxidxError, match="KIND/NAMESPACE/NAME"):
            parse_unit(text)


def test_a_kind_alone_is_all_of_that_kind_where_a_list_is_asked_for() -> None:
    assert parse_many(["cm"], "shop") == Name("cm", "shop", "*")
    assert parse_many(["cm/a"]) == parse(["cm/a"])
