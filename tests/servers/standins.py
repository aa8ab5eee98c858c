"""The part of all those controllers that are not here: definitions of custom kinds, and statuses that say ready."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from servers.apiserver import ApiServer, Object, Refused
from servers.gitserver import GitServer

_CRD: Final = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
_SOURCES: Final = "source.toolkit.fluxcd.io/v1"
_WORKLOADS: Final = "Deployment", "StatefulSet", "DaemonSet"
_WHEN: Final = "2026-01-01T00:00:00Z"
_NAMED = re.compile(
    r"""^[ ]*(?:-[ ])?(?:
        apiVersion:[ ]*["']?(?P<group>[\w.-]+)/(?P<version>v\w+)["']?[ ]*\r?\n[ ]*kind:[ ]*["']?(?P<kind>\w+)
      | kind:[ ]*["']?(?P<kind_>\w+)["']?[ ]*\r?\n[ ]*apiVersion:[ ]*["']?(?P<group_>[\w.-]+)/(?P<version_>v\w+)
    )""",
    re.MULTILINE | re.VERBOSE,
)


@dataclass
class _Kind:
    group: str
    kind: str
    versions: set[str] = field(default_factory=set)
    plural: str = ""
    scope: str = ""
    storage: str = ""


def permissive_crds(repository: Path, api: ApiServer, cluster_scoped: Collection[str]) -> int:
    """Installs a definition that takes any content for each custom kind that files name; says how many.

    What the repository's own definition says on plural, scope and stored version holds, since it may be applied later.
    Of other kinds, those in ``cluster_scoped`` are.
    """
    existing = {(c["spec"]["group"], c["spec"]["names"]["kind"]) for c in api.items(*_CRD)}
    custom = {group for group, _ in existing}
    built_in = {group["name"] for group in api.request("GET", "/apis")["groups"]} - custom
    made = []
    for kind in _kinds(repository):
        if kind.group in built_in | {"kustomize.config.k8s.io"} or (kind.group, kind.kind) in existing:
            continue
        if "." in kind.group:
            made.append(api.create(_definition(kind, "Cluster" if kind.kind in cluster_scoped else "Namespaced")))
    api.until_served(made)
    return len(made)


def _kinds(repository: Path) -> list[_Kind]:
    """The kinds that files name anywhere, in the lists of health checks too."""
    kinds: dict[tuple[str, str], _Kind] = {}
    for path in sorted(repository.rglob("*.y*ml")):
        text = path.read_text(errors="replace")
        for found in _NAMED.finditer(text):
            group, version, kind = (found[name] or found[f"{name}_"] for name in ("group", "version", "kind"))
            kinds.setdefault((group, kind), _Kind(group, kind)).versions.add(version)
        for spec in _definitions(text) if "kind: CustomResourceDefinition" in text else ():
            names = spec["names"]
            own = kinds.setdefault((spec["group"], names["kind"]), _Kind(spec["group"], names["kind"]))
            own.plural, own.scope = names["plural"], spec["scope"]
            own.storage = next(version["name"] for version in spec["versions"] if version["storage"])
            own.versions.update(version["name"] for version in spec["versions"])
    return list(kinds.values())


def _definitions(text: str) -> Iterator[Any]:
    try:
        for document in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(document, dict) and document.get("kind") == _CRD[1]:
                yield document["spec"]
    except yaml.YAMLError:
        return


def _definition(kind: _Kind, scope: str) -> Object:
    plural = kind.plural or _plural(kind.kind.lower())
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    storage = kind.storage or max(kind.versions, key=_stability)
    names = {"kind": kind.kind, "plural": plural, "singular": kind.kind.lower(), "listKind": f"{kind.kind}List"}
    approved = {"api-approved.kubernetes.io": "unapproved, a stand-in for tests"}
    return {
        "apiVersion": _CRD[0],
        "kind": _CRD[1],
        "metadata": {"name": f"{plural}.{kind.group}", "annotations": approved},
        "spec": {
            "group": kind.group,
            "scope": kind.scope or scope,
            "names": names,
            "versions": [
                {"name": v, "served": True, "storage": v == storage, "schema": schema, "subresources": {"status": {}}}
                for v in sorted(kind.versions)
            ],
        },
    }


def _plural(word: str) -> str:
    if re.search("[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def _stability(version: str) -> tuple[bool, str, int]:
    """v2 after v1 after v1beta1 after v1alpha1."""
    major, stage, _ = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version).groups("")  # type: ignore[union-attr]
    return not stage, stage, int(major)


class StandIns:
    """Gives objects the statuses that their controllers would, and makes what charts would have made."""

    def __init__(self, api: ApiServer, git: GitServer, running: Collection[str]) -> None:
        """``git``: its repositories are seen to by source-controller; ``running``: the API versions of other ones."""
        self.api = api
        self.git = git
        self.running = {_SOURCES.partition("/")[0], *(version.partition("/")[0] for version in running)}
        self._seen: dict[str, int] = {}
        """uid → the generation that has its status."""

    def play(self) -> bool:
        """Everything that there is to do now; whether there was anything that had not been done before."""
        seen = self._seen.copy()
        kinds = list(self._kinds())
        for version, kind in kinds:
            for obj in self._items(version, kind):
                self._settle(obj)
        self._make_awaited(dict.fromkeys(kinds))
        return self._seen != seen

    def _kinds(self) -> Iterator[tuple[str, str]]:
        yield from (("apps/v1", kind) for kind in _WORKLOADS)
        yield from (("v1", "PersistentVolumeClaim"), ("batch/v1", "Job"))
        yield from ((_SOURCES, kind) for kind in ("GitRepository", "OCIRepository", "HelmRepository", "Bucket"))
        for definition in self.api.items(*_CRD):
            spec = definition["spec"]
            if spec["group"] not in self.running:
                stored = next(version["name"] for version in spec["versions"] if version["storage"])
                yield f"{spec['group']}/{stored}", spec["names"]["kind"]

    def _items(self, version: str, kind: str) -> list[Object]:
        try:
            return self.api.items(version, kind)
        except Refused:  # a definition that is not served yet
            return []

    def _settle(self, obj: Object) -> None:
        metadata, elsewhere = obj["metadata"], obj["apiVersion"] == _SOURCES
        if elsewhere and obj["spec"].get("url", "").startswith(self.git.url):
            return
        if self._seen.get(metadata["uid"]) == metadata.get("generation", 1) and (not elsewhere or _is_ready(obj)):
            return
        try:
            if elsewhere and not obj["spec"].get("suspend"):  # or source-controller would say that it is out of reach
                obj = self.api.patch(obj, {"spec": {"suspend": True}})
            self.api.patch(obj, {"status": _status(obj)}, "status")
        except Refused as refused:
            if refused.status != 404:  # 404: it is gone, or its kind has no status
                return
        self._seen[metadata["uid"]] = obj["metadata"].get("generation", 1)

    def _make_awaited(self, kinds: Collection[tuple[str, str]]) -> None:
        """Makes the objects that units which are not ready yet check the health of, and that no unit applies."""
        for unit in self.api.items("kustomize.toolkit.fluxcd.io/v1", "Kustomization"):
            status = unit.get("status", {})
            applied = {entry["id"] for entry in (status.get("inventory") or {}).get("entries") or ()}
            if not applied or any(c["type"] == "Ready" and c["status"] == "True" for c in status["conditions"]):
                continue
            for check in unit["spec"].get("healthChecks") or ():
                version, kind, name = check["apiVersion"], check["kind"], check["name"]
                namespace = check.get("namespace") or unit["metadata"]["namespace"]
                of = f"{name}_{version.rpartition('/')[0]}_{kind}"
                if (version, kind) in kinds and not applied & {f"{namespace}_{of}", f"_{of}"}:
                    self._make(version, kind, namespace, name)

    def _make(self, version: str, kind: str, namespace: str, name: str) -> None:
        made: Object = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        if kind in _WORKLOADS:
            labels = {"made-for": name}
            pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
            made["spec"] = {"selector": {"matchLabels": labels}, "template": pod}
            made["spec"] |= {"serviceName": "x"} if kind == "StatefulSet" else {}
        try:
            self.api.create(made)
        except Refused:  # it is there already, or its namespace is not
            return


def _is_ready(obj: Object) -> bool:
    """Whether no controller has had the last word."""
    status = obj.get("status", {})
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))
    return ready and status.get("observedGeneration") == obj["metadata"]["generation"]


def _status(obj: Object) -> Object:
    kind, generation = obj["kind"], obj["metadata"].get("generation", 1)
    spec = obj.get("spec") or {}
    if kind in _WORKLOADS:
        return {"observedGeneration": generation} | _workload(kind, spec.get("replicas", 1))
    if kind == "PersistentVolumeClaim":
        return {"phase": "Bound"}
    if kind == "Job":
        return {
            "startTime": _WHEN,
            "completionTime": _WHEN,
            "succeeded": spec.get("completions", 1),
            "uncountedTerminatedPods": {},
            "conditions": [{"type": one, "status": "True"} for one in ("SuccessCriteriaMet", "Complete")],
        }
    ready = {"type": "Ready", "status": "True", "reason": "StandIn", "message": "ok", "lastTransitionTime": _WHEN}
    return {
        "observedGeneration": generation,
        "conditions": [ready],
        # What the health check expressions of real repositories ask for, of CloudNativePG, Dragonfly, Rook and VolSync.
        "phase": {"Cluster": "Cluster in healthy state", "Dragonfly": "ready"}.get(kind, "Ready"),
        "ceph": {"health": "HEALTH_OK"},
        "latestMoverStatus": {"result": "Successful"},
    }


def _workload(kind: str, count: int) -> Object:
    if kind == "DaemonSet":
        numbers = "desiredNumberScheduled currentNumberScheduled numberReady numberAvailable updatedNumberScheduled"
        return {**dict.fromkeys(numbers.split(), 1), "numberMisscheduled": 0}
    status: Object = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
    if kind == "StatefulSet":
        return status | {"currentReplicas": count, "currentRevision": "r", "updateRevision": "r"}
    available = {"type": "Available", "status": "True"}
    progressing = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
    return status | {"conditions": [available, progressing]}
