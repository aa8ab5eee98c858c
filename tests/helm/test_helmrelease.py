"""HelmReleases of a repository: charts, values, post-renderers, and what is said of each."""

import subprocess
from importlib.util import find_spec

import pytest

from indexer.flux.config import Config, SourceConfig
from indexer.flux.helmchart import helm_chart
from indexer.flux.helmrelease import release_name
from indexer.flux.model import UnitState
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.compose import parse
from indexer.manifest.node import Role
from indexer.manifest.scalars import to_data

rendered = pytest.mark.skipif(find_spec("helm_python") is None, reason="helm-python-sdk is not installed")

CONFIG_MAP = """\
{{- if .Values.enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-settings
data:
  color: {{ .Values.color | quote }}
  size: {{ .Values.size | quote }}
{{- end }}
"""
DEFAULTS = "enabled: true\ncolor: red\nsize: 1\n"


def data_of(unit, kind="ConfigMap"):
    (found,) = (obj for obj in unit.objects if obj.id.kind == kind)
    return to_data(found.tree)["data"]


def places(contributions, role=Role.VALUES):
    return {
        (one.operation, f"{one.span.source.file}:{one.span.line}", one.fields, one.overridden)
        for one in contributions
        if one.role is role
    }


def values_of(fleet, name="web"):
    """What the object of a HelmRelease says of its values."""
    parent = fleet.units()["Kustomization/flux-system"]
    (found,) = (obj for obj in parent.objects if (obj.id.kind, obj.id.name) == ("HelmRelease", name))
    return places(found.contributions)


# What is known without rendering


def manifest(text):
    return parse(text.encode(), "x.yaml")[0].node


def named(spec, name="web"):
    return manifest(f"kind: HelmRelease\nmetadata: {{name: {name}, namespace: apps}}\nspec: {spec}")


@pytest.mark.parametrize(
    ("root", "name"),
    [
        (named("{}"), "web"),
        (named("{targetNamespace: shop}"), "shop-web"),
        (named("{targetNamespace: shop, releaseName: w}"), "w"),
        (named("{}", "x" * 53), "x" * 53),
        (named("{}", "some-front-appended-namespace-release-with-a-name-that-is-far-too-long"),
         "some-front-appended-namespace-release-wi-7c133c37ffb2"),
    ],
)  # fmt: skip
def test_the_name_of_the_release(root, name):
    assert release_name(root) == name


def test_the_helm_chart_that_the_controller_makes():
    chart = helm_chart(
        named("{chart: {spec: {chart: x, sourceRef: {kind: HelmRepository, name: r, namespace: infra}}}}")
    )
    assert (text_at(chart, "metadata", "namespace"), text_at(chart, "metadata", "name")) == ("infra", "apps-web")
    assert text_at(chart, "spec", "sourceRef", "name") == "r"
    assert helm_chart(named("{chartRef: {kind: OCIRepository, name: x}}")) is None


REPOSITORY = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: apps}
spec: {url: "https://charts.example.org/stable"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: apps}
spec:
  chart:
    spec: {chart: demo, version: 1.x, sourceRef: {kind: HelmRepository, name: charts}}
  values:
    color: blue
"""


def test_a_chart_that_is_not_at_hand_leaves_the_release_with_its_reason(fleet):
    fleet.write("clusters/prod/release.yaml", REPOSITORY)
    unit = fleet.unit()
    assert unit.state is UnitState.UNRESOLVED
    assert unit.reason == (
        "expanded by chart demo 1.x of HelmRepository charts: edit the values at clusters/prod/release.yaml:13:5; "
        "nothing is downloaded from HelmRepository apps/charts: to see its objects, helm pull the chart into a folder "
        'and name that with [[source]] url = "https://charts.example.org/stable", path = "…" in .fluxidx.toml'
    )
    assert (unit.source.url, unit.source.ref, unit.path) == ("https://charts.example.org/stable", "version 1.x", "demo")
    assert values_of(fleet) == {("spec.values", "clusters/prod/release.yaml:13", ("/spec/values",), False)}


def test_values_in_helms_precedence(fleet):
    fleet.write(
        "clusters/prod/values.yaml",
        """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: low, namespace: apps}
        data:
          values.yaml: |
            color: green
            size: 2
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: high, namespace: apps}
        stringData:
          size: "7"
        """,
    )
    fleet.chart()
    fleet.release(
        """\
        valuesFrom:
          - {kind: ConfigMap, name: low}
          - {kind: ConfigMap, name: absent, optional: true}
          - {kind: Secret, name: high, valuesKey: size, targetPath: deep.size}
        values:
          color: blue
        """
    )
    assert values_of(fleet) == {
        ("ConfigMap apps/low values.yaml", "clusters/prod/values.yaml:6", ("/spec/values/color",), True),
        ("ConfigMap apps/low values.yaml", "clusters/prod/values.yaml:7", ("/spec/values/size",), False),
        ("Secret apps/high size at deep.size", "clusters/prod/values.yaml:13", ("/spec/values/deep/size",), False),
        ("spec.values", "clusters/prod/release.yaml:15", ("/spec/values",), False),
    }


def test_an_inline_field_beats_a_target_path_unless_its_map_is_shared(fleet):
    """What Flux does, by accident: see flux-semantics.md §6.4."""
    fleet.write(
        "clusters/prod/values.yaml",
        """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: low, namespace: apps}
        data:
          top: from-path
          values.yaml: "both: {x: 1}"
        """,
    )
    fleet.chart()
    fleet.release(
        """\
        valuesFrom:
          - {kind: ConfigMap, name: low}
          - {kind: ConfigMap, name: low, valuesKey: top, targetPath: top}
          - {kind: ConfigMap, name: low, valuesKey: top, targetPath: both.inline}
          - {kind: ConfigMap, name: low, valuesKey: top, targetPath: own.inline}
        values:
          top: inline
          both: {inline: inline}
          own: {inline: inline}
        """
    )
    lost = {fields[0] for operation, _, fields, lost in values_of(fleet) if lost and operation.startswith("ConfigMap")}
    assert lost == {"/spec/values/top", "/spec/values/both/inline", "/spec/values/own/inline"}


def test_the_first_target_path_below_a_map_that_only_stands_inline_survives(fleet):
    fleet.write(
        "clusters/prod/values.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: low, namespace: apps}\ndata: {x: from-path}\n",
    )
    fleet.chart()
    fleet.release(
        """\
        valuesFrom:
          - {kind: ConfigMap, name: low, valuesKey: x, targetPath: own.inline}
        values:
          own: {inline: inline}
        """
    )
    assert {(operation, lost) for operation, _, _, lost in values_of(fleet)} == {
        ("ConfigMap apps/low x at own.inline", False),
        ("spec.values", True),
    }


def test_values_that_are_wrong_fail_the_release_without_showing_a_secret(fleet):
    fleet.write(
        "clusters/prod/values.yaml",
        """\
        apiVersion: v1
        kind: Secret
        metadata: {name: s, namespace: apps}
        stringData:
          values.yaml: "hunter2: {"
        """,
    )
    fleet.chart()
    fleet.release("valuesFrom: [{kind: Secret, name: s}]\n")
    unit = fleet.unit()
    assert unit.state is UnitState.FAILED
    assert unit.reason == ("clusters/prod/values.yaml:5:16: Secret apps/s values.yaml is not valid YAML: correct it")


# What the engine renders


@rendered
def test_a_chart_of_the_repository(fleet):
    fleet.chart(settings=CONFIG_MAP)
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.write("charts/demo/templates/NOTES.txt", "Thank you")
    fleet.release("values:\n  color: blue\n")
    unit = fleet.unit()
    assert (unit.state, unit.reason, unit.directory, unit.path) == (
        UnitState.RENDERED, None, "charts/demo", "./charts/demo",
    )  # fmt: skip
    (obj,) = unit.objects
    assert (obj.id.kind, obj.id.namespace, obj.id.name) == ("ConfigMap", "apps", "web-settings")
    assert data_of(unit) == {"color": "blue", "size": "1"}
    assert (obj.definition.source.file, obj.definition.line, obj.definition.end_line) == (
        "charts/demo/templates/settings.yaml", 2, 9,
    )  # fmt: skip
    assert places(obj.contributions) == {("spec.values", "clusters/prod/release.yaml:11", (), False)}
    assert "charts/demo/templates/settings.yaml" in unit.inputs.read
    assert ("default of the chart", "charts/demo/values.yaml:2", ("/spec/values/color",), True) in values_of(fleet)


@rendered
def test_hooks_are_left_out_and_crds_come_along(fleet):
    fleet.chart(
        settings=CONFIG_MAP,
        hook="""\
        apiVersion: v1
        kind: Pod
        metadata: {name: test, annotations: {helm.sh/hook: test}}
        """,
    )
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.write(
        "charts/demo/crds/foo.yaml",
        """\
        # a comment
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: foos.example.org}
        spec: {group: example.org, scope: Namespaced, names: {kind: Foo}}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: not-a-crd}
        """,
    )
    fleet.release("interval: 1m\n")
    unit = fleet.unit()
    assert [obj.id.kind for obj in unit.objects] == ["ConfigMap", "CustomResourceDefinition"]
    assert str(unit.objects[1].definition) == "charts/demo/crds/foo.yaml:2:1"
    fleet.release("install: {crds: Skip}\nupgrade: {crds: Skip}\n")
    assert [obj.id.kind for obj in fleet.unit().objects] == ["ConfigMap"]


@rendered
def test_values_files_stand_in_place_of_the_charts_own(fleet):
    fleet.chart(settings=CONFIG_MAP)
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.write("values/prod.yaml", "enabled: true\ncolor: black\n")
    fleet.release("interval: 1m\n")
    text = (fleet.root / "clusters/prod/release.yaml").read_text()
    fleet.write(
        "clusters/prod/release.yaml",
        text.replace("      version", "      valuesFiles: [values/prod.yaml]\n      version"),
    )
    assert data_of(fleet.unit()) == {"color": "black", "size": None}
    assert values_of(fleet) == {("valuesFiles values/prod.yaml", "values/prod.yaml:1", ("/spec/values",), False)}


@rendered
def test_post_renderers_and_common_metadata(fleet):
    fleet.chart(settings=CONFIG_MAP)
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.release(
        """\
        commonMetadata: {labels: {team: a}}
        postRenderers:
          - kustomize:
              patches:
                - target: {kind: ConfigMap}
                  patch: |
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: any}
                    data:
                      size: "9"
          - kustomize:
              patches:
                - target: {kind: ConfigMap}
                  patch: |-
                    - {op: add, path: /data/more, value: x}
        """
    )
    (obj,) = fleet.unit().objects
    assert to_data(obj.tree)["data"] == {"color": "red", "size": "9", "more": "x"}
    labels = find(obj.tree, "metadata", "labels")
    assert to_data(labels) == {
        "team": "a", "helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "apps",
    }  # fmt: skip
    patched = places(obj.contributions, Role.PATCHES)
    assert {(place, fields) for _, place, fields, lost in patched if not lost} == {
        ("clusters/prod/release.yaml:20", ("/data/size",)),
        ("clusters/prod/release.yaml:25", ("/data/more",)),
    }
    assert places(obj.contributions, Role.TRANSFORMS) == {
        ("commonMetadata", "clusters/prod/release.yaml:10", ("/metadata/labels/team",), False)
    }
    assert str(obj.definition) == "charts/demo/templates/settings.yaml:2:1"


@rendered
def test_a_post_renderer_that_fails_says_where(fleet):
    fleet.chart(settings=CONFIG_MAP)
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.release(
        """\
        postRenderers:
          - kustomize:
              patches:
                - target: {kind: ConfigMap}
                  patch: |-
                    - {op: remove, path: /data/absent}
        """
    )
    unit = fleet.unit()
    assert unit.state is UnitState.FAILED
    assert unit.reason.startswith("clusters/prod/release.yaml:15:")


@rendered
def test_subcharts_in_the_repository_and_beside_the_chart(fleet):
    fleet.chart("charts/lib", "lib", settings=CONFIG_MAP)
    fleet.write("charts/lib/values.yaml", DEFAULTS)
    fleet.chart(
        more="""\
        dependencies:
          - {name: lib, version: 1.2.3, repository: "file://../lib", alias: one}
          - {name: off, version: 1.2.3, repository: "https://example.org", condition: off.enabled}
        """
    )
    fleet.chart("charts/demo/charts/off", "off", settings=CONFIG_MAP)
    fleet.release("values:\n  one: {color: blue}\n  off: {enabled: false}\n")
    unit = fleet.unit()
    assert data_of(unit) == {"color": "blue", "size": "1"}
    (obj,) = unit.objects
    assert str(obj.definition) == "charts/lib/templates/settings.yaml:2:1"
    assert places(obj.contributions) == {("spec.values", "clusters/prod/release.yaml:11", (), False)}
    assert ("default of the chart", "charts/lib/values.yaml:3", ("/spec/values/one/size",), False) in values_of(fleet)


def test_a_chart_whose_path_is_wrong_fails(fleet):
    fleet.release("interval: 1m\n", chart="./charts/absent")
    unit = fleet.unit()
    assert (unit.state, unit.reason) == (
        UnitState.FAILED,
        "clusters/prod/release.yaml:7:14: there is no chart at charts/absent: correct the chart's path",
    )


@rendered
def test_a_dependency_that_is_not_there(fleet):
    fleet.chart(more="dependencies:\n  - {name: redis, version: 1.0.0, repository: https://example.org}\n")
    fleet.release("interval: 1m\n")
    unit = fleet.unit()
    assert unit.state is UnitState.UNRESOLVED
    assert unit.reason.endswith(
        "charts/demo/Chart.yaml:5:5: the dependency redis is not in charts/, and nothing is downloaded: "
        "run helm dependency update, and commit or keep the result"
    )


@rendered
def test_a_chart_repository_that_the_configuration_maps(fleet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pulled")
    fleet.chart("build/demo", settings=CONFIG_MAP)
    fleet.write("build/demo/values.yaml", DEFAULTS)
    subprocess.run(["tar", "czf", str(folder / "demo-1.2.3.tgz"), "demo"], cwd=fleet.root / "build", check=True)
    fleet.write("clusters/prod/release.yaml", REPOSITORY)
    config = Config(sources=(SourceConfig("https://charts.example.org/stable", folder),))
    unit = fleet.unit(config=config)
    assert (unit.state, data_of(unit)) == (UnitState.RENDERED, {"color": "blue", "size": "1"})
    assert unit.objects[0].definition is None
    text = (fleet.root / "clusters/prod/release.yaml").read_text()
    fleet.write("clusters/prod/release.yaml", text.replace("1.x", "2.x"))
    assert fleet.unit(config=config).reason.endswith(
        "chart demo is at hand in version 1.2.3, not in 2.x: helm pull that version"
    )


@rendered
def test_a_chart_that_fails_for_want_of_what_it_looks_up_in_the_cluster_is_unresolved(fleet):
    lookup = '{{ (index (lookup "v1" "Endpoints" "default" "kubernetes").subsets 0).name }}'
    fleet.chart(settings=CONFIG_MAP, addresses=f"a: {lookup}\n")
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.release("interval: 1m\n")
    unit = fleet.unit()
    assert unit.state is UnitState.UNRESOLVED
    assert unit.reason.endswith("; it looks up objects of the cluster, which is not asked here")


@rendered
def test_values_that_are_not_known_leave_what_can_be_rendered(fleet):
    fleet.chart(settings=CONFIG_MAP)
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.release("valuesFrom: [{kind: Secret, name: elsewhere}]\n")
    unit = fleet.unit()
    assert unit.state is UnitState.UNRESOLVED
    assert unit.reason.startswith(
        "clusters/prod/release.yaml:10:16: Secret apps/elsewhere of valuesFrom is not rendered from this repository"
    )
    assert len(unit.objects) == 1


@rendered
def test_texts_of_secrets_do_not_come_out(fleet):
    fleet.chart(
        settings=CONFIG_MAP,
        made="""\
        apiVersion: v1
        kind: Secret
        metadata: {name: made}
        data:
          token: {{ .Values.token | b64enc }}
          url: {{ printf "https://u:%s@example.org" .Values.token | quote }}
        """,
    )
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.write(
        "clusters/prod/secret.yaml",
        """\
        apiVersion: v1
        kind: Secret
        metadata: {name: s, namespace: apps}
        data: {values.yaml: dG9rZW46IGh1bnRlcjIK}
        """,
    )
    fleet.release("valuesFrom: [{kind: Secret, name: s}]\n")
    assert data_of(fleet.unit(), "Secret") == {"token": "(redacted)", "url": "(redacted)"}
    fleet.write("charts/demo/templates/fail.yaml", "{{ fail .Values.token }}")
    unit = fleet.unit()
    assert unit.state is UnitState.FAILED
    assert "hunter2" not in unit.reason


@rendered
def test_an_error_of_helm_is_the_reason(fleet):
    fleet.chart(settings='{{ required "a color is needed" .Values.color }}')
    fleet.release("interval: 1m\n")
    unit = fleet.unit()
    assert unit.state is UnitState.FAILED
    assert unit.reason.startswith("its chart cannot be rendered: ")
    assert "demo/templates/settings.yaml:1:3" in unit.reason
    assert "a color is needed" in unit.reason


@rendered
def test_flux_objects_of_a_chart_join_the_cluster(fleet):
    fleet.chart(
        apps="""\
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata: {name: apps}
        spec:
          path: ./apps
          sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
        """
    )
    fleet.write("apps/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: apps}\n")
    fleet.release("interval: 1m\n")
    unit = fleet.units()["Kustomization/apps"]
    assert (unit.id.namespace, str(unit.parent), len(unit.objects)) == ("apps", "HelmRelease/apps/web", 1)


@rendered
def test_a_suspended_release_still_has_its_objects(fleet):
    fleet.chart(settings=CONFIG_MAP)
    fleet.write("charts/demo/values.yaml", DEFAULTS)
    fleet.release("suspend: true\n")
    unit = fleet.unit()
    assert (unit.state, unit.reason) == (
        UnitState.SUSPENDED, "clusters/prod/release.yaml:10:12: spec.suspend is true",
    )  # fmt: skip
    assert len(unit.objects) == 1
