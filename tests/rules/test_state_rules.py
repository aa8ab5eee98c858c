"""Each rule of ``check``: a repository with the fault, at its line, and one without it."""

import pytest
from rules_fleet import APPS, LIST, SYNC, base, config_map, deployment, kustomization, listing, message, of_rule, sync

from indexer.query.rules.catalogue import RULES

HELM_RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: db, namespace: shop}
spec:
  interval: 1h
  chart:
    spec:
      chart: db
      sourceRef: {kind: HelmRepository, name: charts}
"""
HELM_REPOSITORY = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: shop}
spec: {url: https://charts.example.org, interval: 1h}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec:
  storageClassName: fast
  accessModes: [ReadWriteOnce]
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api, namespace: shop}
spec:
  defaultBackend:
    service: {name: api, port: {number: 80}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80}]}
"""
MAKES_KEYS = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: keys, namespace: shop}
spec: {target: {name: api-keys}}
"""


def storage_class(name):
    return f"""\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: {name}}}
provisioner: example.org/disks
"""


def env_from(kind, name, optional="false"):
    return f"envFrom:\n- {kind}: {{name: {name}, optional: {optional}}}\n"


def two_units(first, second):
    """Two Kustomizations, each with its own file."""
    return {
        SYNC: sync(),
        LIST: listing("gotk-sync.yaml"),
        APPS: kustomization("apps", "./apps"),
        "clusters/prod/more.yaml": kustomization("more", "./more"),
        "apps/a.yaml": first,
        "more/b.yaml": second,
    }


def with_spec(more, **apps):
    """A Kustomization ``apps`` with more in its spec, from line 9 on."""
    return base(**apps) | {APPS: kustomization("apps", "./apps", more)}


API_KEYS = env_from("secretRef", "api-keys")
SETTINGS = env_from("configMapRef", "settings")

PAIRS = {
    "duplicate-object": (
        two_units(config_map(), config_map(data="{mode: slow}")),
        ["error duplicate-object apps/a.yaml:1"],
        two_units(config_map(), config_map("others")),
    ),
    "selector-mismatch": (
        base(**{"api.yaml": deployment(labels="{app: other}")}),
        ["error selector-mismatch apps/api.yaml:8"],
        base(**{"api.yaml": deployment()}),
    ),
    "invalid-duration": (
        with_spec("timeout: 30m-x\n", **{"a.yaml": config_map()}),
        [f"error invalid-duration {APPS}:9"],
        with_spec("timeout: 1h30m\n", **{"a.yaml": config_map()}),
    ),
    "missing-configmap": (
        base(**{"api.yaml": deployment(container=SETTINGS)}),
        ["warning missing-configmap apps/api.yaml:16"],
        base(**{"api.yaml": deployment(container=SETTINGS), "settings.yaml": config_map()}),
    ),
    "missing-secret": (
        base(**{"api.yaml": deployment(container=API_KEYS)}),
        ["warning missing-secret apps/api.yaml:16"],
        base(**{"api.yaml": deployment(container=API_KEYS), "keys.yaml": MAKES_KEYS}),
    ),
    "missing-service-account": (
        base(**{"api.yaml": deployment(pod="serviceAccountName: api\n")}),
        ["warning missing-service-account apps/api.yaml:12"],
        base(**{"api.yaml": deployment(pod="serviceAccountName: default\n")}),
    ),
    "missing-volume-claim": (
        base(**{"api.yaml": deployment(pod="volumes:\n- name: x\n  persistentVolumeClaim: {claimName: data}\n")}),
        ["warning missing-volume-claim apps/api.yaml:14"],
        base(
            **{
                "api.yaml": deployment(pod="volumes:\n- name: x\n  persistentVolumeClaim: {claimName: data}\n"),
                "data.yaml": CLAIM,
            }
        ),
    ),
    "missing-storage-class": (
        base(**{"data.yaml": CLAIM, "class.yaml": storage_class("slow")}),
        ["note missing-storage-class apps/data.yaml:5"],
        base(**{"data.yaml": CLAIM}),
    ),
    "missing-service": (
        base(**{"ingress.yaml": INGRESS}),
        ["warning missing-service apps/ingress.yaml:6"],
        base(**{"ingress.yaml": INGRESS, "service.yaml": SERVICE}),
    ),
    "missing-source": (
        base(**{"db.yaml": HELM_RELEASE}),
        ["error missing-source apps/db.yaml:9"],
        base(**{"db.yaml": HELM_RELEASE, "charts.yaml": HELM_REPOSITORY}),
    ),
    "missing-dependency": (
        with_spec("dependsOn:\n- name: databse\n", **{"a.yaml": config_map()}),
        [f"error missing-dependency {APPS}:10"],
        with_spec("dependsOn:\n- name: flux-system\n", **{"a.yaml": config_map()}),
    ),
    "dependency-cycle": (
        two_units(config_map(), config_map("others"))
        | {
            APPS: kustomization("apps", "./apps", "dependsOn:\n- name: more\n"),
            "clusters/prod/more.yaml": kustomization("more", "./more", "dependsOn:\n- name: apps\n"),
        },
        [f"error dependency-cycle {APPS}:10"],
        two_units(config_map(), config_map("others"))
        | {"clusters/prod/more.yaml": kustomization("more", "./more", "dependsOn:\n- name: apps\n")},
    ),
    "missing-variable": (
        with_spec(
            "postBuild: {substitute: {DOMAIN: example.org}}\n", **{"a.yaml": config_map(data="{x: '${DOMAINE}'}")}
        )
        | {".fluxidx.toml": '[[cluster]]\nname = "prod"\nstrict = false\n'},
        ["warning missing-variable apps/a.yaml:4"],
        with_spec(
            "postBuild: {substitute: {DOMAIN: example.org}}\n", **{"a.yaml": config_map(data="{x: '${DOMAIN}'}")}
        ),
    ),
    "unused-variable": (
        with_spec(
            "postBuild:\n  substitute:\n    DOMAIN: example.org\n    OLD: x\n",
            **{"a.yaml": config_map(data="{x: '${DOMAIN}'}")},
        ),
        [f"note unused-variable {APPS}:12"],
        with_spec(
            "postBuild:\n  substitute:\n    DOMAIN: example.org\n", **{"a.yaml": config_map(data="{x: '${DOMAIN}'}")}
        ),
    ),
    "unreachable-file": (
        base(**{"kustomization.yaml": listing("a.yaml"), "a.yaml": config_map(), "b.yaml": config_map("b")}),
        ["warning unreachable-file apps/b.yaml:1"],
        base(**{"a.yaml": config_map(), "b.yaml": config_map("b")}),
    ),
    "unmatched-patch": (
        base(
            **{
                "kustomization.yaml": listing(
                    "a.yaml",
                    more="""\
                    patches:
                    - target: {kind: ConfigMap, name: setings}
                      patch: |-
                        - {op: add, path: /data/x, value: y}
                    """,
                ),
                "a.yaml": config_map(),
            }
        ),
        ["warning unmatched-patch apps/kustomization.yaml:4"],
        base(
            **{
                "kustomization.yaml": listing(
                    "a.yaml",
                    more="""\
                    patches:
                    - target: {kind: ConfigMap, name: settings}
                      patch: |-
                        - {op: add, path: /data/x, value: y}
                    """,
                ),
                "a.yaml": config_map(),
            }
        ),
    ),
    "unmatched-image": (
        base(
            **{
                "kustomization.yaml": listing("api.yaml", more="images:\n- {name: example.org/apy, newTag: '2'}\n"),
                "api.yaml": deployment(),
            }
        ),
        ["warning unmatched-image apps/kustomization.yaml:4"],
        base(
            **{
                "kustomization.yaml": listing("api.yaml", more="images:\n- {name: example.org/api, newTag: '2'}\n"),
                "api.yaml": deployment(),
            }
        ),
    ),
    "unmatched-replacement": (
        base(
            **{
                "kustomization.yaml": listing(
                    "a.yaml",
                    more="""\
                    replacements:
                    - source: {kind: ConfigMap, name: settings, fieldPath: data.mode}
                      targets:
                      - select: {kind: Deployment}
                        fieldPaths: [spec.paused]
                    """,
                ),
                "a.yaml": config_map(),
            }
        ),
        ["warning unmatched-replacement apps/kustomization.yaml:6"],
        base(
            **{
                "kustomization.yaml": listing(
                    "a.yaml",
                    more="""\
                    replacements:
                    - source: {kind: ConfigMap, name: settings, fieldPath: data.mode}
                      targets:
                      - select: {kind: ConfigMap}
                        fieldPaths: [data.mode]
                    """,
                ),
                "a.yaml": config_map(),
            }
        ),
    ),
    "unused-generator": (
        base(
            **{
                "kustomization.yaml": listing(
                    "api.yaml",
                    more="""\
                    configMapGenerator:
                    - {name: settings, namespace: shop, literals: [mode=fast]}
                    """,
                ),
                "api.yaml": deployment(),
            }
        ),
        ["note unused-generator apps/kustomization.yaml:4"],
        base(
            **{
                "kustomization.yaml": listing(
                    "api.yaml",
                    more="""\
                    configMapGenerator:
                    - {name: settings, namespace: shop, literals: [mode=fast]}
                    """,
                ),
                "api.yaml": deployment(container=SETTINGS),
            }
        ),
    ),
    "overridden-value": (
        base(
            **{
                "kustomization.yaml": listing("api.yaml", more="patches:\n- path: patch.yaml\n"),
                "api.yaml": deployment(),
                "patch.yaml": """\
                    apiVersion: apps/v1
                    kind: Deployment
                    metadata: {name: api, namespace: shop}
                    spec: {replicas: 3}
                    """.replace("                    ", ""),
            }
        ),
        ["note overridden-value apps/api.yaml:5"],
        base(**{"api.yaml": deployment()}),
    ),
    "ineffective-ignore": (
        base(**{"a.yaml": config_map()})
        | {".sourceignore": "# all but manifests\n*.md\n*.txt\n", "README.md": "Fleet\n"},
        ["note ineffective-ignore .sourceignore:3"],
        base(**{"a.yaml": config_map()}) | {".sourceignore": "# all but manifests\n*.md\n", "README.md": "Fleet\n"},
    ),
    "failed-unit": (
        base(**{"kustomization.yaml": listing("a.yaml", "gone.yaml"), "a.yaml": config_map()}),
        ["error failed-unit apps/kustomization.yaml:3"],
        base(**{"a.yaml": config_map()}),
    ),
    "unresolved-unit": (
        base(**{"kustomization.yaml": listing("a.yaml", "https://example.org/b.yaml"), "a.yaml": config_map()}),
        ["note unresolved-unit apps/kustomization.yaml:3"],
        base(**{"a.yaml": config_map()}),
    ),
    "deprecated-field": (
        base(**{"kustomization.yaml": listing("a.yaml", more="commonLabels: {team: a}\n"), "a.yaml": config_map()}),
        ["note deprecated-field apps/kustomization.yaml:3"],
        base(
            **{"kustomization.yaml": listing("a.yaml", more="labels: [{pairs: {team: a}}]\n"), "a.yaml": config_map()}
        ),
    ),
    "removed-api": (
        base(**{"a.yaml": "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a, namespace: b}\n"})
        | {".fluxidx.toml": '[[cluster]]\nname = "prod"\nkubernetes = "1.31"\n'},
        ["error removed-api apps/a.yaml:1"],
        base(**{"a.yaml": "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a, namespace: b}\n"}),
    ),
    "unused-ignore": (
        base(**{"a.yaml": "# fluxidx: ignore selector-mismatch it is known\n" + config_map()}),
        ["warning unused-ignore apps/a.yaml:1"],
        base(**{"a.yaml": config_map()}),
    ),
}


def test_every_rule_of_the_state_has_a_pair():
    assert PAIRS.keys() == {name for name, rule in RULES.items() if not rule.of_changes}


@pytest.mark.parametrize("rule", PAIRS)
def test_a_bad_repository_is_found_at_its_line(repo, rule):
    bad, expected, _ = PAIRS[rule]
    assert of_rule(rule, repo.check(bad)) == expected


@pytest.mark.parametrize("rule", PAIRS)
def test_a_good_repository_has_nothing_of_the_rule(repo, rule):
    _, _, good = PAIRS[rule]
    found = repo.check(good)
    assert of_rule(rule, found) == []
    assert of_rule("failed-unit", found) == []


# What looks wrong and is not, and the other way round


def test_claims_that_a_stateful_set_makes_are_there(repo):
    stateful = (
        deployment("db", pod="volumes: [{name: d, persistentVolumeClaim: {claimName: CLAIM}}]\n")
        .replace("kind: Deployment", "kind: StatefulSet")
        .replace("spec:\n", "spec:\n  volumeClaimTemplates: [{metadata: {name: data}}]\n", 1)
    )
    found = repo.check(base(**{"db.yaml": stateful.replace("CLAIM", "data-db-12")}))
    assert of_rule("missing-volume-claim", found) == []
    found = repo.check(base(**{"db.yaml": stateful.replace("CLAIM", "data-dp-0")}))
    assert of_rule("missing-volume-claim", found) == ["warning missing-volume-claim apps/db.yaml:13"]


def test_a_unit_whose_source_is_missing_does_not_define_it(repo):
    """Nor is what it would read superfluous."""
    wrong = kustomization("apps", "./apps").replace("name: flux-system}\n  interval", "name: flux-sistem}\n  interval")
    found = repo.check(base(**{"a.yaml": config_map()}) | {APPS: wrong})
    assert of_rule("missing-source", found) == [f"error missing-source {APPS}:7"]
    assert of_rule("unreachable-file", found) == []


def test_a_variable_that_a_unit_fails_for_is_told_once(repo):
    files = base(**{"a.yaml": config_map(data="{a: '${LOST}'}")})
    found = repo.check(files | {APPS: kustomization("apps", "./apps", "postBuild: {substitute: {X: y}}\n")})
    assert of_rule("failed-unit", found) == ["error failed-unit apps/a.yaml:4"]
    assert of_rule("missing-variable", found) == []


def test_a_hidden_file_is_left_alone(repo):
    files = base(**{"kustomization.yaml": listing("a.yaml"), "a.yaml": config_map(), ".old.yaml": config_map("old")})
    assert of_rule("unreachable-file", repo.check(files)) == []


def test_an_object_of_two_units_that_do_not_prune_is_a_note(repo):
    files = base(**{"a.yaml": config_map()}) | {
        APPS: kustomization("apps", "./apps", prune="false"),
        "clusters/prod/more.yaml": kustomization("more", "./more", prune="false"),
        "more/a.yaml": config_map(),
    }
    assert of_rule("duplicate-object", repo.check(files)) == ["note duplicate-object apps/a.yaml:1"]


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("{key: app, operator: In, values: [web, api]}", True),
        ("{key: app, operator: In, values: [web]}", False),
        ("{key: app, operator: NotIn, values: [api]}", False),
        ("{key: tier, operator: Exists}", False),
        ("{key: tier, operator: DoesNotExist}", True),
    ],
)
def test_expressions_of_a_selector_are_held_against_the_labels(repo, expression, matches):
    text = deployment().replace("    matchLabels:\n      app: api\n", f"    matchExpressions:\n    - {expression}\n")
    expected = [] if matches else ["error selector-mismatch apps/a.yaml:8"]
    assert of_rule("selector-mismatch", repo.check(base(**{"a.yaml": text}))) == expected


@pytest.mark.parametrize(
    ("value", "line"),
    [("1d", 5), ("'30'", 5), ("30", 5), ("''", 5), ("${EVERY}", None), ("${EVERY:=1h}", None), ("${EVERY:=1 h}", 5)],
)
def test_a_duration_is_judged_as_it_is_applied(repo, value, line):
    """A variable that nothing fills in is the matter of other rules."""
    files = base(
        **{"db.yaml": HELM_RELEASE.replace("interval: 1h", f"interval: {value}"), "charts.yaml": HELM_REPOSITORY}
    )
    substituted = {APPS: kustomization("apps", "./apps", "postBuild: {substitute: {X: y}}\n")}
    found = repo.check(files | (substituted if ":=" in value else {}))
    assert of_rule("invalid-duration", found) == ([f"error invalid-duration apps/db.yaml:{line}"] if line else [])


def test_what_is_missing_may_stand_in_a_file_that_no_unit_of_the_cluster_applies(repo):
    stored = "apiVersion: v1\nkind: Secret\nmetadata: {name: api-keys%s}\n"
    files = base(**{"api.yaml": deployment(container=API_KEYS)}) | {
        "local/dev/keys.yaml": "# by hand\n" + stored % ", namespace: shop",
        "local/prod/keys.yaml": "# by hand\n---\n" + stored % "",
        "local/a/keys.yaml": stored % "",
        "local/store.yaml": stored % ", namespace: store",
        "local/broken.yaml": "api-keys: [",
    }
    advice = "if it is made by hand, say so with a [[cluster]] objects or an [[ignore]] in .fluxidx.toml"
    found = repo.check(files)
    assert of_rule("missing-secret", found) == ["warning missing-secret apps/api.yaml:16"]
    assert message("missing-secret", found) == (
        "Secret shop/api-keys is defined nowhere but in local/dev/keys.yaml:2, which no unit of this cluster "
        f"applies: {advice}"
    )
    del files["local/dev/keys.yaml"]
    changed = repo.impact(files | {"apps/api.yaml": deployment()}, files)
    assert message("missing-secret", changed) == (
        "Secret shop/api-keys is defined nowhere but in local/prod/keys.yaml:3, which no unit of this cluster "
        f"applies: {advice}"
    )
