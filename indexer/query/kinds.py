"""What kubectl accepts for a kind: Kind, plural, singular and short names, with or without group, in any case."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# Kind, plural, group ("-" is the core group), "cluster" or "namespaced", short names: `kubectl api-resources`, and the
# same for Flux's custom resources.
_TABLE = """
ConfigMap configmaps - namespaced cm
Endpoints endpoints - namespaced ep
Event events - namespaced ev
LimitRange limitranges - namespaced limits
Namespace namespaces - cluster ns
Node nodes - cluster no
PersistentVolume persistentvolumes - cluster pv
PersistentVolumeClaim persistentvolumeclaims - namespaced pvc
Pod pods - namespaced po
PodTemplate podtemplates - namespaced
ReplicationController replicationcontrollers - namespaced rc
ResourceQuota resourcequotas - namespaced quota
Secret secrets - namespaced
Service services - namespaced svc
ServiceAccount serviceaccounts - namespaced sa
MutatingWebhookConfiguration mutatingwebhookconfigurations admissionregistration.k8s.io cluster
ValidatingAdmissionPolicy validatingadmissionpolicies admissionregistration.k8s.io cluster
ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings admissionregistration.k8s.io cluster
ValidatingWebhookConfiguration validatingwebhookconfigurations admissionregistration.k8s.io cluster
CustomResourceDefinition customresourcedefinitions apiextensions.k8s.io cluster crd crds
APIService apiservices apiregistration.k8s.io cluster
ControllerRevision controllerrevisions apps namespaced
DaemonSet daemonsets apps namespaced ds
Deployment deployments apps namespaced deploy
ReplicaSet replicasets apps namespaced rs
StatefulSet statefulsets apps namespaced sts
HorizontalPodAutoscaler horizontalpodautoscalers autoscaling namespaced hpa
CronJob cronjobs batch namespaced cj
Job jobs batch namespaced
CertificateSigningRequest certificatesigningrequests certificates.k8s.io cluster csr
Lease leases coordination.k8s.io namespaced
EndpointSlice endpointslices discovery.k8s.io namespaced
FlowSchema flowschemas flowcontrol.apiserver.k8s.io cluster
PriorityLevelConfiguration prioritylevelconfigurations flowcontrol.apiserver.k8s.io cluster
Ingress ingresses networking.k8s.io namespaced ing
IngressClass ingressclasses networking.k8s.io cluster
NetworkPolicy networkpolicies networking.k8s.io namespaced netpol
RuntimeClass runtimeclasses node.k8s.io cluster
PodDisruptionBudget poddisruptionbudgets policy namespaced pdb
ClusterRole clusterroles rbac.authorization.k8s.io cluster
ClusterRoleBinding clusterrolebindings rbac.authorization.k8s.io cluster
Role roles rbac.authorization.k8s.io namespaced
RoleBinding rolebindings rbac.authorization.k8s.io namespaced
PriorityClass priorityclasses scheduling.k8s.io cluster pc
CSIDriver csidrivers storage.k8s.io cluster
CSINode csinodes storage.k8s.io cluster
StorageClass storageclasses storage.k8s.io cluster sc
VolumeAttachment volumeattachments storage.k8s.io cluster
VolumeSnapshot volumesnapshots snapshot.storage.k8s.io namespaced vs
VolumeSnapshotClass volumesnapshotclasses snapshot.storage.k8s.io cluster vsclass
GatewayClass gatewayclasses gateway.networking.k8s.io cluster gc
Gateway gateways gateway.networking.k8s.io namespaced gtw
HTTPRoute httproutes gateway.networking.k8s.io namespaced
Kustomization kustomizations kustomize.toolkit.fluxcd.io namespaced ks
HelmRelease helmreleases helm.toolkit.fluxcd.io namespaced hr
Bucket buckets source.toolkit.fluxcd.io namespaced
ExternalArtifact externalartifacts source.toolkit.fluxcd.io namespaced ea
GitRepository gitrepositories source.toolkit.fluxcd.io namespaced gitrepo
HelmChart helmcharts source.toolkit.fluxcd.io namespaced hc
HelmRepository helmrepositories source.toolkit.fluxcd.io namespaced helmrepo
OCIRepository ocirepositories source.toolkit.fluxcd.io namespaced ocirepo
ArtifactGenerator artifactgenerators source.extensions.fluxcd.io namespaced ag
Alert alerts notification.toolkit.fluxcd.io namespaced
Provider providers notification.toolkit.fluxcd.io namespaced
Receiver receivers notification.toolkit.fluxcd.io namespaced
ImagePolicy imagepolicies image.toolkit.fluxcd.io namespaced imgpol imagepol
ImageRepository imagerepositories image.toolkit.fluxcd.io namespaced imgrepo imagerepo
ImageUpdateAutomation imageupdateautomations image.toolkit.fluxcd.io namespaced iua imgupd imgauto
FluxInstance fluxinstances fluxcd.controlplane.io namespaced
FluxReport fluxreports fluxcd.controlplane.io namespaced
ResourceSet resourcesets fluxcd.controlplane.io namespaced rset
ResourceSetInputProvider resourcesetinputproviders fluxcd.controlplane.io namespaced rsip
"""


class Kind(NamedTuple):
    """A kind of object, and the names it goes by."""

    name: str
    group: str
    plural: str
    short: tuple[str, ...] = ()
    clustered: bool = False
    """True for a kind that is known to live outside namespaces."""

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that may stand for it on a command line, in lower case."""
        return (self.name.lower(), self.plural, *self.short)

    @property
    def display(self) -> str:
        return self.name.lower()


@cache
def known() -> tuple[Kind, ...]:
    """The kinds of Kubernetes and Flux."""
    kinds = []
    for line in _TABLE.strip().splitlines():
        name, plural, group, scope, *short = line.split()
        kinds.append(Kind(name, "" if group == "-" else group, plural, tuple(short), clustered=scope == "cluster"))
    return tuple(kinds)


def plural_of(kind: str) -> str:
    """The plural that a custom resource most likely has, as controller-gen would choose it."""
    name = kind.lower()
    if name.endswith("y") and name[-2:-1] not in set("aeiou"):
        return name[:-1] + "ies"
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return name + "es"
    return name + "s"


def catalogue(occurring: Iterable[tuple[str, str]]) -> tuple[Kind, ...]:
    """The known kinds and those of ``occurring`` ((group, kind) pairs) that are not among them."""
    table = known()
    have = {(kind.group, kind.name) for kind in table}
    return (
        *table,
        *(Kind(name, group, plural_of(name)) for group, name in sorted(set(occurring)) if (group, name) not in have),
    )


def matching(token: str, kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """The kinds that ``token`` names: ``deploy``, ``Deployments.apps``, ``deployments.v1.apps``; ``*`` is any kind.

    As with kubectl, the beginning of a group is enough.
    """
    resource, _, rest = token.lower().partition(".")
    version, _, versioned = rest.partition(".")
    groups = {rest, versioned} if versioned and _is_version(version) else {rest}
    return tuple(
        kind
        for kind in kinds
        if (resource in kind.names or resource == "*") and any(kind.group.startswith(group) for group in groups)
    )


def _is_version(text: str) -> bool:
    return text[:1] == "v" and text[1:2].isdigit()
