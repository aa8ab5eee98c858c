"""Fields that a change must not touch, or that turn more than they seem to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from indexer.deferred import regex
from indexer.flux.helmrelease import release_name, release_namespace
from indexer.flux.identity import UnitId
from indexer.flux.resources import HELM, KUSTOMIZE, namespace_of
from indexer.kustomize.nodes import text_at
from indexer.manifest.node import Mapping
from indexer.query.findings import Finding, Severity, Verdict
from indexer.query.impact import ChangeKind, FieldChange, ObjectChange, UnitChange, UnitChangeKind
from indexer.query.rules.moves import Sides, named, place
from indexer.query.rules.view import is_unknown

_RBAC: Final = "rbac.authorization.k8s.io"
_IMMUTABLE: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "Deployment"): ("/spec/selector",),
    ("apps", "ReplicaSet"): ("/spec/selector",),
    ("apps", "DaemonSet"): ("/spec/selector",),
    ("apps", "StatefulSet"): (
        "/spec/selector", "/spec/serviceName", "/spec/podManagementPolicy", "/spec/volumeClaimTemplates",
    ),
    ("batch", "Job"): (
        "/spec/selector", "/spec/template", "/spec/completionMode", "/spec/completions", "/spec/backoffLimitPerIndex",
        "/spec/podFailurePolicy", "/spec/successPolicy", "/spec/managedBy",
    ),
    ("", "Service"): ("/spec/clusterIP", "/spec/clusterIPs"),
    ("", "Secret"): ("/type",),
    ("", "PersistentVolumeClaim"): (
        "/spec/storageClassName", "/spec/accessModes", "/spec/volumeName", "/spec/volumeMode", "/spec/selector",
        "/spec/dataSource", "/spec/dataSourceRef",
    ),
    ("", "PersistentVolume"): (
        "/spec/nodeAffinity", "/spec/volumeMode", "/spec/csi", "/spec/nfs", "/spec/local", "/spec/hostPath",
    ),
    ("storage.k8s.io", "StorageClass"): ("/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"),
    ("storage.k8s.io", "CSIDriver"): ("/spec/attachRequired", "/spec/volumeLifecycleModes"),
    (_RBAC, "RoleBinding"): ("/roleRef",),
    (_RBAC, "ClusterRoleBinding"): ("/roleRef",),
    ("networking.k8s.io", "IngressClass"): ("/spec/controller",),
    ("scheduling.k8s.io", "PriorityClass"): ("/value", "/preemptionPolicy"),
    ("node.k8s.io", "RuntimeClass"): ("/handler",),
    ("discovery.k8s.io", "EndpointSlice"): ("/addressType",),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("/spec/scope", "/spec/group", "/spec/names/kind"),
}  # fmt: skip
"""Fields of the built-in kinds that the API server refuses to change, by (group, kind)."""
_DEFAULTS: Final = {
    "/spec/podManagementPolicy": "OrderedReady",
    "/spec/completionMode": "NonIndexed",
    "/spec/volumeMode": "Filesystem",
    "/spec/volumeClaimTemplates/apiVersion": "v1",
    "/spec/volumeClaimTemplates/kind": "PersistentVolumeClaim",
    "/spec/volumeClaimTemplates/spec/volumeMode": "Filesystem",
    "/spec/attachRequired": "true",
    "/type": "Opaque",
    "/roleRef/apiGroup": _RBAC,
    "/reclaimPolicy": "Delete",
    "/volumeBindingMode": "Immediate",
    "/preemptionPolicy": "PreemptLowerPriority",
}
"""What the API server takes for such a field that is left out; places in lists are left out."""
_KEPT: Final = ("/spec/clusterIP", "/spec/clusterIPs")
"""Fields that stay as they are in the cluster where they are left out."""
_PLACE: Final = regex(r"/\d+(?=/)")
_DATA: Final = ("/data", "/binaryData", "/stringData", "/immutable")
_UNSET: Final = "unset"


def immutable(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Changes of fields that nobody can change: the apply fails, unless the object is deleted for it."""
    after = sides.after(change)
    if change.before is None or change.after is None or not change.fields or (after is not None and after.left):
        return
    paths = _IMMUTABLE.get((change.object.group, change.object.kind), ())
    if change.object.kind in ("ConfigMap", "Secret") and text_at(change.before.tree, "immutable") == "true":
        paths = (*paths, *_DATA)
    if text_at(change.after.tree, "spec", "completionMode") == "Indexed":
        # An indexed Job may grow and shrink.
        paths = tuple(path for path in paths if path != "/spec/completions")
    for path in paths:
        touched = (field for field in change.fields if field.path == path or field.path.startswith(f"{path}/"))
        hit = [field for field in touched if _is_other(field)]
        if hit:
            yield _immutable(sides, change, path, hit)


def _is_other(field: FieldChange) -> bool:
    """Whether the server takes the values before and after for two."""
    if field.change is ChangeKind.REMOVED and field.path.startswith(_KEPT):
        return False
    default = _DEFAULTS.get(_PLACE.sub("", field.path))
    if default is None or field.redacted:
        return True
    before, after = (default if value in (None, "") else str(value) for value in (field.before, field.after))
    return before.lower() != after.lower()


def _immutable(sides: Sides, change: ObjectChange, path: str, hit: list[FieldChange]) -> Finding:
    first = hit[0]
    values = f" from {_value(first.before)} to {_value(first.after)}" if len(hit) == 1 and not first.redacted else ""
    message = f"{path} of {named(change.object)} changes{values}, and cannot be changed: "
    severity = Severity.ERROR
    if _is_forced(sides, change):
        holds = change.object.kind in ("PersistentVolumeClaim", "PersistentVolume")
        severity = Severity.ERROR if holds else Severity.WARNING
        message += f"force has it deleted and made anew{', and its data may go with it' if holds else ''}"
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
    after = sides.after(change)
    return (own is not None and own.force) or (after is not None and after.forced)


def _value(value: object) -> str:
    return _UNSET if value is None else str(value)


def scaled_to_zero(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Workloads that no pod is left of."""
    facts = sides.after(change)
    if change.change is ChangeKind.ADDED or (facts is not None and facts.left):
        return
    for field in change.fields:
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


_RELEASE: Final = ("/spec/targetNamespace", "/spec/storageNamespace", "/spec/releaseName", "/spec/chart/spec/chart")


def changed_target(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Units that put their objects into another namespace, or under another release."""
    one = change.object
    if change.before is None or change.after is None or change.before.tree is None or change.after.tree is None:
        return
    if (one.group, one.kind) == (KUSTOMIZE, "Kustomization"):
        unit = UnitId(one.kind, one.namespace or "", one.name)
        stays = sides.fate(unit, None)
        what = "what it had there is pruned, and made anew" if stays is None else f"what it had stays, since {stays}"
        paths: tuple[str, ...] = ("/spec/targetNamespace",) if _gives_up(sides, change.cluster, unit) else ()
    elif (one.group, one.kind) == (HELM, "HelmRelease"):
        stays = None
        what = "the release is uninstalled, and installed anew"
        paths = _RELEASE if _release(change.before.tree) != _release(change.after.tree) else ()
    else:
        return
    for field in change.fields:
        if field.path in paths:
            name = field.path.rpartition("/")[2]
            message = f"{name} of {named(one)} changes from {_value(field.before)} to {_value(field.after)}: {what}"
            verdict = _retargeted(sides, change.cluster, UnitId(one.kind, one.namespace or "", one.name), stays)
            yield Finding(
                "changed-target", verdict.severity, message, one, place(field.cause, change.after.definition), (),
                change.cluster, change.unit, verdict.says,
            )  # fmt: skip


def _gives_up(sides: Sides, cluster: str, unit: UnitId) -> bool:
    """Whether a unit loses an object, or may do so since not all of its objects are known."""
    known = [side.units.get((cluster, unit)) for side in (sides.impact.base, sides.impact.head)]
    return any(one is not None and is_unknown(one) for one in known) or any(
        each.before_unit == unit and each.change is ChangeKind.REMOVED
        for one in sides.impact.clusters
        for each in one.objects
        if one.cluster == cluster
    )


def _release(root: Mapping) -> tuple[str, ...]:
    """What Helm knows a release by; with another chart it is uninstalled first, unless the upgrade says otherwise."""
    chart = ("spec", "chart", "spec")
    # What another source has under a path may well be the same chart.
    is_name = text_at(root, *chart, "sourceRef", "kind") == "HelmRepository"
    in_place = text_at(root, "spec", "upgrade", "chartNameChangeStrategy") == "InPlaceUpdate"
    return (
        release_name(root),
        release_namespace(root),
        text_at(root, "spec", "storageNamespace") or namespace_of(root),
        text_at(root, *chart, "chart") if is_name and not in_place else "",
    )


def _retargeted(sides: Sides, cluster: str, unit: UnitId, stays: str | None = None) -> Verdict:
    verdict = Verdict(Severity.ERROR if stays is None else Severity.WARNING)
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
