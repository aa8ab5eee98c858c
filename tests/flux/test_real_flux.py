"""Small repositories, deployed by real Flux: the index lists what it applied, and our rendering changes nothing."""

from pathlib import Path

import pytest
from live_comparison import compare, compare_releases, published

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def deploy(start_flux, tmp_path):
    """Has real Flux deploy a cluster of a fixture."""

    def deployed(name, remote, cluster, *, helm=False):
        flux = start_flux(name, helm=helm)
        repository = tmp_path / name
        url = published(flux, FIXTURES / name, repository, remote, tags=["v1.0.0"])
        flux.define_custom_kinds(repository)
        flux.bootstrap(url, f"./clusters/{cluster}")
        flux.settle()
        return flux, repository

    return deployed


def test_the_cluster_of_the_readme(deploy, record_property):
    flux, repository = deploy("a-flux-cluster", "github.com/example/a-flux-cluster", "a-flux-cluster")
    compared = compare(flux, repository, "a-flux-cluster")
    record_property("real Flux", str(compared))
    assert compared.differences == []
    assert compared.units == ["flux-system/apps", "flux-system/flux-system"]


def test_what_a_kustomization_can_do(deploy, record_property):
    flux, repository = deploy("every-feature", "git.example.org/platform/every-feature", "one")
    compared = compare(flux, repository, "one")
    record_property("real Flux", str(compared))
    assert compared.differences == []
    assert {name.removeprefix("flux-system/"): why.partition(":")[0] for name, why in compared.unready.items()} == {
        "no-such-path": "ArtifactFailed",
        "no-target": "BuildFailed",
        "strict": "BuildFailed",
        "suspended": "suspended, or not looked at",
        "waiting": "DependencyNotReady",
    }


def test_releases_of_charts_in_the_repository(deploy, record_property):
    pytest.importorskip("helm_python")
    flux, repository = deploy("charts", "git.example.org/platform/charts", "one", helm=True)
    compared = compare_releases(flux, repository, "one")
    record_property("real Flux", str(compared))
    assert (compared.differences, compared.unready) == ([], {})
    assert compared.units == ["apps/named", "apps/parent", "apps/rendered-again", "apps/web"]
