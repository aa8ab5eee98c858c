"""Each rule of ``impact``: a change with the danger, at its line, and one without it."""

import textwrap

import pytest
from rules_fleet import (
    APPS,
    base,
    config_map,
    deployment,
    kustomization,
    listing,
    message,
    of_rule,
    shown,
)

from indexer.query.rules.catalogue import RULES

MORE = "clusters/prod/more.yaml"
FLUX = "toolkit.fluxcd.io"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
KEPT = NAMESPACE.replace("}", ", annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}}")
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gears.example.org}
spec: {group: example.org, scope: Namespaced, names: {kind: Gear, plural: gears}}
"""
GEAR = "apiVersion: example.org/v1\nkind: Gear\nmetadata: {name: big, namespace: shop}\n"


def claim(size="1Gi", namespace="shop"):
    return f"""\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {namespace}}}
spec:
  storageClassName: fast
  resources: {{requests: {{storage: {size}}}}}
"""


def role_binding(role):
    return f"""\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: api, namespace: shop}}
roleRef:
  kind: Role
  name: {role}
"""


def two(apps, more, *, apps_spec="", more_spec="", prune="true"):
    """Kustomizations ``apps`` and ``more`` with these files each, listed."""
    files = base(**apps) | {
        APPS: kustomization("apps", "./apps", apps_spec, prune),
        MORE: kustomization("more", "./more", more_spec),
        "more/kustomization.yaml": listing(*more),
    }
    return files | {f"more/{name}": text for name, text in more.items()}


A, B = config_map("a"), config_map("b")
MOVED = two({"a.yaml": A, "b.yaml": B}, {"c.yaml": config_map("c")}), two({"a.yaml": A}, {"b.yaml": B})
ONE = base(**{"a.yaml": A, "b.yaml": B})

PAIRS = {
    "moved-object": (MOVED, ["warning moved-object more/kustomization.yaml:2"], (MOVED[0], MOVED[0])),
    "removed-unit": (
        (two({"a.yaml": A}, {"b.yaml": B}), base(**{"a.yaml": A})),
        [f"error removed-unit {MORE}:1"],
        (two({"a.yaml": A}, {"b.yaml": B}), two({"a.yaml": A}, {"b.yaml": config_map("b", "{x: y}")})),
    ),
    "removed-namespace": (
        (base(**{"a.yaml": A, "shop.yaml": NAMESPACE}), base(**{"a.yaml": A})),
        ["error removed-namespace apps/shop.yaml:1"],
        (base(**{"a.yaml": A, "shop.yaml": NAMESPACE}), base(**{"a.yaml": A, "renamed.yaml": NAMESPACE})),
    ),
    "removed-crd": (
        (base(**{"a.yaml": GEAR, "crd.yaml": CRD}), base(**{"a.yaml": GEAR})),
        ["error removed-crd apps/crd.yaml:1"],
        (base(**{"a.yaml": GEAR, "crd.yaml": CRD}), base(**{"crd.yaml": CRD})),
    ),
    "immutable-field": (
        (base(**{"a.yaml": role_binding("reader")}), base(**{"a.yaml": role_binding("writer")})),
        ["error immutable-field apps/a.yaml:6"],
        (base(**{"a.yaml": claim()}), base(**{"a.yaml": claim("2Gi")})),
    ),
    "removed-data": (
        (base(**{"a.yaml": A, "data.yaml": claim()}), base(**{"a.yaml": A})),
        ["error removed-data apps/data.yaml:1"],
        (ONE, base(**{"a.yaml": A})),
    ),
    "changed-target": (
        (
            base(**{"a.yaml": A}) | {APPS: kustomization("apps", "./apps", "targetNamespace: old\n")},
            base(**{"a.yaml": A}) | {APPS: kustomization("apps", "./apps", "targetNamespace: new\n")},
        ),
        [f"error changed-target {APPS}:9"],
        (
            base(**{"a.yaml": A}) | {APPS: kustomization("apps", "./apps", "timeout: 5m\n")},
            base(**{"a.yaml": A}) | {APPS: kustomization("apps", "./apps", "timeout: 9m\n")},
        ),
    ),
    "changed-namespace": (
        (base(**{"a.yaml": config_map()}), base(**{"a.yaml": config_map(namespace="store")})),
        ["warning changed-namespace apps/a.yaml:3"],
        (base(**{"a.yaml": config_map()}), base(**{"a.yaml": config_map("other")})),
    ),
    "scaled-to-zero": (
        (base(**{"a.yaml": deployment()}), base(**{"a.yaml": deployment(replicas=0)})),
        ["warning scaled-to-zero apps/a.yaml:5"],
        (base(**{"a.yaml": deployment()}), base(**{"a.yaml": deployment(replicas=1)})),
    ),
}


def test_every_rule_of_changes_has_a_pair():
    assert PAIRS.keys() == {name for name, rule in RULES.items() if rule.of_changes} - {"live-overwrite"}


@pytest.mark.parametrize("rule", PAIRS)
def test_a_dangerous_change_is_found_at_its_line(repo, rule):
    change, expected, _ = PAIRS[rule]
    assert of_rule(rule, repo.impact(*change)) == expected


@pytest.mark.parametrize("rule", PAIRS)
def test_a_harmless_change_has_nothing_of_the_rule(repo, rule):
    _, _, change = PAIRS[rule]
    assert of_rule(rule, repo.impact(*change)) == []


# What becomes of an object that moves


def test_a_move_away_from_a_unit_that_does_not_prune_is_a_note(repo):
    before, after = (
        two({"a.yaml": A, "b.yaml": B}, {"c.yaml": config_map("c")}, prune="false"),
        two({"a.yaml": A}, {"b.yaml": B}, prune="false"),
    )
    found = repo.impact(before, after)
    assert of_rule("moved-object", found) == ["note moved-object more/kustomization.yaml:2"]
    assert message("moved-object", found).endswith(
        "nothing is deleted, since Kustomization flux-system/apps does not prune"
    )


def test_an_annotation_keeps_an_object_that_moves(repo):
    kept = config_map("b", more=", annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}")
    found = repo.impact(
        two({"a.yaml": A, "b.yaml": kept}, {"c.yaml": config_map("c")}), two({"a.yaml": A}, {"b.yaml": kept})
    )
    assert of_rule("moved-object", found) == ["note moved-object more/kustomization.yaml:2"]


def test_a_unit_that_waits_for_the_one_that_prunes_comes_too_late(repo):
    waits = {"more_spec": "dependsOn: [{name: apps}]\n"}
    found = repo.impact(
        two({"a.yaml": A, "b.yaml": B}, {"c.yaml": config_map("c")}, **waits),
        two({"a.yaml": A}, {"b.yaml": B}, **waits),
    )
    assert of_rule("moved-object", found) == ["error moved-object more/kustomization.yaml:2"]
    assert "waits for Kustomization flux-system/apps, which has deleted this by then" in message("moved-object", found)


def test_a_unit_that_is_waited_for_takes_over_in_time(repo):
    waits = {"apps_spec": "dependsOn: [{name: more}]\n"}
    found = repo.impact(
        two({"a.yaml": A, "b.yaml": B}, {"c.yaml": config_map("c")}, **waits),
        two({"a.yaml": A}, {"b.yaml": B}, **waits),
    )
    assert of_rule("moved-object", found) == ["note moved-object more/kustomization.yaml:2"]


def test_objects_that_go_the_same_way_are_one_finding(repo):
    after = two({"a.yaml": A}, {"b.yaml": B, "c.yaml": config_map("c")}) | {MORE: kustomization("others", "./more")}
    found = repo.impact(two({"a.yaml": A}, {"b.yaml": B, "c.yaml": config_map("c")}), after)
    assert of_rule("moved-object", found) == [f"warning moved-object {MORE}:3"]
    assert message("moved-object", found).startswith(
        "ConfigMap shop/b, ConfigMap shop/c move from Kustomization flux-system/more to "
        "Kustomization flux-system/others: where the old one goes before the new one is reconciled"
    )


# What becomes of the objects of a unit that goes


@pytest.mark.parametrize(
    ("spec", "prune", "severity", "end"),
    [
        ("", "true", "error", "1 object is deleted: ConfigMap shop/b"),
        ("", "false", "warning", "it does not prune, so its objects stay and nobody owns them"),
        ("deletionPolicy: Delete\n", "true", "error", "1 object is deleted: ConfigMap shop/b"),
        (
            "deletionPolicy: Orphan\n",
            "true",
            "warning",
            "its deletionPolicy is Orphan, so its objects stay and nobody owns them",
        ),
        ("suspend: true\n", "true", "warning", "it is suspended, so its objects stay and nobody owns them"),
    ],
)
def test_the_end_of_a_unit_follows_its_deletion_policy(repo, spec, prune, severity, end):
    before = two({"a.yaml": A}, {"b.yaml": B}) | {MORE: kustomization("more", "./more", spec, prune)}
    found = repo.impact(before, base(**{"a.yaml": A}))
    assert of_rule("removed-unit", found) == [f"{severity} removed-unit {MORE}:1"]
    assert message("removed-unit", found).endswith(end)


def test_a_renamed_unit_says_who_takes_over(repo):
    after = two({"a.yaml": A}, {"b.yaml": B}) | {MORE: kustomization("others", "./more")}
    found = repo.impact(two({"a.yaml": A}, {"b.yaml": B}), after)
    assert "Kustomization flux-system/others takes over what it had" in message("removed-unit", found)


def test_a_namespace_that_is_kept_is_a_note(repo):
    found = repo.impact(base(**{"a.yaml": A, "shop.yaml": KEPT}), base(**{"a.yaml": A}))
    assert [one.split()[0] for one in of_rule("removed-namespace", found)] == ["note"]


def test_what_lives_in_a_namespace_is_named(repo):
    found = repo.impact(base(**{"a.yaml": A, "shop.yaml": NAMESPACE}), base(**{"a.yaml": A}))
    assert message("removed-namespace", found).endswith("everything in it: ConfigMap shop/a")


def test_force_makes_an_immutable_field_a_warning(repo):
    forced = {APPS: kustomization("apps", "./apps", "force: true\n")}
    found = repo.impact(
        base(**{"a.yaml": role_binding("reader")}) | forced, base(**{"a.yaml": role_binding("writer")}) | forced
    )
    assert of_rule("immutable-field", found) == ["warning immutable-field apps/a.yaml:6"]


@pytest.mark.parametrize(
    ("spec", "end"),
    [
        ("", "the apply fails; move the data to another claim"),
        ("force: true\n", "force has it deleted and made anew, and its data may go with it"),
    ],
)
def test_a_claim_cannot_become_smaller(repo, spec, end):
    unit = {APPS: kustomization("apps", "./apps", spec)}
    found = repo.impact(base(**{"a.yaml": claim("2Gi")}) | unit, base(**{"a.yaml": claim("1Gi")}) | unit)
    assert of_rule("immutable-field", found) == ["error immutable-field apps/a.yaml:6"]
    what = "PersistentVolumeClaim shop/data asks for 1Gi of storage, no longer for 2Gi, and cannot become smaller"
    assert message("immutable-field", found) == f"{what}: {end}"


RECREATED = "strategy: {type: Recreate}"


@pytest.mark.parametrize(
    ("before", "after", "spec", "expected"),
    [
        ("strategy: {}", RECREATED, "", ["error immutable-field apps/a.yaml:5"]),
        (
            "strategy: {}",
            "strategy: {type: Recreate, rollingUpdate: null}",
            "",
            ["error immutable-field apps/a.yaml:5"],
        ),
        (
            "strategy: {type: RollingUpdate, rollingUpdate: null}",
            RECREATED,
            "",
            ["error immutable-field apps/a.yaml:5"],
        ),
        ("strategy: {rollingUpdate: {maxSurge: 1}}", RECREATED, "", []),
        ("strategy: {}", RECREATED, "force: true\n", ["warning immutable-field apps/a.yaml:5"]),
        (RECREATED, "strategy: {}", "", []),
    ],
)
def test_what_the_server_filled_in_stays_beside_another_strategy(repo, before, after, spec, expected):
    """As kustomize-controller applies it, which leaves out null."""
    unit = {APPS: kustomization("apps", "./apps", spec)}
    sides = (deployment().replace("replicas: 2", f"{one}") for one in (before, after))
    found = repo.impact(*(base(**{"a.yaml": text}) | unit for text in sides))
    assert of_rule("immutable-field", found) == expected


def test_data_of_an_immutable_configmap_cannot_change(repo):
    fixed = config_map(data="{x: y}") + "immutable: true\n"
    found = repo.impact(base(**{"a.yaml": fixed}), base(**{"a.yaml": fixed.replace("x: y", "x: z")}))
    assert of_rule("immutable-field", found) == ["error immutable-field apps/a.yaml:4"]


# Faults that are new


def test_only_faults_that_the_base_does_not_have_are_told(repo):
    keys = "envFrom:\n- secretRef: {name: NAME}\n"
    before = base(**{"api.yaml": deployment(container=keys.replace("NAME", "old"))})
    after = base(
        **{
            "api.yaml": deployment(container=keys.replace("NAME", "old")),
            "more.yaml": deployment("more", keys.replace("NAME", "new")),
        }
    )
    assert shown(repo.impact(before, after)) == ["warning missing-secret apps/more.yaml:16"]


def test_what_is_removed_is_missing_where_it_is_still_used(repo):
    uses = deployment(container="envFrom:\n- configMapRef: {name: settings}\n")
    found = repo.impact(
        base(**{"api.yaml": uses, "settings.yaml": config_map()}),
        base(**{"api.yaml": uses}),
    )
    assert shown(found) == ["warning missing-configmap apps/api.yaml:16"]


def test_what_a_unit_reads_that_fails_now_is_not_superfluous(repo):
    before = two({"a.yaml": A}, {"kustomization.yaml": listing("../lib"), "x.yaml": B}) | {"lib/b.yaml": B}
    before |= {"lib/kustomization.yaml": listing("b.yaml"), "more/kustomization.yaml": listing("../lib", "x.yaml")}
    after = {name: text for name, text in before.items() if name != "more/x.yaml"}
    assert shown(repo.impact(before, after)) == ["error failed-unit more/kustomization.yaml:3"]


def test_a_fault_that_became_milder_is_not_new(repo):
    before = base(**{"api.yaml": deployment(container="envFrom:\n- secretRef: {name: keys}\n")})
    after = before | {
        MORE: kustomization("more", "./more"),
        "more/kustomization.yaml": listing("https://example.org/x.yaml"),
    }
    assert shown(repo.impact(before, after)) == ["note unresolved-unit more/kustomization.yaml:2"]


def test_a_comment_holds_back_a_finding_of_a_change(repo):
    zero = deployment(replicas="0  # fluxidx: ignore scaled-to-zero it moves to the new cluster")
    found = repo.impact(base(**{"a.yaml": deployment()}), base(**{"a.yaml": zero}))
    assert of_rule("scaled-to-zero", found) == []


# What is no danger

USES = "envFrom:\n- configMapRef: {name: settings}\n"


def marked(text, **marks):
    """An object with annotations of kustomize-controller."""
    given = ", ".join(f"kustomize.toolkit.fluxcd.io/{key}: {value}" for key, value in marks.items())
    return text.replace("metadata: {", f"metadata: {{annotations: {{{given}}}, ", 1)


@pytest.mark.parametrize(
    ("marks", "end"),
    [
        ({"prune": "Disabled"}, "its annotation prune: disabled keeps it"),
        ({"reconcile": "disabled"}, "its annotation reconcile: disabled keeps it"),
        ({"ssa": "Ignore"}, "its annotation ssa: ignore keeps it"),
    ],
)
def test_every_mark_that_keeps_an_object_from_being_pruned_counts(repo, marks, end):
    found = repo.impact(base(**{"a.yaml": A, "shop.yaml": marked(NAMESPACE, **marks)}), base(**{"a.yaml": A}))
    assert [one.split()[0] for one in of_rule("removed-namespace", found)] == ["note"]
    assert message("removed-namespace", found).endswith(end)


def test_a_unit_that_is_itself_kept_goes_on(repo):
    before = two({"a.yaml": A}, {"b.yaml": B}) | {MORE: marked(kustomization("more", "./more"), prune="disabled")}
    found = repo.impact(before, base(**{"a.yaml": A}))
    assert of_rule("removed-unit", found) == [f"warning removed-unit {MORE}:1"]
    assert "its annotation prune: disabled keeps it, so it goes on" in message("removed-unit", found)


def test_what_another_unit_applies_too_may_stay(repo):
    both = two({"a.yaml": A, "shop.yaml": NAMESPACE}, {"b.yaml": B, "shop.yaml": NAMESPACE})
    found = repo.impact(both, two({"a.yaml": A, "shop.yaml": NAMESPACE}, {"b.yaml": B}))
    assert message("removed-namespace", found).endswith(
        "; unless Kustomization flux-system/apps, which applies it too, did so last"
    )


SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: shop}\nspec:\n  ports: [{port: 80}]\n"
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: once, image: "once:1"}]}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (role_binding("r"), role_binding("r") + "  apiGroup: rbac.authorization.k8s.io\n"),
        (claim(), claim() + "  volumeMode: Filesystem\n"),
        (SERVICE + "  clusterIP: None\n", SERVICE),
        (marked(JOB, ssa="IfNotPresent"), marked(JOB.replace("once:1", "once:2"), ssa="IfNotPresent")),
    ],
)
def test_what_the_server_takes_for_the_same_or_is_never_asked_is_not_refused(repo, before, after):
    assert of_rule("immutable-field", repo.impact(base(**{"a.yaml": before}), base(**{"a.yaml": after}))) == []


def test_force_on_a_claim_may_cost_its_data(repo):
    before = marked(claim(), force="enabled")
    found = repo.impact(base(**{"a.yaml": before}), base(**{"a.yaml": before.replace("fast", "slow")}))
    assert of_rule("immutable-field", found) == ["error immutable-field apps/a.yaml:5"]
    assert message("immutable-field", found).endswith("made anew, and its data may go with it")


def test_what_is_only_made_once_is_not_scaled(repo):
    before = deployment(annotations="{kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}")
    found = repo.impact(base(**{"a.yaml": before}), base(**{"a.yaml": before.replace("replicas: 2", "replicas: 0")}))
    assert of_rule("scaled-to-zero", found) == []


def test_a_target_namespace_that_all_objects_have_anyway(repo):
    after = base(**{"a.yaml": A}) | {APPS: kustomization("apps", "./apps", "targetNamespace: shop\n")}
    assert of_rule("changed-target", repo.impact(base(**{"a.yaml": A}), after)) == []


def test_a_unit_that_does_not_prune_leaves_what_it_had(repo):
    before, after = (
        base(**{"a.yaml": A}) | {APPS: kustomization("apps", "./apps", more, "false")}
        for more in ("", "targetNamespace: store\n")
    )
    found = repo.impact(before, after)
    assert of_rule("changed-target", found) == [f"warning changed-target {APPS}:9"]
    assert message("changed-target", found).endswith(
        "what it had stays, since Kustomization flux-system/apps does not prune"
    )


RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: db, namespace: shop}
spec:
  interval: 1h
  chart: {spec: {chart: postgres, version: "1", sourceRef: {kind: HelmRepository, name: charts}}}
"""
CHARTS = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: shop}
spec: {url: "https://charts.example.org", interval: 1h}
"""
NAMED = RELEASE + "  releaseName: db\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (RELEASE, NAMED, []),
        (RELEASE, RELEASE + "  storageNamespace: shop\n", []),
        (NAMED, NAMED + "  targetNamespace: shop\n", []),
        (RELEASE, RELEASE + "  targetNamespace: shop\n", ["error changed-target apps/db.yaml:7"]),
        (RELEASE, RELEASE.replace("postgres", "postgresql"), ["error changed-target apps/db.yaml:6"]),
        (
            RELEASE.replace("HelmRepository", "GitRepository"),
            RELEASE.replace("HelmRepository", "GitRepository").replace("postgres", "./charts/postgres"),
            [],
        ),
    ],
)
def test_a_release_is_made_anew_where_helm_knows_it_by_another_name(repo, before, after, expected):
    """A targetNamespace is part of the default name of a release."""
    found = repo.impact(*(base(**{"db.yaml": text, "charts.yaml": CHARTS}) for text in (before, after)))
    assert of_rule("changed-target", found) == expected


def test_what_a_unit_made_that_fails_now_is_not_missing(repo):
    """The failure is the finding, not everything that others need of the unit."""
    before = two({"settings.yaml": config_map()}, {"api.yaml": deployment(container=USES)})
    after = before | {"apps/kustomization.yaml": listing("settings.yaml", "gone.yaml")}
    assert shown(repo.impact(before, after)) == ["error failed-unit apps/kustomization.yaml:3"]


@pytest.mark.parametrize(("mark", "severity"), [("fluxcd.controlplane.io", "note"), (f"kustomize.{FLUX}", "error")])
def test_a_resource_set_has_annotations_of_its_own(repo, mark, severity):
    resources = ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {a: b}\n"]
    resources.append(
        f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, annotations: {{{mark}/prune: disabled}}}}\n"
    )
    before, after = (
        "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: set, namespace: flux-system}\n"
        "spec:\n  resources:\n"
        + "".join(textwrap.indent(f"- {textwrap.indent(one, '  ').strip()}\n", "  ") for one in some)
        for some in (resources, resources[:1])
    )
    found = repo.impact(base(**{"set.yaml": before}), base(**{"set.yaml": after}))
    assert [one.split()[0] for one in of_rule("removed-namespace", found)] == [severity]
