"""What a server says that applying Git would change: a server-side apply that is not carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from indexer.cluster.managed import Written
from indexer.cluster.model import Discovery, LiveObject, Resource, Trouble, Unreadable
from indexer.flux.identity import UnitId
from indexer.flux.model import RenderedObject
from indexer.flux.resources import KUSTOMIZE
from indexer.manifest.errors import ManifestError
from indexer.manifest.scalars import to_data
from indexer.query.livefields import Absent, FieldDifference, differences
from indexer.query.redaction import Redaction
from indexer.query.rendered import compared

MANAGERS: Final = {"Kustomization": "kustomize-controller", "HelmRelease": "helm-controller"}
"""The field managers of Flux's controllers, by the kind of their units; flux-operator's are its own."""

_SERVERS_OWN: Final = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


class Previews(Protocol):
    """A cluster that can say what an apply would do."""

    @property
    def discovery(self) -> Discovery: ...

    def preview(
        self, resource: Resource, namespace: str | None, name: str, body: Mapping[str, Any], manager: str
    ) -> LiveObject | Unreadable:
        """What a server-side apply of ``body`` would make of an object."""


class DryRun:
    """Compares objects by asking the server to apply them, and to change nothing."""

    def __init__(self, server: Previews) -> None:
        self._server = server

    def __call__(
        self, one: RenderedObject, unit: UnitId, live: LiveObject, redaction: Redaction
    ) -> list[FieldDifference] | Unreadable:
        """The fields that applying the rendered object would change, and those that it would take away."""
        resource = self._server.discovery.find(one.id.group, one.id.kind)
        if one.tree is None or resource is None:
            return []
        try:
            body = to_data(one.tree)
        except ManifestError as error:
            return Unreadable(f"{unit}: {one.id.kind} {one.id.name}", Trouble.BROKEN, str(error))
        metadata = body.setdefault("metadata", {})
        metadata["labels"] = {**(metadata.get("labels") or {}), **owner_labels(unit)}
        wanted = replace(resource, version=one.id.version)
        made = self._server.preview(
            wanted, live.metadata.id.namespace, one.id.name, body, MANAGERS.get(unit.kind, "fluxidx")
        )
        if isinstance(made, Unreadable):
            return made
        settled = {found.path: found.live for found in compared(one, made, redaction)}
        # What the server makes of a value is no difference where the live object has the same already.
        changed = [
            found for found in compared(one, live, redaction) if settled.get(found.path, found.rendered) != found.live
        ]
        return changed + _taken_away(made, live)


def owner_labels(unit: UnitId) -> dict[str, str]:
    """The labels that kustomize-controller puts on what a Kustomization applies (flux-semantics.md §4.9)."""
    if unit.kind != "Kustomization":
        return {}
    return {f"{KUSTOMIZE}/name": unit.name, f"{KUSTOMIZE}/namespace": unit.namespace}


def _taken_away(made: LiveObject, live: LiveObject) -> list[FieldDifference]:
    """Fields that are there and would not be: Git does not set them any more, and the controller owns them."""
    kept = {key: value for key, value in live.body.items() if key not in ("metadata", "status")}
    metadata = live.body.get("metadata") or {}
    kept["metadata"] = {key: value for key, value in metadata.items() if key not in _SERVERS_OWN}
    writers = Written.of(live)
    return [
        FieldDifference(found.path, Absent(), found.rendered, writers.by(found.path))
        for found in differences(kept, made)
        if isinstance(found.live, Absent)
    ]
