from collections.abc import Callable

import pytest

from indexer.kustomize.build import Build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.scalars import to_data

BuildFiles = Callable[..., Build]
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 1}\n"
SELECTOR = ("spec", "selector", "matchLabels")
TEMPLATE = ("spec", "template", "metadata", "labels")
METADATA = ("metadata", "labels")


@pytest.mark.parametrize(
    ("field", "paths"),
    [
        ("labels: [{pairs: {a: b}}]", [METADATA]),
        ("labels: [{pairs: {a: b}, includeTemplates: true}]", [METADATA, TEMPLATE]),
        ("labels: [{pairs: {a: b}, includeSelectors: true}]", [METADATA, SELECTOR, TEMPLATE]),
        ("commonLabels: {a: b}", [METADATA, SELECTOR, TEMPLATE]),
        ("labels: [{pairs: {a: b}, fields: [{path: spec/selector/matchLabels, create: true}]}]", [METADATA, SELECTOR]),
    ],
)
def test_where_labels_go(build_files: BuildFiles, field: str, paths: list[tuple[str, ...]]) -> None:
    (res,) = build_files({"kustomization.yaml": f"resources: [d.yaml]\n{field}", "d.yaml": DEPLOYMENT}).resources
    assert [path for path in (METADATA, SELECTOR, TEMPLATE) if text_at(res.root, *path, "a") == "b"] == paths


def test_a_label_is_a_string_and_stands_at_its_value(build_files: BuildFiles) -> None:
    files = {"kustomization.yaml": "resources: [d.yaml]\ncommonLabels:\n  a: '1'\n", "d.yaml": DEPLOYMENT}
    (res,) = build_files(files).resources
    assert to_data(res.root)["metadata"]["labels"] == {"a": "1"}
    node = find(res.root, *METADATA, "a")
    assert node is not None
    assert str(node.span) == "kustomization.yaml:3:6"


def test_what_was_added_to_several_places_changes_in_all_of_them(build_files: BuildFiles) -> None:
    files = {
        "base/kustomization.yaml": "resources: [d.yaml]\ncommonLabels: {a: base}",
        "base/d.yaml": DEPLOYMENT,
        "over/kustomization.yaml": "resources: [../base]\nlabels: [{pairs: {a: over}}]",
    }
    (res,) = build_files(files, "over").resources
    assert [text_at(res.root, *path, "a") for path in (METADATA, SELECTOR, TEMPLATE)] == ["over"] * 3


def test_an_annotation_goes_to_the_object_and_its_pods(build_files: BuildFiles) -> None:
    files = {"kustomization.yaml": "resources: [d.yaml]\ncommonAnnotations: {a: b}", "d.yaml": DEPLOYMENT}
    (res,) = build_files(files).resources
    assert res.annotations == {"a": "b"}
    assert text_at(res.root, "spec", "template", "metadata", "annotations", "a") == "b"


def test_field_specs_that_contradict_a_table(build_files: BuildFiles) -> None:
    field = "labels: [{pairs: {a: b}, fields: [{path: metadata/labels}]}]"
    with pytest.raises(KustomizeError, match="failed to merge labels: conflicting fieldspecs"):
        build_files({"kustomization.yaml": f"resources: [d.yaml]\n{field}", "d.yaml": DEPLOYMENT})
