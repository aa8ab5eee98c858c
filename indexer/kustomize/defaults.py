"""The built-in tables of field specs.

Facts from kustomize's ``api/internal/konfig/builtinpluginconsts`` (kustomize-semantics.md §8).
"""

from __future__ import annotations

from typing import Final

from indexer.kustomize.config import TransformerConfig
from indexer.kustomize.defaults_references import NAME_REFERENCES, VAR_REFERENCES
from indexer.kustomize.fieldspec import FieldSpec
from indexer.kustomize.resid import Gvk

_TEMPLATE: Final = "spec/template"
_JOB: Final = "spec/jobTemplate"
_ANY: Final = Gvk("", "", "")
_SERVICE: Final = Gvk("", "v1", "Service")
_REPLICATION_CONTROLLER: Final = Gvk("", "v1", "ReplicationController")
_DEPLOYMENT: Final = Gvk("", "", "Deployment")
_REPLICA_SET: Final = Gvk("", "", "ReplicaSet")
_DAEMON_SET: Final = Gvk("", "", "DaemonSet")
_STATEFUL_SET: Final = Gvk("apps", "", "StatefulSet")
_BATCH_JOB: Final = Gvk("batch", "", "Job")
_CRON_JOB: Final = Gvk("batch", "", "CronJob")
_NETWORK_POLICY: Final = Gvk("networking.k8s.io", "", "NetworkPolicy")


def _pod_templates(field: str, stateful_set: Gvk) -> tuple[FieldSpec, ...]:
    """``field`` (``labels``, ``annotations``) of the metadata of objects and of the pods they make."""
    in_template = f"{_TEMPLATE}/metadata/{field}"
    return (
        FieldSpec(f"metadata/{field}", _ANY, create=True),
        FieldSpec(in_template, _REPLICATION_CONTROLLER, create=True),
        FieldSpec(in_template, _DEPLOYMENT, create=True),
        FieldSpec(in_template, _REPLICA_SET, create=True),
        FieldSpec(in_template, _DAEMON_SET, create=True),
        FieldSpec(in_template, stateful_set, create=True),
        FieldSpec(in_template, _BATCH_JOB, create=True),
        FieldSpec(f"{_JOB}/metadata/{field}", _CRON_JOB, create=True),
        FieldSpec(f"{_JOB}/spec/template/metadata/{field}", _CRON_JOB, create=True),
    )


_TEMPLATE_LABELS: Final = (
    *_pod_templates("labels", _STATEFUL_SET),
    FieldSpec("spec/volumeClaimTemplates[]/metadata/labels", _STATEFUL_SET, create=True),
)

# Pods that are told to keep near to, or away from, pods with a label.
_NEIGHBOURS: Final = tuple(
    f"{_TEMPLATE}/spec/{selector}/labelSelector/matchLabels"
    for selector in (
        "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
        "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution",
        "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
        "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution",
        "topologySpreadConstraints",
    )
)
_SELECTORS: Final = (
    FieldSpec("spec/selector", _SERVICE, create=True),
    FieldSpec("spec/selector", _REPLICATION_CONTROLLER, create=True),
    *(
        FieldSpec("spec/selector/matchLabels", gvk, create=True)
        for gvk in (_DEPLOYMENT, _REPLICA_SET, _DAEMON_SET, _STATEFUL_SET)
    ),
    *(FieldSpec(path, Gvk("apps", "", kind)) for kind in ("Deployment", "StatefulSet") for path in _NEIGHBOURS),
    FieldSpec("spec/selector/matchLabels", _BATCH_JOB),
    FieldSpec(f"{_JOB}/spec/selector/matchLabels", _CRON_JOB),
    FieldSpec("spec/selector/matchLabels", Gvk("policy", "", "PodDisruptionBudget")),
    FieldSpec("spec/podSelector/matchLabels", _NETWORK_POLICY),
    FieldSpec("spec/ingress/from/podSelector/matchLabels", _NETWORK_POLICY),
    FieldSpec("spec/egress/to/podSelector/matchLabels", _NETWORK_POLICY),
)

_IMAGES: Final = tuple(
    FieldSpec(f"{pod}/{image}", create=True)
    for pod in ("spec", f"{_TEMPLATE}/spec")
    for image in ("containers[]/image", "initContainers[]/image", "volumes[]/image/reference")
)

DEFAULTS: Final = TransformerConfig(
    name_prefix=(FieldSpec("metadata/name"),),
    name_suffix=(FieldSpec("metadata/name"),),
    namespace=(
        FieldSpec("metadata/name", Gvk("", "", "Namespace"), create=True),
        FieldSpec("spec/service/namespace", Gvk("apiregistration.k8s.io", "", "APIService"), create=True),
        FieldSpec(
            "spec/conversion/webhook/clientConfig/service/namespace",
            Gvk("apiextensions.k8s.io", "", "CustomResourceDefinition"),
        ),
    ),
    common_annotations=_pod_templates("annotations", Gvk("", "", "StatefulSet")),
    common_labels=(*_SELECTORS, *_TEMPLATE_LABELS),
    template_labels=_TEMPLATE_LABELS,
    var_reference=VAR_REFERENCES,
    name_reference=NAME_REFERENCES,
    images=_IMAGES,
    replicas=tuple(
        FieldSpec("spec/replicas", Gvk("", "", kind), create=True)
        for kind in ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
    ),
).sorted()
