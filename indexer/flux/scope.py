"""Which kinds are cluster-scoped, where no cluster can be asked (section 1.3 of the Flux rules)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from indexer.flux.resources import group_of, kind_of
from indexer.kustomize.nodes import text_at
from indexer.kustomize.resid import CLUSTER_SCOPED
from indexer.manifest.node import Mapping

Kind = tuple[str, str]
"""(group, kind)"""

_BUILT_IN: Final = frozenset((api.rpartition("/")[0], kind) for api, kind in CLUSTER_SCOPED) | frozenset(
    (group, kind)
    for group, kinds in {
        "admissionregistration.k8s.io": (
            "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
            "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
        ),
        "certificates.k8s.io": "ClusterTrustBundle",
        "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
        "networking.k8s.io": "ServiceCIDR IPAddress",
        "resource.k8s.io": "DeviceClass ResourceSlice",
        "storage.k8s.io": "VolumeAttributesClass",
    }.items()
    for kind in kinds.split()
)

# Custom kinds in wide use whose CRD is rarely in the repository that uses them.
_WELL_KNOWN: Final = frozenset(
    (group, kind)
    for group, kinds in {
        "cilium.io": (
            "CiliumBGPAdvertisement CiliumBGPClusterConfig CiliumBGPNodeConfig CiliumBGPNodeConfigOverride "
            "CiliumBGPPeerConfig CiliumBGPPeeringPolicy CiliumCIDRGroup CiliumClusterwideEnvoyConfig "
            "CiliumClusterwideNetworkPolicy CiliumEgressGatewayPolicy CiliumExternalWorkload CiliumIdentity "
            "CiliumL2AnnouncementPolicy CiliumLoadBalancerIPPool CiliumNode"
        ),
        "config.openshift.io": "OAuth Infrastructure Ingress Network Proxy APIServer Authentication Image Scheduler",
        "crd.projectcalico.org": "BGPConfiguration BGPPeer FelixConfiguration GlobalNetworkPolicy IPPool",
        "gateway.networking.k8s.io": "GatewayClass",
        "groupsnapshot.storage.k8s.io": "VolumeGroupSnapshotClass VolumeGroupSnapshotContent",
        "karpenter.k8s.aws": "EC2NodeClass",
        "karpenter.sh": "NodePool NodeClaim",
        "kyverno.io": "ClusterPolicy ClusterCleanupPolicy",
        "machineconfiguration.openshift.io": "MachineConfig MachineConfigPool KubeletConfig",
        "nfd.k8s-sigs.io": "NodeFeatureRule NodeFeatureGroup",
        "nvidia.com": "ClusterPolicy NVIDIADriver",
        "operator.openshift.io": "Console IngressController Network DNS",
        "operator.tigera.io": "APIServer Goldmane Installation TigeraStatus Whisker",
        "pkg.crossplane.io": "Provider Configuration Function DeploymentRuntimeConfig",
        "apiextensions.crossplane.io": "CompositeResourceDefinition Composition EnvironmentConfig",
        "policies.kyverno.io": "ValidatingPolicy MutatingPolicy GeneratingPolicy DeletingPolicy ImageValidatingPolicy",
        "policy.networking.k8s.io": "AdminNetworkPolicy BaselineAdminNetworkPolicy",
        "project.openshift.io": "Project",
        "security.openshift.io": "SecurityContextConstraints",
        "snapshot.storage.k8s.io": "VolumeSnapshotClass VolumeSnapshotContent",
        "templates.gatekeeper.sh": "ConstraintTemplate",
        "miroir.home-operations.com": "MiroirNodeGroup",
        "topolvm.io": "LogicalVolume",
        "tuppr.home-operations.com": "KubernetesUpgrade TalosUpgrade",
        "user.openshift.io": "Group Identity User",
    }.items()
    for kind in kinds.split()
)

# Kinds that begin with Cluster and live in a namespace all the same.
_NAMESPACED: Final = frozenset(
    {
        "Cluster",
        "ClusterClass",
        "ClusterResourceSet",
        "ClusterResourceSetBinding",
        "ClusterServiceVersion",
        "ClusterTemplate",
        "ClusterDeployment",
        "ClusterPool",
        "ClusterClaim",
        "ClusterInstance",
        "ClusterOutput",
        "ClusterFlow",
    }
)


def declared(objects: Iterable[Mapping]) -> dict[Kind, bool]:
    """What CustomResourceDefinitions say: (group, kind) → whether it is cluster-scoped."""
    return {
        (text_at(root, "spec", "group"), text_at(root, "spec", "names", "kind")): text_at(root, "spec", "scope")
        == "Cluster"
        for root in objects
        if kind_of(root) == "CustomResourceDefinition" and group_of(root) == "apiextensions.k8s.io"
    }


def is_cluster_scoped(group: str, kind: str, crds: dict[Kind, bool]) -> bool:
    """As the CRDs of the repository say, else by table, else by the custom of calling such kinds ``Cluster…``."""
    known = crds.get((group, kind))
    if known is not None:
        return known
    if (group, kind) in _BUILT_IN or (group, kind) in _WELL_KNOWN or group == "constraints.gatekeeper.sh":
        return True
    return "." in group and not group.endswith(".k8s.io") and kind.startswith("Cluster") and kind not in _NAMESPACED
