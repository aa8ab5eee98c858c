from collections.abc import Callable

import pytest

from indexer.kustomize.build import Build
from indexer.kustomize.nodes import find
from indexer.manifest.scalars import to_data

BuildFiles = Callable[..., Build]


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("apps/v1", "Deployment", "a-n-z"),
        ("v1", "Namespace", "n"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "n"),
        ("apiregistration.k8s.io/v1", "APIService", "n"),
        ("example.io/v1", "APIService", "a-n-z"),
    ],
)
def test_names_known_to_the_whole_cluster_stay(
    build_files: BuildFiles, api_version: str, kind: str, expected: str
) -> None:
    files = {
        "kustomization.yaml": "namePrefix: a-\nnameSuffix: -z\nresources: [o.yaml]",
        "o.yaml": f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: n}}\n",
    }
    (res,) = build_files(files).resources
    assert res.id.name == expected


def test_layers_add_to_each_other_and_each_is_remembered(build_files: BuildFiles) -> None:
    files = {
        "base/kustomization.yaml": "namePrefix: b-\nresources: [o.yaml]",
        "base/o.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: n}\n",
        "kustomization.yaml": "namePrefix: a-\nresources: [base]",
    }
    (res,) = build_files(files).resources
    assert (res.id.name, res.original_id.name, res.prefixes) == ("a-b-n", "n", ("b-", "a-"))
    name = find(res.root, "metadata", "name")
    assert name is not None
    assert str(name.span) == "kustomization.yaml:1:13"


def test_a_name_that_a_replacement_sets_afterwards_has_the_type_of_its_text(build_files: BuildFiles) -> None:
    files = {
        "kustomization.yaml": """
            namePrefix: a-
            resources: [o.yaml]
            replacements:
            - {sourceValue: "false", targets: [{select: {kind: Pod}, fieldPaths: [metadata.name, spec.nodeName]}]}
            """,
        "o.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: n}\nspec: {nodeName: m}\n",
    }
    (res,) = build_files(files).resources
    assert to_data(find(res.root, "metadata", "name")) is False
    assert to_data(find(res.root, "spec", "nodeName")) == "false"


def test_metadata_of_nothing_becomes_a_mapping(build_files: BuildFiles) -> None:
    files = {
        "kustomization.yaml": "namePrefix: a-\nresources: [o.yaml]",
        "o.yaml": "apiVersion: e/v1\nkind: PodList\nmetadata:\n",
    }
    (res,) = build_files(files).resources
    assert to_data(find(res.root, "metadata")) == {}


def test_what_was_renamed_has_annotations_to_write_to(build_files: BuildFiles) -> None:
    files = {
        "kustomization.yaml": """
            namePrefix: a-
            resources: [o.yaml]
            replacements:
            - sourceValue: x
              targets: [{select: {kind: Pod}, fieldPaths: [metadata.annotations.k], options: {create: true}}]
            """,
        "o.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: n\n  annotations:\n",
    }
    (res,) = build_files(files).resources
    assert to_data(find(res.root, "metadata")) == {"name": "a-n", "annotations": {"k": "x"}}
