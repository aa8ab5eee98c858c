"""What the rule immutable-field says of a change, against what a real API server says of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from rules_fleet import base, config_map, of_rule
from servers import ApiServer, Refused

POD = "{metadata: {labels: {app: api}}, spec: {restartPolicy: RESTART, containers: [{name: api, image: 'api:1'}]}}"
ALWAYS, NEVER = POD.replace("RESTART", "Always"), POD.replace("RESTART", "Never")
WORKLOAD = f"{{selector: {{matchLabels: {{app: api}}}}, template: {ALWAYS}}}"
RBAC = "rbac.authorization.k8s.io"
OBJECTS = {
    "Deployment": ("apps/v1", f"spec: {WORKLOAD}"),
    "DaemonSet": ("apps/v1", f"spec: {WORKLOAD}"),
    "StatefulSet": (
        "apps/v1",
        (
            f"spec: {{serviceName: api, selector: {{matchLabels: {{app: api}}}}, template: {ALWAYS}, "
            "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], "
            "resources: {requests: {storage: 1Gi}}}}]}"
        ),
    ),
    "Job": ("batch/v1", f"spec: {{template: {NEVER}}}"),
    "Job/indexed": (
        "batch/v1",
        f"spec: {{completionMode: Indexed, completions: 2, parallelism: 2, template: {NEVER}}}",
    ),
    "CronJob": ("batch/v1", f"spec: {{schedule: '0 0 * * *', jobTemplate: {{spec: {{template: {NEVER}}}}}}}"),
    "Service": ("v1", "spec: {clusterIP: None, selector: {app: api}, ports: [{port: 80}]}"),
    "Secret": ("v1", "stringData: {a: b}"),
    "PersistentVolumeClaim": (
        "v1",
        "spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
    ),
    "PersistentVolume": (
        "v1",
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: a.example.org, path: /a}}",
    ),
    "StorageClass": ("storage.k8s.io/v1", "provisioner: example.org/disks\nparameters: {kind: fast}"),
    "RoleBinding": (f"{RBAC}/v1", f"roleRef: {{apiGroup: {RBAC}, kind: Role, name: reader}}"),
    "ClusterRoleBinding": (f"{RBAC}/v1", f"roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: reader}}"),
    "IngressClass": ("networking.k8s.io/v1", "spec: {controller: example.org/a}"),
    "PriorityClass": ("scheduling.k8s.io/v1", "value: 7"),
    "RuntimeClass": ("node.k8s.io/v1", "handler: a"),
    "CSIDriver": ("storage.k8s.io/v1", "spec: {podInfoOnMount: false}"),
    "EndpointSlice": ("discovery.k8s.io/v1", "addressType: IPv4\nendpoints: []\nports: []"),
    "ConfigMap": ("v1", "data: {a: b}\nimmutable: true"),
}
CLUSTERED = {
    "PersistentVolume", "StorageClass", "ClusterRoleBinding", "IngressClass", "PriorityClass", "RuntimeClass",
    "CSIDriver",
}  # fmt: skip
GONE = object()
CHANGES: list[tuple[str, str, Any]] = [
    ("Deployment", "spec.selector.matchLabels.tier", "web"),
    ("Deployment", "spec.replicas", 3),
    ("DaemonSet", "spec.template.metadata.labels.more", "x"),
    ("StatefulSet", "spec.serviceName", "other"),
    ("StatefulSet", "spec.podManagementPolicy", "OrderedReady"),
    ("StatefulSet", "spec.podManagementPolicy", "Parallel"),
    ("StatefulSet", "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "2Gi"),
    ("StatefulSet", "spec.volumeClaimTemplates.0.spec.volumeMode", "Filesystem"),
    ("StatefulSet", "spec.volumeClaimTemplates.0.metadata.labels", {"a": "b"}),
    ("StatefulSet", "spec.persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Delete"}),
    ("StatefulSet", "spec.minReadySeconds", 3),
    ("StatefulSet", "spec.revisionHistoryLimit", 3),
    ("Job", "spec.template.spec.containers.0.image", "api:2"),
    ("Job", "spec.completionMode", "NonIndexed"),
    ("Job", "spec.completionMode", "Indexed"),
    ("Job", "spec.completions", 3),
    ("Job", "spec.backoffLimit", 3),
    ("Job", "spec.backoffLimitPerIndex", 3),
    ("Job", "spec.parallelism", 3),
    ("Job", "spec.suspend", True),
    (
        "Job",
        "spec.podFailurePolicy",
        {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}]},
    ),
    (
        "Job/indexed",
        "spec",
        yaml.safe_load(f"{{completionMode: Indexed, completions: 3, parallelism: 3, template: {NEVER}}}"),
    ),
    ("CronJob", "spec.jobTemplate.spec.template.spec.containers.0.image", "api:2"),
    ("Service", "spec.clusterIP", GONE),
    ("Service", "spec.selector.app", "web"),
    ("Secret", "type", "Opaque"),
    ("Secret", "type", "example.org/other"),
    ("PersistentVolumeClaim", "spec.storageClassName", "slow"),
    ("PersistentVolumeClaim", "spec.accessModes", ["ReadOnlyMany"]),
    ("PersistentVolumeClaim", "spec.volumeMode", "Filesystem"),
    ("PersistentVolumeClaim", "spec.volumeMode", "Block"),
    ("PersistentVolumeClaim", "spec.selector", {"matchLabels": {"a": "b"}}),
    ("PersistentVolume", "spec.nfs.path", "/b"),
    ("PersistentVolume", "spec.capacity.storage", "2Gi"),
    ("PersistentVolume", "spec.persistentVolumeReclaimPolicy", "Delete"),
    ("PersistentVolume", "spec.storageClassName", "fast"),
    ("PersistentVolume", "spec.volumeMode", "Block"),
    ("StorageClass", "parameters.kind", "slow"),
    ("StorageClass", "provisioner", "example.org/other"),
    ("StorageClass", "reclaimPolicy", "Delete"),
    ("StorageClass", "reclaimPolicy", "Retain"),
    ("StorageClass", "volumeBindingMode", "Immediate"),
    ("StorageClass", "volumeBindingMode", "WaitForFirstConsumer"),
    ("StorageClass", "allowVolumeExpansion", True),
    ("StorageClass", "mountOptions", ["debug"]),
    ("RoleBinding", "roleRef.name", "writer"),
    ("RoleBinding", "roleRef.apiGroup", GONE),
    ("ClusterRoleBinding", "roleRef.name", "writer"),
    ("IngressClass", "spec.controller", "example.org/b"),
    ("PriorityClass", "value", 8),
    ("PriorityClass", "preemptionPolicy", "PreemptLowerPriority"),
    ("PriorityClass", "preemptionPolicy", "Never"),
    ("PriorityClass", "description", "more"),
    ("RuntimeClass", "handler", "b"),
    ("CSIDriver", "spec.attachRequired", True),
    ("CSIDriver", "spec.attachRequired", False),
    ("CSIDriver", "spec.podInfoOnMount", True),
    ("CSIDriver", "spec.volumeLifecycleModes", ["Ephemeral"]),
    ("EndpointSlice", "addressType", "IPv6"),
    ("ConfigMap", "data.a", "c"),
    ("ConfigMap", "immutable", GONE),
]


def body(kind: str, name: str) -> dict[str, Any]:
    version, fields = OBJECTS[kind]
    place = {} if kind in CLUSTERED else {"namespace": "default"}
    return {
        "apiVersion": version,
        "kind": kind.partition("/")[0],
        "metadata": {"name": name, **place},
        **yaml.safe_load(fields),
    }


def changed(given: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    after = copy.deepcopy(given)
    *above, last = path.split(".")
    node: Any = after
    for step in above:
        node = node[int(step)] if isinstance(node, list) else node[step]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    if path == "spec.selector.matchLabels.tier":
        after["spec"]["template"]["metadata"]["labels"]["tier"] = value
    return after


def is_refused(server: ApiServer, given: dict[str, Any]) -> bool:
    try:
        server.apply([given])
    except Refused as why:
        if why.status != 422:
            raise
        return True
    return False


@pytest.fixture(scope="module")
def server(start_api_server: Any) -> ApiServer:
    return start_api_server()


@pytest.mark.parametrize(("kind", "path", "value"), CHANGES, ids=lambda one: "gone" if one is GONE else str(one))
def test_the_rule_and_the_server_agree(repo, server, kind, path, value):
    name = f"case-{CHANGES.index((kind, path, value))}"
    before = body(kind, name)
    after = changed(before, path, value)
    server.apply([before])
    keep = config_map("keep")
    found = repo.impact(
        base(**{"a.yaml": yaml.safe_dump(before), "keep.yaml": keep}),
        base(**{"a.yaml": yaml.safe_dump(after), "keep.yaml": keep}),
    )
    assert bool(of_rule("immutable-field", found)) is is_refused(server, after)
