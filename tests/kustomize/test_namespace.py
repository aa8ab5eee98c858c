from collections.abc import Callable

import pytest

from indexer.kustomize.build import Build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import find
from indexer.manifest.scalars import to_data

BuildFiles = Callable[..., Build]
OBJECT = "apiVersion: {}\nkind: {}\nmetadata: {{name: n}}\n"
BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
subjects:
- {kind: ServiceAccount, name: default, namespace: old}
- {kind: User, name: default}
- {kind: ServiceAccount, name: other, namespace: old}
"""


@pytest.mark.parametrize(
    ("api_version", "kind", "name", "namespace"),
    [
        ("apps/v1", "Deployment", "n", "ns"),
        ("cert-manager.io/v1", "ClusterIssuer", "n", "ns"),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "n", "ns"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "n", ""),
        ("v1", "Namespace", "ns", ""),
    ],
)
def test_all_but_what_is_known_to_be_cluster_scoped_moves(
    build_files: BuildFiles, api_version: str, kind: str, name: str, namespace: str
) -> None:
    files = {"kustomization.yaml": "namespace: ns\nresources: [o.yaml]", "o.yaml": OBJECT.format(api_version, kind)}
    (res,) = build_files(files).resources
    assert (res.id.name, res.id.namespace) == (name, namespace)


def test_the_namespace_stands_in_the_kustomization(build_files: BuildFiles) -> None:
    files = {"kustomization.yaml": "namespace: ns\nresources: [o.yaml]", "o.yaml": OBJECT.format("v1", "Pod")}
    (res,) = build_files(files).resources
    node = find(res.root, "metadata", "namespace")
    assert node is not None
    assert str(node.span) == "kustomization.yaml:1:12"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("", ["ns", "ns", "old"]),
        ("defaultOnly", ["ns", "ns", "old"]),
        ("allServiceAccounts", ["ns", None, "ns"]),
        ("none", ["old", None, "old"]),
    ],
)
def test_subjects_of_role_bindings(build_files: BuildFiles, mode: str, expected: list[str | None]) -> None:
    transformer = (
        "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: t, namespace: ns}\n"
        f"setRoleBindingSubjects: {mode}\n"
    )
    files = {
        "kustomization.yaml": "resources: [b.yaml]\ntransformers: [t.yaml]",
        "b.yaml": BINDING,
        "t.yaml": transformer,
    }
    (res,) = build_files(files).resources
    assert [subject.get("namespace") for subject in to_data(res.root)["subjects"]] == expected


def test_two_objects_cannot_become_one(build_files: BuildFiles) -> None:
    two = "apiVersion: v1\nkind: Pod\nmetadata: {name: n, namespace: %s}\n"
    files = {
        "kustomization.yaml": "namespace: c\nresources: [a.yaml, b.yaml]",
        "a.yaml": two % "a",
        "b.yaml": two % "b",
    }
    with pytest.raises(KustomizeError, match="namespace transformation produces ID conflict") as caught:
        build_files(files)
    assert str(caught.value.span) == "kustomization.yaml:1:12"
