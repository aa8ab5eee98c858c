"""Objects that nobody writes: Kubernetes makes them, or a controller does for an object that somebody wrote.

Each rule has a name and a sentence, which ``orphans --explain`` shows. A rule looks at names, labels and annotations
only, so no content of an object is ever asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from indexer.cluster.model import Metadata


@dataclass(frozen=True, slots=True)
class Native:
    """A rule that says why an object needs no code of its own."""

    name: str
    why: str
    holds: Callable[[Metadata], bool]


def native(metadata: Metadata) -> Native | None:
    """The first rule that says where the object comes from; None where it should have been written by someone."""
    return next((rule for rule in RULES if rule.holds(metadata)), None)


def _kind(group: str, *kinds: str) -> Callable[[Metadata], bool]:
    return lambda one: one.id.group == group and (not kinds or one.id.kind in kinds)


def _named(kind: str, *names: str, namespace: str | None = None) -> Callable[[Metadata], bool]:
    return lambda one: (
        one.id.kind == kind and one.id.name in names and (namespace is None or one.id.namespace == namespace)
    )


def _annotated(*annotations: str) -> Callable[[Metadata], bool]:
    return lambda one: any(annotation in one.annotations for annotation in annotations)


def _labelled(*labels: str) -> Callable[[Metadata], bool]:
    return lambda one: any(label in one.labels for label in labels)


def _either(*rules: Callable[[Metadata], bool]) -> Callable[[Metadata], bool]:
    return lambda one: any(rule(one) for rule in rules)


_SYSTEM_NAMESPACES: Final = ("default", "kube-system", "kube-public", "kube-node-lease")
_RBAC: Final = "rbac.authorization.k8s.io"


def _bootstrap_rbac(one: Metadata) -> bool:
    system = one.id.name.startswith(("system:", "kubeadm:"))
    return one.id.group == _RBAC and (system or "kubernetes.io/bootstrapping" in one.labels)


def _priority(one: Metadata) -> bool:
    return one.id.group == "scheduling.k8s.io" and one.id.name.startswith("system-")


def _measured(one: Metadata) -> bool:
    return one.id.group.endswith("metrics.k8s.io")


def _reports(one: Metadata) -> bool:
    return one.id.group in _REPORTS and one.id.kind.endswith("Report")


_REPORTS: Final = (
    "aquasecurity.github.io",
    "kyverno.io",
    "reports.kyverno.io",
    "wgpolicyk8s.io",
    "openreports.io",
)
_WORKING_STATE: Final = {
    ("cilium.io", "CiliumEndpoint"),
    ("cilium.io", "CiliumEndpointSlice"),
    ("cilium.io", "CiliumIdentity"),
    ("cilium.io", "CiliumNode"),
    ("crd.projectcalico.org", "BlockAffinity"),
    ("crd.projectcalico.org", "ClusterInformation"),
    ("crd.projectcalico.org", "IPAMBlock"),
    ("crd.projectcalico.org", "IPAMConfig"),
    ("crd.projectcalico.org", "IPAMHandle"),
    ("crd.projectcalico.org", "KubeControllersConfiguration"),
    ("k3s.cattle.io", "Addon"),
    ("k3s.cattle.io", "ETCDSnapshotFile"),
    ("longhorn.io", "BackingImageManager"),
    ("longhorn.io", "Engine"),
    ("longhorn.io", "EngineImage"),
    ("longhorn.io", "InstanceManager"),
    ("longhorn.io", "Node"),
    ("longhorn.io", "Replica"),
    ("longhorn.io", "ShareManager"),
    ("longhorn.io", "Volume"),
    ("nfd.k8s-sigs.io", "NodeFeature"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
    ("velero.io", "BackupRepository"),
    ("velero.io", "PodVolumeBackup"),
}

RULES: Final = (
    Native("owned", "its owner goes with it: ask for the owner", lambda one: bool(one.owners)),
    Native("deleting", "it is being deleted", lambda one: one.deleting),
    Native("system-namespace", "the API server makes these namespaces", _named("Namespace", *_SYSTEM_NAMESPACES)),
    Native(
        "cluster-ca",
        "a controller puts it into every namespace",
        _named("ConfigMap", "kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"),
    ),
    Native("default-service-account", "every namespace has one", _named("ServiceAccount", "default")),
    Native(
        "service-account-token",
        "made for a ServiceAccount",
        _annotated("kubernetes.io/service-account.name"),
    ),
    Native(
        "api-service",
        "the API server's own",
        _either(
            _named("Service", "kubernetes", namespace="default"),
            _named("ServiceCIDR", "kubernetes"),
            _labelled("kube-aggregator.kubernetes.io/automanaged"),
        ),
    ),
    Native(
        "endpoints",
        "a controller keeps them for a Service",
        _either(_kind("", "Endpoints"), _kind("discovery.k8s.io", "EndpointSlice")),
    ),
    Native("addresses", "the API server keeps them for Services", _kind("networking.k8s.io", "IPAddress")),
    Native("bootstrap-rbac", "the API server, or kubeadm, makes these roles", _bootstrap_rbac),
    Native("system-priority", "the API server makes these classes", _priority),
    Native(
        "flow-control",
        "the API server makes these, unless they are edited",
        _annotated("apf.kubernetes.io/autoupdate-spec"),
    ),
    Native(
        "cluster-bootstrap",
        "the installation of the cluster makes these",
        _either(
            _named(
                "ConfigMap",
                "cluster-info",
                "extension-apiserver-authentication",
                "kube-apiserver-legacy-service-account-token-tracking",
                "kubeadm-config",
                "kubelet-config",
            ),
            lambda one: one.id.kind == "Secret" and one.id.name.startswith("bootstrap-token-"),
        ),
    ),
    Native(
        "nodes",
        "nodes and their drivers register themselves",
        _either(_kind("", "Node"), _kind("storage.k8s.io", "CSINode", "CSIStorageCapacity", "VolumeAttachment")),
    ),
    Native("leases", "whoever leads keeps them", _kind("coordination.k8s.io")),
    Native("events", "they are messages", _either(_kind("", "Event"), _kind("events.k8s.io"))),
    Native("measurements", "they are measured, not made", _either(_measured, _kind("", "ComponentStatus"))),
    Native(
        "dynamic-volume",
        "made for a claim",
        lambda one: one.id.kind == "PersistentVolume" and "pv.kubernetes.io/provisioned-by" in one.annotations,
    ),
    Native("mirror-pod", "a node's own pod", _annotated("kubernetes.io/config.mirror")),
    Native(
        "certificate",
        "cert-manager makes it for a Certificate or an issuer",
        _either(_annotated("cert-manager.io/certificate-name"), _labelled("cert-manager.io/next-private-key")),
    ),
    Native(
        "external-secret",
        "an operator fills it from elsewhere",
        _labelled("reconcile.external-secrets.io/managed", "external-secrets.io/component"),
    ),
    Native(
        "copied",
        "an operator copies it from another namespace",
        _either(
            _annotated("reflector.v1.k8s.emberstack.com/reflects", "kubed.appscode.com/origin"),
            _labelled("generate.kyverno.io/rule-name", "olm.copiedFrom", "hnc.x-k8s.io/inherited-from"),
        ),
    ),
    Native("reports", "an operator reports in it", _reports),
    Native(
        "working-state",
        "an operator keeps its own state in it",
        lambda one: (one.id.group, one.id.kind) in _WORKING_STATE,
    ),
)
