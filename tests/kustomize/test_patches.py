"""The entries of ``patches``, ``patchesStrategicMerge`` and ``patchesJson6902`` in whole builds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from indexer.kustomize.build import Build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import find
from indexer.manifest.scalars import to_data

BuildFiles = Callable[..., Build]
OBJECT = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: cm
  labels: {l: x}
data: {a: "1"}
"""


def run(build_files: BuildFiles, kustomization: str, **files: str) -> Build:
    named = {name.replace("_", "."): text for name, text in files.items()}
    return build_files({"kustomization.yaml": "resources: [cm.yaml]\n" + kustomization, "cm.yaml": OBJECT, **named})


def data(build: Build) -> Any:
    (res,) = build.resources
    return to_data(res.root)


MERGE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm, labels: {n: 5}}\ndata: {b: x}\n"


def test_labels_become_strings_only_with_a_target(build_files: BuildFiles) -> None:
    without = data(run(build_files, "patches: [{path: p.yaml}]", p_yaml=MERGE))
    with_target = data(run(build_files, "patches: [{path: p.yaml, target: {kind: ConfigMap}}]", p_yaml=MERGE))
    assert without["metadata"]["labels"] == {"l": "x", "n": 5}
    assert with_target["metadata"]["labels"] == {"l": "x", "n": "5"}
    assert with_target["data"] == {"a": "1", "b": "x"}


def test_the_identity_stays_unless_it_may_change(build_files: BuildFiles) -> None:
    patch = "kind: Secret\napiVersion: v1\nmetadata: {name: other, namespace: n}\n"
    entry = "patches: [{path: p.yaml, target: {kind: ConfigMap}, options: {%s}}]"
    kept = run(build_files, entry % "", p_yaml=patch)
    assert (data(kept)["kind"], data(kept)["metadata"]["name"]) == ("ConfigMap", "cm")
    assert str(find(kept.resources[0].root, "metadata", "name").span).startswith("cm.yaml")  # type: ignore[union-attr]
    renamed = run(build_files, entry % "allowNameChange: true", p_yaml=patch)
    assert (data(renamed)["kind"], data(renamed)["metadata"]["name"]) == ("ConfigMap", "other")
    assert "namespace" not in data(renamed)["metadata"]


def test_a_patch_may_delete_the_object(build_files: BuildFiles) -> None:
    assert run(build_files, "patches: [{path: p.yaml}]", p_yaml=MERGE + "$patch: delete\n").resources == ()


def test_json_patch_adds_the_first_annotation(build_files: BuildFiles) -> None:
    entry = (
        'patches: [{target: {name: cm}, patch: \'[{"op": "add", "path": "/metadata/annotations/x", "value": "y"}]\'}]'
    )
    assert data(run(build_files, entry))["metadata"]["annotations"] == {"x": "y"}


def test_where_an_inline_patch_stands(build_files: BuildFiles) -> None:
    entry = "patches:\n- patch: |\n    - op: replace\n      path: /data/a\n      value: z\n  target: {name: cm}\n"
    value = find(run(build_files, entry).resources[0].root, "data", "a")
    assert value is not None
    assert value.op is not None
    assert (str(value.span), value.op.name, str(value.op.entry)) == (
        "kustomization.yaml:6:14", "JSON 6902 patch", "kustomization.yaml:3:3",
    )  # fmt: skip
    assert str(value.prev and value.prev.span) == "cm.yaml:6:11"


def test_dead_patches_are_known(build_files: BuildFiles) -> None:
    built = run(build_files, "patches: [{path: p.yaml, target: {name: none}}]", p_yaml=MERGE)
    (unmatched,) = built.unmatched
    assert (unmatched.operation, unmatched.reason) == ("strategic merge patch", "its target selects no object")
    assert str(unmatched.span) == "kustomization.yaml:2:11"


@pytest.mark.parametrize(
    ("entry", "patch", "message"),
    [
        ("patches: [{target: {}}]", "", ("trouble configuring builtin PatchTransformer with config: `\ntarget: {}\n`: "
         "must specify one of patch and path in\ntarget: {}\n")),
        ("patches: [{path: p.yaml, patch: x}]", "",
         ("trouble configuring builtin PatchTransformer with config: `\npatch: x\npath: p.yaml\n`: "
         "patch and path can't be set at the same time\npatch: x\npath: p.yaml\n")),
        ("patches: [{patch: x}]", "", ("trouble configuring builtin PatchTransformer with config: `\npatch: x\n`: "
         'unable to parse SM or JSON patch from [patch: "x"]')),
        ("patches: [{path: p.yaml}]", "- op: add\n  path: /a\n",
         'must specify a target for JSON patch [path: "p.yaml"]'),
        ("patches: [{path: p.yaml}]", MERGE.replace("cm", "no"),
         ('no resource matches strategic merge patch "ConfigMap.v1.[noGrp]/no.[noNs]": no matches for Id '
         "ConfigMap.v1.[noGrp]/no.[noNs]; failed to find unique target for patch ConfigMap.v1.[noGrp]/no.[noNs]")),
        ("patches: [{path: p.yaml, target: {name: cm}}]", f"{MERGE}---\n{MERGE}",
         ("Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: "
         '[path: "p.yaml"]')),
        ("patches: [{path: p.yaml, target: {name: '*'}}]", MERGE,
         ('unable to find patch target "[noKind].[noVer].[noGrp]/*.[noNs]:a=:l=" in `resources`: '
         "error parsing regexp: missing argument to repetition operator: `*`")),
        ("patchesStrategicMerge: [p.yaml]", "# nothing\n",
         ("trouble configuring builtin PatchStrategicMergeTransformer with config: `\npaths:\n- p.yaml\n`: "
         "patch appears to be empty; files=[p.yaml], Patch=")),
        ("patchesJson6902: [{path: p.yaml, target: {kind: X}}]", "[]",
         ("trouble configuring builtin PatchJson6902Transformer with config: `\npath: p.yaml\ntarget:\n  kind: X\n`: "
         "must specify the target name")),
    ],
)  # fmt: skip
def test_errors(build_files: BuildFiles, entry: str, patch: str, message: str) -> None:
    with pytest.raises(KustomizeError) as caught:
        run(build_files, entry, p_yaml=patch)
    assert str(caught.value).strip().endswith(message.strip())


@pytest.mark.parametrize("patch", ["", "# nothing\n", "[]"])
def test_empty_patches_do_nothing(build_files: BuildFiles, patch: str) -> None:
    built = run(build_files, "patches: [{path: p.yaml, target: {name: cm}}]", p_yaml=patch)
    assert data(built)["data"] == {"a": "1"}
    assert [entry.reason for entry in built.unmatched] == ["the patch is empty"]


def test_a_label_in_several_places_is_one_to_a_later_patch(build_files: BuildFiles) -> None:
    built = build_files(
        {
            "base/kustomization.yaml": "resources: [d.yaml]\ncommonLabels: {app: x}\n",
            "base/d.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
            "kustomization.yaml": "resources: [base]\npatches: [{path: p.yaml}]\n",
            "p.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, labels: {app: z}}\n",
        }
    )
    assert data(built)["spec"]["selector"]["matchLabels"] == {"app": "z"}


def test_an_inline_patch_that_is_no_yaml_is_refused(build_files) -> None:
    files = {
        "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
        "kustomization.yaml": 'resources: [a.yaml]\npatches:\n- patch: "x: ["\n',
    }
    with pytest.raises(KustomizeError, match=r'unable to parse SM or JSON patch from \[patch: "x: \["\]'):
        build_files(files)


def test_a_configured_merge_needs_something_to_merge(build_files: BuildFiles) -> None:
    with pytest.raises(KustomizeError, match="fails configuration: empty file path and empty patch content"):
        run(
            build_files,
            "transformers: [t.yaml]",
            t_yaml="apiVersion: builtin\nkind: PatchStrategicMergeTransformer\nmetadata: {name: t}\n",
        )


@pytest.mark.parametrize("namespace", ["null", '""'])
def test_a_merge_takes_an_empty_namespace_out(build_files: BuildFiles, namespace: str) -> None:
    built = build_files(
        {
            "kustomization.yaml": "resources: [cm.yaml]\npatches: [{path: p.yaml}]\n",
            "cm.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: cm, namespace: {namespace}}}\n",
            "p.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: b}\n",
        }
    )
    assert data(built)["metadata"] == {"name": "cm"}
