"""Which cluster a unit belongs to, what it is called, and which repository a source means."""

import pytest
from flux_fleet import URL, config_map, kustomization, source, sync

from indexer.flux.config import ClusterConfig, Config, SourceConfig
from indexer.flux.model import UnitState
from indexer.git.repository import Repository
from indexer.index.ensure import ensure_fresh
from indexer.manifest.scalars import to_data
from indexer.query.names import parse as parse_name
from indexer.query.scope import Scope
from indexer.query.where import where

BUCKET = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: Bucket
metadata: {name: bucket, namespace: flux-system}
spec: {endpoint: minio.example.org, bucketName: manifests}
"""


def cluster(**files):
    return {"clusters/one/flux-system/gotk-sync.yaml": sync("one"), **files}


@pytest.mark.parametrize("text", ["", "# placeholder\n", "---\n"])
def test_an_empty_sync_stands_for_the_folder_above(fleet, text):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": text,
            "clusters/one/app.yaml": kustomization("app", "./app"),
            "app/cm.yaml": config_map(),
        }
    )
    found = fleet.units(cluster="one")
    assert [(unit.state, len(unit.objects)) for unit in (found["flux-system"], found["app"])] == [
        (UnitState.RENDERED, 1),
        (UnitState.RENDERED, 1),
    ]


def test_a_cluster_is_called_as_the_configuration_says(fleet):
    fleet.write(**cluster(**{"clusters/one/cm.yaml": config_map()}))
    given = ClusterConfig("the-first", ("clusters/one/flux-system/gotk-sync.yaml",))
    assert list(fleet.render(Config(clusters=(given,)))) == ["the-first"]
    assert list(fleet.render()) == ["one"]


@pytest.mark.parametrize(
    "url",
    [
        URL,
        URL.removesuffix(".git"),
        f"{URL.removesuffix('.git')}/",
        "ssh://git@git.example.org/team/fleet",
        "ssh://git@git.example.org:22/team/fleet.git",
        "https://robot:secret@GIT.example.org/team/fleet.git",
        "http://git.example.org:80//team/fleet",
    ],
)
def test_this_repository_by_any_spelling_of_its_url(fleet, url):
    other = f"{source('other', url)}---\n{kustomization('app', './app', of='other')}"
    fleet.write(**cluster(**{"clusters/one/app.yaml": other, "app/cm.yaml": config_map()}))
    app = fleet.units()["app"]
    assert (app.state, app.directory, len(app.objects)) == (UnitState.RENDERED, "app", 1)
    assert "secret" not in app.source.url


def test_a_source_in_another_namespace(fleet):
    shared = source("shared", namespace="infra")
    app = kustomization("app", "./app").replace("name: flux-system}\n", "name: shared, namespace: infra}\n")
    assert "namespace: infra" in app
    fleet.write(**cluster(**{"clusters/one/app.yaml": f"{shared}---\n{app}", "app/cm.yaml": config_map()}))
    found = fleet.units()["app"]
    assert (found.state, found.source.namespace, found.source.name) == (UnitState.RENDERED, "infra", "shared")


def test_a_bucket_is_read_from_the_folder_that_stands_for_it(fleet):
    unit = kustomization("app", "./app", kind="Bucket", of="bucket")
    fleet.write(**cluster(**{"clusters/one/app.yaml": f"{BUCKET}---\n{unit}", "pushed/app/cm.yaml": config_map()}))
    app = fleet.units()["app"]
    assert app.state is UnitState.UNRESOLVED
    assert app.reason.startswith("clusters/one/app.yaml:11:14: Bucket flux-system/bucket (minio.example.org) is no Git")
    assert '[[source]] url = "minio.example.org/manifests"' in app.reason
    for url in ("minio.example.org", "minio.example.org/manifests"):
        app = fleet.units(Config(sources=(SourceConfig(url, fleet.root / "pushed"),)))["app"]
        assert (app.state, app.directory) == (UnitState.RENDERED, "pushed/app")
        assert str(app.objects[0].definition) == "pushed/app/cm.yaml:1:1"


def test_a_bucket_has_no_patterns_but_its_own(fleet):
    """Files that would be left out of a Git repository's artifact are there, and what its prefix leaves out is not."""
    bucket = BUCKET.replace("manifests}", 'manifests, prefix: app, ignore: "app/no.yaml"}')
    unit = kustomization("app", "./", kind="Bucket", of="bucket")
    names = ("app/.github/ci.yaml", "app/no.yaml", "app-two/cm.yaml", "other/cm.yaml", "app/sub/cm.yaml")
    files = {f"pushed/{name}": config_map(f"cm{number}") for number, name in enumerate(names)}
    ignored = {"pushed/.sourceignore": "# root\napp-two/\n", "pushed/app/sub/.sourceignore": "*.yaml\n"}
    fleet.write(**cluster(**{"clusters/one/app.yaml": f"{bucket}---\n{unit}", **files, **ignored}))
    app = fleet.units(Config(sources=(SourceConfig("minio.example.org", fleet.root / "pushed"),)))["app"]
    assert [obj.id.name for obj in app.objects] == ["cm0", "cm4"]


@pytest.mark.parametrize("reference", ["secretRef", "configMapRef"])
def test_objects_for_another_cluster_are_told_which(fleet, reference):
    more = f"kubeConfig: {{{reference}: {{name: spoke}}}}\n"
    fleet.write(
        **cluster(**{"clusters/one/app.yaml": kustomization("app", "./app", more), "app/cm.yaml": config_map()})
    )
    assert fleet.units()["app"].target == "one/flux-system/spoke"


def test_a_missing_variable_fails_its_unit_with_the_line_of_the_text(fleet):
    more = "postBuild: {substitute: {A: a}}\n"
    manifest = config_map(data='{a: "${A}"}') + "---\n" + config_map("second", '{b: "x ${B}"}')
    files = cluster(**{"clusters/one/app.yaml": kustomization("app", "./app", more), "app/cm.yaml": manifest})
    fleet.write(**files)
    app = fleet.units()["app"]
    assert (app.state, app.objects) == (UnitState.FAILED, ())
    assert app.reason.startswith("app/cm.yaml:9:11: postBuild fails for ConfigMap second: ")
    assert "variable not set" in app.reason
    lenient = fleet.units(Config(clusters=(ClusterConfig("one", strict=False),)))["app"]
    assert (lenient.state, to_data(lenient.objects[1].tree)["data"]) == (UnitState.RENDERED, {"b": "x"})


def test_a_text_that_is_no_yaml_without_an_unknown_value_is_unresolved(fleet):
    more = """\
postBuild:
  substitute: {LIST: "[ { name: a } ]"}
  substituteFrom: [{kind: ConfigMap, name: settings}]
"""
    text = config_map(data="{a: \"${q:='}${LIST}${q:='}\"}")
    fleet.write(**cluster(**{"clusters/one/app.yaml": kustomization("app", "./app", more), "app/cm.yaml": text}))
    app = fleet.units()["app"]
    assert app.state is UnitState.UNRESOLVED
    assert app.reason.startswith("clusters/one/app.yaml:9:22: ConfigMap flux-system/settings")
    assert "; without it, postBuild fails for ConfigMap cm: YAMLToJSON" in app.reason
    fleet.write(**{"clusters/one/settings.yaml": config_map("settings", "{other: x}", "flux-system")})
    app = fleet.units()["app"]
    assert (app.state, to_data(app.objects[0].tree)["data"]) == (UnitState.RENDERED, {"a": "[ { name: a } ]"})


def test_patches_inside_patches_reach_grandchildren(fleet):
    """The root patches its child so that the child patches its own children."""
    root = """\
resources: [apps.yaml]
patches:
- target: {kind: Kustomization}
  patch: |
    - op: add
      path: /spec/patches
      value:
      - target: {kind: Kustomization}
        patch: |
          - op: add
            path: /spec/patches
            value:
            - target: {kind: ConfigMap}
              patch: |
                - op: add
                  path: /data/deep
                  value: from the root
"""
    fleet.write(
        **cluster(
            **{
                "clusters/one/kustomization.yaml": root,
                "clusters/one/apps.yaml": kustomization("apps", "./apps"),
                "apps/child.yaml": kustomization("child", "./child"),
                "child/cm.yaml": config_map(),
            }
        )
    )
    (obj,) = fleet.units()["child"].objects
    assert to_data(obj.tree)["data"] == {"a": "b", "deep": "from the root"}
    (patch,) = [part for part in obj.contributions if "/data/deep" in part.fields]
    assert (str(patch.role), str(patch.span)) == ("patches", "clusters/one/kustomization.yaml:17:26")


GENERATOR = """\
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: parts, namespace: flux-system}
spec:
  sources: [{alias: repo, kind: GitRepository, name: flux-system}]
  artifacts:
  - name: merged
    copy:
    - {from: "@repo/base/cm.yaml", to: "@artifact/cm.yaml"}
    - {from: "@repo/more.yaml", to: "@artifact/cm.yaml", strategy: Merge}
"""


def test_where_says_of_what_a_generator_merged_that_no_file_holds_it(fleet):
    unit = kustomization("app", "./", kind="ExternalArtifact", of="merged")
    more = "data: {c: d}\n"
    fleet.write(
        **cluster(
            **{"clusters/one/app.yaml": f"{GENERATOR}---\n{unit}", "base/cm.yaml": config_map(), "more.yaml": more}
        )
    )
    match = asked(fleet, "cm/cm")
    source = match.definition.source
    assert (source.repository, source.file) == ("made by ArtifactGenerator flux-system/parts", "cm.yaml")
    assert [hop.reason for hop in match.unresolved if hop.hop == "commit"] == [
        "the definition is in no file of this repository: it is made by ArtifactGenerator flux-system/parts"
    ]
    # An edit of either file is noticed.
    fleet.write(**{"more.yaml": "metadata: {name: other}\n"})
    assert asked(fleet, "cm/other").definition is not None


def asked(fleet, name):
    """What ``where`` says of one object."""
    repository = Repository.open(fleet.root)
    try:
        with ensure_fresh(repository, Config(), None) as index:
            (match,) = where(Scope.of(index, repository), repository, parse_name([name])).matches
    finally:
        repository.close()
    return match


def test_where_says_of_a_flux_object_what_became_of_its_unit(fleet):
    missing = kustomization("app", "./none")
    fleet.write(**cluster(**{"clusters/one/app.yaml": missing}))
    reasons = {hop.hop: hop.reason for hop in asked(fleet, "ks/app").unresolved}
    assert reasons["Kustomization flux-system/app"].startswith(
        "failed: clusters/one/app.yaml:5:9: the path none does not"
    )


def test_one_base_counts_for_each_cluster_that_uses_it(fleet):
    files = {
        f"clusters/{name}/{file}": text
        for name in ("one", "two")
        for file, text in (("flux-system/gotk-sync.yaml", sync(name)), ("app.yaml", kustomization("app", "./app")))
    }
    fleet.write(**files, **{"app/cm.yaml": config_map()})
    assert {
        name: [(str(unit.id), unit.cluster, len(unit.objects)) for unit in cluster.units]
        for name, cluster in fleet.render().items()
    } == {
        name: [("Kustomization/flux-system/app", name, 1), ("Kustomization/flux-system/flux-system", name, 3)]
        for name in ("one", "two")
    }
