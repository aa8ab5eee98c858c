"""A cluster without Flux, which the Flux of another one deploys to through ``spec.kubeConfig``."""

from __future__ import annotations

import pytest
from servers import ApiServer
from servers.livefleet import CLUSTER, Fleet, make_fleet

LABELS = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}


@pytest.fixture
def remote(start_api_server, tmp_path) -> tuple[ApiServer, Fleet]:
    api = start_api_server("edge")
    api.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": LABELS}}])
    fleet = make_fleet(tmp_path / "fleet", "https://git.example.org/fleet.git", "hub")
    apps = CLUSTER["apps.yaml"] + "  kubeConfig:\n    secretRef:\n      name: edge\n"
    fleet.write("clusters/hub/apps.yaml", apps.replace("CLUSTER", "hub"))
    fleet.commit("Deploy to the edge")
    return api, fleet


def test_what_another_cluster_applies_is_managed_from_there(remote, ask):
    api, fleet = remote
    words = ("where", "namespace/shop", "--live", "--cluster", "hub/flux-system/edge")
    said = ask(fleet.root, *words, "--kubeconfig", str(api.kubeconfig))
    (match,) = said.json["matches"]
    assert (match["cluster"], match["applied_by"]) == ("hub/flux-system/edge", "hub")
    assert match["definition"]["file"] == "apps/base/namespace.yaml"
    live = match["live"]
    assert (live["exists"], live["managed"], live["controlled_from"]) == (True, True, "hub")
    assert live["disagreements"] == []
    text = ask(fleet.root, *words, "--kubeconfig", str(api.kubeconfig), output="text").out
    assert "live         managed from cluster hub" in text


def test_a_cluster_without_flux_fits_no_entry_point(remote, ask):
    api, fleet = remote
    said = ask(fleet.root, "where", "namespace/shop", "--live", "--kubeconfig", str(api.kubeconfig))
    (cluster,) = said.json["clusters"]
    assert (cluster["cluster"], cluster["mismatches"]) == (None, ["no Flux object can be seen in it"])
    (only,) = said.json["live_only"]
    assert only["managed"] is False


def test_a_server_that_is_down_leaves_what_the_index_knows(remote, ask, tmp_path):
    _, fleet = remote
    config = tmp_path / "down"
    config.write_text(
        "current-context: down\ncontexts: [{name: down, context: {cluster: c}}]\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n"
    )
    said = ask(fleet.root, "where", "namespace/shop", "--live", "--kubeconfig", str(config))
    assert said.code == 2
    (match,) = said.json["matches"]
    assert match["definition"]["file"] == "apps/base/namespace.yaml"
    assert match["live"] is None
    (cluster,) = said.json["clusters"]
    (lost,) = cluster["unreadable"]
    assert (lost["what"], lost["trouble"]) == ("the cluster", "unreachable")
    assert lost["reason"] == "http://127.0.0.1:1 does not answer: Connection refused"
    assert cluster["mismatches"] == ["which entry point it runs is not known: it could not be asked"]
    text = ask(fleet.root, "where", "namespace/shop", "--live", "--kubeconfig", str(config), output="text")
    assert "defined      apps/base/namespace.yaml:1-4" in text.out
    assert "Context down" in text.out
