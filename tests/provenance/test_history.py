"""What a leaf knows of itself: who set it, and whom that replaced, down to the line; the newest first."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from indexer.git.directory import DirectoryTree
from indexer.kustomize.build import build
from indexer.manifest.node import Mapping, Node, Sequence, leaves, overridden, pointer

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: api
        image: nginx:1.0
        args: [--a, --b]
        env:
        - name: MODE
          value: safe
        - name: URL
          value: $(HOST)
        envFrom:
        - configMapRef:
            name: settings
      - name: side
        image: envoy
"""
SETTINGS = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  labels:\n    team: a\ndata:\n  host: example.org\n"
)
RESOURCES = "resources:\n- api.yaml\n- settings.yaml\n"
CONTAINER = "/spec/template/spec/containers/0"


def resources(root: Path, files: dict[str, str], directory: str = "") -> dict[str, Mapping]:
    for name, content in {"api.yaml": DEPLOYMENT, "settings.yaml": SETTINGS, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content))
    return {res.id.kind: res.root for res in build(DirectoryTree(root), directory).resources}


def told(node: Node) -> str:
    span = node.span
    place = f"{span.source.file}:{span.line}:{span.column}" if span else "nowhere"
    return f"{place} {node.op.name}" if node.op else place


def history(root: Mapping, where: str) -> list[str]:
    (leaf,) = [node for path, node in leaves(root) if pointer(path) == where]
    return [told(node) for node in (leaf, *overridden(leaf))]


CASES = {
    "resource": (RESOURCES, "/spec/replicas", ["api.yaml:6:13"]),
    "inline strategic merge patch": (
        RESOURCES + "patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: api}\n"
        "    spec:\n      replicas: 2\n",
        "/spec/replicas",
        ["kustomization.yaml:10:17 strategic merge patch", "api.yaml:6:13"],
    ),
    "list item merged by key": (
        RESOURCES
        + "patches:\n- target: {kind: Deployment}\n  patch: |\n    kind: Deployment\n    metadata: {name: x}\n"
        "    spec: {template: {spec: {containers: [{name: api, env: [{name: MODE, value: fast}]}]}}}\n",
        f"{CONTAINER}/env/0/value",
        ["kustomization.yaml:9:81 strategic merge patch", "api.yaml:15:18"],
    ),
    "list item merged by key, a field that the patch does not name": (
        RESOURCES
        + "patches:\n- target: {kind: Deployment}\n  patch: |\n    kind: Deployment\n    metadata: {name: x}\n"
        "    spec: {template: {spec: {containers: [{name: api, tty: true}]}}}\n",
        f"{CONTAINER}/image",
        ["api.yaml:11:16"],
    ),
    "JSON add": (
        RESOURCES + "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: add\n      path: /spec/paused\n"
        "      value: true\n",
        "/spec/paused",
        ["kustomization.yaml:9:14 JSON 6902 patch"],
    ),
    "JSON replace": (
        RESOURCES
        + "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: replace\n      path: /spec/replicas\n"
        "      value: 3\n",
        "/spec/replicas",
        ["kustomization.yaml:9:14 JSON 6902 patch", "api.yaml:6:13"],
    ),
    "JSON copy over a value that is there": (
        RESOURCES + "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: copy\n      from: /metadata/name\n"
        "      path: /spec/replicas\n",
        "/spec/replicas",
        ["api.yaml:4:9 JSON 6902 patch", "api.yaml:6:13"],
    ),
    "JSON move": (
        RESOURCES + "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: move\n      from: /spec/replicas\n"
        "      path: /spec/minReadySeconds\n",
        "/spec/minReadySeconds",
        ["api.yaml:6:13 JSON 6902 patch"],
    ),
    "JSON copy": (
        RESOURCES + "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: copy\n      from: /spec/replicas\n"
        "      path: /spec/minReadySeconds\n",
        "/spec/minReadySeconds",
        ["api.yaml:6:13 JSON 6902 patch"],
    ),
    "image": (
        RESOURCES + "images:\n- name: nginx\n  newTag: '2'\n",
        f"{CONTAINER}/image",
        ["kustomization.yaml:6:11 images", "api.yaml:11:16"],
    ),
    "replicas": (
        RESOURCES + "replicas:\n- name: api\n  count: 5\n",
        "/spec/replicas",
        ["kustomization.yaml:6:10 replicas", "api.yaml:6:13"],
    ),
    "label": (
        RESOURCES + "labels:\n- pairs:\n    tier: web\n",
        "/metadata/labels/tier",
        ["kustomization.yaml:6:11 labels"],
    ),
    "annotation": (
        RESOURCES + "commonAnnotations:\n  owner: me\n",
        "/metadata/annotations/owner",
        ["kustomization.yaml:5:10 commonAnnotations"],
    ),
    "namespace": (RESOURCES + "namespace: shop\n", "/metadata/namespace", ["kustomization.yaml:4:12 namespace"]),
    "prefix and suffix": (
        RESOURCES + "namePrefix: a-\nnameSuffix: -z\n",
        "/metadata/name",
        ["kustomization.yaml:5:13 nameSuffix", "kustomization.yaml:4:13 namePrefix", "api.yaml:4:9"],
    ),
    "name reference": (
        RESOURCES + "namePrefix: a-\n",
        f"{CONTAINER}/envFrom/0/configMapRef/name",
        ["kustomization.yaml:4:13 name reference", "api.yaml:20:19"],
    ),
    "replacement": (
        RESOURCES + "replacements:\n- source: {kind: ConfigMap, name: settings, fieldPath: data.host}\n  targets:\n"
        f"  - select: {{kind: Deployment}}\n    fieldPaths: ['{CONTAINER[1:].replace('/', '.')}.env.0.value']\n",
        f"{CONTAINER}/env/0/value",
        ["settings.yaml:8:9 replacement", "api.yaml:15:18"],
    ),
    "vars": (
        RESOURCES + "vars:\n- name: HOST\n  objref: {apiVersion: v1, kind: ConfigMap, name: settings}\n"
        "  fieldref: {fieldPath: data.host}\n",
        f"{CONTAINER}/env/1/value",
        ["settings.yaml:8:9 vars", "api.yaml:17:18"],
    ),
}


@pytest.mark.parametrize(("kustomization", "where", "expected"), CASES.values(), ids=CASES)
def test_a_leaf_of_the_deployment(tmp_path: Path, kustomization: str, where: str, expected: list[str]) -> None:
    root = resources(tmp_path, {"kustomization.yaml": kustomization})["Deployment"]
    assert history(root, where) == expected


def test_a_patch_from_a_file(tmp_path: Path) -> None:
    patch = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  host: example.com\n"
    kustomization = RESOURCES + "patches:\n- path: patch.yaml\n"
    root = resources(tmp_path, {"kustomization.yaml": kustomization, "patch.yaml": patch})["ConfigMap"]
    assert history(root, "/data/host") == ["patch.yaml:6:9 strategic merge patch", "settings.yaml:8:9"]


def test_an_operation_knows_the_entry_that_calls_it(tmp_path: Path) -> None:
    kustomization = CASES["replacement"][0]
    root = resources(tmp_path, {"kustomization.yaml": kustomization})["Deployment"]
    (leaf,) = [node for path, node in leaves(root) if pointer(path) == f"{CONTAINER}/env/0/value"]
    assert leaf.op is not None
    assert (str(leaf.op.entry), str(leaf.span)) == ("kustomization.yaml:5:3", "settings.yaml:8:9")


def test_generated_values_stand_where_they_are_written(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": """\
            configMapGenerator:
            - name: made
              literals:
              - one=1
              files:
              - two.txt
              envs:
              - three.env
            """,
        "two.txt": "a\nb\n",
        "three.env": "# comment\nTHREE=3\n",
    }
    root = resources(tmp_path, files)["ConfigMap"]
    assert history(root, "/data/one") == ["kustomization.yaml:4:5 configMapGenerator"]
    assert history(root, "/data/two.txt") == ["two.txt:1:1 configMapGenerator"]
    assert history(root, "/data/THREE") == ["three.env:2:1 configMapGenerator"]
    assert history(root, "/metadata/name") == [
        "kustomization.yaml:2:9 name suffix hash",
        "kustomization.yaml:2:9 configMapGenerator",
    ]


def test_a_merged_generator_overrides_the_one_below(tmp_path: Path) -> None:
    files = {
        "base/kustomization.yaml": "configMapGenerator:\n- name: made\n  literals:\n  - a=1\n  - b=1\n",
        "kustomization.yaml": "resources: [base]\nconfigMapGenerator:\n- name: made\n  behavior: merge\n"
        "  literals:\n  - a=2\n",
    }
    root = resources(tmp_path, files)["ConfigMap"]
    assert history(root, "/data/a") == [
        "kustomization.yaml:6:5 configMapGenerator",
        "base/kustomization.yaml:4:5 configMapGenerator",
    ]
    assert history(root, "/data/b") == ["base/kustomization.yaml:5:5 configMapGenerator"]


def test_a_field_spec_of_configurations_leads_to_the_entry(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [thing.yaml]\nnamePrefix: a-\nconfigurations: [specs.yaml]\n",
        "specs.yaml": "namePrefix:\n- path: spec/alias\n  kind: Thing\n",
        "thing.yaml": "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: t}\nspec: {alias: s}\n",
    }
    root = resources(tmp_path, files)["Thing"]
    assert history(root, "/spec/alias") == ["kustomization.yaml:2:13 namePrefix", "thing.yaml:4:15"]


def test_history_reaches_through_bases_and_a_component(tmp_path: Path) -> None:
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: %d\n"
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: patch.yaml\n"
    replicas = "replicas:\n- name: api\n  count: 5\n"
    files = {
        "base/api.yaml": DEPLOYMENT,
        "base/kustomization.yaml": f"resources: [api.yaml]\n{replicas}",
        "middle/kustomization.yaml": "resources: [../base]\npatches:\n- path: patch.yaml\n",
        "middle/patch.yaml": patch % 3,
        "component/kustomization.yaml": component,
        "component/patch.yaml": patch % 4,
        "top/kustomization.yaml": f"resources: [../middle]\ncomponents: [../component]\n{replicas}",
    }
    root = resources(tmp_path, files, "top")["Deployment"]
    assert history(root, "/spec/replicas") == [
        "top/kustomization.yaml:5:10 replicas",
        "component/patch.yaml:5:13 strategic merge patch",
        "middle/patch.yaml:5:13 strategic merge patch",
        "base/kustomization.yaml:4:10 replicas",
        "base/api.yaml:6:13",
    ]


def removals(node: Node, path: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    """(pointer, where it stood, what removed it) of all that is gone."""
    if not isinstance(node, Mapping | Sequence):
        return []
    found = [(pointer((*path, gone.key)), told(gone.node), f"{gone.at.span} {gone.op.name}") for gone in node.gone]
    children = (
        node.fields.items() if isinstance(node, Mapping) else ((str(i), (None, n)) for i, n in enumerate(node.items))
    )
    return found + [one for key, (_, child) in children for one in removals(child, (*path, key))]


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: null\n",
            ("/spec/replicas", "api.yaml:6:13", "patch.yaml:5:13 strategic merge patch"),
        ),
        (
            """\
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                spec:
                  containers:
                  - name: side
                    $patch: delete
            """,
            ("/spec/template/spec/containers/side", "api.yaml:21:9", "patch.yaml:9:17 strategic merge patch"),
        ),
        (
            "- op: remove\n  path: /spec/template/spec/containers/0/args/1\n",
            (f"{CONTAINER}/args/1", "api.yaml:12:21", "patch.yaml:2:9 JSON 6902 patch"),
        ),
        (
            "- op: remove\n  path: /spec/replicas\n",
            ("/spec/replicas", "api.yaml:6:13", "patch.yaml:2:9 JSON 6902 patch"),
        ),
    ],
    ids=["null", "$patch: delete", "JSON remove of an item", "JSON remove"],
)
def test_what_is_gone_is_remembered_with_its_line(tmp_path: Path, patch: str, expected: tuple[str, str, str]) -> None:
    kustomization = "resources: [api.yaml]\npatches:\n- path: patch.yaml\n  target: {kind: Deployment}\n"
    root = resources(tmp_path, {"kustomization.yaml": kustomization, "patch.yaml": patch})["Deployment"]
    assert removals(root) == [expected]
