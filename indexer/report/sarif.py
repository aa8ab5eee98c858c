"""Findings as SARIF 2.1.0, which code scanning reads: https://docs.oasis-open.org/sarif/sarif/v2.1.0/."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from indexer import __version__
from indexer.manifest.node import Span
from indexer.query.findings import Finding, Grouped, grouped
from indexer.query.rules.catalogue import Rule
from indexer.report.text import object_name

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_FINGERPRINT: Final = "fluxidx/v1"


def render(command: str, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> str:
    """A SARIF log with one run of ``command``. A fault that several clusters share is one result."""
    used = list(rules)
    seen: Counter[str] = Counter()
    results = []
    for group in grouped(findings):
        seen[group.finding.fingerprint] += 1
        results.append(_result(group, used.index(group.finding.rule), seen[group.finding.fingerprint]))
    driver = {
        "name": "fluxidx",
        "version": __version__,
        "rules": [_rule(rule) for rule in rules.values()],
    }
    run = {
        "tool": {"driver": driver},
        # Forges keep the results of one category apart from those of another.
        "automationDetails": {"id": f"{command}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": f"{rule.summary}."},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [rule.family]},
    }


def _result(group: Grouped, rule_index: int, occurrence: int) -> dict[str, Any]:
    one = group.finding
    # Forges drop results of the same fingerprint, so a fault that a file has twice is told apart by its order.
    fingerprint = one.fingerprint if occurrence == 1 else f"{one.fingerprint}:{occurrence}"
    location: dict[str, Any] = {}
    if one.span is not None:
        location["physicalLocation"] = _place(one.span)
    if one.object is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": object_name(one.object), "kind": "resource"}]
    related = [
        {"id": number, "physicalLocation": _place(span), "message": {"text": _what(span)}}
        for number, span in enumerate(one.related, 1)
    ]
    return {
        "ruleId": one.rule,
        "ruleIndex": rule_index,
        "level": one.severity,
        "message": {"text": one.told},
        "locations": [location] if location else [],
        "relatedLocations": related,
        "partialFingerprints": {_FINGERPRINT: fingerprint},
        "properties": {"clusters": list(group.clusters)},
    }


def _place(span: Span) -> dict[str, Any]:
    # A line of another repository has no place below the root, and its name says where it is.
    base = {"uriBaseId": _ROOT} if span.source.repository is None else {}
    prefix = f"https://{span.source.repository}/" if span.source.repository is not None else ""
    uri = prefix + quote(span.source.file, errors="surrogateescape")
    return {
        "artifactLocation": {"uri": uri, **base},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            # SARIF's end is the column after the last one.
            "endColumn": span.end_column + 1,
        },
    }


def _what(span: Span) -> str:
    return f"{span.source.file}:{span.line}"
