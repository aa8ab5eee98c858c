"""Everything that the real ``flux trace`` says of an object on a cluster, ``where --live`` says too."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from servers import Flux

SOURCE = "source.toolkit.fluxcd.io/v1"
CASES = [
    ("namespace/shop", None),
    ("deployment/api", "shop"),
    ("replicaset/api-5f7", "shop"),
    ("pod/api-5f7-x2x", "shop"),
    ("gear/big", "shop"),
    ("secret/door", "shop"),
    ("configmap/lamp-config", "flux-system"),
    ("configmap/from-chart", "hand"),
    ("configmap/from-oci-chart", "hand"),
    ("configmap/from-oci", "hand"),
    ("configmap/from-artifact", "hand"),
    ("helmrelease/lamp", "flux-system"),
    ("kustomization/apps", "flux-system"),
    ("kustomization/flux-system", "flux-system"),
    ("gitrepository/flux-system", "flux-system"),
]
WHEN = "2026-03-04T05:06:07Z"
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def traced(prod, flux_cli):
    """The cluster with what needs a registry made by hand, and with the real program to ask."""
    flux, fleet = prod
    by_hand(flux)
    return flux, fleet, flux_cli


@pytest.mark.parametrize(("name", "namespace"), CASES)
def test_every_fact_of_flux_trace_is_told(traced, ask, name, namespace):
    flux, fleet, program = traced
    place = ["-n", namespace] if namespace else []
    facts = flux_trace(program, flux, name, *place)
    live = ask(fleet.root, "where", name, *place, "--live", "--kubeconfig", str(flux.kubeconfig)).live
    assert live["exists"]
    assert live["managed"] is True
    assert told(live) == facts


def test_what_nothing_manages_is_said_to_be_so(traced, ask):
    flux, fleet, program = traced
    assert "object not managed by Flux" in str(flux_trace(program, flux, "configmap/by-hand", "-n", "shop"))
    said = ask(fleet.root, "where", "cm/by-hand", "-n", "shop", "--live", "--kubeconfig", str(flux.kubeconfig))
    assert said.live["exists"]
    assert said.live["managed"] is False
    assert said.code == 1


def flux_trace(program: str, flux: Flux, *words: str) -> list[dict[str, str]]:
    """The blocks that ``flux trace`` prints, each line a label and a text."""
    done = subprocess.run(
        [program, "trace", "--kubeconfig", str(flux.kubeconfig), *words],
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )
    blocks = [dict(re.findall(r"^([^:\n]+): *(.*)$", block, re.MULTILINE)) for block in done.stdout.split("---")]
    return [block for block in blocks if block] or [{"error": done.stderr}]


def told(live: dict[str, Any]) -> list[dict[str, str]]:
    """The same blocks, from ``live``."""
    blocks = [_object(live), _unit(live["unit"]), _source(live["chart"]), _source(live["source"])]
    return [{label: text for label, text in block.items() if text is not None} for block in blocks if block]


def _object(live: dict[str, Any]) -> dict[str, Any]:
    object_ = live["object"]
    named = {"Object": f"{object_['kind']}/{object_['name']}", "Namespace": object_["namespace"]}
    return {**named, "Status": "Managed by Flux" if live["managed"] else None}


def _unit(unit: dict[str, Any]) -> dict[str, Any]:
    release = unit["kind"] == "HelmRelease"
    return {
        unit["kind"]: unit["name"],
        "Namespace": unit["namespace"],
        "Target": unit["target_namespace"],
        "Path": None if release else unit["path"] or "",
        "Revision": unit["attempted_revision"] if release else unit["revision"],
        **_status(unit["status"]),
    }


def _source(source: dict[str, Any] | None) -> dict[str, Any] | None:
    if source is None:
        return None
    block = {source["kind"]: source["name"], "Namespace": source["namespace"], "Revision": source["revision"]}
    match source["kind"]:
        case "HelmChart":
            block |= {"Chart": source["chart"], "Version": source["version"]}
        case "ExternalArtifact":
            made_of = source["made_of"]
            block["Source"] = f"{made_of['kind']}/{made_of['namespace']}/{made_of['name']}"
        case _:
            kind, _, ref = (source["ref"] or "").partition(" ")
            label = {"branch": "Branch", "tag": "Tag", "semver": "Tag", "digest": "Digest"}.get(kind)
            block |= {"URL": source["url"], **({label: ref} if label else {})}
    origin = {"Origin Source": source["origin_url"], "Origin Revision": source["origin_revision"]}
    return {**block, **origin, **_status(source["status"])}


def _status(status: dict[str, str] | None) -> dict[str, Any]:
    if status is None:
        return {"Status": "Unknown"}
    when = datetime.fromisoformat(status["since"]).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
    words = "Last reconciliation failed at" if status["ready"] == "False" else "Last reconciled at"
    return {"Status": f"{words} {when}", "Message": status["message"]}


def by_hand(flux: Flux) -> None:
    """Units whose sources would be in a registry: suspended, with the statuses that controllers leave."""
    ready = [{"type": "Ready", "status": "True", "reason": "Ok", "message": "all good", "lastTransitionTime": WHEN}]
    failed = [{**ready[0], "status": "False", "message": "no such tag"}]
    origin = {
        "org.opencontainers.image.source": "https://git.example.org/shop.git",
        "org.opencontainers.image.revision": "main@sha1:" + "cd" * 20,
    }
    artifact = {"digest": DIGEST, "lastUpdateTime": WHEN, "path": "a", "url": "http://127.0.0.1/a"}
    flux.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hand"}})

    def make(version: str, kind: str, name: str, spec: dict[str, Any], status: dict[str, Any]) -> None:
        obj = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "hand"}, "spec": spec}
        flux.apply(obj)
        flux.api.patch(obj, {"status": status}, "status")

    def labelled(name: str, group: str, unit: str) -> None:
        labels = {f"{group}/name": unit, f"{group}/namespace": "hand"}
        metadata = {"name": name, "namespace": "hand", "labels": labels}
        flux.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    paused = {"interval": "1h", "suspend": True}
    held = {"artifact": {**artifact, "revision": DIGEST}, "conditions": ready}
    make(SOURCE, "HelmRepository", "charts", {**paused, "url": "https://charts.example.org"}, held)
    chart = {"chart": "tea", "version": "1.x", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}
    held = {"artifact": {**artifact, "revision": "1.2.3"}, "conditions": ready}
    make(SOURCE, "HelmChart", "hand-tea", {**paused, **chart}, held)
    release = "helm.toolkit.fluxcd.io/v2", "HelmRelease"
    installed = {"lastAttemptedRevision": "1.2.3", "helmChart": "hand/hand-tea", "conditions": ready}
    make(*release, "tea", {**paused, "chart": {"spec": chart}}, installed)
    labelled("from-chart", "helm.toolkit.fluxcd.io", "tea")

    cup = {**paused, "url": "oci://registry.example.org/cup", "ref": {"semver": "2.x"}}
    held = {"artifact": {**artifact, "revision": f"2.0.1@{DIGEST}"}, "conditions": failed}
    make(SOURCE, "OCIRepository", "cup", cup, held)
    spec = {**paused, "targetNamespace": "elsewhere", "chartRef": {"kind": "OCIRepository", "name": "cup"}}
    make(*release, "cup", spec, {"lastAttemptedRevision": "2.0.1+abababababab", "conditions": ready})
    labelled("from-oci-chart", "helm.toolkit.fluxcd.io", "cup")

    unit = "kustomize.toolkit.fluxcd.io/v1", "Kustomization"
    pushed = {**paused, "url": "oci://registry.example.org/shop", "ref": {"tag": "live"}}
    held = {"artifact": {**artifact, "revision": f"live@{DIGEST}", "metadata": origin}, "conditions": ready}
    make(SOURCE, "OCIRepository", "pushed", pushed, held)
    spec = {**paused, "path": "./here", "prune": True, "targetNamespace": "hand"}
    spec["sourceRef"] = {"kind": "OCIRepository", "name": "pushed"}
    make(*unit, "pushed", spec, {"lastAppliedRevision": f"live@{DIGEST}", "conditions": ready})
    labelled("from-oci", "kustomize.toolkit.fluxcd.io", "pushed")

    generator = "source.extensions.fluxcd.io/v1", "ArtifactGenerator"
    producer = dict(zip(("apiVersion", "kind", "name", "namespace"), (*generator, "g", "hand"), strict=True))
    held = {"artifact": {**artifact, "revision": f"latest@{DIGEST}", "metadata": origin}, "conditions": ready}
    make(SOURCE, "ExternalArtifact", "made", {"sourceRef": producer}, held)
    spec = {**paused, "prune": True, "sourceRef": {"kind": "ExternalArtifact", "name": "made"}}
    make(*unit, "made", spec, {"lastAppliedRevision": f"latest@{DIGEST}", "conditions": ready})
    labelled("from-artifact", "kustomize.toolkit.fluxcd.io", "made")
