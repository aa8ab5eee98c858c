"""What a cluster says of the objects of a change, from objects that are written out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from changedfleet import FILES, Fleet
from live_cluster import APPS, BY_HAND, FakeCluster, down, live_unit, source

from indexer.cluster.model import Discovery, FluxState, Trouble, Unreadable, Writer
from indexer.flux.config import Config
from indexer.flux.identity import UnitId
from indexer.git.repository import Repository
from indexer.query.impact.holding import Claims, Contents, Storage
from indexer.query.impact.live import Effect, LiveChange, LiveImpact, Said, live_impact, not_asked
from indexer.query.impact.model import ChangeKind
from indexer.report.impact_words import field, rest, sentences, standings, state

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: store, namespace: shop}
spec: {accessModes: [ReadWriteOnce]}
"""


def api(**spec: Any) -> dict[str, Any]:
    """The Deployment as prod has it."""
    body = yaml.safe_load(FILES["apps/base/api.yaml"].replace("${DOMAIN}", "prod.example.org"))
    body["spec"] |= {"replicas": 3, **spec}
    return body


def said(fleet: Fleet, cluster: FakeCluster, *names: str) -> Said:
    answer = fleet.impact()
    repository = Repository.open(fleet.root)
    try:
        (one,) = live_impact(answer, repository, Config.load(None, fleet.root), [cluster], names or ("prod",))
    finally:
        repository.close()
    return one


def asked(fleet: Fleet, cluster: FakeCluster) -> LiveImpact:
    answer = said(fleet, cluster).answer
    assert answer is not None
    return answer


def only(fleet: Fleet, cluster: FakeCluster) -> LiveChange:
    (one,) = asked(fleet, cluster).objects
    return one


@pytest.fixture
def replicas(fleet: Fleet) -> Fleet:
    """A change of the replicas on prod: 3 → 4."""
    fleet.edit("apps/prod/replicas.yaml", "replicas: 3", "replicas: 4")
    return fleet


def test_an_object_that_is_as_the_code_has_it(replicas: Fleet) -> None:
    cluster = FakeCluster()
    cluster.put(api())
    one = only(replicas, cluster)
    assert (one.exists, one.is_ours, one.compared, one.fields, one.settled) == (True, True, True, (), ())
    assert sentences(one) == []
    assert rest([one]) == ["1 object is as the code has it"]


def test_a_changed_object_that_is_not_there(replicas: Fleet) -> None:
    one = only(replicas, FakeCluster())
    assert one.exists is False
    assert sentences(one) == ["is not there: the change makes it anew"]


@pytest.mark.parametrize(
    ("live", "effect", "done", "words"),
    [
        (5, Effect.OVERWRITES, False, "5, not 3 (kubectl-edit 2026-11-22T14:00:00Z): the change sets 4"),
        (4, Effect.SETTLES, True, "4, not 3 (kubectl-edit 2026-11-22T14:00:00Z): as the change has it"),
    ],
)
def test_a_field_that_was_changed_by_hand(replicas: Fleet, live: int, effect: Effect, done: bool, words: str) -> None:
    cluster = FakeCluster()
    cluster.put(api(replicas=live), BY_HAND)
    one = only(replicas, cluster)
    (changed,) = one.fields
    assert (changed.difference.pointer, changed.effect, one.is_done) == ("/spec/replicas", effect, done)
    assert field(changed) == words


def test_the_place_of_a_list_item_may_change(fleet: Fleet) -> None:
    """A hand-made change of one container is not taken for the new one that now stands in its place."""
    fleet.edit(
        "apps/base/api.yaml", "      - name: api\n", "      - name: first\n        image: a:1\n      - name: api\n"
    )
    body = api()
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "example.org/api:2.0"
    cluster = FakeCluster()
    cluster.put(body, BY_HAND)
    (changed,) = only(fleet, cluster).fields
    assert changed.difference.pointer == "/spec/template/spec/containers/0/image"
    assert changed.effect is Effect.NONE
    assert field(changed).endswith(": not part of the change")


def test_a_value_that_the_controller_wrote_is_not_by_hand(replicas: Fleet) -> None:
    """A cluster that runs the change already: the controller owns the new value."""
    cluster = FakeCluster()
    controller = Writer("kustomize-controller", "Apply", "", "", {"f:spec": {"f:replicas": {}}})
    cluster.put(api(replicas=4), controller)
    one = only(replicas, cluster)
    assert (one.fields, one.is_done) == ((), True)
    assert sentences(one) == ["is already as the change makes it"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({}, "is there already: no unit has it (kubectl-edit wrote it), and the change takes it over"),
        (
            {
                "kustomize.toolkit.fluxcd.io/name": "other",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            },
            "is there already: Kustomization flux-system/other has it, and the change takes it over",
        ),
        (None, "is there already"),
    ],
)
def test_an_added_object_that_is_there_already(fleet: Fleet, labels: dict[str, str] | None, words: str) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "- ../base\n", "- ../base\n- new.yaml\n")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new, namespace: shop}\ndata: {a: b}\n"
    fleet.write("apps/prod/new.yaml", text)
    cluster = FakeCluster(flux=FluxState((live_unit(APPS), live_unit(APPS._replace(name="other"))), ()))
    cluster.put(yaml.safe_load(text), BY_HAND, labels=labels)
    one = only(fleet, cluster)
    assert one.kind is ChangeKind.ADDED
    assert one.fields == ()
    assert sentences(one) == [words]


def test_an_added_object_of_a_kind_that_the_cluster_does_not_know(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "- ../base\n", "- ../base\n- new.yaml\n")
    fleet.write("apps/prod/new.yaml", "apiVersion: cert.io/v1\nkind: Issuer\nmetadata: {name: new, namespace: shop}\n")
    cluster = FakeCluster()
    one = only(fleet, cluster)
    assert (one.exists, one.served) == (False, False)
    assert sentences(one) == ["the cluster has no kind Issuer yet"]
    silent = Unreadable("API cert.io/v1", Trouble.BROKEN, "the server behind it does not answer")
    cluster.discovery = Discovery(cluster.discovery.resources, (silent,))
    asked_again = said(fleet, cluster)
    assert asked_again.answer is not None
    assert asked_again.answer.objects[0].exists is None
    assert silent in asked_again.unreadable


def removed_with(fleet: Fleet, text: str, cluster: FakeCluster) -> LiveChange:
    """What is said of an object that a commit adds to prod, and the change removes."""
    fleet.edit("apps/prod/kustomization.yaml", "- ../base\n", "- ../base\n- gone.yaml\n")
    fleet.write("apps/prod/gone.yaml", text)
    fleet.git("add", ".")
    fleet.git("commit", "-q", "-m", "More")
    fleet.edit("apps/prod/kustomization.yaml", "- gone.yaml\n", "")
    fleet.remove("apps/prod/gone.yaml")
    one = only(fleet, cluster)
    assert one.kind is ChangeKind.REMOVED
    return one


def test_a_removed_claim_holds_data(fleet: Fleet) -> None:
    cluster = FakeCluster()
    claim = yaml.safe_load(CLAIM)
    claim["spec"]["volumeName"] = "pv-1"
    claim["status"] = {"phase": "Bound", "capacity": {"storage": "8Gi"}}
    cluster.put(claim)
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"}}
    cluster.put({**volume, "spec": {"persistentVolumeReclaimPolicy": "Delete"}}, labels={})
    one = removed_with(fleet, CLAIM, cluster)
    assert one.holding == Storage("Bound", "8Gi", "pv-1", "Delete")
    assert sentences(one) == ["storage: 8Gi bound to pv-1, which is deleted with it"]


def test_a_removed_volume_names_its_claim(fleet: Fleet) -> None:
    text = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv-1}\nspec: {capacity: {storage: 8Gi}}\n"
    body = yaml.safe_load(text)
    body["spec"] |= {"claimRef": {"namespace": "shop", "name": "store"}, "persistentVolumeReclaimPolicy": "Retain"}
    body["status"] = {"phase": "Bound"}
    cluster = FakeCluster()
    cluster.put(body)
    one = removed_with(fleet, text, cluster)
    assert one.holding == Storage("Bound", "8Gi", "shop/store", "Retain")


@pytest.mark.parametrize(("policy", "retained"), [({}, True), ({"whenDeleted": "Delete"}, False)])
def test_a_removed_stateful_set_has_claims(fleet: Fleet, policy: dict[str, str], retained: bool) -> None:
    text = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec: {serviceName: db}\n"
    body = yaml.safe_load(text)
    templates = [{"metadata": {"name": "data"}}]
    body["spec"] |= {"volumeClaimTemplates": templates, "persistentVolumeClaimRetentionPolicy": policy}
    cluster = FakeCluster()
    cluster.put(body)
    for name in ("data-db-0", "data-db-11", "data-db-old", "other-db-0"):
        cluster.put({**yaml.safe_load(CLAIM), "metadata": {"name": name, "namespace": "shop"}}, labels={})
    held = removed_with(fleet, text, cluster).holding
    assert isinstance(held, Claims)
    assert ([one.name for one in held.claims], held.retained) == (["data-db-0", "data-db-11"], retained)


def test_a_removed_namespace_takes_what_lives_in_it(fleet: Fleet) -> None:
    cluster = FakeCluster()
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    cluster.put(yaml.safe_load(text))
    cluster.put(api())
    for name, owner in (("by-hand", None), ("kube-root-ca.crt", None), ("derived", "Gear")):
        metadata = {"name": name, "namespace": "shop"}
        cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, labels={}, owner=owner)
    cluster.put(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "elsewhere", "namespace": "other"}}, labels={}
    )
    one = removed_with(fleet, text, cluster)
    assert isinstance(one.holding, Contents)
    assert one.holding.kinds == (("ConfigMap", 1), ("Deployment", 1))
    assert one.holding.owned == 1
    assert [each.name for each in one.holding.undefined] == ["by-hand"]
    assert sentences(one) == [
        "holds 2 objects: 1 ConfigMap, 1 Deployment, and 1 object that they own",
        "1 of them in no code: ConfigMap shop/by-hand",
    ]


def test_a_removed_definition_takes_the_objects_of_its_kind(fleet: Fleet) -> None:
    text = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gears.example.org}\n"
        "spec: {group: example.org, names: {kind: Gear, plural: gears}, scope: Namespaced, versions: []}\n"
    )
    cluster = FakeCluster()
    cluster.put(yaml.safe_load(text))
    for namespace in ("shop", "tools"):
        metadata = {"name": "big", "namespace": namespace}
        cluster.put({"apiVersion": "example.org/v1", "kind": "Gear", "metadata": metadata}, labels={})
    held = removed_with(fleet, text, cluster).holding
    assert isinstance(held, Contents)
    assert held.kinds == (("Gear", 2),)


def test_a_removed_object_that_is_gone_or_not_ours(fleet: Fleet) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone, namespace: shop}\n"
    one = removed_with(fleet, text, FakeCluster())
    assert sentences(one) == ["is gone already"]
    cluster = FakeCluster()
    cluster.put(yaml.safe_load(text), labels={})
    assert sentences(only(fleet, cluster)) == ["no unit has it, so it stays"]


def test_the_values_of_a_secret_are_not_looked_at(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "token=first", "token=second")
    cluster = FakeCluster()
    cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"}})
    one = only(fleet, cluster)
    assert (one.exists, one.compared, one.fields, one.settled) == (True, False, (), ())
    assert rest([one]) == ["1 object is there, its content not compared"]


def test_what_cannot_be_read_is_said(replicas: Fleet) -> None:
    refused = Unreadable("deployments.apps", Trouble.FORBIDDEN, "no right to get them")
    one = said(replicas, FakeCluster(refused={"deployments": refused}))
    assert one.answer is not None
    assert one.answer.objects[0].exists is None
    assert one.unreadable == (refused,)


def test_a_cluster_that_is_down_gives_no_answer(replicas: Fleet) -> None:
    one = said(replicas, down(FakeCluster()))
    assert one.answer is None
    assert [lost.trouble for lost in one.unreadable] == [Trouble.UNREACHABLE]
    assert state(one) == "could not be asked"
    assert not_asked(replicas.impact(), [one]) == ("prod",)


def test_a_cluster_that_is_none_of_the_repository(replicas: Fleet) -> None:
    other = FakeCluster(flux=FluxState((live_unit(UnitId("Kustomization", "a", "b")),), ()))
    answer = replicas.impact()
    repository = Repository.open(replicas.root)
    (one,) = live_impact(answer, repository, Config.load(None, replicas.root), [other])
    assert one.answer is None
    assert one.matched.mismatches
    assert state(one) == "no cluster of this repository"
    assert other.asked == []


def test_a_moved_object_that_no_unit_has(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "- ../base\n", "- ../base\n- ../../tools/first.yaml\n")
    fleet.write("tools/kustomization.yaml", "resources: [second.yaml]\n")
    one = only(fleet, FakeCluster())
    assert (one.kind, sentences(one)) == (ChangeKind.MOVED, ["is not there: the change makes it anew"])
    cluster = FakeCluster()
    body = yaml.safe_load(FILES["tools/first.yaml"])
    cluster.put(body, labels={})
    assert sentences(only(fleet, cluster)) == ["no unit has it"]
    cluster.put(body)
    assert sentences(only(fleet, cluster)) == []


def test_a_unit_that_is_not_at_the_base_may_only_be_late(replicas: Fleet) -> None:
    """What is missing there is not taken for removed by hand, and the distance is said."""
    body = api()
    del body["spec"]["template"]["spec"]["containers"][0]["env"]
    old = replicas.git("rev-parse", "HEAD")
    replicas.git("commit", "-q", "--allow-empty", "-m", "More")
    fields = {}
    for commit in (old, replicas.git("rev-parse", "HEAD")):
        cluster = FakeCluster(flux=FluxState((live_unit(APPS, commit),), (source(commit),)))
        cluster.put(body)
        answer = asked(replicas, cluster)
        fields[commit] = [each.difference.pointer for each in answer.objects[0].fields], list(standings(answer))
    assert list(fields.values()) == [
        ([], [f"Kustomization flux-system/apps: {old[:10]} is applied, 1 commit behind the base"]),
        (["/spec/template/spec/containers/0/env"], []),
    ]
