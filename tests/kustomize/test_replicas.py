from collections.abc import Callable

import pytest

from indexer.kustomize.build import Build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import find
from indexer.manifest.scalars import to_data

BuildFiles = Callable[..., Build]
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: %s\n"


@pytest.mark.parametrize(
    ("spec", "expected"), [("{}", 3), ("{replicas: 1}", 3), ("{replicas: '1'}", "3"), ("{replicas: }", 3)]
)
def test_the_count_keeps_the_quotes(build_files: BuildFiles, spec: str, expected: object) -> None:
    files = {
        "kustomization.yaml": "resources: [d.yaml]\nnamePrefix: p-\nreplicas: [{name: d, count: 3}]",
        "d.yaml": DEPLOYMENT % spec,
    }
    (res,) = build_files(files).resources
    assert to_data(res.root)["spec"]["replicas"] == expected
    node = find(res.root, "spec", "replicas")
    assert node is not None
    assert str(node.span) == "kustomization.yaml:3:29"


def test_a_name_that_nothing_has_is_an_error(build_files: BuildFiles) -> None:
    files = {"kustomization.yaml": "resources: [d.yaml]\nreplicas: [{name: x, count: 3}]", "d.yaml": DEPLOYMENT % "{}"}
    with pytest.raises(KustomizeError) as caught:
        build_files(files)
    assert "resource with name x does not match a config with the following GVK [" in str(caught.value)
    assert "Deployment.[noVer].[noGrp]" in str(caught.value)
    assert str(caught.value.span) == "kustomization.yaml:2:12"
