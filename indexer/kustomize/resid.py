"""Identity of a resource: group, version, kind, name, namespace, as kustomize prints, compares and sorts them.

Rules: kustomize's ``kyaml/resid``.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from indexer.deferred import NamedTuple

NOT_A_NAMESPACE: Final = "_non_namespaceable_"
DEFAULT_NAMESPACE: Final = "default"

# Kinds that kustomize's built-in schema (Kubernetes 1.21) knows to be cluster-scoped, by the exact apiVersion. Every
# other kind counts as namespaced.
_CLUSTER_SCOPED: Final = {
    "v1": "ComponentStatus Namespace Node NodeProxyOptions PersistentVolume",
    "admissionregistration.k8s.io/v1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "admissionregistration.k8s.io/v1beta1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiextensions.k8s.io/v1beta1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
    "apiregistration.k8s.io/v1beta1": "APIService",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "certificates.k8s.io/v1beta1": "CertificateSigningRequest",
    "flowcontrol.apiserver.k8s.io/v1beta1": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io/v1": "IngressClass",
    "networking.k8s.io/v1beta1": "IngressClass",
    "node.k8s.io/v1": "RuntimeClass",
    "node.k8s.io/v1beta1": "RuntimeClass",
    "policy/v1beta1": "PodSecurityPolicy",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "rbac.authorization.k8s.io/v1beta1": "ClusterRole ClusterRoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass",
    "scheduling.k8s.io/v1beta1": "PriorityClass",
    "storage.k8s.io/v1": "CSIDriver CSINode StorageClass VolumeAttachment",
    "storage.k8s.io/v1beta1": "CSIDriver CSINode StorageClass VolumeAttachment",
}
CLUSTER_SCOPED: Final = frozenset(
    (api_version, kind) for api_version, kinds in _CLUSTER_SCOPED.items() for kind in kinds.split()
)

# The legacy order of kinds: these first, then all others, then the last ones.
ORDER_FIRST: Final = (
    "Namespace", "ResourceQuota", "StorageClass", "CustomResourceDefinition", "ServiceAccount", "PodSecurityPolicy",
    "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ConfigMap", "Secret", "Endpoints", "Service",
    "LimitRange", "PriorityClass", "PersistentVolume", "PersistentVolumeClaim", "Deployment", "StatefulSet", "CronJob",
    "PodDisruptionBudget",
)  # fmt: skip
ORDER_LAST: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_RANK: Final = {kind: index - len(ORDER_FIRST) for index, kind in enumerate(ORDER_FIRST)} | {
    kind: index + 1 for index, kind in enumerate(ORDER_LAST)
}


class Gvk(NamedTuple):
    """Group, version and kind; "" is a blank part, which selects anything."""

    group: str
    version: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind or '[noKind]'}.{self.version or '[noVer]'}.{self.group or '[noGrp]'}"

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def is_selected(self, selector: Gvk) -> bool:
        """Whether every part that ``selector`` names is the same here."""
        return (
            (not selector.group or selector.group == self.group)
            and (not selector.version or selector.version == self.version)
            and (not selector.kind or selector.kind == self.kind)
        )

    @property
    def sort_key(self) -> tuple[int, str]:
        """The order that field specs and name references are tried in, and resources are printed in."""
        return _RANK.get(self.kind, 0), f"{self.group or '~G'}_{self.version or '~V'}_{self.kind or '~K'}"


@cache
def parse_api_version(api_version: str) -> tuple[str, str]:
    """(group, version) of an apiVersion; the core group is ""."""
    group, slash, version = api_version.partition("/")
    return (group, version) if slash else ("", api_version)


class ResId(NamedTuple):
    """Identity of a resource, with the namespace as it is written ("" where it is not)."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str = ""

    @property
    def gvk(self) -> Gvk:
        return Gvk(self.group, self.version, self.kind)

    @property
    def cluster_scoped(self) -> bool:
        """Whether kustomize is certain that the kind is cluster-scoped."""
        return (f"{self.group}/{self.version}" if self.group else self.version, self.kind) in CLUSTER_SCOPED

    @property
    def effective_namespace(self) -> str:
        """The namespace that comparisons use: ``default`` where none is written."""
        if self.cluster_scoped:
            return NOT_A_NAMESPACE
        return self.namespace or DEFAULT_NAMESPACE

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What two ids share that are equal to kustomize."""
        return self.group, self.version, self.kind, self.name, self.effective_namespace

    def __str__(self) -> str:
        return f"{self.gvk}/{self.name or '[noName]'}.{self.namespace or '[noNs]'}"
