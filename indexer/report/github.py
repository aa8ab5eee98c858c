"""Findings as annotations on the lines of a pull request: workflow commands that GitHub reads in a job's output."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from indexer.git.text import storable
from indexer.query.findings import Finding, Grouped, Severity, grouped

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(findings: Iterable[Finding]) -> str:
    """One line for each fault, the worst first, since GitHub shows only the first ones of a step."""
    return "\n".join(_annotation(group) for group in grouped(findings))


def _annotation(group: Grouped) -> str:
    one = group.finding
    properties = {"title": one.rule}
    if one.span is not None and one.file is not None:
        properties |= {"file": one.file, "line": str(one.span.line), "endLine": str(one.span.end_line)}
        if one.span.line == one.span.end_line:
            properties |= {"col": str(one.span.column), "endColumn": str(one.span.end_column)}
    clusters = f" (clusters {', '.join(group.clusters)})" if len(group.clusters) > 1 else ""
    return command(_COMMANDS[one.severity], one.told + clusters, properties)


def command(name: str, message: str, properties: dict[str, str]) -> str:
    """A workflow command, with what could end a field of it escaped."""
    fields = ",".join(f"{key}={_escaped(value, ':', ',')}" for key, value in properties.items())
    return f"::{name} {fields}::{_escaped(message)}"


def _escaped(text: str, *more: str) -> str:
    for character in ("%", "\r", "\n", *more):
        text = text.replace(character, f"%{ord(character):02X}")
    return storable(text)
