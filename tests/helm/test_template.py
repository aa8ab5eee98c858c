"""Where in a template the document of an object stands."""

from indexer.helm.template import place, references
from indexer.manifest.node import Source

HERE = Source(None, "chart/templates/x.yaml")

TWO = """\
{{- if .Values.web.enabled }}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "x.name" . }}
spec:
  type: {{ .Values.web.type | quote }}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: first
data:
  a: {{ .Values.a }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: second
"""


def lines(text, kind, name):
    span = place(text, HERE, kind, name)
    return span.line, span.end_line


def test_the_only_document_of_a_kind():
    assert lines(TWO, "Service", "rel-x") == (2, 8)


def test_of_one_kind_the_name_decides():
    assert lines(TWO, "ConfigMap", "first") == (10, 15)
    assert lines(TWO, "ConfigMap", "second") == (17, 20)


def test_where_the_text_does_not_tell_it_is_the_whole_template():
    assert lines(TWO, "ConfigMap", "rel-first") == (1, 20)
    assert lines(TWO, "Deployment", "x") == (1, 20)


def test_a_template_that_a_helper_writes_is_one_document():
    assert lines('# comment\n{{ include "common.deployment" . }}\n', "Deployment", "x") == (2, 2)


def test_a_document_of_a_helper_beside_one_in_full():
    text = 'kind: Service\nmetadata: {}\n---\n{{ include "common.deployment" . }}\n'
    assert lines(text, "Deployment", "x") == (4, 4)
    assert lines(text, "Service", "x") == (1, 4)


def test_a_comment_is_no_document():
    assert lines("# licence\n---\nkind: Service\n", "Service", "x") == (3, 3)


def test_the_values_that_a_document_names():
    service = place(TWO, HERE, "Service", "x")
    assert references(TWO, service) == {("web", "enabled"), ("web", "type")}
    assert references(TWO, place(TWO, HERE, "ConfigMap", "first")) == {("a",)}
    assert references(TWO, place(TWO, HERE, "ConfigMap", "second")) == frozenset()
