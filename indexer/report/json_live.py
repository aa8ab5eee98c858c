"""What live clusters say, as JSON: ``live`` of each match of ``where -o json``, and what has no place in Git."""

from __future__ import annotations

from typing import Any

from indexer.cluster.model import Condition, LiveSource, LiveUnit, Unreadable
from indexer.query.applied import Applied, Branch
from indexer.query.differing import Differing
from indexer.query.live import Asked, Live, LiveWhere
from indexer.query.livefields import Absent
from indexer.query.trace import Mark, StoredRelease
from indexer.report.json import SCHEMA, match_of, object_id, span, unit


def where(answer: LiveWhere) -> dict[str, Any]:
    """``where --live -o json``."""
    return {
        "schema": SCHEMA,
        "query": {"command": "where", "object": answer.query},
        "clusters": [_asked(one) for one in answer.clusters],
        "matches": [
            match_of(one.match, _live(one.live) if one.live is not None else None)
            for one in answer.matches
            if one.match is not None
        ],
        "live_only": [_live(one.live) for one in answer.matches if one.match is None and one.live is not None],
    }


def unreadable(one: Unreadable) -> dict[str, str]:
    return {"what": one.what, "trouble": one.trouble, "reason": one.reason}


def _asked(one: Asked) -> dict[str, Any]:
    return {
        "context": one.matched.context,
        "server": one.server,
        "read_at": one.read_at,
        "cluster": one.matched.cluster,
        "matched_by": one.matched.how,
        "mismatches": list(one.matched.mismatches),
        "unreadable": [unreadable(lost) for lost in one.unreadable],
    }


def _live(live: Live) -> dict[str, Any]:
    metadata, traced = live.metadata, live.trace
    return {
        "context": live.context,
        "read_at": live.read_at,
        "object": object_id(live.object),
        "exists": metadata is not None,
        "uid": metadata.uid if metadata is not None else None,
        "created": metadata.created if metadata is not None else None,
        "managed": live.is_managed,
        "controlled_from": live.controlled_from,
        "owners": [object_id(owner.id) for owner in traced.owners] if traced is not None else [],
        "marks": [_mark(mark) for mark in (traced.marks if traced is not None else ())],
        "unit": live.unit and _unit(live.unit),
        "chart": live.chart and _source(live.chart),
        "source": live.source and _source(live.source),
        "release": _release(traced.release) if traced is not None and traced.release is not None else None,
        "applied": live.applied and _applied(live.applied),
        "branch": live.branch and _branch(live.branch),
        "fields": [_field(field) for field in live.fields],
        "disagreements": list(live.disagreements),
        "unreadable": [unreadable(lost) for lost in live.unreadable],
    }


def _mark(one: Mark) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "object": object_id(one.object),
        "unit": unit(one.unit) if one.unit is not None else None,
        "says": one.says,
    }


def _unit(one: LiveUnit) -> dict[str, Any]:
    return {
        **unit(one.id),
        "path": one.path,
        "target_namespace": one.target_namespace,
        "suspended": one.suspended,
        "revision": one.applied,
        "attempted_revision": one.attempted,
        "origin_revision": one.applied_origin,
        "kube_config": one.remote,
        "status": _condition(one.ready),
    }


def _source(one: LiveSource) -> dict[str, Any]:
    return {
        "kind": one.id.kind,
        "namespace": one.id.namespace,
        "name": one.id.name,
        "url": one.url,
        "ref": one.ref,
        "chart": one.chart,
        "version": one.version,
        "made_of": one.source and {"kind": one.source.kind, "namespace": one.source.namespace, "name": one.source.name},
        "suspended": one.suspended,
        "revision": one.revision,
        "digest": one.digest,
        "origin_url": one.origin_url,
        "origin_revision": one.origin_revision,
        "status": _condition(one.ready),
    }


def _condition(one: Condition | None) -> dict[str, str] | None:
    if one is None:
        return None
    return {"ready": one.status, "reason": one.reason, "message": one.message, "since": one.since}


def _release(one: StoredRelease) -> dict[str, Any]:
    return {"name": one.name, "namespace": one.namespace, "number": one.number, "status": one.status}


def _applied(one: Applied) -> dict[str, Any]:
    return {
        "unit": unit(one.unit),
        "revision": one.revision,
        "attempted_revision": one.attempted,
        "commit": one.commit,
        "reason": one.reason,
        "failure": one.failure,
    }


def _branch(one: Branch) -> dict[str, Any]:
    return {
        "change": one.change,
        "definition": span(one.definition),
        "unit": one.unit and unit(one.unit),
        "ahead": one.ahead,
        "behind": one.behind,
    }


def _field(one: Differing) -> dict[str, Any]:
    field = one.field
    missing = isinstance(field.live, Absent)
    return {
        "path": field.pointer,
        "git": field.rendered,
        "live": None if missing else field.live,
        "missing": missing,
        "span": span(one.span),
        "writers": [
            {"manager": writer.manager, "operation": writer.operation, "time": writer.time or None}
            for writer in field.writers
        ],
    }
