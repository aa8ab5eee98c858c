"""Charts that would never end, or eat the machine: each is one release with its reason, and the next is rendered."""

from functools import partial

import pytest

from indexer.flux import helmobjects
from indexer.flux.config import ClusterConfig, Config
from indexer.flux.model import UnitState
from indexer.helm.chart import Capabilities, Chart, ChartFile
from indexer.helm.engine import RenderError, render
from indexer.helm.process import ChartTooLarge, Limits
from indexer.manifest.scalars import to_data

METADATA = ChartFile(b"apiVersion: v2\nname: c\nversion: 1.0.0\n")
SMALL = Limits(memory=1 << 30, text=1 << 20)
BRIEF = SMALL._replace(seconds=1)
"""For what never ends: a slow machine takes longer for all else."""
CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: cm}}\ndata: {{v: "{}"}}\n'


def chart(template):
    return Chart("c", "1.0.0", {"Chart.yaml": METADATA, "templates/a.yaml": ChartFile(template.encode())})


@pytest.mark.parametrize(
    ("template", "limits", "reason"),
    [
        (
            "{{ range until 100000 }}{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}{{ end }}",
            BRIEF,
            "takes more than 1 seconds of processor time",
        ),
        (
            '{{ $x := repeat 100000000 "abcdefghij" }}{{ repeat 10 $x | len }}',
            SMALL,
            "takes more than 1024 MiB of memory",
        ),
        (CONFIG_MAP.format('{{ repeat 2000000 "x" }}'), SMALL, "gives more than 1 MiB of manifests"),
    ],
)
def test_a_chart_that_takes_too_much_is_stopped_and_the_next_is_rendered(template, limits, reason):
    pytest.importorskip("helm_python")
    with pytest.raises(ChartTooLarge, match=reason):
        render(chart(template), {}, "r", "ns", limits=limits)
    (made,) = render(chart(CONFIG_MAP.format("x")), {}, "r", "ns", limits=SMALL)
    assert "v: x" in made.text.replace('"', "")


def test_a_template_that_includes_itself_is_refused_by_helm():
    pytest.importorskip("helm_python")
    with pytest.raises(RenderError, match="rendering template has a nested reference name") as refused:
        render(chart('{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}'), {}, "r", "ns", limits=SMALL)
    assert len(str(refused.value)) < 1000


def test_a_chart_is_told_the_version_and_the_apis_of_the_cluster():
    pytest.importorskip("helm_python")
    asked = "{{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has `example.org/v1` }}"
    (made,) = render(
        chart(CONFIG_MAP.format(asked)), {}, "r", "ns", capabilities=Capabilities("1.29.3", ("example.org/v1",))
    )
    assert "v1.29.3 true" in made.text


def test_a_release_whose_chart_never_ends_says_so_and_the_others_are_rendered(fleet, monkeypatch):
    pytest.importorskip("helm_python")
    monkeypatch.setattr(helmobjects, "render", partial(render, limits=BRIEF))
    fleet.chart("charts/bad", "bad", loop="{{ range until 100000 }}{{ range until 1000000 }}{{ end }}{{ end }}")
    fleet.chart("charts/demo", "demo", cm=CONFIG_MAP.format("x"))
    fleet.release("values: {}\n", chart="./charts/bad", name="bad", file="bad")
    fleet.release("values: {}\n")
    units = fleet.units()
    assert units["HelmRelease/bad"].state is UnitState.UNRESOLVED
    assert units["HelmRelease/bad"].reason.endswith("the chart takes more than 1 seconds of processor time")
    assert (units["HelmRelease/web"].state, len(units["HelmRelease/web"].objects)) == (UnitState.RENDERED, 1)


def test_the_version_and_apis_of_a_cluster_are_in_its_configuration(fleet):
    pytest.importorskip("helm_python")
    asked = "{{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.APIVersions.Has `example.org/v1` }}"
    fleet.chart(cm=CONFIG_MAP.format(asked))
    fleet.release("values: {}\n")
    given = ClusterConfig("prod", kubernetes="1.29", api_versions=("example.org/v1",))
    (obj,) = fleet.unit(config=Config(clusters=(given,))).objects
    assert to_data(obj.tree)["data"] == {"v": "29 true"}
