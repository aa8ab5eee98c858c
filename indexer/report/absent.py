"""One sentence for all units that lack what repositories lack as a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.flux.lack import Lack
from indexer.report.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable

_SENTENCES: Final = {
    Lack.CHART: (
        "HelmRelease",
        "not rendered: their charts are not at hand",
        "not rendered: its chart is not at hand",
    ),
    Lack.KEY: (
        "Kustomization",
        "decrypt with keys that are not in this repository, as it should be",
        "decrypts with a key that is not in this repository, as it should be",
    ),
}
"""What lacks it, and what is said of many and of one."""


def left_alone(lacks: Iterable[Lack]) -> list[str]:
    """What stands for all such units, given what each of them lacks."""
    every = list(lacks)
    return [
        f"{count(number, kind)} {of_one if number == 1 else of_many} (-v lists {'it' if number == 1 else 'them'})"
        for lack, (kind, of_many, of_one) in _SENTENCES.items()
        if (number := every.count(lack))
    ]
