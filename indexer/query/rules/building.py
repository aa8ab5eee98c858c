"""Units that cannot be built, fields that kustomize drops, API versions that Kubernetes drops."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from indexer.deferred import regex
from indexer.flux.model import Cluster, Unit, UnitState
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.kustomization import FILE_NAMES
from indexer.manifest.compose import parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Sequence, Source, Span
from indexer.query.findings import Finding, Severity
from indexer.query.rules.catalogue import RULES
from indexer.query.rules.view import View, is_unknown

_PLACE: Final = regex(r"(.+?):(\d+):(\d+): (.*)", re.DOTALL)


def failed_units(tree: Tree, clusters: Iterable[Cluster]) -> Iterator[Finding]:
    """Units that fail, each with the line at fault; and those of which nothing is known, charts aside."""
    for cluster in clusters:
        for unit in cluster.units:
            if unit.state is UnitState.FAILED and "dependsOn" not in (unit.reason or ""):
                yield _of(unit, tree, "failed-unit")
            elif unit.state is UnitState.UNRESOLVED and is_unknown(unit) and unit.id.kind != "HelmRelease":
                yield _of(unit, tree, "unresolved-unit")


def _of(unit: Unit, tree: Tree, name: str) -> Finding:
    rule = RULES[name]
    span, what = place_of(unit.reason or "its state is not known", tree)
    verb = "cannot be built" if unit.state is UnitState.FAILED else "is not rendered here"
    message = f"{unit.id.kind} {unit.id.namespace}/{unit.id.name} {verb}: {what}"
    related = (unit.definition,) if unit.definition is not None and span is not None else ()
    return Finding(rule.name, rule.severity, message, None, span or unit.definition, related, unit.cluster, unit.id)


def place_of(reason: str, tree: Tree) -> tuple[Span | None, str]:
    """The line that a reason begins with, where it is one of this repository, and the rest of the reason."""
    found = _PLACE.fullmatch(reason)
    if found is None or tree.kind(found[1]) is not EntryKind.FILE:
        return None, reason
    line, column = max(int(found[2]), 1), max(int(found[3]), 1)
    return Span(Source(None, found[1]), line, column, line, column), found[4]


# Kustomization files

_DEPRECATED: Final = {
    "bases": "resources",
    "patchesStrategicMerge": "patches",
    "patchesJson6902": "patches",
    "imageTags": "images",
    "commonLabels": "labels",
    "vars": "replacements",
}
"""Field of a kustomization → what takes its place."""
_MARKS: Final = regex(rb"^(bases|patches(StrategicMerge|Json6902)|imageTags|commonLabels|vars|.*\benv)\b", re.MULTILINE)


def deprecated_fields(tree: Tree, clusters: Iterable[Cluster]) -> Iterator[Finding]:
    """Deprecated fields of the kustomization files that units read."""
    rule = RULES["deprecated-field"]
    read = {path for cluster in clusters for unit in cluster.units for path in unit.inputs.read}
    for path in sorted(path for path in read if path.rpartition("/")[2] in FILE_NAMES):
        for field, instead, span in _deprecated(tree, path):
            message = f"{field} is deprecated: use {instead} (`kustomize edit fix` rewrites most of it)"
            yield Finding(rule.name, rule.severity, message, None, span)


def _deprecated(tree: Tree, path: str) -> Iterator[tuple[str, str, Span | None]]:
    try:
        text = tree.read(path)
        documents = parse(text, path) if _MARKS.search(text) else []
    except (TreeError, ManifestError):
        return
    for root in (document.node for document in documents):
        if not isinstance(root, Mapping):
            continue
        for name, (key, _) in root.fields.items():
            if name in _DEPRECATED:
                yield name, _DEPRECATED[name], key.span
        for name in ("configMapGenerator", "secretGenerator"):
            generators = root.get(name)
            for generator in generators.items if isinstance(generators, Sequence) else ():
                if isinstance(generator, Mapping) and "env" in generator.fields:
                    yield f"{name}.env", "envs", generator.fields["env"][0].span


# API versions


@dataclass(frozen=True, slots=True)
class RemovedApi:
    """A version of an API that Kubernetes stopped to serve."""

    removed: tuple[int, int]
    instead: str | None


@cache
def _removed_apis() -> dict[tuple[str, str, str], RemovedApi]:
    """(group, version, kind) → since when it is gone, by the deprecation guide of Kubernetes."""
    data = json.loads((files(__package__) / "removed_apis.json").read_text(encoding="utf-8"))
    found: dict[tuple[str, str, str], RemovedApi] = {}
    for release, rows in data["removed"].items():
        for row in rows:
            group, _, version = row["apiVersion"].rpartition("/")
            for kind in row["kinds"]:
                found[group, version, kind] = RemovedApi(release_of(release), row["instead"])
    return found


def release_of(text: str) -> tuple[int, int]:
    """``1.31`` or ``v1.31.2`` as numbers. Raises ValueError."""
    major, minor = text.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


def removed_apis(view: View, kubernetes: str | None) -> Iterator[Finding]:
    """Objects of API versions that are gone in the stated release of Kubernetes, or that go later."""
    stated = release_of(kubernetes) if kubernetes is not None else None
    for unit, facts in view.units:
        for obj in facts.objects:
            api = _removed_apis().get((obj.id.group, obj.id.version, obj.id.kind))
            if api is None:
                continue
            severity = Severity.ERROR if stated is not None and stated >= api.removed else Severity.WARNING
            verb = "is" if stated is None or stated >= api.removed else "will be"
            instead = f"use {api.instead}" if api.instead else "nothing takes its place"
            name = f"{obj.id.group}/{obj.id.version} {obj.id.kind}"
            message = f"{name} {verb} gone since Kubernetes {'.'.join(map(str, api.removed))}: {instead}"
            message = message.replace("will be gone since", "goes in")
            related = (obj.definition,) if obj.definition is not None else ()
            span = obj.api_version or obj.definition
            yield Finding("removed-api", severity, message, obj.id, span, related, view.name, unit.id)


def mismatched_selectors(view: View) -> Iterator[Finding]:
    """Workloads whose selector leaves out their own pods, which the API server refuses."""
    for unit, facts in view.units:
        for obj in facts.objects:
            if obj.mismatch is not None:
                span, label = obj.mismatch
                message = (
                    f"The selector of {obj.id.kind} {obj.id.namespace or ''}/{obj.id.name} asks for {label}, which the "
                    "labels of its pods do not say: the API server refuses it"
                )
                related = (obj.definition,) if obj.definition is not None else ()
                yield Finding(
                    "selector-mismatch", Severity.ERROR, message, obj.id, span or obj.definition, related,
                    view.name, unit.id,
                )  # fmt: skip
