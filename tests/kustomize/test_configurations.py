from collections.abc import Callable

import pytest

from indexer.kustomize.build import Build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import text_at

BuildFiles = Callable[..., Build]
FOO = "apiVersion: x.io/v1\nkind: Foo\nmetadata: {name: n}\nspec: {image: a, ref: s}\n"
REFERRED = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"


def test_a_table_reaches_fields_of_custom_kinds(build_files: BuildFiles) -> None:
    files = {
        "kustomization.yaml": (
            "namePrefix: p-\nimages: [{name: a, newTag: v2}]\nresources: [f.yaml, s.yaml]\nconfigurations: [c.yaml]"
        ),
        "f.yaml": FOO,
        "s.yaml": REFERRED,
        "c.yaml": (
            "images: [{path: spec/image, kind: Foo}]\n"
            "nameReference: [{kind: Secret, version: v1, fieldSpecs: [{path: spec/ref, kind: Foo}]}]\n"
        ),
    }
    foo = next(res for res in build_files(files).resources if res.id.kind == "Foo")
    assert (text_at(foo.root, "spec", "image"), text_at(foo.root, "spec", "ref")) == ("a:v2", "p-s")


def test_extensions_of_a_type_name_its_references(build_files: BuildFiles) -> None:
    crd = """
        {"x.io/v1.Foo": {"Schema": {"properties": {
          "apiVersion": {}, "kind": {}, "metadata": {}, "spec": {"$ref": "x.io/v1.FooSpec"}}}},
         "x.io/v1.FooSpec": {"Schema": {"properties": {"ref": {
          "x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "Secret"}}}}}
        """
    files = {
        "kustomization.yaml": "namePrefix: p-\nresources: [f.yaml, s.yaml]\ncrds: [c.json]",
        "f.yaml": FOO.replace("ref: s", "ref: {name: s}"),
        "s.yaml": REFERRED,
        "c.json": crd,
    }
    foo = next(res for res in build_files(files).resources if res.id.kind == "Foo")
    assert text_at(foo.root, "spec", "ref", "name") == "p-s"


@pytest.mark.parametrize(
    ("field", "content", "expected"),
    [
        (
            "configurations",
            "imagez: []",
            'error unmarshaling JSON: while decoding JSON: json: unknown field "imagez"',
        ),
        (
            "crds",
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n",
            (
                "loading CRDs [c.yaml]: unable to parse open API definition from 'c.yaml': error unmarshaling JSON: "
                "while decoding JSON: json: cannot unmarshal string into Go value of type accumulator.OpenAPIDefinition"
            ),
        ),
    ],
)
def test_files_that_are_something_else(build_files: BuildFiles, field: str, content: str, expected: str) -> None:
    with pytest.raises(KustomizeError) as caught:
        build_files(
            {"kustomization.yaml": f"resources: [s.yaml]\n{field}: [c.yaml]", "s.yaml": REFERRED, "c.yaml": content}
        )
    assert str(caught.value) == expected
    assert caught.value.span is not None
    assert caught.value.span.source.file == "c.yaml"
