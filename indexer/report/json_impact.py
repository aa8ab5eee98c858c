"""``impact -o json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from indexer.query.findings import Finding, Severity
from indexer.query.gate import Gate
from indexer.query.impact import (
    Accounted,
    Cause,
    ClusterImpact,
    FieldChange,
    Impact,
    ObjectChange,
    Side,
    Unexplained,
    UnitChange,
    Unrendered,
)
from indexer.query.impact.diff import Diffs
from indexer.query.rules.catalogue import Rule
from indexer.report.json import SCHEMA, object_id, span, unit
from indexer.report.json_findings import finding

if TYPE_CHECKING:
    from indexer.flux.model import UnitId


def impact(
    answer: Impact,
    findings: Sequence[Finding],
    rules: Mapping[str, Rule],
    gate: Gate,
    *,
    live: dict[str, Any] | None = None,
    with_diff: bool = False,
) -> dict[str, Any]:
    """The whole answer; with ``with_diff``, each object with the diff of what is rendered.

    ``live`` is what clusters said, where they were asked.
    """
    diffs = Diffs(answer) if with_diff else None
    return {
        "schema": SCHEMA,
        "query": {"command": "impact", "chosen": answer.chosen},
        "base": _side(answer.base),
        "head": _side(answer.head),
        "clusters": [_cluster(one, diffs) for one in answer.clusters],
        "lines": [_accounted(one) for one in answer.lines],
        "findings": [finding(one, rules, gate) for one in findings],
        "unrendered": [_unrendered(one) for one in answer.unrendered],
        "live": live,
        "summary": summary(answer, findings),
    }


def summary(answer: Impact, findings: Iterable[Finding]) -> dict[str, Any]:
    """Numbers, each object of each cluster counted once."""
    objects = [one for cluster in answer.clusters for one in cluster.objects]
    severities = [one.severity for one in findings]
    return {
        "clusters": len(answer.clusters),
        "units": len({(one.cluster, one.unit) for cluster in answer.clusters for one in cluster.units}),
        "objects": {
            change: sum(one.change == change for one in objects) for change in ("added", "removed", "changed", "moved")
        },
        "findings": {severity: severities.count(severity) for severity in Severity},
        "unrendered": len(answer.unrendered),
    }


def _side(side: Side) -> dict[str, Any]:
    return {"name": side.label, "commit": side.commit}


def _cluster(one: ClusterImpact, diffs: Diffs | None) -> dict[str, Any]:
    return {
        "cluster": one.cluster,
        "change": one.change,
        "units": [_unit(each) for each in one.units],
        "objects": [_object(each, diffs) for each in one.objects],
    }


def _unit(one: UnitChange) -> dict[str, Any]:
    return {"unit": unit(one.unit), "change": one.change, "detail": one.detail or None, **_cause(one.cause)}


def _object(one: ObjectChange, diffs: Diffs | None) -> dict[str, Any]:
    return {
        "object": object_id(one.object),
        "unit": unit(one.unit),
        "change": one.change,
        "from": _from(one),
        "counterpart": None if one.counterpart is None else object_id(one.counterpart),
        "suspended": one.suspended,
        **_cause(one.cause),
        "fields": [_field(each) for each in one.fields],
        "diff": None if diffs is None else list(diffs.of(one)),
    }


def _from(one: ObjectChange) -> dict[str, str] | None:
    """The unit that an object comes from."""
    before: UnitId | None = one.before_unit
    return unit(before) if before is not None and one.after_unit not in (None, before) else None


def _field(one: FieldChange) -> dict[str, Any]:
    return {
        "path": one.path,
        "change": one.change,
        "before": one.before,
        "after": one.after,
        "redacted": one.redacted,
        **_cause(one.cause),
    }


def _cause(cause: Cause | Unexplained) -> dict[str, Any]:
    if isinstance(cause, Unexplained):
        return {"cause": None, "side": None, "how": None, "reason": cause.reason}
    return {"cause": span(cause.span), "side": cause.side, "how": cause.how, "reason": None}


def _accounted(one: Accounted) -> dict[str, Any]:
    return {
        "file": one.file,
        "side": one.side,
        "lines": None if one.lines is None else list(one.lines),
        "reach": None
        if one.reach is None
        else {"objects": one.reach.objects, "units": one.reach.units, "clusters": list(one.reach.clusters)},
        "reason": one.reason,
        "related": [span(each) for each in one.related],
    }


def _unrendered(one: Unrendered) -> dict[str, Any]:
    return {
        "cluster": one.cluster,
        "unit": unit(one.unit),
        "sides": list(one.sides),
        "state": one.state,
        "reason": one.reason,
        "touched": one.touched,
    }
