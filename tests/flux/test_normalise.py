"""What the controller's own types make of an object."""

from fractions import Fraction

import pytest

from indexer.flux.normalise import normalised, sent_at
from indexer.flux.quantity import amount, canonical_quantity
from indexer.flux.scope import declared, is_cluster_scoped
from indexer.manifest.compose import parse
from indexer.manifest.history import contributions
from indexer.manifest.node import Operation, Role, Scalar, leaves, overridden, pointer, relocated, stamped
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


def test_an_exponent_of_a_hostile_length_is_no_quantity():
    assert (amount("1e3"), amount("1e-3")) == (1000, Fraction(1, 1000))
    assert amount("1e999999999") is None


def node(text, *, cluster_scoped=False):
    return normalised(parse(text.encode(), "f.yaml")[0].node, cluster_scoped=cluster_scoped)


def data(text, *, cluster_scoped=False):
    return to_data(node(text, cluster_scoped=cluster_scoped))


def test_what_helm_applies_goes_through_no_type():
    text = b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\nunknown: 1\n"
    root = parse(text, "f.yaml")[0].node
    assert normalised(root, cluster_scoped=False, typed=False) is root


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, %s}]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resources: {limits: {cpu: 2000m, memory: 1}}", {"resources": {"limits": {"cpu": "2", "memory": "1"}}}),
        ("resources: null", {"resources": {}}),
        ("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]",
         {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}}}]}),
        ("env: [{name: A, value: ''}, {value: '0'}]", {"env": [{"name": "A"}, {"name": "", "value": "0"}]}),
        ("env: [{name: A, value: false}]", {"env": [{"name": "A", "value": False}]}),
        ("args: [], image: '', tty: false, stdin: true", {"stdin": True}),
        ("securityContext: {privileged: false, runAsUser: 0, runAsGroup: null}",
         {"securityContext": {"privileged": False, "runAsUser": 0}}),
        ("livenessProbe: {periodSeconds: 0, tcpSocket: {port: 0}}", {"livenessProbe": {"tcpSocket": {"port": 0}}}),
        ("ports: [{containerPort: 1}, {containerPort: 2, protocol: UDP}, {containerPort: 3, protocol: ''}]",
         {"ports": [{"containerPort": 1, "protocol": "TCP"}, {"containerPort": 2, "protocol": "UDP"},
                    {"containerPort": 3, "protocol": "TCP"}]}),
        ("unknown: 1", {}),
    ],
)  # fmt: skip
def test_a_container_is_what_its_type_writes(text, expected):
    assert data(POD % text)["spec"]["containers"] == [{"name": "c", "resources": {}, **expected}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: []}}}",
         {"metadata": {}, "spec": {"template": {"metadata": {}, "spec": {"containers": []}}}}),
        ("apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {labels: {}}\nspec: {selector: {}, template: {metadata: }}",
         {"metadata": {}, "spec": {"selector": {}, "template": {"metadata": {}, "spec": {"containers": None}},
                                   "updateStrategy": {}}}),
        ("apiVersion: v1\nkind: PersistentVolumeClaim\nstatus: {}\nspec: {resources: {requests: {storage: 1024Mi}}}",
         {"metadata": {}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}),
        ("apiVersion: v1\nkind: ResourceQuota\nspec: {hard: {a: 1e3, b: 1.5, c: 0x10, d: .1, e: '1e3', f: 1_000}}",
         {"metadata": {}, "spec": {"hard": {"a": "1k", "b": "1500m", "c": "16", "d": "100m", "e": "1e3", "f": "1k"}}}),
        ("apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nglobalDefault: false\nvalue: 0",
         {"metadata": {}, "value": 0}),
        ('apiVersion: v1\nkind: ConfigMap\nimmutable: false\nbinaryData: {a: "YQ==\\n"}\ndata: {b: null}',
         {"metadata": {}, "immutable": False, "binaryData": {"a": "YQ=="}, "data": {"b": ""}}),
    ],
)  # fmt: skip
def test_a_built_in_kind_is_what_its_type_writes(text, expected):
    made = data(text)
    assert {key: made[key] for key in made if key not in ("apiVersion", "kind")} == expected


SERVICE = (
    "apiVersion: v1\nkind: Service\nspec:\n  ports:\n  - port: 80\n  - {port: 81, targetPort: web, protocol: UDP}\n"
)


def test_a_service_without_targets_has_its_ports():
    root = node(SERVICE)
    assert to_data(root)["spec"] == {
        "ports": [
            {"port": 80, "protocol": "TCP", "targetPort": 80},
            {"port": 81, "protocol": "UDP", "targetPort": "web"},
        ]
    }
    lines = {pointer(path): leaf.span.line if leaf.span else None for path, leaf in leaves(root.get("spec"))}
    assert (lines["/ports/0/port"], lines["/ports/0/targetPort"], lines["/ports/0/protocol"]) == (5, 5, None)


FOLDED = """\
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {a: YQ==, b: Yg==}
stringData:
  b: plain
  c: ''
  d: ENC[AES256_GCM,data:x]
"""


def test_the_plain_data_of_a_secret_are_folded_each_with_its_line():
    root = node(FOLDED)
    assert "stringData" not in root.fields
    found = root.get("data")
    assert to_data(found) == {"a": "YQ==", "b": "cGxhaW4=", "c": "", "d": "ENC[AES256_GCM,data:x]"}
    assert {key.text: (value.span.line, value.op) for key, value in found.items()} == {
        "a": (4, None), "b": (6, None), "c": (7, None), "d": (8, None),
    }  # fmt: skip
    assert [past.text for past in overridden(found.get("b"))] == ["Yg=="]
    assert [sent_at(root, field) for field in ("/stringData/b~1c", "/data/b", "/type")] == [
        "/data/b~1c", "/data/b", "/type",
    ]  # fmt: skip


def test_a_secret_that_the_server_refuses_stays_as_it_is():
    assert data("apiVersion: v1\nkind: Secret\nstringData: {a: 1}")["stringData"] == {"a": 1}


def test_what_a_patch_makes_empty_is_the_patch_s():
    patch = Operation(Role.PATCHES, "strategic merge patch")
    old = parse(b"apiVersion: v1\nkind: Pod\nspec: {hostNetwork: true, hostname: a, containers: []}", "f.yaml")[0].node
    new = parse(b"hostNetwork: false\n", "patch.yaml")[0].node.get("hostNetwork")
    spec = old.get("spec")
    replaced = relocated(new, op=patch, prev=spec.get("hostNetwork"))
    root = normalised(
        old.with_field(Scalar("spec"), spec.with_field(Scalar("hostNetwork"), replaced)), cluster_scoped=False
    )
    assert to_data(root)["spec"] == {"hostname": "a", "containers": []}
    assert [(one.operation, one.span.source.file, one.fields) for one in contributions(root)] == [
        ("strategic merge patch", "patch.yaml", ("/spec/hostNetwork",))
    ]


def test_a_subtree_that_a_patch_adds_whole_stays_one():
    patch = Operation(Role.PATCHES, "strategic merge patch")
    root = parse(b"apiVersion: v1\nkind: Pod\nspec: {containers: []}", "f.yaml")[0].node
    added = stamped(parse(b"{name: a, image: b, tty: false}", "patch.yaml")[0].node, patch)
    spec = root.get("spec")
    spec = spec.with_field(Scalar("containers"), spec.get("containers").derive([added]))
    made = normalised(root.with_field(Scalar("spec"), spec), cluster_scoped=False)
    assert to_data(made)["spec"] == {"containers": [{"name": "a", "image": "b", "resources": {}}]}
    assert [one.fields for one in contributions(made)] == [("/spec/containers/0",)]


def test_custom_kinds_are_left_alone():
    assert data("apiVersion: x.io/v1\nkind: X\nspec: {limits: {cpu: 2000m}}")["spec"] == {"limits": {"cpu": "2000m"}}


def test_fields_that_do_not_reach_the_server():
    assert data("apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: null}\nstatus: {}") == {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": None},
    }  # fmt: skip
    assert data("apiVersion: v1\nkind: ConfigMap\ndata: {a: }")["data"] == {"a": ""}
    assert "sops" not in data("apiVersion: v1\nkind: Secret\nsops: {mac: x}")


@pytest.mark.parametrize(
    ("version", "kind", "spec", "expected"),
    [
        ("apps/v1", "Deployment", "{replica: 2, selector: {}, template: text, strategy: {}}",
         {"selector": {}, "template": "text", "strategy": {}}),
        ("v1", "Pod", "{containers: [], volumes: [{name: a, emptyDir: {size: 1}}]}",
         {"containers": [], "volumes": [{"name": "a", "emptyDir": {}}]}),
        ("v1", "Service", "{selector: {any: key}}", {"selector": {"any": "key"}}),
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
