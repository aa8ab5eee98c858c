"""All Kustomizations of a checkout, built by the real ``flux build kustomization``: the truth about a change."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from indexer.flux.model import Cluster, Unit, UnitId
from indexer.flux.normalise import normalised
from indexer.flux.scope import is_cluster_scoped
from indexer.manifest.compose import parse_stream
from indexer.manifest.emit import emit
from indexer.manifest.node import Mapping
from indexer.manifest.scalars import to_data

Key = tuple[str, str, str, str]
"""Group, kind, namespace and name of an object."""
Objects = dict[Key, str]
"""Identity → the object as JSON."""

_GROUP = "kustomize.toolkit.fluxcd.io"
_OFFLINE = {"PATH": os.devnull, "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
"""No git, and no way out: what a build is does not depend on who answers today."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_REPEATED = 0.1
"""The share of builds that are made again although nothing that they are known to read has changed."""


class Truth(NamedTuple):
    """What the real flux builds of a checkout."""

    units: dict[tuple[str, UnitId], Objects | None]
    """The objects of each Kustomization that lies in the checkout; None for one that cannot be built."""
    lacking: dict[tuple[str, UnitId], frozenset[str]]
    """The names of objects with variables that a unit, or one that deploys it, asks for and no unit has."""


class Variables(NamedTuple):
    """The variables of a unit, those from ConfigMaps and Secrets included."""

    values: dict[str, str]
    lacking: frozenset[str]
    """Names of the objects that were not there. Their variables stay as they are written."""


class FluxBuild:
    """Builds units, each state of it once."""

    def __init__(self, flux: str, seed: int) -> None:
        self._flux = flux
        self._random = random.Random(seed)  # noqa: S311 - a test that can be run again
        self._known: dict[object, Objects | None] = {}
        self.builds = 0

    def truth(self, root: Path, clusters: Iterable[Cluster]) -> Truth:
        found: dict[tuple[str, UnitId], Objects | None] = {}
        lacking: dict[tuple[str, UnitId], frozenset[str]] = {}
        names = _names(root)
        for cluster in clusters:
            units = {unit.id: unit for unit in cluster.units if unit.id.kind == "Kustomization" and not unit.target}
            waiting = sorted(units.values(), key=lambda unit: _depth(unit, units))
            for last in (False, True):
                left = []
                for unit in waiting:
                    key = cluster.name, unit.id
                    spec, deployed_by = self._spec(root, unit, found)
                    variables = _variables(spec or {}, unit, found, names)
                    if (spec is None or variables.lacking) and not last:
                        left.append(unit)
                    elif spec is None or unit.directory is None:
                        found[key] = None
                    else:
                        given = {"postBuild": {"substitute": variables.values}} if variables.values else {}
                        found[key] = self._built(root, unit, {**spec, **given})
                        lacking[key] = variables.lacking | lacking.get(deployed_by or key, frozenset())
                waiting = left
        return Truth(found, lacking)

    @staticmethod
    def _spec(
        root: Path, unit: Unit, found: dict[tuple[str, UnitId], Objects | None]
    ) -> tuple[dict[str, Any] | None, tuple[str, UnitId] | None]:
        """The unit's spec as the real build of its parent has it, with the parent; as its file has it without one."""
        key = (_GROUP, "Kustomization", unit.id.namespace, unit.id.name)
        for parent, objects in found.items():
            if parent[0] == unit.cluster and objects and key in objects:
                return json.loads(objects[key])["spec"], parent
        if unit.parent is not None and unit.parent != unit.id:
            return None, None
        path = root / unit.definition.source.file if unit.definition is not None else None
        for document in yaml.load_all(path.read_text(), _Loader) if path is not None and path.is_file() else ():
            if document and document.get("kind") == "Kustomization" and document["metadata"]["name"] == unit.id.name:
                return document["spec"], None
        return {"path": unit.path}, None

    def _built(self, root: Path, unit: Unit, spec: dict[str, Any]) -> Objects | None:
        # Only the inputs that the program itself recorded tell whether a build may be taken over, hence the sample.
        key = (unit.cluster, unit.id, json.dumps(spec, sort_keys=True), *sorted(unit.inputs.read.items()),
               *sorted(unit.inputs.listed.items()), *sorted(unit.inputs.absent))  # fmt: skip
        if key not in self._known or self._random.random() < _REPEATED:
            self._known[key] = self._run(root / (unit.directory or ""), unit.id, spec)
        return self._known[key]

    def _run(self, directory: Path, unit: UnitId, spec: dict[str, Any]) -> Objects | None:
        self.builds += 1
        document = {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "Kustomization",
            "metadata": {"name": unit.name, "namespace": unit.namespace},
            "spec": {key: value for key, value in spec.items() if key not in ("decryption", "kubeConfig")},
        }
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.dump(document, file)
            file.flush()
            done = subprocess.run(
                [self._flux, "build", "kustomization", unit.name, "--namespace", unit.namespace, "--path", directory,
                 "--kustomization-file", file.name, "--dry-run"],
                capture_output=True, check=False, env={**_OFFLINE, "HOME": tempfile.gettempdir()},
            )  # fmt: skip
        if done.returncode:
            return None
        return {_identity(one): _text(one) for one in yaml.load_all(done.stdout, _Loader) if one}


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """Leaves timestamps and equals signs texts, which JSON can hold."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, expression)
        for tag, expression in rules
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
    ]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _depth(unit: Unit, units: dict[UnitId, Unit]) -> int:
    depth, seen = 0, {unit.id}
    while unit.parent in units and unit.parent not in seen:
        unit = units[unit.parent]
        seen.add(unit.id)
        depth += 1
    return depth


def _variables(
    spec: dict[str, Any], unit: Unit, found: dict[tuple[str, UnitId], Objects | None], names: Iterable[str]
) -> Variables:
    """What a unit's spec, and what was built before it, give for the variables ``names`` that the repository uses."""
    post = spec.get("postBuild") or {}
    values: dict[str, str] = {}
    lacking = set()
    for reference in post.get("substituteFrom") or ():
        key = ("", reference["kind"], unit.id.namespace, reference["name"])
        text = next(
            (one[key] for (cluster, _), one in found.items() if cluster == unit.cluster and one and key in one), None
        )
        if text is None:
            lacking.add(reference["name"])
            if not reference.get("optional"):
                values |= {name: f"${{{name}}}" for name in names}
            continue
        data = json.loads(text)
        values |= {
            name: str(value) for part in ("data", "stringData") for name, value in (data.get(part) or {}).items()
        }
    values |= {name: str(value) for name, value in (post.get("substitute") or {}).items()}
    return Variables(values, frozenset(lacking))


def _names(root: Path) -> list[str]:
    """The variables that any manifest uses."""
    files = (path for path in root.rglob("*.y*ml") if path.is_file())
    return sorted({name for path in files for name in _VARIABLE.findall(path.read_text(errors="replace"))})


def _identity(one: dict[str, Any]) -> Key:
    group, kind = one["apiVersion"].rpartition("/")[0], one["kind"]
    # kustomize gives a namespace to what it does not know; in the cluster it has none.
    namespace = "" if is_cluster_scoped(group, kind, {}) else one["metadata"].get("namespace") or ""
    return group, kind, namespace, str(one["metadata"]["name"])


def _text(one: dict[str, Any]) -> str:
    """The object as JSON, as the controller sends it, but for the labels that it adds.

    ``flux build`` leaves out what the controller's types fill in: a port's ``protocol: TCP`` that goes changes nothing.
    """
    if not _identity(one)[2]:
        one["metadata"].pop("namespace", None)
    labels = one["metadata"].get("labels") or {}
    for name in ("name", "namespace"):
        labels.pop(f"{_GROUP}/{name}", None)
    if not labels:
        one["metadata"].pop("labels", None)
    (document,) = parse_stream(emit(one).encode(), "flux build")
    assert isinstance(document.node, Mapping)
    return json.dumps(to_data(normalised(document.node, cluster_scoped=False)), sort_keys=True)
