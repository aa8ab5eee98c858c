"""What a repository lacks as a rule, through no fault of its own: charts are published, keys belong elsewhere."""

from __future__ import annotations

from enum import StrEnum

from indexer.flux.identity import UnitState


class Lack(StrEnum):
    """What a unit lacks, in the words that its reason has for that: they are all that the index holds of it."""

    CHART = "expanded by"
    KEY = "of spec.decryption is not rendered from this repository"


def lack_of(state: str, reason: str | None) -> Lack | None:
    """What a unit lacks, given its state and its reason; None for one that has another fault, or none."""
    if state != UnitState.UNRESOLVED or reason is None:
        return None
    return next((lack for lack in Lack if lack in reason), None)
