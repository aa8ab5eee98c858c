"""What a repository lacks as a rule, through no fault of its own: charts are published, keys belong elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.flux.identity import KEY_ELSEWHERE, UnitState
from indexer.report.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable

_SENTENCES: Final = {
    "HelmRelease": ("not rendered: their charts are not at hand", "not rendered: its chart is not at hand"),
    "Kustomization": (
        "decrypt with keys that are not in this repository, as it should be",
        "decrypts with a key that is not in this repository, as it should be",
    ),
}
"""What is said of many and of one unit of a kind that lacks one of these."""


def is_absent(kind: str, state: str, reason: str | None) -> bool:
    """Whether a unit lacks its chart, or the key of its decryption, and nothing else."""
    if state != UnitState.UNRESOLVED:
        return False
    return kind == "HelmRelease" or KEY_ELSEWHERE in (reason or "")


def left_alone(kinds: Iterable[str]) -> list[str]:
    """What stands for all such units, given the kind of each."""
    every = list(kinds)
    numbers = {kind: every.count(kind) for kind in _SENTENCES}
    return [
        f"{count(number, kind)} {_SENTENCES[kind][number == 1]} (-v lists {'it' if number == 1 else 'them'})"
        for kind, number in numbers.items()
        if number
    ]
