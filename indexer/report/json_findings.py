"""Findings as JSON, and the answer of ``check``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from indexer.query.check import Checked, Unjudged
from indexer.query.findings import Finding, Severity
from indexer.query.gate import Gate
from indexer.query.rules.catalogue import Rule
from indexer.report.json import SCHEMA, object_id, span, unit


def check(answer: Checked, rules: Mapping[str, Rule], gate: Gate, files: Collection[str]) -> dict[str, Any]:
    """``check -o json``."""
    severities = [one.severity for one in answer.findings]
    return {
        "schema": SCHEMA,
        "query": {"command": "check", "files": list(files)},
        "clusters": list(answer.clusters),
        "findings": [finding(one, rules, gate) for one in answer.findings],
        "summary": {
            **{severity: severities.count(severity) for severity in Severity},
            "ignored": answer.ignored,
            "failed": gate.fails(answer.findings),
        },
        "unjudged": [_unjudged(one) for one in answer.unjudged],
    }


def finding(one: Finding, rules: Mapping[str, Rule], gate: Gate) -> dict[str, Any]:
    """One finding, as ``check`` and ``impact`` print it."""
    return {
        "rule": one.rule,
        "family": rules[one.rule].family,
        "severity": one.severity,
        "message": one.message,
        "live": one.live or None,
        "object": object_id(one.object) if one.object is not None else None,
        "span": span(one.span),
        "related": [span(related) for related in one.related],
        "cluster": one.cluster,
        "unit": unit(one.unit) if one.unit is not None else None,
        "fingerprint": one.fingerprint,
        "gate": gate.stops(one),
    }


def _unjudged(one: Unjudged) -> dict[str, Any]:
    return {
        "cluster": one.cluster,
        "namespace": one.namespace,
        "releases": [unit(release) for release in one.releases],
        "references": one.references,
    }
