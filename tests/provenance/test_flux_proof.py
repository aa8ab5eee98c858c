"""Every claim about a field of a Flux unit is tried: the text at its span is edited, and the unit is rendered anew.

What Flux itself adds to a build (patches, images, names, metadata, components, variables) has to point at the line of
the Kustomization or of its parent.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from edits import edited

from indexer.flux.config import Config
from indexer.flux.model import RenderedObject, Substitution
from indexer.flux.render import render_repository
from indexer.git.directory import DirectoryTree
from indexer.manifest.node import NOWHERE, Mapping, Node, Scalar, Span, leaves, pack, pointer

FILES = {
    "clusters/one/flux-system/gotk-sync.yaml": """\
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: GitRepository
        metadata: {name: flux-system, namespace: flux-system}
        spec: {url: https://git.example.org/team/fleet.git, ref: {branch: main}}
        ---
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata: {name: flux-system, namespace: flux-system}
        spec:
          path: ./clusters/one
          sourceRef: {kind: GitRepository, name: flux-system}
          postBuild:
            substitute: {APPS: ./apps, STAGE: prod}
        """,
    "clusters/one/kustomization.yaml": """\
        resources:
        - flux-system/gotk-sync.yaml
        - apps.yaml
        - vars.yaml
        patches:
        - target: {kind: Kustomization, name: apps}
          patch: |
            - op: add
              path: /spec/postBuild/substitute/TIER
              value: gold
            - op: add
              path: /spec/patches/-
              value:
                target: {kind: ConfigMap}
                patch: |
                  - op: add
                    path: /data/inner
                    value: deep
        """,
    "clusters/one/vars.yaml": """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: vars, namespace: flux-system}
        data:
          DOMAIN: example.org
          STAGE: ${STAGE}
        """,
    "clusters/one/apps.yaml": """\
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata: {name: apps, namespace: flux-system}
        spec:
          path: ${APPS}
          sourceRef: {kind: GitRepository, name: flux-system}
          targetNamespace: shop
          namePrefix: pre-
          nameSuffix: -suf
          commonMetadata:
            labels: {team: blue}
            annotations: {note: hello}
          images:
          - {name: nginx, newName: registry.example.org/nginx, newTag: v2}
          components: [../components/extra]
          patches:
          - patch: |
              apiVersion: apps/v1
              kind: Deployment
              metadata: {name: web}
              spec: {revisionHistoryLimit: 7}
          - target: {kind: Deployment}
            patch: |
              - op: replace
                path: /spec/minReadySeconds
                value: 11
          postBuild:
            substitute: {REPLICAS: "3"}
            substituteFrom: [{kind: ConfigMap, name: vars}]
        """,
    "apps/web.yaml": """\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: ${REPLICAS}
          minReadySeconds: 1
          template:
            spec:
              containers:
              - name: web
                image: nginx:v1
                args: ["--domain=${DOMAIN}", "--tier=${TIER:=none}", "--stage=${STAGE}", "--size=${SIZE:-small}"]
        """,
    "apps/cm.yaml": """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {plain: x, host: "www.${DOMAIN}"}
        """,
    "components/extra/kustomization.yaml": """\
        apiVersion: kustomize.config.k8s.io/v1alpha1
        kind: Component
        resources: [extra.yaml]
        """,
    "components/extra/extra.yaml": """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: extra}
        data: {from: component}
        """,
}
TYPES = ("/apiVersion", "/kind")
"""What is of another type is no object of this unit any more, or makes it fail: that proves nothing."""
IDENTITY = ("/apiVersion", "/kind", "/metadata/name", "/metadata/namespace")


@dataclass(frozen=True)
class Claim:
    """A leaf of an object, and a text that it claims to come from."""

    unit: str
    object: int
    path: str
    file: str
    pos: int
    by: str

    def __str__(self) -> str:
        return f"{self.unit} #{self.object} {self.path} by {self.by} at {self.file}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return tmp_path


def units(root: Path) -> dict[str, tuple[RenderedObject, ...]]:
    (cluster,) = render_repository(None, DirectoryTree(root), Config())
    return {unit.id.name: unit.objects for unit in cluster.units}


def values(objects: tuple[RenderedObject, ...]) -> list[dict[str, object]]:
    return [
        {pointer(path): node.text if isinstance(node, Scalar) else "" for path, node in leaves(tree(one))}
        for one in objects
    ]


def tree(one: RenderedObject) -> Mapping:
    assert one.tree is not None
    return one.tree


def packed(span: Span) -> int:
    return pack(span.line - 1, span.column - 1, span.end_line - 1, span.end_column)


def claims(unit: str, objects: tuple[RenderedObject, ...]) -> Iterator[Claim]:
    for index, one in enumerate(objects):
        if one.definition is not None and one.definition.source.file.endswith("gotk-sync.yaml"):
            # Another source or entry point would render nothing at all.
            continue
        for path, node in leaves(tree(one)):
            where = pointer(path)
            yield from (Claim(unit, index, where, *place) for place in places(node))
            yield from (
                Claim(unit, index, where, *place) for filled in one.substitutions for place in supplied(filled, where)
            )


def places(node: Node) -> Iterator[tuple[str, int, str]]:
    if node.source is not NOWHERE:
        yield node.source.file, node.pos, node.op.name if node.op is not None else "resource"


def supplied(filled: Substitution, where: str) -> Iterator[tuple[str, int, str]]:
    if where in filled.fields and filled.span is not None:
        yield filled.span.source.file, packed(filled.span), f"${{{filled.variable}}} {filled.supplied_by}"


def holds(root: Path, claim: Claim, before: list[dict[str, object]]) -> bool:
    """Whether another text at the claimed place changes the field, or what the object is called."""
    file = root / claim.file
    text = file.read_text()
    try:
        for new in edited(text, claim.pos):
            file.write_text(new)
            after = values(units(root).get(claim.unit, ()))
            was = before[claim.object]
            same = [one for one in after if all(one.get(path) == was.get(path) for path in IDENTITY)]
            if after and not same and claim.path in IDENTITY:
                return True
            if same and same[0].get(claim.path) != was[claim.path]:
                return True
    finally:
        file.write_text(text)
    return False


def test_what_flux_adds_comes_from_the_line_that_says_so(root: Path) -> None:
    made = units(root)
    told = {
        (one.id.kind, one.id.name, where): f"{node.source.file}:{node.span.line}"
        for one in made["apps"]
        for path, node in leaves(tree(one))
        if (where := pointer(path)) and node.span is not None
    }
    assert {key: told[key] for key in EXPECTED} == EXPECTED
    assert len(made["apps"]) == 3


WEB = ("Deployment", "pre-web-suf")
SETTINGS = ("ConfigMap", "pre-settings-suf")
EXPECTED = {
    (*WEB, "/metadata/labels/team"): "clusters/one/apps.yaml:11",
    (*WEB, "/metadata/annotations/note"): "clusters/one/apps.yaml:12",
    (*WEB, "/metadata/namespace"): "clusters/one/apps.yaml:7",
    (*WEB, "/spec/template/spec/containers/0/image"): "clusters/one/apps.yaml:14",
    (*WEB, "/spec/revisionHistoryLimit"): "clusters/one/apps.yaml:21",
    (*WEB, "/spec/minReadySeconds"): "clusters/one/apps.yaml:26",
    (*SETTINGS, "/data/inner"): "clusters/one/kustomization.yaml:18",
    ("ConfigMap", "pre-extra-suf", "/data/from"): "components/extra/extra.yaml:4",
}


@pytest.mark.parametrize("unit", ["apps", "flux-system"])
def test_every_claim_holds(root: Path, unit: str) -> None:
    made = units(root)
    before = values(made[unit])
    found = list(claims(unit, made[unit]))
    assert len(found) > 30
    wrong = [str(claim) for claim in found if claim.path not in TYPES and not holds(root, claim, before)]
    assert wrong == []


def test_a_false_claim_is_found_out(root: Path) -> None:
    before = values(units(root)["apps"])
    (index,) = (n for n, one in enumerate(before) if one.get("/data/from") == "component")
    wrong = Claim("apps", index, "/data/from", "apps/cm.yaml", pack(3, 14, 3, 15), "resource")
    assert not holds(root, wrong, before)
