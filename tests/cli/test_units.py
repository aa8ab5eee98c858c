"""``fluxidx units`` as text: the tree, and what is left out of it."""

RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
  namespace: bar
spec:
  interval: 1h
  chart:
    spec:
      chart: web
      sourceRef:
        kind: HelmRepository
        name: charts
"""


def release(fleet) -> None:
    """A release of a chart that is in no repository at hand joins the objects of apps."""
    (fleet.root / "flux/apps/base/web.yaml").write_text(RELEASE)
    (fleet.root / "flux/apps/base/kustomization.yaml").write_text("resources:\n- api.yaml\n- web.yaml\n")


def test_units_hang_from_those_that_deploy_them(fleet) -> None:
    assert fleet.run("units").stdout == (
        "a-flux-cluster                                                2 units, 5 objects\n"
        "✓ Kustomization flux-system/flux-system  ./clusters/a-flux-cluster     3 objects\n"
        "└─ ✓ Kustomization flux-system/apps  ./flux/apps/staging               2 objects\n"
    )


def test_releases_that_wait_for_a_chart_are_counted_and_explained_with_v(fleet) -> None:
    release(fleet)
    assert fleet.run("units").stdout == (
        "a-flux-cluster                                                3 units, 6 objects\n"
        "✓ Kustomization flux-system/flux-system  ./clusters/a-flux-cluster     3 objects\n"
        "└─ ✓ Kustomization flux-system/apps  ./flux/apps/staging               3 objects\n"
        "   └─ ? HelmRelease bar/web  web                                      unresolved\n"
        "\n"
        "1 HelmRelease not rendered: charts that are not at hand are left alone (-v lists them)\n"
    )
    verbose = fleet.run("units", "-v").stdout
    assert "not rendered" not in verbose
    assert "expanded by chart web" in verbose
