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
    "Deployment/rolling": (
        "apps/v1",
        (
            "spec: {strategy: {rollingUpdate: {maxSurge: 1}}, selector: {matchLabels: {app: api}}, "
            f"template: {ALWAYS}}}"
        ),
    ),
    "Deployment/recreated": (
        "apps/v1",
        f"spec: {{strategy: {{type: Recreate}}, selector: {{matchLabels: {{app: api}}}}, template: {ALWAYS}}}",
    ),
    "DaemonSet": ("apps/v1", f"spec: {WORKLOAD}"),
    "StatefulSet": (
        "apps/v1",
        (
            f"spec: {{serviceName: api, selector: {{matchLabels: {{app: api}}}}, template: {ALWAYS}, "
            "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], "
            "resources: {requests: {storage: 1Gi}}}}]}"
        ),
    ),
    "StatefulSet/rolling": (
        "apps/v1",
        (
            "spec: {updateStrategy: {type: RollingUpdate}, serviceName: api, selector: {matchLabels: {app: api}}, "
            f"template: {ALWAYS}}}"
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
    "ConfigMap/open": ("v1", "data: {a: b}"),
    "ConfigMap/opened": ("v1", "data: {a: b}\nimmutable: false"),
    "Secret/fixed": ("v1", "data: {a: Yg==}\nimmutable: true"),
    "Secret/open": ("v1", "data: {a: Yg==}"),
}
CLUSTERED = {
    "PersistentVolume", "StorageClass", "ClusterRoleBinding", "IngressClass", "PriorityClass", "RuntimeClass",
    "CSIDriver",
}  # fmt: skip
GONE = object()
CHANGES: list[tuple[str, str, Any]] = [
    ("Deployment", "spec.selector.matchLabels.tier", "web"),
    ("Deployment", "spec.replicas", 3),
    ("Deployment", "spec.strategy", {"type": "Recreate"}),
    ("Deployment", "spec.strategy", {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
    ("Deployment", "spec.strategy", {"type": "Recreate", "rollingUpdate": None}),
    ("Deployment", "spec.strategy", {"type": "RollingUpdate"}),
    ("Deployment/rolling", "spec.strategy", {"type": "Recreate"}),
    ("Deployment/rolling", "spec.strategy.type", "Recreate"),
    ("Deployment/rolling", "spec.strategy.rollingUpdate.maxSurge", 2),
    ("Deployment/recreated", "spec.strategy", {"type": "RollingUpdate"}),
    ("Deployment/recreated", "spec.strategy", GONE),
    ("DaemonSet", "spec.template.metadata.labels.more", "x"),
    ("DaemonSet", "spec.updateStrategy", {"type": "OnDelete"}),
    ("StatefulSet", "spec.updateStrategy", {"type": "OnDelete"}),
    ("StatefulSet/rolling", "spec.updateStrategy", {"type": "OnDelete"}),
    ("StatefulSet/rolling", "spec.updateStrategy", {"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
    ("StatefulSet", "spec.serviceName", "other"),
    ("StatefulSet", "spec.podManagementPolicy", "OrderedReady"),
    ("StatefulSet", "spec.podManagementPolicy", "Parallel"),
    ("StatefulSet", "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "2Gi"),
    ("StatefulSet", "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "1024Mi"),
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
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "1Mi"),
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "1024Mi"),
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
    ("ConfigMap", "immutable", False),
    ("ConfigMap", "metadata.labels", {"a": "b"}),
    ("ConfigMap/open", "data.a", "c"),
    ("ConfigMap/open", "immutable", True),
    ("ConfigMap/opened", "data.a", "c"),
    ("ConfigMap/opened", "immutable", True),
    ("Secret/fixed", "data.a", "Yw=="),
    ("Secret/fixed", "immutable", GONE),
    ("Secret/open", "data.a", "Yw=="),
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
        if why.status not in (422, 403):
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


def test_data_and_immutable_in_one_change(repo, server):
    """What was not immutable before is changed, and cannot be changed again."""
    steps = [
        {**body("ConfigMap/open", "steps"), **more}
        for more in ({}, {"data": {"a": "c"}, "immutable": True}, {"data": {"a": "d"}, "immutable": True})
    ]
    sides = [base(**{"a.yaml": yaml.safe_dump(one), "keep.yaml": config_map("keep")}) for one in steps]
    assert not is_refused(server, steps[0])
    assert of_rule("immutable-field", repo.impact(*sides[:2])) == []
    assert not is_refused(server, steps[1])
    assert of_rule("immutable-field", repo.impact(*sides[1:])) == ["error immutable-field apps/a.yaml:3"]
    assert is_refused(server, steps[2])


@pytest.mark.parametrize("expands", [True, False, None])
@pytest.mark.parametrize("size", ["2Gi", "1Gi", "1024Mi", "1Mi"])
def test_a_bound_claim_that_changes_its_size(repo, server, expands, size):
    """Its StorageClass is in Git."""
    name = f"{size.lower()}-{expands}".lower()
    allowed = {} if expands is None else {"allowVolumeExpansion": expands}
    storage = {**body("StorageClass", f"class-{name}"), **allowed}
    before = changed(body("PersistentVolumeClaim", name), "spec.storageClassName", f"class-{name}")
    after = changed(before, "spec.resources.requests.storage", size)
    server.apply([storage, before])
    server.patch(before, {"spec": {"volumeName": name}})
    bound = {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
    server.patch(before, {"status": bound}, "status")
    if expands:  # the server heeds the class some time after it took it
        larger = changed(before, "spec.resources.requests.storage", "3Gi")
        server.until(lambda: bool(server.apply([larger], dry_run=True)))
    found = repo.impact(
        *(base(**{"a.yaml": yaml.safe_dump(one), "class.yaml": yaml.safe_dump(storage)}) for one in (before, after))
    )
    assert bool(of_rule("immutable-field", found)) is is_refused(server, after)
