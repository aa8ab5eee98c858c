"""References that the repository need not satisfy, and those that only look as if they need not."""

import pytest
from rules_fleet import APPS, LIST, base, config_map, deployment, kustomization, listing, message, of_rule, tally
from test_state_rules import HELM_RELEASE, HELM_REPOSITORY

KEYS = deployment(container="envFrom:\n- secretRef: {name: db-app}\n")


def custom(kind, name, spec="{}", namespace=", namespace: shop"):
    return f"apiVersion: example.org/v1\nkind: {kind}\nmetadata: {{name: {name}{namespace}}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    "maker",
    [
        custom("Cluster", "db"),
        custom("Database", "main", "{passwords: {secretName: db-app}}"),
        custom("ClusterSecret", "all", "{name: db-app}", namespace=""),
    ],
    ids=["a name that begins with its own", "a name that it mentions", "a kind without namespace"],
)
def test_an_operator_may_make_a_secret(repo, maker):
    assert of_rule("missing-secret", repo.check(base(**{"api.yaml": KEYS, "maker.yaml": maker}))) == []


def test_an_operator_in_another_namespace_makes_it_there(repo):
    maker = custom("Cluster", "db", namespace=", namespace: store")
    found = repo.check(base(**{"api.yaml": KEYS, "maker.yaml": maker}))
    assert of_rule("missing-secret", found) == ["warning missing-secret apps/api.yaml:16"]


def test_a_route_that_names_a_service_does_not_make_it(repo):
    route = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec: {rules: [{backendRefs: [{name: api, port: 80}]}]}
"""
    assert of_rule("missing-service", repo.check(base(**{"a.yaml": route}))) == [
        "warning missing-service apps/a.yaml:4"
    ]


def test_an_optional_reference_may_lead_nowhere(repo):
    optional = deployment(container="envFrom:\n- secretRef: {name: db-app, optional: true}\n")
    assert of_rule("missing-secret", repo.check(base(**{"a.yaml": optional}))) == []


@pytest.mark.parametrize("name", ["kube-root-ca.crt", "istio-ca-root-cert"])
def test_what_is_put_into_each_namespace_is_there(repo, name):
    volume = f"volumes:\n- name: ca\n  configMap: {{name: {name}}}\nserviceAccountName: default\n"
    assert repo.check(base(**{"a.yaml": deployment(pod=volume)})).findings == ()


def test_the_words_of_a_definition_may_name_variables(repo):
    definition = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %s.example.org}
spec:
  versions:
  - name: v1
    schema: {openAPIV3Schema: {description: "Takes ${var}.", type: object%s}}
"""
    files = {"a.yaml": definition % ("as", ""), "b.yaml": definition % ("bs", ", default: '${OTHER}'")}
    lenient = {".fluxidx.toml": '[[cluster]]\nname = "prod"\nstrict = false\n'}
    own = kustomization("apps", "./apps", "postBuild: {substitute: {X: y}}\n")
    found = repo.check(base(**files) | lenient | {APPS: own})
    assert of_rule("missing-variable", found) == ["warning missing-variable apps/b.yaml:7"]


def test_what_an_encrypted_name_refers_to_is_not_known(repo):
    encrypted = deployment(
        container="envFrom:\n- secretRef: {name: 'ENC[AES256_GCM,data:b2s=,iv:aQ==,tag:dA==,type:str]'}\n"
    )
    assert of_rule("missing-secret", repo.check(base(**{"a.yaml": encrypted}))) == []


def test_a_chart_that_is_not_rendered_may_define_what_is_missing_and_it_is_said(repo):
    found = repo.check(base(**{"a.yaml": KEYS, "b.yaml": HELM_RELEASE, "c.yaml": HELM_REPOSITORY}))
    assert of_rule("missing-secret", found) == []
    (unjudged,) = found.unjudged
    assert (unjudged.namespace, unjudged.references) == ("shop", 1)
    assert [str(release) for release in unjudged.releases] == ["HelmRelease/shop/db"]


def test_a_copied_secret_is_in_every_namespace(repo):
    copied = """\
apiVersion: v1
kind: Secret
metadata:
  name: db-app
  namespace: store
  annotations: {reflector.v1.k8s.emberstack.com/reflection-auto-enabled: "true"}
"""
    assert of_rule("missing-secret", repo.check(base(**{"a.yaml": KEYS, "b.yaml": copied}))) == []


def test_a_near_name_is_proposed(repo):
    close = KEYS.replace("secretRef: {name: db-app}", "configMapRef: {name: setings}")
    found = repo.check(base(**{"a.yaml": close, "b.yaml": config_map()}))
    assert message("missing-configmap", found).endswith("did you mean ConfigMap shop/settings?")
    (finding,) = [one for one in found.findings if one.rule == "missing-configmap"]
    assert [str(span) for span in finding.related] == ["apps/b.yaml:1:1"]


def test_the_same_missing_object_is_told_once_with_all_its_users(repo):
    found = repo.check(base(**{"a.yaml": KEYS, "b.yaml": KEYS.replace("name: api,", "name: web,")}))
    (finding,) = [one for one in found.findings if one.rule == "missing-secret"]
    assert (str(finding.span), [str(one) for one in finding.related]) == ("apps/a.yaml:16:29", ["apps/b.yaml:16:29"])


def test_a_unit_that_is_not_rendered_makes_it_a_note(repo):
    files = base(**{"a.yaml": KEYS}) | {
        "clusters/prod/more.yaml": kustomization("more", "./more").replace(
            "name: flux-system}\n  i", "name: other}\n  i"
        ),
        "clusters/prod/other.yaml": """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: other, namespace: flux-system}
spec: {url: https://git.example.org/other.git}
""",
    }
    found = repo.check(files)
    assert of_rule("missing-secret", found) == ["note missing-secret apps/a.yaml:16"]
    assert "render Kustomization flux-system/more" in message("missing-secret", found)


def test_objects_of_the_configuration_are_there(repo):
    files = base(**{"a.yaml": KEYS}) | {
        ".fluxidx.toml": '[[cluster]]\nname = "prod"\nobjects = ["db.yaml"]\n',
        "db.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db-app, namespace: shop}\n",
    }
    assert of_rule("missing-secret", repo.check(files)) == []


# Dead code


def test_an_image_of_a_component_that_one_user_has_is_matched(repo):
    component = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
images: [{name: example.org/api, newTag: "2"}]
"""
    files = base(
        **{"api.yaml": deployment(), "kustomization.yaml": listing("api.yaml", more="components: [../tag]\n")}
    ) | {
        "clusters/prod/more.yaml": kustomization("more", "./more"),
        "more/kustomization.yaml": listing("a.yaml", more="components: [../tag]\n"),
        "more/a.yaml": config_map(),
        "tag/kustomization.yaml": component,
    }
    assert of_rule("unmatched-image", repo.check(files)) == []


def test_a_value_that_one_overlay_keeps_is_alive(repo):
    files = base(**{"kustomization.yaml": listing("../base", more="patches:\n- path: patch.yaml\n")}) | {
        "apps/patch.yaml": deployment(replicas=5),
        "base/kustomization.yaml": listing("api.yaml"),
        "base/api.yaml": deployment(),
        "clusters/prod/more.yaml": kustomization("more", "./more", "targetNamespace: more\n"),
        "more/kustomization.yaml": listing("../base"),
    }
    assert of_rule("overridden-value", repo.check(files)) == []


def test_a_file_that_is_commented_out_is_a_note_with_the_line(repo):
    files = base(
        **{
            "a.yaml": config_map(),
            "b.yaml": config_map("b"),
            "kustomization.yaml": listing("a.yaml") + "# - ./b.yaml  # to be done\n",
        }
    )
    found = repo.check(files)
    assert of_rule("unreachable-file", found) == ["note unreachable-file apps/b.yaml:1"]
    (finding,) = found.findings
    assert [str(span) for span in finding.related] == ["apps/kustomization.yaml:3:1"]


def test_a_directory_that_nothing_reads_is_one_finding(repo):
    files = base(**{"a.yaml": config_map()}) | {
        "old/kustomization.yaml": listing("a.yaml", "deep/b.yaml"),
        "old/a.yaml": config_map(),
        "old/deep/b.yaml": config_map("b"),
    }
    assert [one.message for one in repo.check(files).findings] == [
        "Nothing reads 2 manifests below old/: delete it, or deploy it"
    ]


@pytest.mark.parametrize("path", ["docs/example.yaml", ".github/x.yaml", "charts/x/templates/a.yaml", "values.yaml"])
def test_files_that_are_for_others_are_left_alone(repo, path):
    text = "image: {tag: 1}\n" if path == "values.yaml" else config_map("x")
    files = base(**{"a.yaml": config_map()}) | {
        path: text,
        "charts/x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n",
    }
    assert repo.check(files).findings == ()


def test_one_cluster_alone_says_nothing_of_what_no_cluster_uses(repo):
    files = base(**{"a.yaml": config_map()}) | {
        path.replace("prod", "test"): text.replace("prod", "test").replace("./apps", "./more")
        for path, text in base().items()
        if path.startswith("clusters/")
    }
    files |= {"more/a.yaml": config_map(), "stray/a.yaml": config_map()}
    assert tally(repo.check(files)) == {"unreachable-file": 1}
    assert tally(repo.check(files, clusters=["prod"])) == {}


def test_what_an_unread_kustomization_lists_is_told_of_with_it(repo):
    folder = LIST.rpartition("/")[0]
    files = base(**{"a.yaml": config_map()}) | {f"{folder}/gotk-components.yaml": config_map("controllers")}
    files[LIST] = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + listing("gotk-components.yaml")
    files[LIST.replace("flux-system/", "")] = listing("apps.yaml")
    found = repo.check(files)
    assert of_rule("unreachable-file", found) == [f"warning unreachable-file {LIST}:1"]


def test_nothing_is_dead_while_a_unit_fails_that_deploys_units(repo):
    files = base(**{"a.yaml": config_map()}) | {"stray/a.yaml": config_map()}
    files[LIST.replace("flux-system/", "")] = listing("flux-system", "apps.yaml", "gone.yaml")
    assert of_rule("unreachable-file", repo.check(files)) == []


# Ownership


def test_the_same_object_twice_is_milder_when_it_is_equal_and_when_nobody_prunes_it(repo):
    def two(more):
        return base(**{"a.yaml": config_map(more=more)}) | {
            "clusters/prod/more.yaml": kustomization("more", "./more"),
            "more/a.yaml": config_map(more=more),
        }

    assert of_rule("duplicate-object", repo.check(two(""))) == ["warning duplicate-object apps/a.yaml:1"]
    kept = ", annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}"
    assert of_rule("duplicate-object", repo.check(two(kept))) == ["note duplicate-object apps/a.yaml:1"]
    merged = ", annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge}"
    assert of_rule("duplicate-object", repo.check(two(merged))) == []


def test_an_api_that_goes_later_is_a_warning(repo):
    budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a, namespace: b}\n"
    files = base(**{"a.yaml": budget}) | {".fluxidx.toml": '[[cluster]]\nname = "prod"\nkubernetes = "1.24"\n'}
    found = repo.check(files)
    assert of_rule("removed-api", found) == ["warning removed-api apps/a.yaml:1"]
    assert message("removed-api", found) == "policy/v1beta1 PodDisruptionBudget goes in Kubernetes 1.25: use policy/v1"


def test_a_unit_without_post_build_keeps_variables_that_others_expand(repo):
    files = base(**{"a.yaml": config_map(data="{x: '${MAIN_DOMAIN}'}")}) | {
        "clusters/prod/more.yaml": kustomization("more", "./more", "postBuild: {substitute: {MAIN_DOMAIN: x.org}}\n"),
        "more/a.yaml": config_map("b", "{x: '${MAIN_DOMAIN}'}"),
    }
    assert of_rule("missing-variable", repo.check(files)) == ["warning missing-variable apps/a.yaml:4"]
    assert APPS in files
