"""What is said of units in an answer of ``impact``, in text and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from indexer.flux.model import UnitId
from indexer.git.changes import SideName
from indexer.query.impact import Impact, UnitChange, UnitChangeKind, Unrendered
from indexer.report.text import count

_NO_CHART: Final = "the chart is not at hand: the release is compared, and not what the chart makes of it"
_VERBS: Final = {
    UnitChangeKind.ADDED: "is new",
    UnitChangeKind.REMOVED: "is removed",
    UnitChangeKind.SUSPENDED: "is suspended",
    UnitChangeKind.RESUMED: "is resumed",
    UnitChangeKind.REPATHED: "reads another path",
    UnitChangeKind.RESOURCED: "reads another source",
    UnitChangeKind.RETARGETED: "applies to another cluster",
    UnitChangeKind.FAILS: "starts to fail",
    UnitChangeKind.RECOVERS: "no longer fails",
}


def happens(one: UnitChange) -> str:
    """What happens to a unit: ``is suspended``."""
    is_chart = one.unit.kind == "HelmRelease" and one.change is UnitChangeKind.REPATHED
    return "uses another chart" if is_chart else _VERBS[one.change]


_Unknown = tuple[UnitId, str, list[str]]
"""A unit, on which side it is not known, and on which clusters."""


def unknown(units: Iterable[Unrendered], *, verbose: bool = False) -> list[tuple[str, list[_Unknown]]]:
    """Units that are not known by the reason, each once for all clusters; charts need no more than a word."""
    found: dict[str, dict[tuple[UnitId, str], list[str]]] = {}
    for one in units:
        reason = one.reason if verbose or not one.waits_for_chart else _NO_CHART
        when = "" if len(one.sides) > 1 else " after the change" if SideName.HEAD in one.sides else " before it"
        found.setdefault(reason, {}).setdefault((one.unit, when), []).append(one.cluster)
    return [(reason, [(*key, names) for key, names in same.items()]) for reason, same in found.items()]


def untouched(answer: Impact) -> list[str]:
    """What is not known and has no part in the change, counted."""
    rest = [one for one in answer.unrendered if not one.touched]
    charts = sum(one.waits_for_chart for one in rest)
    notes = (
        f"{count(charts, 'HelmRelease')} outside of the change not rendered: charts that are not at hand",
        f"{count(len(rest) - charts, 'unit')} that the change does not touch cannot be rendered here",
    )
    return [note for note, number in zip(notes, (charts, len(rest) - charts), strict=True) if number]
