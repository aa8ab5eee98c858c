"""Findings as JUnit's XML, which CI systems show as tests: what reaches the gate is a failed one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from xml.etree import ElementTree as ET

from indexer.query.findings import Finding, Grouped, grouped
from indexer.query.gate import Gate
from indexer.query.rules.catalogue import Rule

_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold."""


def render(name: str, findings: Iterable[Finding], rules: Mapping[str, Rule], gate: Gate) -> str:
    """A suite for each rule. A rule that finds nothing is one test that passes; so is a finding below the gate."""
    by_rule: dict[str, list[Grouped]] = {rule: [] for rule in rules}
    for group in grouped(findings):
        by_rule[group.finding.rule].append(group)
    root = ET.Element("testsuites", name=name)
    totals = [_suite(root, rules[rule], groups, gate) for rule, groups in by_rule.items()]
    root.set("tests", str(sum(tests for tests, _ in totals)))
    root.set("failures", str(sum(failures for _, failures in totals)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(root: ET.Element, rule: Rule, groups: list[Grouped], gate: Gate) -> tuple[int, int]:
    suite = ET.SubElement(root, "testsuite", name=rule.name)
    failures = 0
    for group in groups:
        one = group.finding
        case = ET.SubElement(suite, "testcase", classname=rule.name, name=_legal(_title(group)))
        if one.file is not None and one.span is not None:
            case.set("file", _legal(one.file))
            case.set("line", str(one.span.line))
        if gate.stops(one):
            failures += 1
            failed = ET.SubElement(case, "failure", type=one.severity, message=_legal(one.told))
            failed.text = _legal(_details(group))
        else:
            ET.SubElement(case, "system-out").text = _legal(f"{one.severity}: {_details(group)}")
    if not groups:
        ET.SubElement(suite, "testcase", classname=rule.name, name=rule.summary)
    tests = max(len(groups), 1)
    suite.set("tests", str(tests))
    suite.set("failures", str(failures))
    return tests, failures


def _title(group: Grouped) -> str:
    one = group.finding
    place = f"{one.file}:{one.span.line}: " if one.span is not None and one.file is not None else ""
    return f"{place}{one.message}"


def _details(group: Grouped) -> str:
    one = group.finding
    lines = [one.told]
    if group.clusters:
        lines.append(f"clusters: {', '.join(group.clusters)}")
    lines += [f"see {span.source.file}:{span.line}" for span in one.related]
    return "\n".join(lines)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
