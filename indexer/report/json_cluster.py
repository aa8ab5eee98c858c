"""``status``, ``orphans`` and ``drift`` as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from indexer.query.livefields import Absent
from indexer.report.json import SCHEMA, object_id, span, unit
from indexer.report.json_live import unreadable

if TYPE_CHECKING:
    from indexer.cluster.model import Writer
    from indexer.query.drift import Drift, Drifted, DriftedObject
    from indexer.query.orphans import Explained, NotRunning, Orphan, Orphans
    from indexer.query.status import Status, UnitStatus
    from indexer.query.survey import Surveyed


def answer(command: str, surveyed: Iterable[Surveyed[Any]]) -> dict[str, Any]:
    """The answer of ``command`` for all clusters that were asked."""
    return {
        "schema": SCHEMA,
        "query": {"command": command},
        "clusters": [
            {
                "cluster": one.matched.cluster,
                "context": one.matched.context,
                "read_at": one.read_at,
                "mismatches": list(one.matched.mismatches),
                **(_ANSWERS[command](one.answer) if one.answer is not None else {}),
                "unreadable": [unreadable(missing) for missing in one.unreadable],
            }
            for one in surveyed
        ],
    }


def writer(value: Writer) -> dict[str, str]:
    return {"manager": value.manager, "operation": value.operation, "time": value.time}


def _status(value: Status) -> dict[str, Any]:
    return {"revision": value.revision, "units": [_unit_status(one) for one in value.units]}


def _unit_status(value: UnitStatus) -> dict[str, Any]:
    return {
        "unit": unit(value.unit),
        "standing": value.standing,
        "applied": value.applied,
        "commits": value.commits,
        "touched": value.touched,
        "message": value.message,
        "places": [{"what": place.what, "span": span(place.span)} for place in value.places],
        "definition": span(value.definition),
    }


def _orphans(value: Orphans) -> dict[str, Any]:
    return {
        "orphans": [_orphan(one) for one in value.orphans],
        "missing": [_missing(one) for one in value.missing],
        "defined": value.defined,
        "filtered": dict(sorted(value.filtered.items())),
        "explained": [_explained(one) for one in value.explained],
    }


def _orphan(value: Orphan) -> dict[str, Any]:
    return {
        "object": object_id(value.object),
        "why": value.why,
        "created": value.created,
        "unit": unit(value.unit) if value.unit is not None else None,
        "detail": value.detail,
    }


def _missing(value: NotRunning) -> dict[str, Any]:
    return {
        "object": object_id(value.object),
        "unit": unit(value.unit),
        "definition": span(value.definition),
        "reason": value.reason,
    }


def _explained(value: Explained) -> dict[str, Any]:
    return {"object": object_id(value.object), "rule": value.rule, "why": value.why}


def _drift(value: Drift) -> dict[str, Any]:
    return {
        "objects": [_drifted_object(one) for one in value.objects],
        "compared": value.compared,
        "skipped": dict(sorted(value.skipped.items())),
    }


def _drifted_object(value: DriftedObject) -> dict[str, Any]:
    return {
        "object": object_id(value.object),
        "unit": unit(value.unit),
        "definition": span(value.definition),
        "commit": value.commit,
        "fields": [_drifted(one) for one in value.fields],
    }


def _drifted(value: Drifted) -> dict[str, Any]:
    found = value.difference
    return {
        "path": found.pointer,
        "git": _value(found.rendered),
        "live": _value(found.live),
        "absent": "live" if isinstance(found.live, Absent) else "git" if isinstance(found.rendered, Absent) else None,
        "span": span(value.span),
        "writers": [writer(one) for one in found.writers],
    }


def _value(value: Any) -> Any:
    return None if isinstance(value, Absent) else value


_ANSWERS: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {"status": _status, "orphans": _orphans, "drift": _drift}
