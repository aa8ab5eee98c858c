"""What a unit waits for."""

import pytest
from flux_fleet import config_map, kustomization

from indexer.flux.model import UnitState

SET = """\
apiVersion: fluxcd.controlplane.io/v1
kind: ResourceSet
metadata: {name: tenants, namespace: flux-system}
spec:
  dependsOn: [{apiVersion: v1, kind: KIND, name: NAME, namespace: flux-system}]
  resources: []
"""
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: apps}
spec:
  dependsOn: [{name: NAME}]
  chart: {spec: {chart: ./chart, sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}}}
"""
CHART = {"chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "chart/templates/cm.yaml": config_map()}


@pytest.mark.parametrize(
    ("kind", "name", "state"),
    [
        ("Kustomization", "app", UnitState.RENDERED),
        ("Kustomization", "none", UnitState.UNRESOLVED),
        ("HelmRelease", "none", UnitState.UNRESOLVED),
        ("ResourceSet", "tenants", UnitState.FAILED),
        ("CustomResourceDefinition", "widgets.example.org", UnitState.RENDERED),
    ],
)
def test_a_set_waits_for_units_of_any_kind(units, kind, name, state):
    found = units(
        {
            "clusters/one/set.yaml": SET.replace("KIND", kind).replace("NAME", name),
            "clusters/one/app.yaml": kustomization("app", "./app"),
            "app/cm.yaml": config_map(),
        }
    )["ResourceSet/flux-system/tenants"]
    assert found.state is state
    if state is not UnitState.RENDERED:
        assert found.reason.startswith(f"clusters/one/set.yaml:5:15: dependsOn flux-system/{name} ")


@pytest.mark.parametrize(
    ("name", "state", "why"),
    [
        ("other", UnitState.RENDERED, None),
        ("none", UnitState.UNRESOLVED, "dependsOn apps/none is no HelmRelease of this cluster"),
        ("web", UnitState.FAILED, "dependsOn apps/web leads back here"),
    ],
)
def test_a_release_waits_for_releases(units, name, state, why):
    pytest.importorskip("helm_python")
    other = RELEASE.replace("name: web", "name: other").replace("  dependsOn: [{name: NAME}]\n", "")
    files = {"clusters/one/web.yaml": RELEASE.replace("NAME", name), "clusters/one/other.yaml": other, **CHART}
    found = units(files)["HelmRelease/apps/web"]
    assert (found.state, len(found.objects)) == (state, 1)
    assert found.reason is None if why is None else f"clusters/one/web.yaml:5:15: {why}" in found.reason


def test_a_release_that_keeps_values_of_earlier_ones_says_so(units):
    pytest.importorskip("helm_python")
    release = RELEASE.replace("dependsOn: [{name: NAME}]", "upgrade: {preserveValues: true}")
    found = units({"clusters/one/web.yaml": release, **CHART})["HelmRelease/apps/web"]
    assert (found.state, len(found.objects)) == (UnitState.UNRESOLVED, 1)
    assert found.reason.startswith("clusters/one/web.yaml:5:29: spec.upgrade.preserveValues keeps values of earlier")
