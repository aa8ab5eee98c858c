"""What generated repositories found: inputs cut down to the difference, and what kustomize 5.8.1 printed for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from oracle import ours, parse, theirs, write


@dataclass(frozen=True)
class Found:
    name: str
    files: str
    """Each file after a line ``--> path``; ``top`` is built."""
    expected: str | None
    """The output; None where the build has to fail."""


FOUND = (
    Found(
        "empty annotations go",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations: {}
  labels: {}
""",
        """\
apiVersion: v1
kind: ConfigMap
metadata:
  labels: {}
  name: a
""",
    ),
    Found(
        "null annotations go",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations:
""",
        """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
""",
    ),
    Found(
        "annotations that are text go",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations: text
""",
        """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
""",
    ),
    Found(
        "annotations in a list are taken in pairs",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations: [x, y]
""",
        """\
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    x: "y"
  name: a
""",
    ),
    Found(
        "an odd list of annotations, where kustomize panics",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations: [x]
""",
        None,
    ),
    Found(
        "of duplicate annotations the last wins",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations: {x: y, z: 1, x: 2}
""",
        """\
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    x: "2"
    z: "1"
  name: a
""",
    ),
    Found(
        "a folded annotation is not folded again",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations:
    app: >
      next
        more
  labels:
    app: >
      next
        more
""",
        """\
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    app: |
      next
        more
  labels:
    app: |
      next

        more
  name: a
""",
    ),
    Found(
        "a label whose key is a boolean of YAML 1.1",
        """\
--> top/kustomization.yaml
commonAnnotations: {n: "1"}
resources: [r.yaml]
--> top/r.yaml
kind: Service
metadata:
  name: app
""",
        None,
    ),
    Found(
        "items of a list kind have been JSON",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: ConfigMapList
apiVersion: v1
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: app
    labels:
      app: >
        next
          more
      b: 0x10
    annotations:
      c: 1.0
      d: 2020-01-01
      e: yes
      f: 1_000
      g: 1e3
- {kind: X, metadata: {name: x}, x: {a: , b: 1e21, c: 18446744073709551615, d: -0.0}}
""",
        """\
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    c: "1"
    d: "2020-01-01T00:00:00Z"
    e: "yes"
    f: "1000"
    g: "1000"
  labels:
    app: |
      next
        more
    b: 16
  name: app
---
kind: X
metadata:
  name: x
x:
  a: null
  b: 1e+21
  c: 18446744073709551615
  d: 0
""",
    ),
    Found(
        "a list kind with a key that is no string",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: ConfigMapList
apiVersion: v1
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: app, 1: 2}
""",
        None,
    ),
    Found(
        "a list kind with infinity",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: ConfigMapList
apiVersion: v1
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: app}
  x: .inf
""",
        None,
    ),
    Found(
        "the configuration of a plugin has been an object",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
transformers: [t.yaml]
--> top/r.yaml
kind: Widget
metadata: {name: a}
--> top/t.yaml
apiVersion: builtin
kind: AnnotationsTransformer
metadata: {name: t}
annotations:
  app: 2020-01-01
  no: yes
fieldSpecs:
- path: spec/a
  create: true
""",
        """\
kind: Widget
metadata:
  name: a
spec:
  a:
    app: "2020-01-01T00:00:00Z"
    "no": "yes"
""",
    ),
    Found(
        "vars take the style of all that they look at",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
vars:
- name: VAR
  objref: {kind: Service, name: app, apiVersion: v1}
--> top/r.yaml
apiVersion: v1
kind: Service
metadata:
  name: app
  labels:
    app: >
      next
        more
spec:
  externalName: >
    next
      more
""",
        """\
apiVersion: v1
kind: Service
metadata:
  labels:
    app: |
      next
        more
  name: app
spec:
  externalName: |
    next

      more
""",
    ),
    Found(
        "a list kind without items gets metadata",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: PodList
""",
        """\
kind: PodList
metadata: {}
""",
    ),
    Found(
        "a text alone is no empty document",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
""
""",
        None,
    ),
    Found(
        "of duplicate fields of a kustomization the last counts",
        """\
--> top/kustomization.yaml
namePrefix: [1]
resources: [r.yaml]
namePrefix: a-
--> top/r.yaml
kind: X
metadata: {name: a}
""",
        """\
kind: X
metadata:
  name: a-a
""",
    ),
    Found(
        "a plugin with a duplicate key",
        """\
--> top/kustomization.yaml
transformers: [t.yaml]
--> top/t.yaml
apiVersion: builtin
kind: LabelTransformer
kind: LabelTransformer
metadata: {name: t}
""",
        None,
    ),
    Found(
        "a patch with a target gives an object without version a null",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
patches:
- target: {name: .*}
  patch: |-
    apiVersion: v1
    kind: X
    metadata: {name: any}
    a: b
--> top/r.yaml
kind: X
metadata: {name: a}
""",
        """\
a: b
apiVersion: null
kind: X
metadata:
  name: a
""",
    ),
    Found(
        "a replacement that changes its own source goes on with the new value",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
replacements:
- source: {name: app}
  targets:
  - select: {name: ".*"}
    options: {delimiter: "-", index: 1}
--> top/r.yaml
kind: ConfigMap
metadata: {name: app}
---
kind: Widget
metadata: {name: db}
""",
        """\
kind: ConfigMap
metadata:
  name: app-app
---
kind: Widget
metadata:
  name: db-app-app
""",
    ),
    Found(
        "a removed key leaves its duplicate",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
patches:
- patch: "{kind: X, metadata: {name: a, x: null}}"
--> top/r.yaml
kind: X
metadata:
  name: a
  x: 1
  x: 2
  y:
  y:
""",
        """\
kind: X
metadata:
  name: a
  x: 2
  "y": null
""",
    ),
    Found(
        "a removed key leaves two duplicates",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
patches:
- patch: "{kind: X, metadata: {name: a, x: null}}"
--> top/r.yaml
kind: X
metadata:
  name: a
  x: 1
  x: 2
  x: 3
""",
        None,
    ),
    Found(
        "a question mark ends a plain text in braces, also after a colon",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: X
metadata: {name: a}
x: {url: http://example.org/?a=b}
""",
        None,
    ),
    Found(
        "labels of one entry are one value to a later patch",
        """\
--> base/kustomization.yaml
resources: [d.yaml]
commonLabels: {app: foo}
--> base/d.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
--> top/kustomization.yaml
resources: [../base]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: d, labels: {app: qux}}
""",
        """\
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: qux
  name: d
spec:
  selector:
    matchLabels:
      app: qux
  template:
    metadata:
      labels:
        app: qux
""",
    ),
    Found(
        "a file of replacements is YAML 1.1",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
replacements: [{path: p.yaml}]
--> top/r.yaml
kind: X
metadata: {name: "true"}
---
kind: Widget
metadata: {name: b}
--> top/p.yaml
source: {name: yes}
targets:
- select: {name: b}
  fieldPaths: [spec.x]
  options: {create: on}
""",
        None,
    ),
    Found(
        "an empty value in YAML that stands in a text",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
replacements:
- sourceValue: new
  targets:
  - select: {name: m}
    fieldPaths: ["data.f.spec.image", "data.g.1"]
--> top/r.yaml
kind: ConfigMap
metadata: {name: m}
data:
  f: |-
    metadata:
    spec:
      list:
      -
      - a
      text: |
        a:
        b
      image: old
  g: |
    -
    - x
""",
        """\
data:
  f: |-
    metadata:
    spec:
      list:
      -
      - a
      text: |
        a:
        b
      image: new
  g: |-
    -
    - new
kind: ConfigMap
metadata:
  name: m
""",
    ),
    Found(
        "the parts of an id are texts in a file of replacements too",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
replacements: [{path: p.yaml}]
--> top/r.yaml
kind: X
metadata: {name: "1"}
---
kind: Widget
metadata: {name: b}
--> top/p.yaml
source: {name: 1}
targets:
- select: {name: b}
  fieldPaths: [spec.x]
  options: {create: true}
""",
        None,
    ),
    Found(
        "an alias of a removed target",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
patches:
- patch: |-
    $patch: delete
    kind: X
    metadata: {name: a}
--> top/r.yaml
kind: X
metadata: &m {name: a}
---
kind: Y
metadata: {name: a}
""",
        """\
kind: "Y"
metadata:
  name: a
""",
    ),
    Found(
        "a reference that cannot be followed",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: Deployment
apiVersion: apps/v1
metadata: {name: a}
spec: {template: {spec: text}}
""",
        None,
    ),
    Found(
        "a reference to a mapping without name",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: Pod
apiVersion: v1
metadata: {name: a}
spec: {serviceAccountName: {a: b}}
""",
        None,
    ),
    Found(
        "a control character",
        """\
--> top/kustomization.yaml
resources: [r.yaml]
--> top/r.yaml
kind: X
metadata: {name: a, labels: {x: "\\x7f"}}
""",
        None,
    ),
)


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.name)
def test_found(found: Found, tmp_path: Path) -> None:
    write(tmp_path, parse(found.files))
    assert ours(tmp_path / "top").text == found.expected


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.name)
def test_kustomize_still_prints_that(found: Found, tmp_path: Path, kustomize: str) -> None:
    write(tmp_path, parse(found.files))
    assert theirs(kustomize, tmp_path / "top").text == found.expected
