from pathlib import Path

import pytest

from indexer.git.directory import DirectoryTree
from indexer.kustomize.build import build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.kustomization import Kustomization, decode_kustomization, parse_kustomization


def decoded(text: str) -> Kustomization:
    return decode_kustomization(parse_kustomization(text.encode(), "a/kustomization.yaml", None), "a", "/repo/a")


def message(text: str) -> str:
    with pytest.raises(KustomizeError) as caught:
        decoded(text)
    return str(caught.value)


def test_names_of_fields_match_in_any_case() -> None:
    k = decoded("Resources: [a.yaml]\nNAMEPREFIX: x-\n")
    assert k.record.texts("resources") == ["a.yaml"]
    assert k.record.text("namePrefix") == "x-"


def test_every_entry_knows_its_line() -> None:
    k = decoded("resources:\n- a.yaml\nbases:\n- ../base\n")
    assert [(text, str(node.span)) for text, node in k.entries("resources", "bases")] == [
        ("a.yaml", "a/kustomization.yaml:2:3"),
        ("../base", "a/kustomization.yaml:4:3"),
    ]


def test_only_the_first_document_counts_and_the_last_of_two_keys() -> None:
    assert decoded("namePrefix: a\nnamePrefix: b\n---\nnonsense: 1\n").record.text("namePrefix") == "b"


def test_keys_are_read_as_yaml_1_1() -> None:
    assert decoded("commonLabels: {n: v}").record.pairs("commonLabels") == {"false": "v"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resourcez: []", 'invalid Kustomization: json: unknown field "resourcez"'),
        (
            "resources: a",
            (
                "invalid Kustomization: json: cannot unmarshal string into Go struct field "
                "Kustomization.resources of type []string"
            ),
        ),
        (
            "images: [{newTag: 1.5}]",
            (
                "invalid Kustomization: json: cannot unmarshal number into Go struct field "
                "Image.images.newTag of type string"
            ),
        ),
        ("- a", "invalid Kustomization: json: cannot unmarshal array into Go value of type types.Kustomization"),
        ("kind: Kustomization", "kustomization.yaml is empty"),
        (
            "kind: Foo\nresources: []",
            "Failed to read kustomization file under /repo/a:\nkind should be Kustomization or Component",
        ),
        (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nresources: []",
            (
                "Failed to read kustomization file under /repo/a:\n"
                "apiVersion for Kustomization should be kustomize.config.k8s.io/v1beta1"
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_kustomize(text: str, expected: str) -> None:
    assert message(text) == expected


def test_deprecated_fields_warn() -> None:
    assert decoded("bases: []\nvars: []\nresources: []").warnings() == [
        (
            "# Warning: 'bases' is deprecated. Please use 'resources' instead. "
            "Run 'kustomize edit fix' to update your Kustomization automatically."
        ),
        (
            "# Warning: 'vars' is deprecated. Please use 'replacements' instead. [EXPERIMENTAL] "
            "Run 'kustomize edit fix' to update your Kustomization automatically."
        ),
    ]


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ("a/b", "not a valid directory: evalsymlink failure on '{0}/a/b' : lstat {0}/a: no such file or directory"),
        ("f", "must build at directory: '{0}/f': file is not directory"),
    ],
)
def test_only_a_directory_can_be_built(tmp_path: Path, directory: str, message: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(KustomizeError) as caught:
        build(DirectoryTree(tmp_path), directory)
    assert str(caught.value).endswith(message.format(tmp_path))
