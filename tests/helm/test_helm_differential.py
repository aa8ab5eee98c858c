"""Charts rendered here and by the real ``helm template``: the same objects. Skipped without either."""

import json
import shutil
import subprocess
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from indexer.git.directory import DirectoryTree
from indexer.helm.chart import ChartError, load
from indexer.helm.engine import render
from tests.conftest import oracle

HELM = oracle("helm")
pytestmark = [
    pytest.mark.skipif(HELM is None, reason="no helm binary"),
    pytest.mark.skipif(find_spec("helm_python") is None, reason="helm-python-sdk is not installed"),
]

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
        files("a", 'all: {{ .Values | toJson | quote }}\n', "a: {b: 1, c: [1, 2]}\nd: text\nlarge: 12345678\nf: 1.50\n"),
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
        files("a", 'x: {{ include "a.x" (dict "v" .Values.v) | nindent 4 }}\ny: {{ tpl "{{ .Values.v }}!" . }}\n', "v: 1")
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
            "templates/hook.yaml": "kind: Pod\napiVersion: v1\nmetadata: {name: h, annotations: {helm.sh/hook: test}}\n",
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


def by_helm(chart: Path, values: dict, name: str) -> list:
    given = chart.parent / "values.json"
    given.write_text(json.dumps(values))
    command = [HELM, "template", name, str(chart), "-n", "apps", "-f", str(given), "--no-hooks", "--include-crds"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return sorted((one for one in yaml.safe_load_all(done.stdout) if one), key=json.dumps)


def by_engine(chart: Path, values: dict, name: str) -> list:
    parts = render(load(DirectoryTree(chart), ""), values, name, "apps")
    return sorted((one for part in parts for one in yaml.safe_load_all(part.text) if one), key=json.dumps)


@pytest.mark.parametrize("name", CHARTS)
def test_the_engine_gives_what_helm_template_prints(tmp_path, name):
    tree, values = CHARTS[name]
    chart = write(tmp_path / "chart", tree)
    found = by_engine(chart, values, "rel")
    assert found
    assert found == by_helm(chart, values, "rel")


def test_an_archive_is_its_chart(tmp_path):
    tree, values = CHARTS["subcharts"]
    chart = write(tmp_path / "a", tree)
    subprocess.run([HELM, "package", str(chart), "-d", str(tmp_path)], check=True, capture_output=True)
    packed = render(load(DirectoryTree(tmp_path), "a-0.1.0.tgz"), values, "rel", "apps")
    plain = render(load(DirectoryTree(chart), ""), values, "rel", "apps")
    assert sorted(packed, key=str) == sorted(plain, key=str)


def test_a_chart_of_helm_create(tmp_path):
    subprocess.run([HELM, "create", "demo"], cwd=tmp_path, check=True, capture_output=True)
    values = {"ingress": {"enabled": True}, "autoscaling": {"enabled": True}, "replicaCount": 3}
    assert by_engine(tmp_path / "demo", values, "rel") == by_helm(tmp_path / "demo", values, "rel")


def test_what_helm_refuses_is_refused(tmp_path):
    schema = {"values.schema.json": '{"properties": {"n": {"type": "integer"}}}'}
    chart = write(tmp_path / "chart", files("a", "x: y\n") | schema)
    with pytest.raises(ChartError, match="n"):
        by_engine(chart, {"n": "text"}, "rel")
    with pytest.raises(subprocess.CalledProcessError):
        by_helm(chart, {"n": "text"}, "rel")
    assert render(load(DirectoryTree(chart), ""), {"n": "text"}, "rel", "apps", validate=False)
    shutil.rmtree(chart / "templates")
    assert render(load(DirectoryTree(chart), ""), {}, "rel", "apps") == []
