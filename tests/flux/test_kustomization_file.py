"""The kustomization file at a Kustomization's path, as the controller reads it before kustomize does."""

import pytest
from flux_fleet import config_map, kustomization, sync

from indexer.flux.model import UnitState


def rendered(fleet, text):
    fleet.write(
        **{
            "clusters/prod/flux-system/gotk-sync.yaml": sync("prod"),
            "clusters/prod/app.yaml": kustomization("app", "./app"),
            "app/kustomization.yaml": text,
            "app/a.yaml": config_map("a"),
            "app/b.yaml": config_map("b"),
        }
    )
    return fleet.units()["app"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("resources: [b.yaml]\nresources: [a.yaml]\n", ["a"]),
        ("resources: [a.yaml]\nRESOURCES: [b.yaml]\n", ["a"]),
        ("RESOURCES: [b.yaml]\nresources: [a.yaml]\n", ["a"]),
        ("resources: [a.yaml]\nnameprefix: r-\nNamePrefix: q-\n", ["r-a"]),
    ],
)
def test_of_one_key_in_several_spellings_the_last_in_the_order_of_their_bytes_counts(fleet, text, names):
    assert [obj.id.name for obj in rendered(fleet, text).objects] == names


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n", "--- ~\n", "{}\n"])
def test_a_file_with_nothing_in_it_builds_nothing(fleet, text):
    app = rendered(fleet, text)
    assert (app.state, app.objects) == (UnitState.RENDERED, ())


def test_a_directory_in_the_place_of_the_file_that_is_made_fails(fleet):
    fleet.write(
        **{
            "clusters/prod/flux-system/gotk-sync.yaml": sync("prod"),
            "clusters/prod/app.yaml": kustomization("app", "./app"),
            "app/kustomization.yaml/a.yaml": config_map(),
        }
    )
    app = fleet.units()["app"]
    assert app.state is UnitState.FAILED
    assert app.reason.startswith("clusters/prod/app.yaml:5:9: app/kustomization.yaml is a directory")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("secretGenerator: [{name: g, type: 5, literals: [a=b], options: {disableNameSuffixHash: true}}]\n", ["g"]),
        ("generatorOptions: {labels: {a: 5}, disableNameSuffixHash: true}\nconfigMapGenerator: [{name: g}]\n", ["g"]),
        ("resources: [a.yaml]\npatches: [{target: {labelSelector: 5}, patch: '[]'}]\n", ["a"]),
        ("configMapGenerator: [{name: 5}]\n", None),
        ("configMapGenerator: [{name: g, literals: [a=b, yes]}]\n", None),
        ("configMapGenerator: [{name: g, options: {labels: {a: 5}}}]\n", None),
        ("resources: [a.yaml]\npatches: [{target: {name: 5}, patch: '[]'}]\n", None),
    ],
)
def test_numbers_become_texts_but_not_where_go_embeds_a_struct(fleet, text, names):
    app = rendered(fleet, text)
    if names is None:
        assert app.state is UnitState.FAILED
        assert app.reason.startswith("app/kustomization.yaml:")
    else:
        assert [obj.id.name for obj in app.objects] == names
