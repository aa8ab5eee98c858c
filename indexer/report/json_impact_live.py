"""``live`` of ``impact -o json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from indexer.query.impact.holding import Claims, Contents, Holding, Storage
from indexer.query.impact.live import ChangedByHand, LiveChange, LiveImpact, Said
from indexer.query.livefields import Absent
from indexer.report.json import object_id, unit
from indexer.report.json_cluster import writer
from indexer.report.json_live import unreadable


def live(said: Sequence[Said], silent: Sequence[str]) -> dict[str, Any]:
    """What each cluster said. ``silent``: clusters of the change that gave no answer."""
    return {"clusters": [_said(one) for one in said], "not_known": list(silent)}


def _said(one: Said) -> dict[str, Any]:
    return {
        "context": one.matched.context,
        "read_at": one.read_at,
        "cluster": one.matched.cluster,
        "matched_by": one.matched.how,
        "mismatches": list(one.matched.mismatches),
        "answered": one.answer is not None,
        "units": _units(one.answer),
        "objects": [_object(each) for each in one.answer.objects] if one.answer is not None else [],
        "unreadable": [unreadable(each) for each in one.unreadable],
    }


def _units(answer: LiveImpact | None) -> list[dict[str, Any]]:
    return [
        {
            "unit": unit(one.unit),
            "commit": one.commit,
            "reason": one.reason,
            "behind": one.behind,
            "ahead": one.ahead,
        }
        for one in (answer.units if answer is not None else ())
    ]


def _object(one: LiveChange) -> dict[str, Any]:
    traced = one.trace
    release = traced.release if traced is not None else None
    return {
        "object": object_id(one.change.object),
        "change": one.kind,
        "exists": one.exists,
        "served": one.served,
        "done": one.is_done,
        "created": one.metadata.created if one.metadata is not None else None,
        "deleting": one.metadata.deleting if one.metadata is not None else None,
        "controller": unit(traced.unit) if traced is not None and traced.unit is not None else None,
        "release": f"{release.namespace}/{release.name}" if release is not None else None,
        "manager": one.manager,
        "disagreements": list(traced.contradictions) if traced is not None else [],
        "compared": one.compared,
        "fields": [_field(each) for each in one.fields],
        "settled": list(one.settled),
        "holds": _holding(one.holding),
    }


def _field(one: ChangedByHand) -> dict[str, Any]:
    missing = isinstance(one.difference.live, Absent)
    return {
        "path": one.difference.pointer,
        "git": one.difference.rendered,
        "live": None if missing else one.difference.live,
        "missing": missing,
        "effect": one.effect,
        "writers": [writer(each) for each in one.difference.writers],
    }


def _holding(held: Holding | None) -> dict[str, Any] | None:
    match held:
        case Storage():
            return {
                "what": "storage",
                "phase": held.phase,
                "capacity": held.capacity,
                "partner": held.partner,
                "reclaim": held.reclaim,
            }
        case Claims():
            return {"what": "claims", "claims": [object_id(one) for one in held.claims], "retained": held.retained}
        case Contents():
            return {
                "what": "objects",
                "kinds": dict(held.kinds),
                "owned": held.owned,
                "undefined": [object_id(one) for one in held.undefined],
            }
    return None
