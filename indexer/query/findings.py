"""What is wrong, dangerous or suspicious, and where a person has to look: the findings of ``impact`` and ``check``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.flux.model import ObjectId, UnitId
    from indexer.manifest.node import Span


class Severity(StrEnum):
    """How bad a finding is; ``--gate`` names the least that fails a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found."""

    rule: str
    """The rule's name, as ``--gate`` and ``fluxidx: ignore`` take it."""
    severity: Severity
    message: str
    object: ObjectId | None
    """The object it is about; None where it is about a file or a unit."""
    span: Span | None
    """The author's line to look at; None where no file of the repository is at fault."""
    related: tuple[Span, ...] = ()
    """Other lines that belong to it, the nearest first."""
    cluster: str | None = None
    """None where it holds for the repository as such."""
    unit: UnitId | None = None
