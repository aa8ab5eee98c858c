"""Answers as JSON: the keys that ``schema/*.json`` describe, all present even when null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from indexer.flux.identity import ObjectId, SourceRef, Substitution, UnitId
    from indexer.manifest.provenance import Contribution, Span
    from indexer.query.answers import Deployed, File, Link, Match, What, Where

SCHEMA = "fluxidx/1"


def dumps(answer: Any) -> str:
    """JSON as every command prints it."""
    import json

    return json.dumps(answer, indent=2, ensure_ascii=False)


def dumps_line(answer: Any) -> str:
    """JSON on one line, for ``-o jsonl``."""
    import json

    return json.dumps(answer, ensure_ascii=False)


def where(answer: Where) -> dict[str, Any]:
    """``where -o json``."""
    return {
        "schema": SCHEMA,
        "query": {"command": "where", "object": answer.query},
        "matches": [match_of(match) for match in answer.matches],
    }


def what(answer: What) -> dict[str, Any]:
    """``what -o json``."""
    return {
        "schema": SCHEMA,
        "query": {"command": "what", "files": list(answer.query)},
        "files": [_file(file) for file in answer.files],
    }


def span(value: Span | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "repository": value.source.repository,
        "file": value.source.file,
        "document": value.source.document,
        "line": value.line,
        "column": value.column,
        "end_line": value.end_line,
        "end_column": value.end_column,
    }


def object_id(value: ObjectId) -> dict[str, Any]:
    return {
        "group": value.group,
        "version": value.version,
        "kind": value.kind,
        "namespace": value.namespace,
        "name": value.name,
    }


def unit(value: UnitId) -> dict[str, str]:
    return {"kind": value.kind, "namespace": value.namespace, "name": value.name}


def match_of(match: Match, live: dict[str, Any] | None = None) -> dict[str, Any]:
    """One entry of ``matches``."""
    commit = match.commit
    return {
        "cluster": match.cluster,
        "applied_by": match.applied_by,
        "unit": unit(match.unit),
        "object": object_id(match.object),
        "definition": span(match.definition),
        "contributions": [_contribution(one) for one in match.contributions],
        "substitutions": [substitution(one) for one in match.substitutions],
        "chain": [_link(one) for one in match.chain],
        "source": _source(match.source),
        "revision": match.revision,
        "commit": commit
        and {"sha": commit.sha, "author": commit.author, "date": commit.date, "subject": commit.subject},
        "link": match.link,
        "live": live,
        "unresolved": [{"hop": one.hop, "reason": one.reason} for one in match.unresolved],
    }


def _contribution(one: Contribution) -> dict[str, Any]:
    return {
        "role": one.role,
        "operation": one.operation,
        "span": span(one.span),
        "fields": list(one.fields),
        "overridden": one.overridden,
    }


def substitution(one: Substitution) -> dict[str, Any]:
    return {
        "variable": one.variable,
        "fields": list(one.fields),
        "supplied_by": one.supplied_by,
        "span": span(one.span),
        "redacted": one.redacted,
    }


def _link(one: Link) -> dict[str, Any]:
    return {"unit": unit(one.unit), "definition": span(one.definition), "path": one.path}


def _source(value: SourceRef | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "kind": value.kind,
        "namespace": value.namespace,
        "name": value.name,
        "url": value.url,
        "ref": value.ref,
    }


def _file(file: File) -> dict[str, Any]:
    return {
        "file": file.file,
        "lines": file.lines and list(file.lines),
        "deploys": _deploys(file.deploys),
        "reason": file.reason,
    }


def _deploys(rows: Iterable[Deployed]) -> list[dict[str, Any]]:
    return [
        {
            "cluster": row.cluster,
            "applied_by": row.applied_by,
            "unit": unit(row.unit),
            "object": object_id(row.object),
            "role": row.role,
            "operation": row.operation,
            "span": span(row.span),
            "fields": list(row.fields),
        }
        for row in rows
    ]
