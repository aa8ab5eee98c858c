"""What a change does to objects and units, and which of its lines did it."""

from __future__ import annotations

from changedfleet import FILES, Fleet, unit

from indexer.flux.model import UnitId, UnitState
from indexer.git.changes import SideName
from indexer.query.impact import Cause, ChangeKind, Impact, ObjectChange, Unexplained, UnitChangeKind

APPS = UnitId("Kustomization", "flux-system", "apps")
TOOLS = UnitId("Kustomization", "flux-system", "tools")
ROOT = UnitId("Kustomization", "flux-system", "flux-system")


def where(cause: Cause | Unexplained) -> str:
    """``file:first-last``, with the side where that is the base; the reason of what is not known."""
    if isinstance(cause, Unexplained):
        return cause.reason
    gone = " before" if cause.side is SideName.BASE else ""
    return f"{cause.span.source.file}:{cause.span.line}-{cause.span.end_line}{gone}"


def told(answer: Impact) -> list[tuple[str, str, str, str, str]]:
    """Cluster, unit, what happens, the object, and the cause."""
    return [
        (one.cluster, one.unit.name, str(one.change), f"{one.object.kind} {one.object.name}", where(one.cause))
        for cluster in answer.clusters
        for one in cluster.objects
    ]


def units(answer: Impact) -> list[tuple[str, str, UnitChangeKind, str, str]]:
    return [
        (one.cluster, one.unit.name, one.change, one.detail, where(one.cause))
        for cluster in answer.clusters
        for one in cluster.units
    ]


def fields(one: ObjectChange) -> list[tuple[str, object, object, str]]:
    return [(each.path, each.before, each.after, where(each.cause)) for each in one.fields]


def objects(answer: Impact) -> list[ObjectChange]:
    return [one for cluster in answer.clusters for one in cluster.objects]


def test_nothing_changes_without_a_change(fleet: Fleet) -> None:
    answer = fleet.impact()
    assert (answer.clusters, answer.lines, answer.unrendered) == ((), (), ())


def test_a_line_of_a_shared_base_changes_every_cluster(fleet: Fleet) -> None:
    fleet.edit("apps/base/api.yaml", "api:1.0", "api:1.1")
    answer = fleet.impact()
    assert told(answer) == [
        ("prod", "apps", "changed", "Deployment api", "apps/base/api.yaml:18-18"),
        ("test", "apps", "changed", "Deployment api", "apps/base/api.yaml:18-18"),
    ]
    path = "/spec/template/spec/containers/0/image"
    assert fields(objects(answer)[0]) == [
        (path, "example.org/api:1.0", "example.org/api:1.1", "apps/base/api.yaml:18-18")
    ]
    head = next(one for one in answer.lines if one.side is SideName.HEAD)
    assert head.lines == (18, 18)
    assert head.reach is not None
    assert (head.reach.objects, head.reach.clusters) == (2, ("prod", "test"))


def test_only_some_clusters(fleet: Fleet) -> None:
    fleet.edit("apps/base/api.yaml", "api:1.0", "api:1.1")
    assert {one[0] for one in told(fleet.impact(clusters=("test",)))} == {"test"}


def test_a_value_that_is_overridden_has_no_effect_there(fleet: Fleet) -> None:
    fleet.edit("apps/base/api.yaml", "replicas: 1", "replicas: 2")
    answer = fleet.impact()
    assert [one[0] for one in told(answer)] == ["test"]
    fleet.edit("clusters/test/apps.yaml", "./apps/test", "./apps/prod")
    fleet.git("commit", "-qam", "The test cluster is like the other")
    fleet.edit("apps/base/api.yaml", "replicas: 2", "replicas: 5")
    answer = fleet.impact()
    assert answer.clusters == ()
    head = next(one for one in answer.lines if one.side is SideName.HEAD)
    assert head.reason == "overridden at apps/prod/replicas.yaml:7 by strategic merge patch"
    assert [span.source.file for span in head.related] == ["apps/prod/replicas.yaml"]


def test_a_patch_that_goes_is_the_cause_on_the_side_that_had_it(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "patches:\n- path: replicas.yaml\n", "")
    fleet.remove("apps/prod/replicas.yaml")
    (one,) = objects(fleet.impact())
    assert fields(one) == [("/spec/replicas", 3, 1, "apps/prod/replicas.yaml:7-7 before")]


def test_a_patch_that_is_dropped_from_the_list_only(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "patches:\n- path: replicas.yaml\n", "")
    (one,) = objects(fleet.impact())
    assert fields(one) == [("/spec/replicas", 3, 1, "apps/prod/kustomization.yaml:4-4 before")]


def test_a_variable_is_the_cause_of_what_it_fills_in(fleet: Fleet) -> None:
    fleet.edit("clusters/prod/settings.yaml", "prod.example.org", "shop.example.org")
    answer = fleet.impact()
    assert told(answer) == [
        ("prod", "apps", "changed", "Deployment api", "clusters/prod/settings.yaml:7-7"),
        ("prod", "flux-system", "changed", "ConfigMap settings", "clusters/prod/settings.yaml:7-7"),
    ]
    assert fields(objects(answer)[0]) == [
        (
            "/spec/template/spec/containers/0/env/0/value",
            "prod.example.org",
            "shop.example.org",
            "clusters/prod/settings.yaml:7-7",
        )
    ]


def test_objects_added_and_removed(fleet: Fleet) -> None:
    fleet.write("tools/third.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: third\n")
    fleet.remove("tools/second.yaml")
    assert told(fleet.impact()) == [
        ("prod", "tools", "removed", "ConfigMap second", "tools/second.yaml:1-7 before"),
        ("prod", "tools", "added", "Namespace third", "tools/third.yaml:1-4"),
    ]


def test_a_resource_that_is_listed_no_more(fleet: Fleet) -> None:
    fleet.edit("apps/base/kustomization.yaml", "- service.yaml\n", "")
    assert told(fleet.impact()) == [
        ("prod", "apps", "removed", "Service api", "apps/base/kustomization.yaml:3-3 before"),
        ("test", "apps", "removed", "Service api", "apps/base/kustomization.yaml:3-3 before"),
    ]


def test_an_object_that_moves_to_another_unit(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "- ../base\n", "- ../base\n- first.yaml\n")
    fleet.move("tools/first.yaml", "apps/prod/first.yaml")
    (one,) = objects(fleet.impact())
    assert (one.change, one.before_unit, one.after_unit, one.fields) == (ChangeKind.MOVED, TOOLS, APPS, ())
    assert where(one.cause) == "apps/prod/kustomization.yaml:3-3"


def test_an_object_that_goes_from_one_flux_to_another_is_removed_by_the_first(fleet: Fleet) -> None:
    remote = "  kubeConfig:\n    secretRef:\n      name: spoke\n"
    fleet.write("clusters/prod/spoke.yaml", unit("spoke", "./spoke", remote))
    fleet.write("spoke/own.yaml", unit("own", "./own"))
    fleet.write("spoke/one.yaml", FILES["tools/first.yaml"].replace("first", "one"))
    fleet.write("own/two.yaml", FILES["tools/first.yaml"].replace("first", "two"))
    fleet.git("add", "-A")
    fleet.git("commit", "-qm", "A spoke that runs a Flux of its own")
    fleet.move("own/two.yaml", "spoke/two.yaml")
    fleet.move("spoke/one.yaml", "own/one.yaml")
    spoke = "prod/flux-system/spoke"
    assert told(fleet.impact()) == [
        ("prod", "spoke", "removed", "ConfigMap one", "spoke/one.yaml:1-7 before"),
        ("prod", "spoke", "added", "ConfigMap two", "spoke/two.yaml:1-7"),
        (spoke, "own", "added", "ConfigMap one", "own/one.yaml:1-7"),
        (spoke, "own", "removed", "ConfigMap two", "own/two.yaml:1-7 before"),
    ]


def test_a_renamed_object_is_removed_and_added(fleet: Fleet) -> None:
    fleet.edit("tools/first.yaml", "name: first", "name: foremost")
    assert told(fleet.impact()) == [
        ("prod", "tools", "removed", "ConfigMap first", "tools/first.yaml:4-4 before"),
        ("prod", "tools", "added", "ConfigMap foremost", "tools/first.yaml:4-4"),
    ]


def test_a_generated_object_with_another_hash_knows_the_one_before(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "level=info", "level=debug")
    added, removed = sorted(objects(fleet.impact()), key=lambda one: one.change)
    assert (added.change, removed.change) == (ChangeKind.ADDED, ChangeKind.REMOVED)
    assert (added.counterpart, removed.counterpart) == (removed.object, added.object)
    assert where(added.cause) == "apps/prod/kustomization.yaml:9-9"


def test_a_reference_to_a_hashed_name_changes_with_the_content(fleet: Fleet) -> None:
    fleet.write("apps/prod/options.txt", "one\n")
    fleet.edit("apps/prod/kustomization.yaml", "  literals:\n  - level=info\n", "  files:\n  - options.txt\n")
    fleet.edit(
        "apps/base/api.yaml",
        "        env:\n",
        "        envFrom:\n        - configMapRef:\n            name: options\n        env:\n",
    )
    fleet.git("add", ".")
    fleet.git("commit", "-qm", "Options from a file")
    fleet.write("apps/prod/options.txt", "two\n")
    answer = fleet.impact()
    (deployment,) = [one for one in objects(answer) if one.object.kind == "Deployment"]
    assert [(path, cause) for path, _, _, cause in fields(deployment)] == [
        ("/spec/template/spec/containers/0/envFrom/0/configMapRef/name", "apps/prod/options.txt:1-1")
    ]


def test_secrets_are_not_shown_and_that_they_changed_is(fleet: Fleet) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "token=first", "token=second")
    (one,) = objects(fleet.impact())
    assert [(each.path, each.before, each.after, each.redacted) for each in one.fields] == [
        ("/data/token", None, None, True)
    ]
    assert where(one.cause) == "apps/prod/kustomization.yaml:16-16"


def test_items_of_a_list_are_told_apart_by_their_names(fleet: Fleet) -> None:
    fleet.edit(
        "apps/base/api.yaml",
        "        - name: MODE\n",
        "        - name: NEW\n          value: here\n        - name: MODE\n",
    )
    (one, _) = objects(fleet.impact())
    assert fields(one) == [
        ("/spec/template/spec/containers/0/env/1/name", None, "NEW", "apps/base/api.yaml:23-23"),
        ("/spec/template/spec/containers/0/env/1/value", None, "here", "apps/base/api.yaml:24-24"),
    ]


def test_a_list_in_another_order_is_one_change(fleet: Fleet) -> None:
    text = FILES["apps/base/api.yaml"]
    mode = "        - name: MODE\n          value: fast\n"
    fleet.write("apps/base/api.yaml", text.replace(mode, "").replace("        env:\n", f"        env:\n{mode}"))
    (one, _) = objects(fleet.impact())
    assert [each.path for each in one.fields] == ["/spec/template/spec/containers/0/env"]
    assert isinstance(one.cause, Cause)


# Units


def test_a_unit_that_is_added(fleet: Fleet) -> None:
    fleet.write("clusters/test/tools.yaml", unit("tools", "./tools"))
    answer = fleet.impact()
    assert units(answer) == [("test", "tools", UnitChangeKind.ADDED, "", "clusters/test/tools.yaml:1-11")]
    assert told(answer) == [
        ("test", "flux-system", "added", "Kustomization tools", "clusters/test/tools.yaml:1-11"),
        ("test", "tools", "added", "ConfigMap first", "clusters/test/tools.yaml:7-7"),
        ("test", "tools", "added", "ConfigMap second", "clusters/test/tools.yaml:7-7"),
    ]


def test_a_unit_that_is_removed(fleet: Fleet) -> None:
    fleet.remove("clusters/prod/tools.yaml")
    answer = fleet.impact()
    assert units(answer) == [("prod", "tools", UnitChangeKind.REMOVED, "", "clusters/prod/tools.yaml:1-11 before")]
    assert [(one[1], one[2], one[3]) for one in told(answer)] == [
        ("flux-system", "removed", "Kustomization tools"),
        ("tools", "removed", "ConfigMap first"),
        ("tools", "removed", "ConfigMap second"),
    ]


def test_a_unit_with_another_path(fleet: Fleet) -> None:
    fleet.edit("clusters/prod/tools.yaml", "./tools", "./forgotten")
    answer = fleet.impact()
    assert units(answer) == [
        ("prod", "tools", UnitChangeKind.REPATHED, "./tools → ./forgotten", "clusters/prod/tools.yaml:7-7")
    ]
    assert {one[1:3] + one[4:] for one in told(answer)} == {
        ("flux-system", "changed", "clusters/prod/tools.yaml:7-7"),
        ("tools", "added", "clusters/prod/tools.yaml:7-7"),
        ("tools", "removed", "clusters/prod/tools.yaml:7-7 before"),
    }


def test_a_unit_that_is_suspended_and_resumed(fleet: Fleet) -> None:
    fleet.edit("clusters/prod/tools.yaml", "  prune: true\n", "  prune: true\n  suspend: true\n")
    assert units(fleet.impact()) == [("prod", "tools", UnitChangeKind.SUSPENDED, "", "clusters/prod/tools.yaml:9-9")]
    fleet.git("commit", "-qam", "Suspended")
    fleet.edit("tools/first.yaml", "a: b", "a: c")
    assert [(one.object.name, one.suspended) for one in objects(fleet.impact())] == [("first", True)]
    fleet.git("checkout", "-q", ".")
    fleet.edit("clusters/prod/tools.yaml", "  suspend: true\n", "")
    assert units(fleet.impact()) == [
        ("prod", "tools", UnitChangeKind.RESUMED, "", "clusters/prod/tools.yaml:9-9 before")
    ]


def test_a_unit_that_starts_to_fail_keeps_its_objects(fleet: Fleet) -> None:
    fleet.edit("tools/first.yaml", "\ndata:", "\ndata: [")
    answer = fleet.impact()
    ((cluster, name, change, detail, cause),) = units(answer)
    assert (cluster, name, change, cause) == ("prod", "tools", UnitChangeKind.FAILS, "tools/first.yaml:6-6")
    assert detail.startswith("tools/first.yaml:")
    assert told(answer) == []
    (unknown,) = answer.unrendered
    assert (unknown.unit, unknown.sides, unknown.state, unknown.touched) == (
        TOOLS,
        (SideName.HEAD,),
        UnitState.FAILED,
        True,
    )
    fleet.git("commit", "-qam", "Broken")
    fleet.edit("tools/first.yaml", "data: [", "data:")
    answer = fleet.impact()
    assert [one[2] for one in units(answer)] == [UnitChangeKind.RECOVERS]
    assert told(answer) == []


def test_units_below_one_that_fails_are_not_removed(fleet: Fleet) -> None:
    fleet.edit("clusters/prod/settings.yaml", "\ndata:", "\ndata: [")
    answer = fleet.impact()
    assert told(answer) == []
    assert [(one.unit, one.sides) for one in answer.unrendered] == [
        (APPS, (SideName.HEAD,)),
        (ROOT, (SideName.HEAD,)),
        (TOOLS, (SideName.HEAD,)),
    ]
    assert answer.unrendered[0].reason.startswith("Kustomization/flux-system/flux-system deploys it, and could not be")


def test_a_unit_that_reads_another_branch(fleet: Fleet) -> None:
    fleet.edit("clusters/prod/flux-system/gotk-sync.yaml", "branch: main", "branch: next")
    found = units(fleet.impact())
    assert {(one[1], one[2]) for one in found if one[0] == "prod"} >= {("apps", UnitChangeKind.RESOURCED)}
    assert all(one[-1] == "clusters/prod/flux-system/gotk-sync.yaml:8-8" for one in found)


def test_a_source_that_is_not_known_any_more_is_no_other(fleet: Fleet) -> None:
    chart = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: web\n  namespace: tools\nspec:\n"
    )
    fleet.write(
        "apps/test/web.yaml",
        f"{chart}  chart:\n    spec:\n      chart: web\n"
        "      sourceRef:\n        kind: HelmRepository\n        name: web\n",
    )
    fleet.write("apps/test/kustomization.yaml", "resources:\n- web.yaml\n")
    fleet.write("clusters/test/tools.yaml", unit("tools", "./tools"))
    fleet.write(
        "tools/web.yaml",
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata:\n  name: web\n  namespace: tools\n"
        "spec:\n  url: https://charts.example.org\n",
    )
    fleet.git("add", ".")
    fleet.git("commit", "-qm", "A release")
    fleet.edit("tools/first.yaml", "\ndata:", "\ndata: [")
    assert {(one[0], one[1], one[2]) for one in units(fleet.impact())} == {
        ("prod", "tools", UnitChangeKind.FAILS),
        ("test", "tools", UnitChangeKind.FAILS),
    }


def test_a_cluster_that_goes(fleet: Fleet) -> None:
    fleet.git("rm", "-qr", "clusters/test")
    answer = fleet.impact()
    (cluster,) = answer.clusters
    assert (cluster.cluster, cluster.change) == ("test", ChangeKind.REMOVED)
    assert {str(one.change) for one in cluster.objects} == {"removed"}
    assert all(isinstance(one.cause, Cause) for one in cluster.objects)
