import pytest

from indexer.kustomize.config import NameReference, TransformerConfig
from indexer.kustomize.defaults import DEFAULTS
from indexer.kustomize.defaults_references import NAME_REFERENCES, VAR_REFERENCES
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.factory import resources_from
from indexer.kustomize.fieldspec import FieldSpec
from indexer.kustomize.namereference import fix_name_references
from indexer.kustomize.nodes import find
from indexer.kustomize.resid import Gvk
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource, put_scalar
from indexer.manifest.compose import parse
from indexer.manifest.node import Operation, Role, Scalar, Source, pack
from indexer.manifest.scalars import to_data

PREFIX = Scalar("x-", source=Source(None, "kustomization.yaml"), pos=pack(2, 12, 2, 14))
RENAMING = Operation(Role.TRANSFORMS, "namePrefix", PREFIX.span)


def objects(text: str) -> ResMap:
    return ResMap(resources_from(parse(text.encode(), "r.yaml")))


def rename(res: Resource, prefix: str) -> None:
    res.store_previous_id()
    put_scalar(res, ("metadata", "name"), prefix + res.id.name, PREFIX, RENAMING)
    res.prefixes = (*res.prefixes, prefix)


def move(res: Resource, namespace: str) -> None:
    res.store_previous_id()
    put_scalar(res, ("metadata", "namespace"), namespace, PREFIX, RENAMING)


def cm(name: str, namespace: str = "default") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\n---\n"


def pod(reference: str, namespace: str = "default") -> str:
    volumes = f"volumes: [{{configMap: {{name: {reference}}}}}]"
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: {namespace}}}\nspec: {{{volumes}}}\n---\n"


def reference(res: Resource) -> object:
    return to_data(res.root)["spec"]["volumes"][0]["configMap"]["name"]


def test_a_renamed_object_is_found_again() -> None:
    resmap = objects(cm("a") + pod("a") + pod("b", "other"))
    rename(resmap.resources[0], "x-")
    untouched = resmap.resources[2].root
    fix_name_references(resmap, DEFAULTS)
    assert reference(resmap.resources[1]) == "x-a"
    assert resmap.resources[2].root is untouched


def test_nothing_happens_where_nothing_was_renamed() -> None:
    resmap = objects(cm("a") + pod("a"))
    before = [res.root for res in resmap]
    fix_name_references(resmap, DEFAULTS)
    assert all(res.root is root for res, root in zip(resmap, before, strict=True))


def test_the_new_name_stands_where_the_target_got_it() -> None:
    resmap = objects(cm("a") + pod("'a'"))
    rename(resmap.resources[0], "x-")
    fix_name_references(resmap, DEFAULTS)
    volumes = find(resmap.resources[1].root, "spec", "volumes")
    node = find(volumes.items[0], "configMap", "name")  # type: ignore[union-attr]
    assert isinstance(node, Scalar)
    assert str(node.span) == "kustomization.yaml:3:13"
    assert node.op is not None
    assert (node.op.role, node.op.name, node.op.entry) == (Role.TRANSFORMS, "name reference", PREFIX.span)
    assert node.prev is not None
    assert str(node.prev.span) == "r.yaml:8:37"
    assert node.style == "'"


def test_a_reference_stays_in_its_namespace() -> None:
    resmap = objects(cm("a", "one") + cm("a", "two") + pod("a", "one") + pod("a", "two") + pod("a", "three"))
    rename(resmap.resources[0], "x-")
    rename(resmap.resources[1], "y-")
    fix_name_references(resmap, DEFAULTS)
    assert [reference(res) for res in resmap.resources[2:]] == ["x-a", "y-a", "a"]


def test_prefixes_decide_between_objects_that_had_the_same_name() -> None:
    resmap = objects(cm("a") + cm("a") + pod("a"))
    rename(resmap.resources[0], "x-")
    rename(resmap.resources[1], "y-")
    rename(resmap.resources[2], "y-")
    fix_name_references(resmap, DEFAULTS)
    assert reference(resmap.resources[2]) == "y-a"


def test_a_reference_that_could_mean_two_objects_is_an_error() -> None:
    resmap = objects(cm("a") + cm("a") + pod("a"))
    rename(resmap.resources[0], "x-")
    rename(resmap.resources[1], "y-")
    resmap.resources[0].prefixes = resmap.resources[1].prefixes = ()
    with pytest.raises(KustomizeError) as error:
        fix_name_references(resmap, DEFAULTS)
    assert str(error.value) == (
        "updating name reference in 'spec/volumes/configMap/name' field of 'Pod.v1.[noGrp]/p.default': "
        "considering field 'spec/volumes/configMap/name' of object Pod.v1.[noGrp]/p.default: "
        "visit traversal on path: [configMap name]: "
        "found multiple possible referrals: ConfigMap.v1.[noGrp]/x-a.default, ConfigMap.v1.[noGrp]/y-a.default"
    )


BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: one}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects:
- {kind: ServiceAccount, name: sa, namespace: two}
- {kind: Group, name: other}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa, namespace: two}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: one}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
"""


def test_a_role_binding_follows_accounts_in_other_namespaces_and_the_kind_of_its_role() -> None:
    resmap = objects(BINDING)
    for res, prefix in zip(resmap.resources[1:], ("x-", "y-", "z-"), strict=True):
        rename(res, prefix)
    fix_name_references(resmap, DEFAULTS)
    data = to_data(resmap.resources[0].root)
    assert data["roleRef"]["name"] == "y-r"
    assert data["subjects"] == [
        {"kind": "ServiceAccount", "name": "x-sa", "namespace": "two"},
        {"kind": "Group", "name": "other"},
    ]


def test_a_subject_follows_an_account_to_its_new_namespace() -> None:
    resmap = objects(BINDING.replace("namespace: two", "namespace: one"))
    for res in resmap.resources[:3]:
        move(res, "new")
    fix_name_references(resmap, DEFAULTS)
    subject = to_data(resmap.resources[0].root)["subjects"][0]
    assert subject == {"kind": "ServiceAccount", "name": "sa", "namespace": "new"}


def test_a_subject_namespace_that_is_no_text_is_an_error() -> None:
    resmap = objects(BINDING.replace("name: sa, namespace: two}", "name: sa, namespace: null}", 1))
    with pytest.raises(KustomizeError, match="Invalid Input: namespace is blank for resource"):
        fix_name_references(resmap, DEFAULTS)


def test_a_reference_without_a_name_is_an_error() -> None:
    references = (NameReference(Gvk("", "", "ConfigMap"), (FieldSpec("spec", Gvk("", "", "Pod")),)),)
    resmap = objects(cm("a") + pod("a"))
    rename(resmap.resources[0], "x-")
    with pytest.raises(KustomizeError, match="path config error; no 'name' field in node"):
        fix_name_references(resmap, TransformerConfig(name_reference=references))


def test_the_default_tables_have_kustomizes_size_and_order() -> None:
    assert [(ref.target.kind, len(ref.referrers)) for ref in NAME_REFERENCES] == [
        ("Deployment", 1),
        ("ReplicationController", 1),
        ("ReplicaSet", 1),
        ("StatefulSet", 1),
        ("ConfigMap", 52),
        ("Secret", 69),
        ("Service", 8),
        ("Role", 1),
        ("ClusterRole", 2),
        ("ServiceAccount", 9),
        ("PersistentVolumeClaim", 7),
        ("PersistentVolume", 2),
        ("StorageClass", 3),
        ("PriorityClass", 7),
        ("IngressClass", 1),
        ("ValidatingAdmissionPolicy", 1),
    ]
    assert len(VAR_REFERENCES) == 72
