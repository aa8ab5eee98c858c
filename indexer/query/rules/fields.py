"""Fields that turn more than they seem to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from indexer.flux.helmrelease import release_name, release_namespace
from indexer.flux.identity import UnitId
from indexer.flux.resources import HELM, KUSTOMIZE, namespace_of
from indexer.kustomize.nodes import text_at
from indexer.manifest.node import Mapping
from indexer.query.findings import Finding, Severity, Verdict
from indexer.query.impact import ChangeKind, ObjectChange, UnitChange, UnitChangeKind
from indexer.query.rules.immutable import told_value
from indexer.query.rules.moves import Sides, place
from indexer.query.rules.view import is_unknown


def scaled_to_zero(sides: Sides, change: ObjectChange) -> Iterator[Finding]:
    """Workloads that no pod is left of."""
    facts = sides.after(change)
    if change.change is ChangeKind.ADDED or (facts is not None and facts.left):
        return
    for field in change.fields:
        if field.path == "/spec/replicas" and str(field.after) == "0" and str(field.before) != "0":
            before = "as many as it had" if field.before is None else str(field.before)
            message = f"{change.object.spoken} is scaled from {before} to 0: nothing of it runs any more"
            after = change.after.definition if change.after is not None else None
            verdict = sides.asked(change.cluster, Severity.WARNING, lambda live: live.scaled(change, Severity.WARNING))
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
            message = (
                f"{name} of {one.spoken} changes from {told_value(field.before)} to {told_value(field.after)}: {what}"
            )
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
    code = Severity.ERROR if stays is None else Severity.WARNING
    return sides.asked(cluster, code, lambda live: live.retargeted(cluster, unit, code))


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
