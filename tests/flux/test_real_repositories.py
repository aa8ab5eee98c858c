"""What repositories in the wild do, each in a few lines."""

import pytest
from flux_fleet import config_map, kustomization, source, sync

from indexer.flux.model import UnitState
from indexer.manifest.scalars import to_data


def cluster(**files):
    return {"clusters/one/flux-system/gotk-sync.yaml": sync("one"), **files}


def test_values_of_variables_that_name_each_other(fleet):
    """Each is put in as it stands: what it names is expanded by nobody, unless a unit above did."""
    more = 'postBuild: {substitute: {A: a, B: "${A}-b"}}\n'
    fleet.write(
        **cluster(
            **{
                "clusters/one/app.yaml": kustomization("app", "./app", more),
                "app/cm.yaml": config_map(data='{both: "${A} ${B}"}'),
            }
        )
    )
    (obj,) = fleet.units()["app"].objects
    assert to_data(obj.tree)["data"] == {"both": "a ${A}-b"}
    assert {one.variable for one in obj.substitutions} == {"A", "B"}


def test_a_quoted_variable_becomes_a_number(fleet):
    widget = 'apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w, namespace: x}\nspec: {id: "${ID}"}\n'
    more = 'postBuild: {substitute: {ID: "007"}}\n'
    fleet.write(**cluster(**{"clusters/one/app.yaml": kustomization("app", "./app", more), "app/widget.yaml": widget}))
    (obj,) = fleet.units()["app"].objects
    assert to_data(obj.tree)["spec"] == {"id": 7}


def test_variables_in_a_list_belong_to_the_item_that_holds_them(fleet):
    """kustomize expands a list itself, unless a template of it only becomes one when variables are put in."""
    listed = """\
apiVersion: v1
kind: "${KIND}"
metadata: {name: both}
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: apps}, data: {a: "${A}"}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two, namespace: apps}, data: {b: "${B}"}}
"""
    more = "postBuild: {substitute: {KIND: List, A: x, B: z}}\n"
    fleet.write(**cluster(**{"clusters/one/app.yaml": kustomization("app", "./app", more), "app/list.yaml": listed}))
    found = {obj.id.name: obj for obj in fleet.units()["app"].objects}
    filled = {name: [(one.variable, one.fields) for one in obj.substitutions] for name, obj in found.items()}
    assert filled == {"one": [("A", ("/data/a",))], "two": [("B", ("/data/b",))]}


def test_ninety_artifacts_of_one_generator(fleet):
    names = [f"app-{n}" for n in range(90)]
    copies = "".join(
        f'  - {{name: {name}, copy: [{{from: "@repo/apps/{name}/**", to: "@artifact/"}}]}}\n' for name in names
    )
    generator = (
        "apiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\n"
        "metadata: {name: parts, namespace: flux-system}\nspec:\n"
        f"  sources: [{{alias: repo, kind: GitRepository, name: flux-system}}]\n  artifacts:\n{copies}"
    )
    units = "---\n".join(kustomization(name, "./", kind="ExternalArtifact", of=name) for name in names)
    manifests = {f"apps/{name}/cm.yaml": config_map(name) for name in names}
    fleet.write(**cluster(**{"clusters/one/generator.yaml": generator, "clusters/one/apps.yaml": units, **manifests}))
    found = fleet.units()
    places = {name: str(found[name].objects[0].definition) for name in names}
    assert places == {name: f"apps/{name}/cm.yaml:1:1" for name in names}


def test_an_overlay_that_deletes_everything_is_ready_and_empty(fleet):
    overlay = """\
resources: [../base]
patches:
- patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: cm, namespace: apps}, $patch: delete}"
"""
    fleet.write(
        **cluster(
            **{
                "clusters/one/app.yaml": kustomization("app", "./app/none"),
                "app/base/kustomization.yaml": "resources: [cm.yaml]\n",
                "app/base/cm.yaml": config_map(),
                "app/none/kustomization.yaml": overlay,
            }
        )
    )
    app = fleet.units()["app"]
    assert (app.state, app.reason, app.objects) == (UnitState.RENDERED, None, ())


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2", "v1"])
def test_every_version_of_the_api(fleet, version):
    old = kustomization("app", "./app").replace("toolkit.fluxcd.io/v1\n", f"toolkit.fluxcd.io/{version}\n")
    if version == "v1beta1":
        old += "  validation: client\n  patchesJson6902:\n  - target: {version: v1, kind: ConfigMap, name: cm}\n"
        old += "    patch: [{op: add, path: /data/more, value: x}]\n"
    fleet.write(**cluster(**{"clusters/one/app.yaml": old, "app/cm.yaml": config_map()}))
    (obj,) = fleet.units()["app"].objects
    assert to_data(obj.tree)["data"] == ({"a": "b", "more": "x"} if version == "v1beta1" else {"a": "b"})


def test_a_second_root_from_a_repository_that_is_not_at_hand(fleet):
    second = f"{source('addons', 'https://git.example.org/team/addons')}---\n"
    second += kustomization("addons", "./", of="addons")
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": f"{sync('one')}---\n{second}",
            "clusters/one/cm.yaml": config_map(),
        }
    )
    found = fleet.units()
    assert found["flux-system"].state is UnitState.RENDERED
    assert found["addons"].state is UnitState.UNRESOLVED
    assert "is another repository, https://git.example.org/team/addons" in found["addons"].reason


def test_a_generator_that_reads_a_file_from_the_web(fleet):
    generated = "configMapGenerator:\n- name: dashboard\n  files: [a.json=https://example.org/a.json]\n"
    fleet.write(
        **cluster(**{"clusters/one/app.yaml": kustomization("app", "./app"), "app/kustomization.yaml": generated})
    )
    app = fleet.units()["app"]
    assert app.state is UnitState.UNRESOLVED
    assert app.reason.startswith("app/kustomization.yaml:3:")
    assert "https://example.org/a.json is remote and not fetched" in app.reason


def test_one_document_with_an_unknown_anchor_fails_its_unit_alone(fleet):
    fleet.write(
        **cluster(
            **{
                "clusters/one/apps.yaml": f"{kustomization('bad', './bad')}---\n{kustomization('good', './good')}",
                "bad/cm.yaml": f"{config_map()}---\na: *nowhere\n",
                "good/cm.yaml": config_map(),
            }
        )
    )
    found = fleet.units()
    assert (found["bad"].state, found["good"].state) == (UnitState.FAILED, UnitState.RENDERED)
    assert found["bad"].reason.startswith("bad/cm.yaml:6:4: ")
    assert "nowhere" in found["bad"].reason


def test_a_patched_text_with_a_variable_still_comes_from_its_patch(fleet):
    patched = """\
resources: [cm.yaml]
patches:
- patch: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: cm, namespace: apps}
    data: {a: "${A}"}
"""
    fleet.write(
        **cluster(
            **{
                "clusters/one/app.yaml": kustomization("app", "./app", "postBuild: {substitute: {A: x}}\n"),
                "app/kustomization.yaml": patched,
                "app/cm.yaml": config_map(),
            }
        )
    )
    (obj,) = fleet.units()["app"].objects
    told = {(str(c.role), str(c.span), c.overridden) for c in obj.contributions if "/data/a" in c.fields}
    assert told == {
        ("substitutes", "app/kustomization.yaml:7:15", False),
        ("patches", "app/kustomization.yaml:7:15", False),
    }
