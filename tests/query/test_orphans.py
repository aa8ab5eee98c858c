"""What is said of a live object that its unit does not make. The rest is asked of real clusters: ``tests/cluster``."""

from __future__ import annotations

import pytest
from live_cluster import APPS, LABELS, live_unit

from indexer.cluster.model import FluxState, Listed, Metadata, Resource
from indexer.flux.identity import ObjectId
from indexer.query.orphans import Why, orphans

NO_KEY = (
    "clusters/prod/apps.yaml:9:5: Secret flux-system/sops-age of spec.decryption is not rendered from this repository: "
    "put a manifest of it into a file"
)


@pytest.mark.parametrize(
    ("kind", "state", "reason", "found", "filtered"),
    [
        ("ConfigMap", "rendered", None, [Why.LEFTOVER], {}),
        ("ConfigMap", "unresolved", NO_KEY, [Why.LEFTOVER], {}),
        ("Secret", "unresolved", NO_KEY, [], {"not-rendered": 1}),
        ("ConfigMap", "unresolved", "GitRepository shop/other is another repository", [], {"not-rendered": 1}),
        ("ConfigMap", "failed", "apps/kustomization.yaml:1:1: no such file", [], {"not-rendered": 1}),
    ],
)
def test_what_a_unit_left_over_is_told_where_its_objects_are_known(fleet, kind, state, reason, found, filtered):
    scope = fleet.of("prod")
    for unit in scope.units.values():
        if unit["name"] == APPS.name:
            unit |= {"state": state, "reason": reason}
    old = Metadata(ObjectId("", "v1", kind, "shop", "old"), "uid", "2026-01-01T00:00:00Z", LABELS)
    resource = Resource("", "v1", kind, f"{kind.lower()}s", namespaced=True, verbs=frozenset({"list"}))
    answer = orphans(scope, "prod", [Listed(resource, (old,))], FluxState((live_unit(APPS),), ()))
    assert [one.why for one in answer.orphans] == found
    assert answer.filtered == filtered
