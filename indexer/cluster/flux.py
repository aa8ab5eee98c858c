"""Flux's own objects, as their controllers leave them (flux-semantics.md §5, §6.6, §3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from indexer.cluster.inventory import decode
from indexer.cluster.model import Condition, LiveObject, LiveSource, LiveUnit, Release, SourceId
from indexer.flux.clones import RefKind
from indexer.flux.identity import ObjectId, UnitId
from indexer.flux.resources import HELM, KUSTOMIZE, OPERATOR, SOURCE, SOURCE_KINDS
from indexer.git.remotes import without_credentials

UNITS: Final = (
    (KUSTOMIZE, "Kustomization"),
    (HELM, "HelmRelease"),
    (OPERATOR, "ResourceSet"),
    (OPERATOR, "FluxInstance"),
)
SOURCES: Final = tuple((SOURCE, kind) for kind in sorted(SOURCE_KINDS))
ORIGIN_URL: Final = "org.opencontainers.image.source"
ORIGIN_REVISION: Final = "org.opencontainers.image.revision"

_REFS: Final = {
    "GitRepository": (*(kind for kind in RefKind if kind is not RefKind.ANY),),
    "OCIRepository": ("digest", "semver", "tag"),
}
"""The fields of ``spec.ref``, the one that wins first."""
_DEFAULT_REFS: Final = {"GitRepository": "branch master", "OCIRepository": "tag latest"}
_DEPLOYED: Final = frozenset({"deployed", "superseded"})


def unit(one: LiveObject) -> LiveUnit:
    """A Kustomization, HelmRelease, ResourceSet or FluxInstance."""
    body, id_ = one.body, one.metadata.id
    spec, status = _map(body, "spec"), _map(body, "status")
    namespace = id_.namespace or ""
    history = _history(status)
    applied = _text(status, "lastAppliedRevision") or next(
        (entry.revision for entry in history if entry.name and entry.status in _DEPLOYED), None
    )
    return LiveUnit(
        id=UnitId(id_.kind, namespace, id_.name),
        metadata=one.metadata,
        source=_reads(spec, namespace),
        path=_text(spec, "path") or _text(_map(spec, "sync"), "path"),
        target_namespace=_text(spec, "targetNamespace"),
        suspended=spec.get("suspend") is True,
        prune=spec.get("prune") is True if id_.kind == "Kustomization" else None,
        conditions=_conditions(status),
        observed_generation=_number(status, "observedGeneration"),
        applied=applied,
        attempted=_text(status, "lastAttemptedRevision"),
        applied_origin=_text(status, "lastAppliedOriginRevision"),
        inventory=_inventory(status),
        history=history,
        chart=_chart(status),
        storage_namespace=_text(status, "storageNamespace")
        or (_text(spec, "storageNamespace") or namespace if id_.kind == "HelmRelease" else None),
        remote=_remote(spec),
        depends_on=_depends_on(spec, id_.kind, namespace),
    )


def source(one: LiveObject) -> LiveSource:
    """A GitRepository, OCIRepository, HelmRepository, HelmChart, Bucket or ExternalArtifact."""
    body, id_ = one.body, one.metadata.id
    spec, status = _map(body, "spec"), _map(body, "status")
    artifact, namespace = _map(status, "artifact"), id_.namespace or ""
    origin = _map(artifact, "metadata")
    url = _text(spec, "url") or _text(spec, "endpoint")
    made_of = _map(spec, "sourceRef")
    return LiveSource(
        id=SourceId(id_.kind, namespace, id_.name),
        metadata=one.metadata,
        url=without_credentials(url) if url else None,
        ref=_ref(id_.kind, spec),
        suspended=spec.get("suspend") is True,
        conditions=_conditions(status),
        revision=_text(artifact, "revision"),
        digest=_text(artifact, "digest"),
        origin_url=_text(origin, ORIGIN_URL),
        origin_revision=_text(origin, ORIGIN_REVISION),
        source=_source_id(made_of, namespace) if made_of else None,
        chart=_text(spec, "chart"),
        version=_text(spec, "version") if id_.kind == "HelmChart" else None,
    )


def _reads(spec: Mapping[str, Any], namespace: str) -> SourceId | None:
    """What a unit reads: ``chartRef`` counts where there is no ``chart`` (both are never set)."""
    chart = _map(_map(_map(spec, "chart"), "spec"), "sourceRef")
    reference = chart or _map(spec, "chartRef") or _map(spec, "sourceRef")
    return _source_id(reference, namespace) if reference else None


def _source_id(reference: Mapping[str, Any], namespace: str) -> SourceId:
    place = _text(reference, "namespace") or namespace
    return SourceId(_text(reference, "kind") or "", place, _text(reference, "name") or "")


def _ref(kind: str, spec: Mapping[str, Any]) -> str | None:
    if kind == "Bucket":
        return f"bucket {spec['bucketName']}" if _text(spec, "bucketName") else None
    ref = _map(spec, "ref")
    found = next(((key, value) for key in _REFS.get(kind, ()) if (value := _text(ref, key))), None)
    return f"{found[0]} {found[1]}" if found else _DEFAULT_REFS.get(kind)


def _conditions(status: Mapping[str, Any]) -> tuple[Condition, ...]:
    return tuple(
        Condition(*(str(one.get(key) or "") for key in ("type", "status", "reason", "message", "lastTransitionTime")))
        for one in _items(status, "conditions")
    )


def _inventory(status: Mapping[str, Any]) -> tuple[ObjectId, ...] | None:
    if not isinstance(status.get("inventory"), dict):
        return None
    return tuple(decode(str(one.get("id")), str(one.get("v"))) for one in _items(status["inventory"], "entries"))


def _history(status: Mapping[str, Any]) -> tuple[Release, ...]:
    found = [_release(one) if one.get("name") else _snapshot(one) for one in _items(status, "history")]
    return tuple(sorted(found, key=lambda one: (one.number, one.last), reverse=True))


def _release(one: Mapping[str, Any]) -> Release:
    """A revision of a Helm release."""
    return Release(
        revision=_text(one, "chartVersion") or "",
        status=_text(one, "status") or "",
        digest=_text(one, "digest") or "",
        last=_text(one, "lastDeployed") or "",
        name=_text(one, "name") or "",
        namespace=_text(one, "namespace") or "",
        number=_number(one, "version"),
        chart=_text(one, "chartName") or "",
    )


def _snapshot(one: Mapping[str, Any]) -> Release:
    """A run of reconciliations of a Kustomization with one result."""
    return Release(
        revision=_text(_map(one, "metadata"), "revision") or "",
        status=_text(one, "lastReconciledStatus") or "",
        digest=_text(one, "digest") or "",
        last=_text(one, "lastReconciled") or "",
    )


def _chart(status: Mapping[str, Any]) -> SourceId | None:
    namespace, slash, name = (_text(status, "helmChart") or "").partition("/")
    return SourceId("HelmChart", namespace, name) if slash else None


def _remote(spec: Mapping[str, Any]) -> str | None:
    config = _map(spec, "kubeConfig")
    for key, word in (("secretRef", "secret"), ("configMapRef", "configmap")):
        if name := _text(_map(config, key), "name"):
            return f"{word} {name}"
    return None


def _depends_on(spec: Mapping[str, Any], kind: str, namespace: str) -> tuple[UnitId, ...]:
    return tuple(
        UnitId(_text(one, "kind") or kind, _text(one, "namespace") or namespace, _text(one, "name") or "")
        for one in _items(spec, "dependsOn")
    )


def _map(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _items(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = value.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: Mapping[str, Any], key: str) -> str | None:
    found = value.get(key)
    return str(found) if isinstance(found, str | int) and found != "" else None


def _number(value: Mapping[str, Any], key: str) -> int:
    found = value.get(key)
    return found if isinstance(found, int) else 0
