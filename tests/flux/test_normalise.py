"""What the controller's own types make of an object."""

import pytest

from indexer.flux.normalise import normalised
from indexer.flux.quantity import canonical_quantity
from indexer.flux.scope import declared, is_cluster_scoped
from indexer.manifest.compose import parse
from indexer.manifest.scalars import to_data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000m", "1"), ("2", "2"), ("0.5", "500m"), ("1.5Gi", "1536Mi"), ("1024Mi", "1Gi"), ("1024", "1024"),
        ("1000", "1k"), ("512Ki", "512Ki"), ("0.5Ki", "512"), ("100M", "100M"), ("0", "0"), ("-1500m", "-1500m"),
        ("1e3", None), ("x", None), ("", None), ("10%", None),
    ],
)  # fmt: skip
def test_quantities(text, expected):
    assert canonical_quantity(text) == expected


def data(text, *, cluster_scoped=False):
    return to_data(normalised(parse(text.encode(), "f.yaml")[0].node, cluster_scoped=cluster_scoped))


def test_quantities_of_containers():
    spec = "{template: {spec: {containers: [{resources: {limits: {cpu: 2000m}}}]}}}"
    text = f"apiVersion: apps/v1\nkind: Deployment\nspec: {spec}"
    assert data(text)["spec"]["template"]["spec"]["containers"] == [{"resources": {"limits": {"cpu": "2"}}}]


def test_custom_kinds_are_left_alone():
    assert data("apiVersion: x.io/v1\nkind: X\nspec: {limits: {cpu: 2000m}}")["spec"] == {"limits": {"cpu": "2000m"}}


def test_fields_that_do_not_reach_the_server():
    assert data("apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: null}\nstatus: {}") == {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
    }  # fmt: skip
    assert data("apiVersion: v1\nkind: ConfigMap\ndata: {a: }")["data"] == {"a": ""}
    assert "sops" not in data("apiVersion: v1\nkind: Secret\nsops: {mac: x}")


@pytest.mark.parametrize(
    ("version", "kind", "spec", "expected"),
    [
        ("apps/v1", "Deployment", "{replica: 2, replicas: 1}", {"replicas": 1}),
        ("apps/v1", "Deployment", "{template: {spec: {volumes: [{emptyDir: {size: 1}}]}}}",
         {"template": {"spec": {"volumes": [{"emptyDir": {}}]}}}),
        ("v1", "Service", "{selector: {any: key}}", {"selector": {"any": "key"}}),
        ("apps/v1", "Deployment", "{template: text}", {"template": "text"}),
        ("x.io/v1", "Deployment", "{replica: 2}", {"replica": 2}),
        ("apps/v9", "Deployment", "{replica: 2}", {"replica": 2}),
    ],
)  # fmt: skip
def test_fields_that_a_built_in_type_does_not_have_are_gone(version, kind, spec, expected):
    assert data(f"apiVersion: {version}\nkind: {kind}\nspec: {spec}")["spec"] == expected


def test_rules_for_access_are_applied_as_they_are_written():
    text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nrule: [{verbs: [get]}]"
    assert data(text)["rule"] == [{"verbs": ["get"]}]


def test_a_cluster_scoped_object_has_no_namespace():
    assert data("apiVersion: x/v1\nkind: X\nmetadata: {name: a, namespace: b}", cluster_scoped=True)["metadata"] == {
        "name": "a"
    }


def test_scope():
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "spec: {group: x.io, scope: %s, names: {kind: %s}}\n"
    )
    crds = declared(
        parse((crd % ("Cluster", "Thing") + "---\n" + crd % ("Namespaced", "ClusterThing")).encode(), "f")[i].node
        for i in range(2)
    )
    scoped = [
        ("", "Namespace", True), ("apps", "Deployment", False), ("rbac.authorization.k8s.io", "ClusterRole", True),
        ("cert-manager.io", "ClusterIssuer", True), ("cert-manager.io", "Issuer", False),
        ("cilium.io", "CiliumNode", True),
        ("postgresql.cnpg.io", "Cluster", False), ("x.io", "Thing", True), ("x.io", "ClusterThing", False),
    ]  # fmt: skip
    assert [(group, kind, is_cluster_scoped(group, kind, crds)) for group, kind, _ in scoped] == scoped
