"""Changes that the API server refuses: of fields that nobody can change, or not in every way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from indexer.deferred import regex
from indexer.flux.resources import truth
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.node import Node, Scalar
from indexer.manifest.scalars import is_null
from indexer.query.findings import Finding, Severity
from indexer.query.impact import ChangeKind, FieldChange, ObjectChange
from indexer.query.rules.moves import Sides, place

if TYPE_CHECKING:
    from fractions import Fraction

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
"""What stays as it is in a ConfigMap or Secret with ``immutable: true``."""
_STORAGE: Final = "/spec/resources/requests/storage"
"""How much a claim asks for: it may become more, where its class allows that."""
_STRATEGIES: Final = {
    ("apps", "Deployment"): ("strategy", "Recreate"),
    ("apps", "StatefulSet"): ("updateStrategy", "OnDelete"),
}
"""Where an object says how its pods are replaced, and the type that allows no ``rollingUpdate``."""
_CLAIM: Final = ("", "PersistentVolumeClaim")
Excuse = Callable[[Mapping[str, Any]], str]
"""What in a live object has the server take a change that it refuses as Git has it; empty where nothing has."""
_ADVICE: Final = "delete the object first, or give the new one another name"


def immutable(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Changes that the API server refuses: the apply fails, unless the object is deleted for it."""
    after = sides.after(change)
    if change.before is None or change.after is None or not change.fields or (after is not None and after.left):
        return
    for path in _paths(sides, change):
        hit = [field for field in _touched(change, path) if _is_other(field)]
        if hit:
            is_told = len(hit) == 1 and not hit[0].redacted
            values = f" from {told_value(hit[0].before)} to {told_value(hit[0].after)}" if is_told else ""
            what = f"{path} of {change.object.spoken} changes{values}, and cannot be changed"
            yield _refused(sides, change, hit, what, _ADVICE, _not_immutable if path in _DATA else _no_excuse)
    yield from _resized(sides, change)
    yield from _strategy(sides, change)


def _paths(sides: Sides, change: ObjectChange) -> Iterator[str]:
    """What must not change in an object, given what else it says."""
    assert change.before is not None
    assert change.after is not None
    yield from (
        path
        for path in _IMMUTABLE.get((change.object.group, change.object.kind), ())
        # An indexed Job may grow and shrink.
        if path != "/spec/completions" or text_at(change.after.tree, "spec", "completionMode") != "Indexed"
    )
    holds_data = not change.object.group and change.object.kind in ("ConfigMap", "Secret")
    if holds_data and (truth(change.before.tree, "immutable") or _there(sides, change).get("immutable") is True):
        yield from _DATA


def _there(sides: Sides, change: ObjectChange) -> Mapping[str, Any]:
    """The object as the cluster has it; empty where that is not known."""
    return sides.live.body(change) if sides.live is not None else {}


def _touched(change: ObjectChange, path: str) -> list[FieldChange]:
    return [field for field in change.fields if field.path == path or field.path.startswith(f"{path}/")]


def _is_other(field: FieldChange) -> bool:
    """Whether the server takes the values before and after for two."""
    if field.change is ChangeKind.REMOVED and field.path.startswith(_KEPT):
        return False
    if field.path == "/immutable":
        return str(field.after).lower() != "true"
    default = _DEFAULTS.get(_PLACE.sub("", field.path))
    if default is None or field.redacted:
        return not field.path.endswith(_STORAGE) or _amount(field.before) != _amount(field.after)
    before, after = (default if value in (None, "") else str(value) for value in (field.before, field.after))
    return before.lower() != after.lower()


def _resized(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """A claim that asks for less than it has, or for more where its class has that refused."""
    hit = [field for field in _touched(change, _STORAGE) if (change.object.group, change.object.kind) == _CLAIM]
    if not hit or change.after is None:
        return
    before, after = _amount(hit[0].before), _amount(hit[0].after)
    if before is None or after is None:
        return
    what = f"{change.object.spoken} asks for {hit[0].after} of storage, no longer for {hit[0].before}"
    storage_class = text_at(change.after.tree, "spec", "storageClassName")
    known = sides.head.objects.get(("storage.k8s.io", "StorageClass", "", storage_class))
    if after < before:
        what, advice = f"{what}, and cannot become smaller", "move the data to another claim"
        yield _refused(sides, change, hit, what, advice, partial(_not_grown, hit[0]))
    elif after > before and _is_unbound(_there(sides, change)):
        what, advice = (
            f"{what}, and cannot grow before it is bound to a volume",
            "delete it first, since it holds nothing",
        )
        yield _refused(sides, change, hit, what, advice)
    elif after > before and known and not known[0][1].grows:
        advice = "set allowVolumeExpansion: true on it, if its driver can do that"
        what = f"{what}, and its StorageClass {storage_class} does not let it grow"
        yield _refused(sides, change, hit, what, advice, forcible=False)


def _is_unbound(live: Mapping[str, Any]) -> bool:
    return bool(live) and (live.get("status") or {}).get("phase") != "Bound"


def _strategy(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """A type that allows no ``rollingUpdate``, where one is left: an apply takes away only what it once set.

    Helm sends what differs, and takes away what is there by default.
    """
    field, alone = _STRATEGIES.get((change.object.group, change.object.kind), ("", ""))
    if not field or (change.after_unit is not None and change.after_unit.kind == "HelmRelease"):
        return
    assert change.before is not None
    assert change.after is not None
    before, after = find(change.before.tree, "spec", field), find(change.after.tree, "spec", field)
    if text_at(before, "type") == alone or text_at(after, "type") != alone:
        return
    what = f"{field} of {change.object.spoken} becomes {alone}"
    hit = _touched(change, f"/spec/{field}/type")
    if _gives(after):
        yield _refused(sides, change, hit, f"{what}, which allows no rollingUpdate", "take rollingUpdate out")
    # The server fills in nothing beside the type that a StatefulSet gives.
    elif not _gives(before) and not (change.object.kind == "StatefulSet" and text_at(before, "type")):
        what += ", and the rollingUpdate stays that the API server filled in, which nothing in Git takes away"
        advice = (
            "apply a rollingUpdate other than the default before this, so that it goes with this, or annotate with "
            "kustomize.toolkit.fluxcd.io/force: enabled; rollingUpdate: null does not help"
        )
        yield _refused(sides, change, hit, what, advice, partial(_not_filled_in, field))


def _gives(strategy: Node | None) -> bool:
    node = find(strategy, "rollingUpdate")
    return node is not None and not (isinstance(node, Scalar) and is_null(node))


def _amount(value: object) -> Fraction | None:
    from indexer.flux.quantity import amount  # which loads fractions

    return amount(str(value))


def _no_excuse(_live: Mapping[str, Any]) -> str:
    return ""


def _not_immutable(live: Mapping[str, Any]) -> str:
    return "" if live.get("immutable") is True else "it is not immutable there"


def _not_grown(field: FieldChange, live: Mapping[str, Any]) -> str:
    """A claim may ask for less again as long as its volume has not become larger than that."""
    capacity = ((live.get("status") or {}).get("capacity") or {}).get("storage")
    has, wanted, asked = _amount(capacity), _amount(field.after), _amount(field.before)
    if has is None or wanted is None or asked is None or not has < wanted < asked:
        return ""
    return f"its volume has not grown yet: it has {capacity}"


def _not_filled_in(field: str, live: Mapping[str, Any]) -> str:
    strategy = (live.get("spec") or {}).get(field) or {}
    return "" if strategy.get("rollingUpdate") is not None else "it has no rollingUpdate there"


def _refused(
    sides: Sides,
    change: ObjectChange,
    hit: list[FieldChange],
    what: str,
    advice: str,
    excuse: Excuse = _no_excuse,
    *,
    forcible: bool = True,
) -> Finding:
    """``forcible``: whether the object can be made anew as the change has it."""
    severity, message = Severity.ERROR, f"{what}: the apply fails; {advice}"
    if forcible and _is_forced(sides, change):
        holds = change.object.kind in ("PersistentVolumeClaim", "PersistentVolume")
        severity = Severity.ERROR if holds else Severity.WARNING
        message = f"{what}: force has it deleted and made anew{', and its data may go with it' if holds else ''}"
    after = change.after.definition if change.after is not None else None
    span = place(hit[0].cause, after)
    related = (after,) if after is not None and after != span else ()
    verdict = sides.asked(change.cluster, severity, lambda live: live.refused(change, hit, severity, excuse))
    return Finding(
        "immutable-field", verdict.severity, message, change.object, span, related, change.cluster, change.unit,
        verdict.says,
    )  # fmt: skip


def _is_forced(sides: Sides, change: ObjectChange) -> bool:
    own = sides.head.kustomizations.get(change.unit)
    after = sides.after(change)
    return (own is not None and own.force) or (after is not None and after.forced)


def told_value(value: object) -> str:
    """A value of a field as a message says it."""
    return "unset" if value is None else str(value)
