"""FluxInstances: an entry point, with the sync objects as the operator's patches leave them."""

import pytest

from indexer.flux.fluxinstance import sync_of
from indexer.flux.model import UnitState
from indexer.manifest.compose import parse
from indexer.manifest.history import contributions
from indexer.manifest.scalars import to_data

INSTANCE = """\
apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata: {name: flux, namespace: flux-system}
spec:
  distribution: {version: 2.9.4}
  sync:
    kind: GitRepository
    url: https://git.example.org/team/fleet.git
    ref: refs/heads/main
    path: clusters/one
    pullSecret: token
"""
PATCHES = """\
  kustomize:
    patches:
    - target: {kind: Deployment}
      patch: |
        - op: add
          path: /metadata/labels/a
          value: b
    - patch: |
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: source-controller, namespace: flux-system}
    - target: {kind: Kustomization}
      patch: |
        - op: add
          path: /spec/wait
          value: true
"""


def instance(text):
    return parse(text.encode(), "flux.yaml")[0].node


def test_the_sync_is_a_source_and_a_kustomization():
    source, kustomization = map(to_data, sync_of(instance(INSTANCE)))
    assert source["metadata"] == {"name": "flux-system", "namespace": "flux-system"}
    assert source["spec"] == {
        "interval": "1m",
        "url": "https://git.example.org/team/fleet.git",
        "ref": {"name": "refs/heads/main"},
        "secretRef": {"name": "token"},
    }
    assert kustomization["spec"]["path"] == "clusters/one"
    assert kustomization["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "flux-system"}


def test_patches_of_the_sync_are_applied_and_others_left():
    source, kustomization = sync_of(instance(INSTANCE + PATCHES))
    assert to_data(kustomization)["spec"]["wait"] is True
    assert "labels" not in to_data(source)["metadata"]
    (patch,) = [one for one in contributions(kustomization) if "/spec/wait" in one.fields]
    assert (patch.operation, str(patch.span)) == ("JSON 6902 patch", "flux.yaml:27:18")


@pytest.mark.parametrize(
    ("more", "state", "reason"),
    [
        (
            PATCHES,
            UnitState.UNRESOLVED,
            "clusters/one/flux.yaml:5:27: flux-operator installs the controllers of Flux 2.9.4",
        ),
        (
            "  kustomize: {patches: [{target: {kind: Kustomization}, patch: '[{op: remove, path: /spec/no}]'}]}\n",
            UnitState.FAILED,
            "clusters/one/",
        ),
    ],
)
def test_the_unit_holds_the_sync_and_says_what_is_not_rendered(units, more, state, reason):
    found = units({"clusters/one/flux.yaml": INSTANCE + more}, bootstrap=False)
    flux = found["FluxInstance/flux-system/flux"]
    assert flux.state is state
    assert flux.reason.startswith(reason)
    assert [one.id.kind for one in flux.objects] == ["GitRepository", "Kustomization"]
    assert str(flux.objects[0].definition) == "clusters/one/flux.yaml:7:5"
    assert found["Kustomization/flux-system/flux-system"].state is UnitState.RENDERED
