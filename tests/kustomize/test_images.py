from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.kustomize.build import Build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.images import split_image
from indexer.manifest.node import Scalar, leaves, overridden

BuildFiles = Callable[..., Build]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - image: %s\n"


def image(build: Build) -> Scalar:
    (res,) = build.resources
    (found,) = [node for path, node in leaves(res.root) if path[-1] == "image"]
    assert isinstance(found, Scalar)
    return found


@pytest.mark.parametrize(
    ("before", "entry", "after"),
    [
        ("nginx:1", "name: nginx, newTag: '2'", "nginx:2"),
        ("nginx", "name: nginx, newTag: '2'", "nginx:2"),
        ("nginx:1@sha256:ab", "name: nginx, newTag: '2'", "nginx:2"),
        ("nginx:1", "name: nginx, digest: 'sha256:cd'", "nginx@sha256:cd"),
        ("nginx:1", "name: nginx, newTag: '2', digest: 'sha256:cd'", "nginx:2@sha256:cd"),
        ("nginx:1@sha256:ab", "name: nginx, newName: h:5000/n", "h:5000/n:1@sha256:ab"),
        ("nginx:1", "name: nginx, tagSuffix: -x", "nginx:1-x-x"),
        ("nginx:1", "name: nginx, newName: apache, tagSuffix: -x", "apache:1-x"),
        ("nginx:1", "name: n.inx, newTag: '2'", "nginx:2"),
        ("my/nginx:1", "name: nginx, newTag: '2'", "my/nginx:1"),
    ],
)
def test_an_entry_rewrites_images_of_its_name(build_files: BuildFiles, before: str, entry: str, after: str) -> None:
    files = {"kustomization.yaml": f"resources: [p.yaml]\nimages: [{{{entry}}}]\n", "p.yaml": POD % before}
    assert image(build_files(files)).text == after


def test_an_image_stands_at_its_new_tag_and_remembers_its_definition(build_files: BuildFiles) -> None:
    kustomization = "resources: [p.yaml]\nimages:\n- name: nginx\n  newName: apache\n  newTag: '2'\n"
    found = image(build_files({"kustomization.yaml": kustomization, "p.yaml": POD % "nginx:1"}))
    assert [str(node.span) for node in (found, *overridden(found))] == ["kustomization.yaml:5:11", "p.yaml:6:12"]
    assert found.op is not None
    assert str(found.op.entry) == "kustomization.yaml:3:3"


def test_entries_apply_one_after_the_other(build_files: BuildFiles) -> None:
    kustomization = (
        "resources: [p.yaml]\nimages: [{name: a, newName: b}, {name: b, newTag: '2'}, {name: c, newTag: '3'}]\n"
    )
    build = build_files({"kustomization.yaml": kustomization, "p.yaml": POD % "a"})
    assert image(build).text == "b:2"
    assert [(entry.operation, entry.reason) for entry in build.unmatched] == [("images", "no image is called c")]


def test_containers_are_found_anywhere_but_in_custom_resource_definitions(build_files: BuildFiles) -> None:
    deep = "apiVersion: x.io/v1\nkind: %s\nmetadata: {name: n}\nspec: [{deep: {initContainers: [{image: a}]}}]\n"
    for kind, expected in (("Foo", "a:2"), ("CustomResourceDefinition", "a")):
        files = {"kustomization.yaml": "resources: [n.yaml]\nimages: [{name: a, newTag: '2'}]", "n.yaml": deep % kind}
        assert image(build_files(files)).text == expected


def test_a_name_that_is_no_pattern_is_an_error(build_files: BuildFiles) -> None:
    with pytest.raises(KustomizeError, match="invalid image name") as caught:
        build_files(
            {"kustomization.yaml": "resources: [p.yaml]\nimages: [{name: '(', newTag: x}]", "p.yaml": POD % "a"}
        )
    assert str(caught.value.span) == "kustomization.yaml:2:17"


NAME = st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,3}(:[0-9]{1,4})?/[a-z]{1,5})?", fullmatch=True)
TAG = st.from_regex(r"[a-z0-9._-]{0,5}", fullmatch=True)


@given(NAME, TAG, TAG)
def test_splitting_undoes_joining(name: str, tag: str, digest: str) -> None:
    joined = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert split_image(joined) == (name, tag, digest)
