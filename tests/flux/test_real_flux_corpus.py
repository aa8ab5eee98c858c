"""Real repositories, deployed by real Flux: of each unit that got ready, the index lists what Flux applied, and our
rendering changes nothing of it. Hundreds of objects are asked of an API server, which takes minutes.
"""

import json
import os
from dataclasses import dataclass

import pytest
import yaml
from live_comparison import compare, published

CLUSTER_SCOPED = {
    *("CiliumBGPAdvertisement", "CiliumBGPClusterConfig", "CiliumBGPPeerConfig", "CiliumL2AnnouncementPolicy"),
    *("CiliumLoadBalancerIPPool", "CiliumNodeConfig", "ClusterIssuer", "ClusterPolicy", "ClusterRepository"),
    *("ClusterSecretStore", "ClusterTunnel", "GatewayClass", "KubernetesUpgrade", "MiroirNodeGroup"),
    *("NodeFeatureRule", "TalosUpgrade", "VolumeGroupSnapshotClass", "VolumeSnapshotClass"),
}
"""The custom kinds of these repositories that have no namespace and no definition in them."""


@dataclass(frozen=True)
class Case:
    """A cluster of a repository of the corpus."""

    repository: str
    cluster: str
    inventory: str
    """The name of the file that says how this cluster was set up before."""
    units: int
    """So many have to be compared at least."""
    branch: str = "main"
    long: bool = False
    """Whether it takes more than two minutes."""


CASES = (
    Case("equinor__radix-flux", "c3", "c3", 20, branch="master"),
    Case("onedr0p__home-ops", "cluster", "main", 70),
    Case("joryirving__home-ops", "main", "main", 150, long=True),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.repository)
def test_units_are_what_flux_made_of_them(case, shared, start_flux, tmp_path, record_property):
    if case.long and not os.environ.get("FLUXIDX_PROVE_FLUX"):
        pytest.skip("takes some minutes: `make prove-flux` runs it")
    known = json.loads((shared / "inventories" / f"{case.repository}--{case.inventory}.json").read_text())
    repository, config = tmp_path / case.repository, tmp_path / "fluxidx.toml"
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(known["provided_objects"]))
    entry = json.dumps([one.partition(" ")[0] for one in known["entry"]])
    config.write_text(f'[[cluster]]\nname = "{case.cluster}"\nentry = {entry}\nobjects = ["objects.yaml"]\n')

    flux = start_flux(case.repository)
    source = shared / "corpus" / case.repository
    url = published(flux, source, repository, f"github.com/{known['repository']}", branch=case.branch)
    flux.define_custom_kinds(repository, CLUSTER_SCOPED)
    flux.apply(known["provided_objects"])
    flux.bootstrap(url, known["units"]["flux-system/flux-system"]["path"], branch=case.branch)
    flux.settle()
    compared = compare(flux, repository, case.cluster, config)
    flux.stop()

    record_property("real Flux", str(compared))
    assert compared.differences == []
    assert len(compared.units) >= case.units
