"""What is wrong, dangerous or suspicious, and where a person has to look: the findings of ``impact`` and ``check``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from indexer.deferred import NamedTuple

if TYPE_CHECKING:
    from indexer.flux.model import ObjectId, UnitId
    from indexer.manifest.node import Span


class Severity(StrEnum):
    """How bad a finding is; ``--gate`` names the least that fails a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _WORST_FIRST.index(self)


class Verdict(NamedTuple):
    """How bad something is, with what the cluster says of it."""

    severity: Severity
    says: str = ""
    """As `Finding.live`."""


_WORST_FIRST: Final = tuple(Severity)
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found."""

    rule: str
    """The rule's name, as ``--gate`` and ``fluxidx: ignore`` take it."""
    severity: Severity
    message: str
    """What is wrong and what to do. It names no cluster, so that one fault of a shared file reads the same on all."""
    object: ObjectId | None
    """The object it is about; None where it is about a file or a unit."""
    span: Span | None
    """The author's line to look at; None where no file of the repository is at fault."""
    related: tuple[Span, ...] = ()
    """Other lines that belong to it, the nearest first."""
    cluster: str | None = None
    """None where it holds for the repository as such."""
    unit: UnitId | None = None
    live: str = ""
    """What the cluster says of it, where it was asked: ``it is not there, so nothing is deleted``."""

    @property
    def told(self) -> str:
        """The message, and what the cluster says."""
        return f"{self.message} (in the cluster: {self.live})" if self.live else self.message

    @property
    def file(self) -> str | None:
        """The file of this repository to look at; None where it is in none."""
        return self.span.source.file if self.span is not None and self.span.source.repository is None else None

    @property
    def words(self) -> str:
        """The message without its numbers, which may count lines."""
        return _NUMBER.sub("#", self.message)

    @property
    def fingerprint(self) -> str:
        """Hex digest that stays the same while lines above move: the rule, the file and the words of the finding.

        What a cluster says has no part in it, since that changes by itself.
        """
        parts = (self.rule, self.file or "", str(self.object or ""), self.words)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Grouped:
    """One fault, however many clusters, units and objects show it."""

    finding: Finding
    """The first of them."""
    clusters: tuple[str, ...]
    """By name; empty where it holds for the repository as such."""


def grouped(findings: Iterable[Finding]) -> tuple[Grouped, ...]:
    """Findings that say the same of the same lines as one, in the order of `in_order`."""
    found: dict[tuple[object, ...], list[Finding]] = {}
    for finding in in_order(findings):
        found.setdefault((finding.rule, finding.severity, finding.told, finding.span), []).append(finding)
    return tuple(
        Grouped(same[0], tuple(sorted({one.cluster for one in same if one.cluster is not None})))
        for same in found.values()
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, then by rule and place."""
    return tuple(sorted(findings, key=_order))


def _order(one: Finding) -> tuple[object, ...]:
    place = (
        (one.span.source.repository or "", one.span.source.file, one.span.line, one.span.column)
        if one.span is not None
        else ("\U0010ffff", "", 0, 0)
    )
    return (one.severity.rank, one.rule, *place, one.message, one.cluster or "")
