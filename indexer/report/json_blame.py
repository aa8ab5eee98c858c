"""``blame -o json``: the keys that ``schema/blame.json`` describes, all present even when null."""

from __future__ import annotations

from typing import Any

from indexer.query.blame import Blame, Blamed, Field, Origin, Past
from indexer.report.json import SCHEMA, object_id, span, substitution, unit


def blame(answer: Blame) -> dict[str, Any]:
    """The first object at the top, since there mostly is but one; any further ones under ``others``."""
    first, *others = answer.matches
    return {
        "schema": SCHEMA,
        "query": {"command": "blame", "object": answer.query, "field": answer.field},
        **_blamed(first),
        "others": [_blamed(one) for one in others],
    }


def _blamed(one: Blamed) -> dict[str, Any]:
    return {
        "object": object_id(one.object),
        "cluster": one.cluster,
        "unit": unit(one.unit),
        "definition": span(one.definition),
        "fields": [_field(field) for field in one.fields],
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "path": field.path,
        "value": field.value,
        "redacted": field.redacted,
        "removed": field.removed,
        "origin": _origin(field.origin),
        "overrode": [_past(past) for past in field.overrode],
        "substitutions": [substitution(one) for one in field.substitutions],
    }


def _past(past: Past) -> dict[str, Any]:
    nothing = {"role": None, "operation": None, "span": None, "entry": None, "commit": None}
    return {"value": past.value, "redacted": past.redacted, **(_origin(past.origin) or nothing)}


def _origin(origin: Origin | None) -> dict[str, Any] | None:
    if origin is None:
        return None
    commit = origin.commit
    return {
        "role": origin.role,
        "operation": origin.operation,
        "span": span(origin.span),
        "entry": span(origin.entry),
        "commit": commit
        and {"sha": commit.sha, "author": commit.author, "date": commit.date, "subject": commit.subject},
    }
