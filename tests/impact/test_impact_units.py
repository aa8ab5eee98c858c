"""How units are told of: what happens to them, and which are not known."""

from __future__ import annotations

from indexer.flux.model import UnitId, UnitState
from indexer.git.changes import SideName
from indexer.query.impact import Unexplained, UnitChange, UnitChangeKind, Unrendered
from indexer.report.impact_units import happens, unknown

RELEASE = UnitId("HelmRelease", "shop", "api")
APPS = UnitId("Kustomization", "flux-system", "apps")
BOTH = (SideName.BASE, SideName.HEAD)
NO_CHART = "the chart is not at hand: the release is compared, and not what the chart makes of it"


def test_of_a_release_whose_chart_is_not_at_hand_one_line_tells_all_clusters() -> None:
    units = [
        Unrendered("prod", RELEASE, BOTH, UnitState.UNRESOLVED, "expanded by api: edit prod.yaml:3", touched=True),
        Unrendered("test", RELEASE, BOTH, UnitState.UNRESOLVED, "expanded by api: edit test.yaml:3", touched=True),
    ]
    assert unknown(units) == [(NO_CHART, [(RELEASE, "", ["prod", "test"])])]
    assert unknown(units, verbose=True) == [
        ("expanded by api: edit prod.yaml:3", [(RELEASE, "", ["prod"])]),
        ("expanded by api: edit test.yaml:3", [(RELEASE, "", ["test"])]),
    ]


def test_a_fault_is_told_with_its_reason_and_its_side() -> None:
    units = [Unrendered("prod", APPS, (SideName.HEAD,), UnitState.FAILED, "a.yaml:1: bad", touched=True)]
    assert unknown(units) == [("a.yaml:1: bad", [(APPS, " after the change", ["prod"])])]


def test_what_stands_for_the_path_of_a_release_is_its_chart() -> None:
    def said(unit: UnitId) -> str:
        change = UnitChange("prod", unit, UnitChangeKind.REPATHED, None, None, Unexplained("?"), "a → b")
        return happens(change)

    assert (said(RELEASE), said(APPS)) == ("uses another chart", "reads another path")
