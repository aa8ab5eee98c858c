"""Rules of changes where a cluster is asked: what is really there decides how bad it is, and stands beside it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest
import yaml
from live_cluster import APPS, BY_HAND, FakeCluster, down, live_unit, source
from rules_fleet import SYNC, URL, base, config_map, deployment, kustomization
from test_change_rules import CRD, GEAR, KEPT, MORE, NAMESPACE, A, B, claim, marked, role_binding, two

from indexer.cluster.model import (
    FluxState,
    LiveObject,
    LiveUnit,
    Metadata,
    Resource,
    Trouble,
    Unreadable,
    Writer,
)
from indexer.cluster.snapshot import Snapshot
from indexer.flux.config import Config
from indexer.flux.identity import ObjectId, UnitId
from indexer.git.repository import Repository
from indexer.query.findings import Finding
from indexer.query.impact import impact
from indexer.query.impact.live import live_impact
from indexer.query.rules.change import findings
from indexer.query.rules.live import Live

ROOT = replace(live_unit(UnitId("Kustomization", "flux-system", "flux-system")), path="./clusters/prod")
MORE_UNIT = live_unit(UnitId("Kustomization", "flux-system", "more"))


def cluster(*bodies: Any, units: tuple[LiveUnit, ...] = (live_unit(APPS), MORE_UNIT), **labels: str) -> FakeCluster:
    """prod with these objects, which the Kustomization apps has, or the one that ``labels`` name."""
    made = FakeCluster(flux=FluxState((ROOT, *units), ()))
    given = {f"kustomize.toolkit.fluxcd.io/{key}": value for key, value in labels.items()}
    for body in bodies:
        made.put(yaml.safe_load(body) if isinstance(body, str) else body, labels=given or None)
    return made


def asked(repo: Any, change: tuple[Any, Any], server: FakeCluster) -> tuple[Finding, ...]:
    for side in change:
        repo.write(side)
    repository = Repository.open(repo.root)
    try:
        config = Config.load(None, repo.root)
        answer = impact(repository, config, "HEAD~1..HEAD")
        said = live_impact(answer, repository, config, [server], ("prod",))
        return findings(answer, repository, config, live=Live.of(said, [server]))
    finally:
        repository.close()


def told(rule: str, found: tuple[Finding, ...]) -> list[str]:
    return [f"{one.severity}: {one.live}" for one in found if one.rule == rule]


# Objects that go

GONE_CLAIM = base(**{"a.yaml": A, "data.yaml": claim()}), base(**{"a.yaml": A})
VOLUME = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"}}


def bound(reclaim: str | None) -> list[Any]:
    body = yaml.safe_load(claim())
    body["spec"]["volumeName"] = "pv-1"
    body["status"] = {"phase": "Bound", "capacity": {"storage": "8Gi"}}
    return [body, *([{**VOLUME, "spec": {"persistentVolumeReclaimPolicy": reclaim}}] if reclaim else [])]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ([], "note: it is not there, so nothing is deleted"),
        ([claim()], "note: it was never bound to a volume, so it holds no data"),
        (bound("Delete"), "error: it holds data: 8Gi on pv-1, which is deleted with it"),
        (bound("Retain"), "warning: it holds data: 8Gi on pv-1, which is retained"),
        (bound(None), "error: it holds data: 8Gi on pv-1"),
    ],
)
def test_a_claim_that_goes_holds_data_or_not(repo, live, expected):
    assert told("removed-data", asked(repo, GONE_CLAIM, cluster(*live))) == [expected]


STATEFUL = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec: {serviceName: db}\n"
GONE_SET = base(**{"a.yaml": A, "db.yaml": STATEFUL}), base(**{"a.yaml": A})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "warning: it has no claims on storage"),
        (
            {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
            "warning: it leaves 1 claim on storage: data-db-0",
        ),
        (
            {
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"},
            },
            "error: it takes with it 1 claim on storage: data-db-0",
        ),
    ],
)
def test_a_stateful_set_that_goes_leaves_its_claims_or_not(repo, spec, expected):
    body = yaml.safe_load(STATEFUL)
    body["spec"] |= spec
    made = {**yaml.safe_load(claim()), "metadata": {"name": "data-db-0", "namespace": "shop"}}
    assert told("removed-data", asked(repo, GONE_SET, cluster(body, made))) == [expected]


GONE_NAMESPACE = base(**{"a.yaml": A, "shop.yaml": NAMESPACE}), base(**{"a.yaml": A})


def test_what_lives_in_a_namespace_and_no_code_makes_is_counted_and_named(repo):
    live = cluster(NAMESPACE, A, config_map("by-hand"), claim())
    assert told("removed-namespace", asked(repo, GONE_NAMESPACE, live)) == [
        (
            "error: it takes with it 3 objects (2 ConfigMap, 1 PersistentVolumeClaim), of which no code makes again "
            "PersistentVolumeClaim shop/data, ConfigMap shop/by-hand"
        )
    ]


def test_a_namespace_with_nothing_in_it(repo):
    assert told("removed-namespace", asked(repo, GONE_NAMESPACE, cluster(NAMESPACE))) == ["note: it holds nothing"]


def test_a_namespace_of_which_not_all_can_be_listed_is_not_empty(repo):
    live = cluster(NAMESPACE)
    live.refused["configmaps"] = Unreadable("configmaps", Trouble.FORBIDDEN, "you may not list them")
    assert told("removed-namespace", asked(repo, GONE_NAMESPACE, live)) == [
        "error: it holds nothing, as far as it could be listed"
    ]


def test_the_objects_of_a_kind_that_goes(repo):
    change = base(**{"a.yaml": GEAR, "crd.yaml": CRD}), base(**{"a.yaml": GEAR})
    live = cluster(CRD, GEAR, GEAR.replace("big", "by-hand"))
    assert told("removed-crd", asked(repo, change, live)) == [
        "error: it takes with it 2 objects (2 Gear), of which no code makes again Gear shop/by-hand"
    ]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (
            cluster(NAMESPACE, name="more", namespace="flux-system"),
            "note: Kustomization flux-system/more has it, so it stays",
        ),
        (cluster(KEPT), "note: it has prune: disabled, so it stays"),
        (
            cluster(NAMESPACE, units=(replace(live_unit(APPS), suspended=True),)),
            "note: Kustomization flux-system/apps is suspended there, so nothing is deleted until it is resumed",
        ),
    ],
)
def test_what_the_live_object_says_of_pruning_decides(repo, server, expected):
    assert told("removed-namespace", asked(repo, GONE_NAMESPACE, server)) == [expected]


def test_an_annotation_that_is_only_in_git_keeps_nothing(repo):
    change = base(**{"a.yaml": A, "shop.yaml": KEPT}), base(**{"a.yaml": A})
    assert told("removed-namespace", asked(repo, change, cluster(NAMESPACE, A))) == [
        "error: the annotation is not on it there, so it is deleted, and it takes with it 1 object (1 ConfigMap)"
    ]


# Units that go, and objects that move

GONE_UNIT = two({"a.yaml": A}, {"b.yaml": B, "data.yaml": claim()}), base(**{"a.yaml": A})


def of_more(*bodies: Any, **more: Any) -> FakeCluster:
    unit = replace(MORE_UNIT, **more)
    return cluster(*bodies, units=(live_unit(APPS), unit), name="more", namespace="flux-system")


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (cluster(units=(live_unit(APPS),)), "note: it is not there, so nothing is deleted"),
        (
            of_more(B, suspended=True),
            "warning: it is suspended there, so its objects stay and nobody owns them",
        ),
        (
            of_more(
                *bound("Delete"),
                B,
                inventory=(
                    ObjectId("", "v1", "ConfigMap", "shop", "b"),
                    ObjectId("", "v1", "PersistentVolumeClaim", "shop", "data"),
                ),
            ),
            (
                "error: it has 2 objects there (1 ConfigMap, 1 PersistentVolumeClaim); "
                "PersistentVolumeClaim shop/data: it holds data: 8Gi on pv-1, which is deleted with it"
            ),
        ),
        (
            of_more(),
            (
                "note: PersistentVolumeClaim shop/data: it is not there, so nothing is deleted; "
                "ConfigMap shop/b: it is not there, so nothing is deleted"
            ),
        ),
    ],
)
def test_a_unit_that_goes_takes_what_is_there(repo, server, expected):
    assert told("removed-unit", asked(repo, GONE_UNIT, server)) == [expected]


MOVED = two({"a.yaml": A, "b.yaml": B}, {"c.yaml": config_map("c")}), two({"a.yaml": A}, {"b.yaml": B})


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (cluster(B), "warning: "),
        (cluster(), "note: it is not there, so nothing is deleted"),
        (of_more(B), "note: Kustomization flux-system/more has it, so it stays"),
        (cluster(B, team="a"), "note: no unit has it, so it stays"),
    ],
)
def test_the_live_owner_decides_about_a_move(repo, server, expected):
    assert told("moved-object", asked(repo, MOVED, server)) == [expected]


# Fields

CHANGED_ROLE = base(**{"a.yaml": role_binding("reader")}), base(**{"a.yaml": role_binding("writer")})


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ([], "note: it is not there, so it is made as the change has it"),
        ([role_binding("reader")], "error: it is there, not as the change has it"),
        ([role_binding("writer")], "note: it is so there already, so the apply does not fail for this"),
    ],
)
def test_the_live_value_decides_whether_an_immutable_field_is_refused(repo, live, expected):
    assert told("immutable-field", asked(repo, CHANGED_ROLE, cluster(*live))) == [expected]


FIXED = config_map() + "immutable: true\n"


@pytest.mark.parametrize(
    ("before", "live", "expected"),
    [
        (FIXED, FIXED, ["error: it is there, not as the change has it"]),
        (FIXED, config_map(), ["note: it is not immutable there, so the apply does not fail for this"]),
        (config_map(), FIXED, ["error: it is there, not as the change has it"]),
        (config_map(), config_map(), []),
    ],
)
def test_the_live_configmap_is_immutable_or_not(repo, before, live, expected):
    change = base(**{"a.yaml": before}), base(**{"a.yaml": before.replace("fast", "slow")})
    assert told("immutable-field", asked(repo, change, cluster(live))) == expected


def test_of_a_secret_it_is_not_known_whether_it_is_immutable(repo):
    secret = FIXED.replace("ConfigMap", "Secret")
    server = cluster(secret)
    (key,) = server.objects
    server.objects[key] = replace(server.objects[key], body={})
    change = base(**{"a.yaml": secret}), base(**{"a.yaml": secret.replace("fast", "slow")})
    assert told("immutable-field", asked(repo, change, server)) == ["error: it is there"]


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [
        ("8Gi", "error: it is there, not as the change has it"),
        ("1Gi", "note: its volume has not grown yet: it has 1Gi, so the apply does not fail for this"),
    ],
)
def test_a_claim_can_ask_for_less_until_its_volume_has_grown(repo, capacity, expected):
    body = yaml.safe_load(claim("8Gi"))
    body["status"] = {"phase": "Bound", "capacity": {"storage": capacity}}
    change = base(**{"a.yaml": claim("8Gi")}), base(**{"a.yaml": claim("2Gi")})
    assert told("immutable-field", asked(repo, change, cluster(body))) == [expected]


@pytest.mark.parametrize(
    ("phase", "expected"), [("Bound", []), ("Pending", ["error: it is there, not as the change has it"])]
)
def test_a_claim_cannot_grow_before_it_is_bound(repo, phase, expected):
    body = yaml.safe_load(claim("1Gi"))
    body["status"] = {"phase": phase}
    change = base(**{"a.yaml": claim("1Gi")}), base(**{"a.yaml": claim("2Gi")})
    assert told("immutable-field", asked(repo, change, cluster(body))) == expected


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, "error: it is there, not as the change has it"),
        ({"type": "RollingUpdate"}, "note: it has no rollingUpdate there, so the apply does not fail for this"),
        ({"type": "Recreate"}, "note: it is so there already, so the apply does not fail for this"),
    ],
)
def test_the_live_strategy_decides_whether_another_one_is_refused(repo, live, expected):
    change = (
        base(**{"a.yaml": deployment()}),
        base(**{"a.yaml": deployment().replace("  replicas: 2", "  replicas: 2\n  strategy: {type: Recreate}")}),
    )
    body = yaml.safe_load(deployment())
    body["spec"]["strategy"] = live
    assert told("immutable-field", asked(repo, change, cluster(body))) == [expected]


def scaled(replicas: int, ready: int, *writers: Writer) -> FakeCluster:
    body = yaml.safe_load(deployment(replicas=replicas)) | {"status": {"readyReplicas": ready}}
    made = cluster()
    made.put(body, *writers)
    return made


AUTOSCALER = Writer(
    "kube-controller-manager", "Update", "2026-11-22T14:00:00Z", "scale", {"f:spec": {"f:replicas": {}}}
)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (cluster(), "note: it is not there, so nothing of it runs"),
        (scaled(0, 0), "note: it has no replicas already"),
        (scaled(2, 1), "warning: it has 2 replicas, 1 of them ready"),
        (
            scaled(5, 5, AUTOSCALER),
            (
                "warning: it has 5 replicas, 5 of them ready; they were set by scaling, as autoscalers do, "
                "which rest while it has none"
            ),
        ),
    ],
)
def test_how_many_replicas_end(repo, server, expected):
    change = base(**{"a.yaml": deployment()}), base(**{"a.yaml": deployment(replicas=0)})
    assert told("scaled-to-zero", asked(repo, change, server)) == [expected]


def test_a_target_that_changes_says_what_it_has(repo):
    change = [
        base(**{"a.yaml": A})
        | {"clusters/prod/apps.yaml": kustomization("apps", "./apps", f"targetNamespace: {name}\n")}
        for name in ("old", "new")
    ]
    has = replace(live_unit(APPS), inventory=(ObjectId("", "v1", "ConfigMap", "old", "a"),))
    assert told("changed-target", asked(repo, tuple(change), cluster(units=(has,)))) == [
        "error: it has 1 object there (1 ConfigMap)"
    ]
    assert told("changed-target", asked(repo, tuple(change), cluster(units=()))) == [
        "note: it is not there, so nothing is deleted"
    ]


def test_a_field_that_was_changed_by_hand_and_is_overwritten(repo):
    change = base(**{"a.yaml": deployment()}), base(**{"a.yaml": deployment(replicas=3)})
    live = cluster()
    live.put(yaml.safe_load(deployment(replicas=5)), BY_HAND)
    found = asked(repo, change, live)
    assert told("live-overwrite", found) == ["warning: /spec/replicas is 5 (kubectl-edit), and becomes 3"]
    (one,) = found
    assert one.message == "Deployment shop/api was changed by hand where the change sets it"
    assert (one.file, one.span and one.span.line) == ("apps/a.yaml", 5)


def test_a_new_object_that_is_there_already(repo):
    change = base(**{"a.yaml": A}), base(**{"a.yaml": A, "b.yaml": config_map("b", "{x: y}")})
    live = cluster()
    live.put(yaml.safe_load(config_map("b", "{x: z}")), BY_HAND, labels={})
    assert told("live-overwrite", asked(repo, change, live)) == [
        'warning: no unit has it (kubectl-edit wrote it); /data/x is "z" (kubectl-edit), and becomes "y"'
    ]


# References


def test_what_nothing_defines_may_be_there(repo):
    uses = deployment(container="envFrom:\n- secretRef: {name: keys}\n")
    change = base(**{"a.yaml": A}), base(**{"a.yaml": A, "api.yaml": uses})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"}}
    made = cluster()
    assert told("missing-secret", asked(repo, change, made)) == ["warning: it is not there either"]
    made.put(secret, labels={})
    assert told("missing-secret", asked(repo, change, made)) == ["note: it is there, and no unit has it"]
    made.refused["secrets"] = Unreadable("secrets", Trouble.FORBIDDEN, "you may not get it")
    assert told("missing-secret", asked(repo, change, made)) == ["warning: it could not be read: you may not get it"]


def test_what_is_there_only_until_the_change_removes_it_is_missing(repo):
    uses = deployment(container="envFrom:\n- configMapRef: {name: settings}\n")
    change = base(**{"api.yaml": uses, "settings.yaml": config_map()}), base(**{"api.yaml": uses})
    assert told("missing-configmap", asked(repo, change, cluster(config_map(), uses))) == [
        "warning: it is there, by Kustomization flux-system/apps; the change removes it"
    ]


# A unit that goes, by what its own object says there


def kept_there(unit: LiveUnit, **marks: str) -> LiveUnit:
    annotations = {f"kustomize.toolkit.fluxcd.io/{key}": value for key, value in marks.items()}
    return replace(unit, metadata=replace(unit.metadata, annotations=annotations))


def test_a_unit_that_goes_may_be_kept_by_an_annotation_that_is_only_there(repo):
    live = cluster(B, units=(live_unit(APPS), kept_there(MORE_UNIT, prune="disabled")))
    assert told("removed-unit", asked(repo, GONE_UNIT, live)) == [
        "warning: it has prune: disabled, so it goes on until somebody deletes it there"
    ]


@pytest.mark.parametrize(
    ("prune", "expected"),
    [("true", "error: the annotation is not on it there, so it is deleted"), ("false", "warning: ")],
)
def test_an_annotation_of_a_unit_that_is_only_in_git_keeps_nothing(repo, prune, expected):
    """Where the unit that deploys it prunes at all."""
    before, after = GONE_UNIT
    sync = {SYNC: before[SYNC].replace("prune: true", f"prune: {prune}")}
    before = before | sync | {MORE: marked(before[MORE], prune="disabled")}
    assert told("removed-unit", asked(repo, (before, after | sync), cluster(units=(live_unit(APPS), MORE_UNIT)))) == [
        expected
    ]


# What a cluster said once


class Kept(FakeCluster, Snapshot):
    """A snapshot: it has no fields."""

    def get(self, resource: Resource, namespace: str | None, name: str, **_: object) -> LiveObject | Unreadable:
        found = super().get(resource, namespace, name)
        return found if isinstance(found, Unreadable) else Unreadable(name, Trouble.NOT_KEPT, "it has no fields")

    def metadata(self, resource: Resource, namespace: str | None, name: str) -> Metadata | Unreadable:
        found = super().get(resource, namespace, name)
        return found if isinstance(found, Unreadable) else found.metadata


def kept(server: FakeCluster) -> Kept:
    return Kept(server.objects, flux=server.flux)


ONCE = "; so it was at 2026-11-22T15:00:00+00:00, when it was last asked"


@pytest.mark.parametrize(
    ("rule", "change", "server", "expected"),
    [
        ("removed-data", GONE_CLAIM, cluster(), "error: it is not there, so nothing is deleted"),
        ("removed-namespace", GONE_NAMESPACE, cluster(KEPT), "error: it has prune: disabled, so it stays"),
        ("removed-unit", GONE_UNIT, cluster(units=(live_unit(APPS),)), "error: it is not there, so nothing is deleted"),
        ("moved-object", MOVED, cluster(), "warning: it is not there, so nothing is deleted"),
        (
            "immutable-field",
            CHANGED_ROLE,
            cluster(),
            "error: it is not there, so it is made as the change has it",
        ),
        (
            "removed-namespace",
            (base(**{"a.yaml": A, "shop.yaml": KEPT}), base(**{"a.yaml": A})),
            cluster(NAMESPACE, A),
            "error: the annotation is not on it there, so it is deleted, and it takes with it 1 object (1 ConfigMap)",
        ),
    ],
)
def test_what_a_snapshot_says_makes_nothing_milder(repo, rule, change, server, expected):
    assert told(rule, asked(repo, change, kept(server))) == [expected + ONCE]


def test_what_was_there_once_is_missing(repo):
    uses = deployment(container="envFrom:\n- secretRef: {name: keys}\n")
    change = base(**{"a.yaml": A}), base(**{"a.yaml": A, "api.yaml": uses})
    made = cluster()
    made.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"}}, labels={})
    assert told("missing-secret", asked(repo, change, kept(made))) == [
        f"warning: it is there, and no unit has it{ONCE}"
    ]


# What could not be asked


def test_what_cannot_be_read_leaves_a_finding_as_it_is(repo):
    live = cluster(*bound("Delete"))
    live.refused["persistentvolumeclaims"] = Unreadable(
        "persistentvolumeclaims", Trouble.FORBIDDEN, "you may not get it"
    )
    assert told("removed-data", asked(repo, GONE_CLAIM, live)) == ["error: it could not be read: you may not get it"]


def test_a_cluster_that_is_down_leaves_findings_as_they_are(repo):
    assert told("removed-data", asked(repo, GONE_CLAIM, down(cluster()))) == [
        "error: it could not be asked: it does not answer"
    ]


def test_a_cluster_that_may_be_another_one_decides_nothing(repo):
    other = FakeCluster(flux=FluxState((live_unit(APPS),), ()))
    assert told("removed-data", asked(repo, GONE_CLAIM, other)) == [
        "error: it may be another cluster: it has no Kustomization flux-system/flux-system"
    ]


def test_what_the_cluster_says_is_no_part_of_the_fingerprint(repo):
    without = [one.fingerprint for one in asked(repo, GONE_CLAIM, down(cluster()))]
    assert [one.fingerprint for one in asked(repo, GONE_CLAIM, cluster())] == without


def test_what_is_only_late_is_refused_nevertheless(repo):
    """The base makes the object, perhaps before the change arrives."""
    for side in (base(**{"k.yaml": A}), *CHANGED_ROLE):
        repo.write(side)
    old = subprocess.run(["git", "rev-parse", "HEAD~2"], cwd=repo.root, check=True, capture_output=True, text=True)
    commit = old.stdout.strip()
    server = cluster(units=(live_unit(APPS, commit),))
    server.flux = replace(server.flux, sources=(replace(source(commit), url=URL),))
    repository = Repository.open(repo.root)
    config = Config.load(None, repo.root)
    answer = impact(repository, config, "HEAD~1..HEAD")
    said = live_impact(answer, repository, config, [server], ("prod",))
    found = findings(answer, repository, config, live=Live.of(said, [server]))
    repository.close()
    assert told("immutable-field", found) == [
        "error: it is not there yet: Kustomization flux-system/apps has not applied all of the base"
    ]
