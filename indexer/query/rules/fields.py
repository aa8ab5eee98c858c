"""Fields that a change must not touch, or that turn more than they seem to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from indexer.flux.identity import UnitId
from indexer.flux.resources import HELM, KUSTOMIZE
from indexer.kustomize.nodes import text_at
from indexer.query.findings import Finding, Severity, Verdict
from indexer.query.impact import ChangeKind, FieldChange, ObjectChange, UnitChange, UnitChangeKind
from indexer.query.rules.moves import Sides, named, place

_RBAC: Final = "rbac.authorization.k8s.io"
_IMMUTABLE: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "Deployment"): ("/spec/selector",),
    ("apps", "ReplicaSet"): ("/spec/selector",),
    ("apps", "DaemonSet"): ("/spec/selector",),
    ("apps", "StatefulSet"): (
        "/spec/selector", "/spec/serviceName", "/spec/podManagementPolicy", "/spec/volumeClaimTemplates",
    ),
    ("batch", "Job"): ("/spec/selector", "/spec/template", "/spec/completionMode"),
    ("", "Service"): ("/spec/clusterIP", "/spec/clusterIPs"),
    ("", "Secret"): ("/type",),
    ("", "PersistentVolumeClaim"): (
        "/spec/storageClassName", "/spec/accessModes", "/spec/volumeName", "/spec/volumeMode", "/spec/selector",
        "/spec/dataSource", "/spec/dataSourceRef",
    ),
    ("", "PersistentVolume"): ("/spec/nodeAffinity", "/spec/csi", "/spec/nfs", "/spec/local", "/spec/hostPath"),
    ("storage.k8s.io", "StorageClass"): ("/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"),
    ("storage.k8s.io", "CSIDriver"): ("/spec/attachRequired",),
    (_RBAC, "RoleBinding"): ("/roleRef",),
    (_RBAC, "ClusterRoleBinding"): ("/roleRef",),
    ("networking.k8s.io", "IngressClass"): ("/spec/controller",),
    ("scheduling.k8s.io", "PriorityClass"): ("/value", "/preemptionPolicy"),
    ("node.k8s.io", "RuntimeClass"): ("/handler",),
    ("discovery.k8s.io", "EndpointSlice"): ("/addressType",),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("/spec/scope", "/spec/group", "/spec/names/kind"),
}  # fmt: skip
"""Fields of the built-in kinds that the API server refuses to change, by (group, kind)."""
_DATA: Final = ("/data", "/binaryData", "/stringData", "/immutable")
_UNSET: Final = "unset"


def immutable(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Changes of fields that nobody can change: the apply fails, unless the object is deleted for it."""
    if change.before is None or change.after is None or not change.fields:
        return
    paths = _IMMUTABLE.get((change.object.group, change.object.kind), ())
    if change.object.kind in ("ConfigMap", "Secret") and text_at(change.before.tree, "immutable") == "true":
        paths = (*paths, *_DATA)
    for path in paths:
        hit = [field for field in change.fields if field.path == path or field.path.startswith(f"{path}/")]
        if hit:
            yield _immutable(sides, change, path, hit)


def _immutable(sides: Sides, change: ObjectChange, path: str, hit: list[FieldChange]) -> Finding:
    first = hit[0]
    values = f" from {_value(first.before)} to {_value(first.after)}" if len(hit) == 1 and not first.redacted else ""
    message = f"{path} of {named(change.object)} changes{values}, and cannot be changed: "
    severity = Severity.ERROR
    if _is_forced(sides, change):
        severity = Severity.WARNING
        message += "force has it deleted and made anew"
    else:
        message += "the apply fails; delete the object first, or give the new one another name"
    after = change.after.definition if change.after is not None else None
    span = place(first.cause, after)
    related = (after,) if after is not None and after != span else ()
    verdict = sides.live.refused(change, hit, severity) if sides.live is not None else Verdict(severity)
    return Finding(
        "immutable-field", verdict.severity, message, change.object, span, related, change.cluster, change.unit,
        verdict.says,
    )  # fmt: skip


def _is_forced(sides: Sides, change: ObjectChange) -> bool:
    own = sides.head.kustomizations.get(change.unit)
    after = next((obj for unit, obj in sides.head.objects.get(change.object.key, ()) if unit.id == change.unit), None)
    return (own is not None and own.force) or (after is not None and after.forced)


def _value(value: object) -> str:
    return _UNSET if value is None else str(value)


def scaled_to_zero(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Workloads that no pod is left of."""
    for field in change.fields if change.change is not ChangeKind.ADDED else ():
        if field.path == "/spec/replicas" and str(field.after) == "0" and str(field.before) != "0":
            before = "as many as it had" if field.before is None else str(field.before)
            message = f"{named(change.object)} is scaled from {before} to 0: nothing of it runs any more"
            after = change.after.definition if change.after is not None else None
            verdict = Verdict(Severity.WARNING)
            if sides.live is not None:
                verdict = sides.live.scaled(change, verdict.severity)
            yield Finding(
                "scaled-to-zero", verdict.severity, message, change.object, place(field.cause, after), (),
                change.cluster, change.unit, verdict.says,
            )  # fmt: skip


_TARGETS: Final = {
    (KUSTOMIZE, "Kustomization"): ("/spec/targetNamespace",),
    (HELM, "HelmRelease"): ("/spec/targetNamespace", "/spec/storageNamespace", "/spec/releaseName"),
}


def changed_target(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Units that put their objects into another namespace, or under another release."""
    for field in change.fields:
        if field.path in _TARGETS.get((change.object.group, change.object.kind), ()):
            name = field.path.rpartition("/")[2]
            what = (
                "what it had there is pruned, and made anew"
                if change.object.kind == "Kustomization"
                else ("the release is uninstalled, and installed anew")
            )
            message = f"{name} of {named(change.object)} changes from {_value(field.before)} to {_value(field.after)}"
            after = change.after.definition if change.after is not None else None
            unit = UnitId(change.object.kind, change.object.namespace or "", change.object.name)
            verdict = _retargeted(sides, change.cluster, unit)
            yield Finding(
                "changed-target", verdict.severity, f"{message}: {what}", change.object, place(field.cause, after), (),
                change.cluster, change.unit, verdict.says,
            )  # fmt: skip


def _retargeted(sides: Sides, cluster: str, unit: UnitId) -> Verdict:
    verdict = Verdict(Severity.ERROR)
    return sides.live.retargeted(cluster, unit, verdict.severity) if sides.live is not None else verdict


def changed_cluster(sides: Sides, change: UnitChange) -> Iterator[Finding]:
    """Units that apply to another cluster than before."""
    if change.change is UnitChangeKind.RETARGETED:
        one = change.unit
        detail = f" ({change.detail})" if change.detail else ""
        message = (
            f"{one.kind} {one.namespace}/{one.name} applies to another cluster{detail}: what it applied so far stays "
            "where it is, and nobody owns it"
        )
        after = change.after.definition if change.after is not None else None
        verdict = _retargeted(sides, change.cluster, one)
        yield Finding(
            "changed-target", verdict.severity, message, None, place(change.cause, after), (), change.cluster, one,
            verdict.says,
        )  # fmt: skip
