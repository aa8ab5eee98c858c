"""Which objects are not held against the live ones, and why. What is found of the others: ``tests/cluster``."""

from __future__ import annotations

import pytest

from indexer.cluster.model import Discovery, Resource
from indexer.flux.model import ObjectId, RenderedObject, Unit, UnitId, UnitState
from indexer.git.memory import MemoryTree
from indexer.manifest.compose import parse_stream
from indexer.manifest.node import Role
from indexer.query.drift import Rendering, drift
from indexer.query.redaction import Redaction

APPS = UnitId("Kustomization", "flux-system", "apps")


class Server:
    """A cluster that has ConfigMaps and Secrets, and none of them."""

    discovery = Discovery(
        tuple(
            Resource("", "v1", kind, f"{kind.lower()}s", namespaced=True, verbs=frozenset({"list"}))
            for kind in ("ConfigMap", "Secret")
        )
    )

    def __init__(self) -> None:
        self.listed: list[str] = []

    def objects(self, resource: Resource) -> tuple[tuple[()], None]:
        self.listed.append(resource.kind)
        return (), None


def rendered(kind: str, annotations: str) -> RenderedObject:
    text = f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: a\n  annotations: {{{annotations}}}\n"
    tree = parse_stream(text.encode(), "a.yaml", limit=1)[0].node
    return RenderedObject(ObjectId("", "v1", kind, "shop", "a"), Role.DEFINES, None, "", (), (), tree)


@pytest.mark.parametrize(
    ("kind", "annotations", "reason"),
    [
        ("ConfigMap", "", None),
        ("ConfigMap", "kustomize.toolkit.fluxcd.io/ssa: Merge", None),
        ("ConfigMap", "kustomize.toolkit.fluxcd.io/ssa: Ignore", "the annotation ssa: Ignore keeps Flux from it"),
        (
            "ConfigMap",
            "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent",
            "the annotation ssa: IfNotPresent keeps Flux from it once it exists",
        ),
        (
            "ConfigMap",
            "kustomize.toolkit.fluxcd.io/reconcile: disabled",
            "the annotation reconcile: disabled keeps Flux from it",
        ),
        ("Secret", "", "Secrets are not read"),
        ("Gear", "", "the cluster has no Gear"),
    ],
)
def test_what_flux_does_not_keep_as_git_has_it_is_not_compared(kind, annotations, reason):
    unit = Unit("prod", APPS, UnitState.RENDERED, None, None, None, None, None, None, (rendered(kind, annotations),))
    server = Server()
    rendering = Rendering((unit,), Redaction(MemoryTree({})))
    answer = drift("prod", server, [("c0ffee", frozenset({APPS}))], lambda *_: rendering)
    assert answer.skipped == ({} if reason is None else {reason: 1})
    assert server.listed == ([kind] if reason is None else [])
