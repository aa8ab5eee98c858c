"""The formats that hold findings and nothing else, for ``check`` and ``impact`` alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from indexer.query.findings import Finding
from indexer.query.gate import Gate
from indexer.query.rules.catalogue import Rule
from indexer.report import github, junit, sarif

FORMATS: Final[Mapping[str, Callable[[str, Sequence[Finding], Mapping[str, Rule], Gate], str]]] = {
    "sarif": lambda command, findings, rules, _gate: sarif.render(command, findings, rules),
    "github": lambda _command, findings, _rules, _gate: github.render(findings),
    "junit": junit.render,
}
"""Format → (command, findings, rules, gate) → text."""
