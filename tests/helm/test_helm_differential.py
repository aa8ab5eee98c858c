"""Charts rendered here and by the real ``helm template``: the same objects. Skipped without either."""

import json
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.git.directory import DirectoryTree
from indexer.helm.chart import ChartError, load
from indexer.helm.engine import render
from indexer.helm.setpath import SetError, assignments
from indexer.helm.values import origin_at, put, to_plain
from indexer.manifest.node import Scalar

sdk = pytest.importorskip("helm_python")

OBJECT = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-{{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
data:
"""


def files(name, template, values="", more="", prefix=""):
    return {
        f"{prefix}Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n{textwrap.dedent(more)}",
        f"{prefix}values.yaml": textwrap.dedent(values),
        f"{prefix}templates/object.yaml": OBJECT + textwrap.indent(textwrap.dedent(template), "  "),
    }


CHARTS = {
    "values": (
        files("a", "all: {{ .Values | toJson | quote }}\n", "a: {b: 1, c: [1, 2]}\nd: x\nlarge: 12345678\nf: 1.50\n"),
        {"a": {"b": None, "c": [3]}, "e": True, "float": 2.5, "big": 123456789},
    ),
    "release": (
        files(
            "a",
            """\
            r: {{ .Release | toJson | quote }}
            hosts: {{ getHostByName "localhost" | quote }}
            lookup: {{ lookup "v1" "Namespace" "" "default" | toJson | quote }}
            has: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
            """,
        ),
        {},
    ),
    "files": (
        files("a", 'f: {{ .Files.Get "conf/x.txt" | quote }}\nglob: {{ (.Files.Glob "conf/*").AsConfig | quote }}\n')
        | {"conf/x.txt": "one\n", "conf/ignored.txt": "two\n", ".helmignore": "conf/ignored.txt\n"},
        {},
    ),
    "helpers": (
        files("a", 'x: {{ include "a.x" (dict "v" .Values.v) }}\ny: {{ tpl "{{ .Values.v }}!" . }}\n', "v: 1")
        | {"templates/_helpers.tpl": '{{- define "a.x" }}{{ .v | toString | quote }}{{ end }}'},
        {"v": "yes"},
    ),
    "subcharts": (
        files(
            "a",
            "g: {{ .Values.global.g }}\nimported: {{ .Values.imported | toJson | quote }}\n",
            "global: {g: 1}\nb: {v: parent}\n",
            """\
            dependencies:
              - {name: b, version: 0.1.0, repository: "", condition: b.enabled, import-values: [out]}
              - {name: b, version: 0.1.0, repository: "", alias: c, tags: [extra]}
            """,
        )
        | files(
            "b", "v: {{ .Values.v }}\ng: {{ .Values.global.g }}\n", "v: own\nexports: {out: {imported: {x: 1}}}\n",
            prefix="charts/b/",
        ),
        {"global": {"g": 2}, "c": {"v": "alias"}, "tags": {"extra": True}},
    ),
    "conditions": (
        files("a", "x: y\n", more="dependencies: [{name: b, version: 0.1.0, condition: b.on}]\n")
        | files("b", "x: z\n", prefix="charts/b/"),
        {"b": {"on": False}},
    ),
    "hooks": (
        files("a", "x: y\n")
        | {
            "templates/hook.yaml": "kind: Pod\nmetadata: {name: h, annotations: {helm.sh/hook: test}}\n",
            "templates/two.yaml": "---\n# one\n---\nkind: Service\napiVersion: v1\nmetadata: {name: s}\n---\n",
            "templates/NOTES.txt": "hello",
            "crds/x.yaml": "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: x}\n",
        },
        {},
    ),
}  # fmt: skip


def write(root: Path, tree: dict[str, str]) -> Path:
    for name, text in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def by_helm(helm: str, chart: Path, values: dict) -> list:
    file = chart.parent / "values.json"
    file.write_text(json.dumps(values))
    command = [helm, "template", "rel", str(chart), "-n", "apps", "-f", str(file), "--no-hooks", "--include-crds"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return sorted((one for one in yaml.safe_load_all(done.stdout) if one), key=json.dumps)


def by_engine(chart: Path, values: dict) -> list:
    parts = render(load(DirectoryTree(chart), ""), values, "rel", "apps")
    return sorted((one for part in parts for one in yaml.safe_load_all(part.text) if one), key=json.dumps)


@pytest.mark.parametrize("name", CHARTS)
def test_the_engine_gives_what_helm_template_prints(tmp_path, helm, name):
    tree, values = CHARTS[name]
    chart = write(tmp_path / "chart", tree)
    found = by_engine(chart, values)
    assert found
    assert found == by_helm(helm, chart, values)


def test_an_archive_is_its_chart(tmp_path, helm):
    tree, values = CHARTS["subcharts"]
    chart = write(tmp_path / "a", tree)
    subprocess.run([helm, "package", str(chart), "-d", str(tmp_path)], check=True, capture_output=True)
    packed = render(load(DirectoryTree(tmp_path), "a-0.1.0.tgz"), values, "rel", "apps")
    plain = render(load(DirectoryTree(chart), ""), values, "rel", "apps")
    assert sorted(packed, key=str) == sorted(plain, key=str)


def test_a_chart_of_helm_create(tmp_path, helm):
    subprocess.run([helm, "create", "demo"], cwd=tmp_path, check=True, capture_output=True)
    values = {"ingress": {"enabled": True}, "autoscaling": {"enabled": True}, "replicaCount": 3}
    assert by_engine(tmp_path / "demo", values) == by_helm(helm, tmp_path / "demo", values)


def test_what_helm_refuses_is_refused(tmp_path, helm):
    schema = {"values.schema.json": '{"properties": {"n": {"type": "integer"}}}'}
    chart = write(tmp_path / "chart", files("a", "x: y\n") | schema)
    with pytest.raises(ChartError, match="n"):
        by_engine(chart, {"n": "text"})
    with pytest.raises(subprocess.CalledProcessError):
        by_helm(helm, chart, {"n": "text"})
    assert render(load(DirectoryTree(chart), ""), {"n": "text"}, "rel", "apps", validate=False)
    shutil.rmtree(chart / "templates")
    assert render(load(DirectoryTree(chart), ""), {}, "rel", "apps") == []


def by_parser(path: str, value: str) -> dict | None:
    tree: dict = {}
    try:
        for leaf in origin_at("x", assignments(path, value), Scalar(""), None, secret=False).leaves:
            put(tree, leaf)
    except SetError:
        return None
    return to_plain(tree)


KEY = st.sampled_from(["a", "b", r"a\.b", "a[0]", "b[1]", "a[0][1]", "c-1"])


@given(st.lists(KEY, min_size=1, max_size=3).map(".".join), st.text("ab,{}=01\\-", min_size=1, max_size=9))
@example("a[0]", "x")
@example("a", "{b,c},d=1")
@example(r"a\.b", "true")
@example("a.b", "x,a.c=y")
def test_a_target_path_is_read_as_helm_reads_set(path, value):
    try:
        expected = sdk.parse_set_string(f"{path}={value}")
    except sdk.HelmError:
        expected = None
    assert by_parser(path, value) == expected
