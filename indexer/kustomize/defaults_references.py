"""The built-in tables of fields that hold names of other objects, and of fields that may hold ``$(VAR)``.

Facts from kustomize's ``api/internal/konfig/builtinpluginconsts`` (kustomize-semantics.md §11.4, §14).
"""

from __future__ import annotations

from typing import Final

from indexer.kustomize.config import NameReference
from indexer.kustomize.fieldspec import FieldSpec
from indexer.kustomize.resid import Gvk

_RBAC: Final = "rbac.authorization.k8s.io"
_ADMISSION: Final = "admissionregistration.k8s.io"

# Where each workload keeps its pod spec. kustomize's tables know different workloads: those of environment and volumes
# leave ReplicationController out, those of names in the pod spec itself leave PodTemplate and ReplicaSet out.
_TEMPLATE: Final = "spec/template/spec"
_POD: Final = {"Pod": "spec"}
_CRON_JOB: Final = {"CronJob": "spec/jobTemplate/spec/template/spec"}
_ENVIRONMENT_PODS: Final = {
    **_POD,
    "PodTemplate": "template/spec",
    **dict.fromkeys(("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job"), _TEMPLATE),
    **_CRON_JOB,
}
_NAMED_PODS: Final = {
    **_POD,
    **dict.fromkeys(("StatefulSet", "Deployment", "ReplicationController"), _TEMPLATE),
    **_CRON_JOB,
    **dict.fromkeys(("Job", "DaemonSet"), _TEMPLATE),
}
_VARIABLE_PODS: Final = {
    **_CRON_JOB,
    **dict.fromkeys(("DaemonSet", "Deployment", "Job"), _TEMPLATE),
    **_POD,
    **dict.fromkeys(("ReplicaSet", "StatefulSet"), _TEMPLATE),
}


def _at(kind: str, *paths: str, group: str = "", version: str = "") -> list[FieldSpec]:
    return [FieldSpec(path, Gvk(group, version, kind)) for path in paths]


def _in_pods(pods: dict[str, str], *paths: str, pod_version: str = "") -> list[FieldSpec]:
    return [
        spec
        for kind, root in pods.items()
        for spec in _at(kind, *(f"{root}/{path}" for path in paths), version=pod_version if kind == "Pod" else "")
    ]


def _in_containers(*paths: str) -> tuple[str, ...]:
    return tuple(f"{containers}/{path}" for containers in ("containers", "initContainers") for path in paths)


def _named_by(kind: str, *referrers: list[FieldSpec], group: str = "", version: str = "") -> NameReference:
    return NameReference(Gvk(group, version, kind), tuple(spec for specs in referrers for spec in specs))


_SCALED: Final = _at("HorizontalPodAutoscaler", "spec/scaleTargetRef/name")
_RESOURCE_NAMES: Final = "rules/resourceNames"

NAME_REFERENCES: Final[tuple[NameReference, ...]] = (
    *(_named_by(kind, _SCALED) for kind in ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")),
    _named_by(
        "ConfigMap",
        _in_pods(
            _ENVIRONMENT_PODS,
            "volumes/configMap/name",
            *_in_containers("env/valueFrom/configMapKeyRef/name", "envFrom/configMapRef/name"),
            "volumes/projected/sources/configMap/name",
            pod_version="v1",
        ),
        _at("Node", "spec/configSource/configMap"),
        _at("Role", _RESOURCE_NAMES),
        _at("ClusterRole", _RESOURCE_NAMES),
        _at("Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap"),
        version="v1",
    ),
    _named_by(
        "Secret",
        _in_pods(
            _ENVIRONMENT_PODS,
            "volumes/secret/secretName",
            *_in_containers("env/valueFrom/secretKeyRef/name", "envFrom/secretRef/name"),
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
            pod_version="v1",
        ),
        _at(
            "Ingress",
            "spec/tls/secretName",
            r"metadata/annotations/ingress.kubernetes.io\/auth-secret",
            r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret",
            r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret",
        ),
        _at("ServiceAccount", "imagePullSecrets/name"),
        _at(
            "StorageClass",
            "parameters/secretName",
            "parameters/adminSecretName",
            "parameters/userSecretName",
            "parameters/secretRef",
        ),
        _at("Role", _RESOURCE_NAMES),
        _at("ClusterRole", _RESOURCE_NAMES),
        _at(
            "Service",
            f"{_TEMPLATE}/containers/env/valueFrom/secretKeyRef/name",
            group="serving.knative.dev",
            version="v1",
        ),
        _at("PersistentVolume", "spec/azureFile/secretName"),
        version="v1",
    ),
    _named_by(
        "Service",
        _at("StatefulSet", "spec/serviceName", group="apps"),
        _at(
            "Ingress",
            "spec/rules/http/paths/backend/serviceName",
            "spec/backend/serviceName",
            "spec/rules/http/paths/backend/service/name",
            "spec/defaultBackend/service/name",
        ),
        _at("APIService", "spec/service/name", group="apiregistration.k8s.io"),
        _at("ValidatingWebhookConfiguration", "webhooks/clientConfig/service", group=_ADMISSION),
        _at("MutatingWebhookConfiguration", "webhooks/clientConfig/service", group=_ADMISSION),
        version="v1",
    ),
    _named_by("Role", _at("RoleBinding", "roleRef/name", group=_RBAC), group=_RBAC),
    _named_by(
        "ClusterRole",
        _at("RoleBinding", "roleRef/name", group=_RBAC),
        _at("ClusterRoleBinding", "roleRef/name", group=_RBAC),
        group=_RBAC,
    ),
    _named_by(
        "ServiceAccount",
        _at("RoleBinding", "subjects", group=_RBAC),
        _at("ClusterRoleBinding", "subjects", group=_RBAC),
        _in_pods(_NAMED_PODS, "serviceAccountName"),
        version="v1",
    ),
    _named_by("PersistentVolumeClaim", _in_pods(_NAMED_PODS, "volumes/persistentVolumeClaim/claimName"), version="v1"),
    _named_by(
        "PersistentVolume",
        _at("PersistentVolumeClaim", "spec/volumeName"),
        _at("ClusterRole", _RESOURCE_NAMES),
        version="v1",
    ),
    _named_by(
        "StorageClass",
        _at("PersistentVolume", "spec/storageClassName"),
        _at("PersistentVolumeClaim", "spec/storageClassName"),
        _at("StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
        group="storage.k8s.io",
        version="v1",
    ),
    _named_by("PriorityClass", _in_pods(_NAMED_PODS, "priorityClassName"), group="scheduling.k8s.io", version="v1"),
    # The group is kustomize's, mistake included: no IngressClass is ever selected by it.
    _named_by("IngressClass", _at("Ingress", "spec/ingressClassName"), group="networking.k8s.io/v1", version="v1"),
    _named_by(
        "ValidatingAdmissionPolicy",
        _at("ValidatingAdmissionPolicyBinding", "spec/policyName", group=_ADMISSION),
        group=_ADMISSION,
    ),
)

_EXPANDED: Final = _in_containers("args", "command", "env/value", "volumeMounts/mountPath")

VAR_REFERENCES: Final[tuple[FieldSpec, ...]] = (
    *_in_pods(_VARIABLE_PODS, *_EXPANDED),
    # Not the volumes of the pod: kustomize's path for CronJob lacks the last "spec".
    *_at("CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
    *(
        spec
        for kind in ("DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet")
        for spec in _at(kind, f"{_VARIABLE_PODS[kind]}/volumes/nfs/server")
    ),
    *_at("Deployment", "spec/template/metadata/annotations"),
    *_at("Ingress", "spec/rules/host", "spec/tls/hosts", "spec/tls/secretName"),
    *_at("Service", "spec/ports/port", "spec/ports/targetPort"),
    *_at("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
    *_at("PersistentVolume", "spec/nfs/server"),
    *_at("", "metadata/labels", "metadata/annotations"),
)
