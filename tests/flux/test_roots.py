"""Clusters of repositories that hold no sync of a bootstrap: where they begin, and what is none."""

import pytest
from flux_fleet import URL, config_map, kustomization, source

from indexer.flux.discover import NoEntryPoint
from indexer.flux.model import UnitState

PATCH = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {path: ./clusters/%s, postBuild: {substitute: {REGION: %s}}}
"""
OVERLAY = """\
resources: [../../../base]
patches: [{path: sync.yaml}]
"""


def listing(*names):
    return f"resources: [{', '.join(names)}]\n"


def units(fleet):
    return {
        name: sorted(unit.id.name for unit in cluster.units if unit.id.kind == "Kustomization")
        for name, cluster in fleet.render().items()
    }


def test_a_kustomization_that_deploys_itself_is_where_a_cluster_begins(fleet):
    fleet.write(
        **{
            "kubernetes/prod/flux/config/cluster.yaml": f"{source('home')}---\n"
            + kustomization("cluster", "./kubernetes/prod/flux", of="home"),
            "kubernetes/prod/flux/config/kustomization.yaml": listing("cluster.yaml"),
            "kubernetes/prod/flux/apps.yaml": kustomization("apps", "./kubernetes/prod/apps", of="home"),
            "kubernetes/prod/apps/cm.yaml": config_map(),
            "archive/old/ks.yaml": kustomization("old", "./archive/old/app", of="home"),
            "archive/old/app/cm.yaml": config_map(),
        }
    )
    assert units(fleet) == {"prod": ["apps", "cluster"]}
    assert fleet.render()["prod"].entry == ("kubernetes/prod/flux/config/cluster.yaml",)


def test_a_file_that_is_no_yaml_begins_nothing(fleet):
    fleet.write(
        **{
            "clusters/a/apps.yaml": kustomization("apps", "./apps"),
            "clusters/b/apps.yaml": kustomization("apps", "./apps") + "spec: [",
            "apps/cm.yaml": config_map(),
        }
    )
    assert units(fleet) == {"a": ["apps"]}


def test_what_cannot_be_had_here_does_not_hide_what_a_kustomization_deploys(fleet):
    fleet.write(
        **{
            "clusters/a/flux/sync.yaml": f"{source('home')}---\n"
            + kustomization("all", "./clusters/a/flux", of="home"),
            "clusters/a/flux/kustomization.yaml": listing(
                "sync.yaml", "../../../apps", "https://example.org/crds.yaml"
            ),
            "apps/kustomization.yaml": listing("ks.yaml"),
            "apps/ks.yaml": kustomization("app", "./app", of="home"),
            "app/cm.yaml": config_map(),
        }
    )
    (cluster,) = fleet.render().values()
    assert (cluster.name, [(unit.id.name, unit.state) for unit in cluster.units]) == (
        "a",
        [("all", UnitState.UNRESOLVED)],
    )


def test_kustomizations_that_deploy_one_another_are_one_cluster(fleet):
    both = kustomization("first", "./fleet/flux", of="home"), kustomization("second", "./fleet/flux", of="home")
    fleet.write(**{"fleet/flux/sync.yaml": "---\n".join((source("home"), *both)), "fleet/flux/cm.yaml": config_map()})
    assert units(fleet) == {"fleet": ["first", "second"]}


def test_an_overlay_completes_the_kustomization_that_syncs_it(fleet):
    base = kustomization("flux-system", "./clusters/${ENVIRONMENT}/${NUMBER}", of="home", more="prune: true")
    clusters = ("demo/00", "demo/01", "prod/00")
    fleet.write(
        **{
            "base/kustomization.yaml": listing("sync.yaml", "source.yaml", "app.yaml", "gotk-components.yaml"),
            "base/sync.yaml": base,
            "base/source.yaml": source("home"),
            "base/app.yaml": config_map(data='{region: "${REGION}${UNKNOWN}"}'),
            "base/gotk-components.yaml": "# Flux Version: v2.8.8\n" + config_map("controllers"),
        },
        **{f"clusters/{path}/kustomization.yaml": OVERLAY for path in clusters},
        **{f"clusters/{path}/sync.yaml": PATCH % (path, path[:4]) for path in clusters},
    )
    found = fleet.render()
    assert list(found) == ["demo-00", "demo-01", "prod-00"]
    assert found["prod-00"].entry == ("clusters/prod/00/kustomization.yaml", "base/gotk-components.yaml")
    (unit,) = found["prod-00"].units
    # With the controllers of Flux 2.8, a variable that nothing sets is empty.
    assert (unit.id.name, unit.state, len(unit.objects)) == ("flux-system", UnitState.RENDERED, 4)
    assert unit.definition.source.file == "base/sync.yaml"


def test_an_overlay_that_cannot_be_built_is_a_cluster_all_the_same(fleet):
    fleet.write(
        **{
            "base/kustomization.yaml": listing("sync.yaml", "source.yaml"),
            "base/sync.yaml": kustomization("flux-system", "./clusters/${ENVIRONMENT}", of="home"),
            "base/source.yaml": source("home"),
        },
        **{f"clusters/{path}/kustomization.yaml": OVERLAY for path in ("demo/00", "prod/00")},
        **{f"clusters/{path}/sync.yaml": PATCH % (path, "x") for path in ("demo/00", "prod/00")},
    )
    fleet.write(**{"clusters/prod/00/kustomization.yaml": OVERLAY.replace("base]", "base, gone.yaml]")})
    found = fleet.render()
    assert {name: cluster.units[0].state for name, cluster in found.items()} == {
        "demo": UnitState.RENDERED,
        "prod": UnitState.FAILED,
    }
    assert "gone.yaml" in found["prod"].units[0].reason


def test_what_is_applied_by_hand_belongs_to_the_cluster_in_whose_directory_it_lies(fleet):
    fleet.write(
        **{
            "clusters/my-cluster/apps.yaml": kustomization("apps", "./apps"),
            "clusters/my-cluster/infra.yaml": kustomization("infra", "./infra"),
            "apps/cm.yaml": config_map(),
            "infra/cm.yaml": config_map("other"),
        }
    )
    assert units(fleet) == {"my-cluster": ["apps", "infra"]}


@pytest.mark.parametrize("more", ["", f"---\n{source('elsewhere')}"])
def test_a_kustomization_for_another_repository_begins_a_cluster_only_with_its_source(fleet, more):
    fleet.write(**{"bases/releases/ks.yaml": kustomization("releases", "./bases/none", of="elsewhere") + more})
    if more:
        assert units(fleet) == {"releases": ["releases"]}
    else:
        with pytest.raises(NoEntryPoint):
            fleet.render()


def test_the_sync_of_a_bootstrap_that_an_instance_of_flux_operator_deploys_begins_no_cluster(fleet):
    instance = f"""\
apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata: {{name: flux, namespace: flux-system}}
spec:
  sync: {{kind: GitRepository, url: {URL}, ref: refs/heads/main, path: clusters/one/gotk/flux-system}}
"""
    fleet.write(
        **{
            "clusters/one/gotk/flux-system/instance.yaml": instance,
            "clusters/one/gotk/flux-system/gotk-sync.yaml": kustomization("apps", "./apps"),
            "apps/cm.yaml": config_map(),
        }
    )
    assert units(fleet) == {"gotk": ["apps", "flux-system"]}


def test_a_sync_with_a_variable_in_its_path_is_a_template(fleet):
    sync = f"{source()}---\n{kustomization('flux-system', '%s')}"
    fleet.write(
        **{
            "templates/gotk-sync.yaml": sync % "${SYNC_PATH}",
            "clusters/one/flux-system/gotk-sync.yaml": sync % "./clusters/one",
        }
    )
    assert units(fleet) == {"one": ["flux-system"]}
