"""What goes with a live object when it goes: storage, the claims of a StatefulSet, what lives in a Namespace or is of a
kind. Told by status, counts and names; nothing of the data itself is ever asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from indexer.cluster.model import Listed, LiveObject, Metadata, Resource, Unreadable
from indexer.cluster.reader import LiveCluster
from indexer.flux.identity import ObjectId
from indexer.query.natives import native
from indexer.query.orphans import listable

_KEEP: Final = "Retain"


@dataclass(frozen=True, slots=True)
class Storage:
    """A claim on storage, or a volume."""

    phase: str
    """``Bound``, ``Pending``, ``Released`` …; empty where the server does not say."""
    capacity: str
    """``8Gi``; empty while it has none."""
    partner: str
    """The volume that a claim is bound to, the claim (``namespace/name``) of a volume; or empty."""
    reclaim: str | None
    """What becomes of the volume when its claim goes: ``Delete``, ``Retain``; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims that a StatefulSet made for its pods."""

    claims: tuple[ObjectId, ...]
    retained: bool
    """Whether they stay when it goes, as they do unless ``persistentVolumeClaimRetentionPolicy`` says otherwise."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The objects in a Namespace, or of the kind that a CustomResourceDefinition defines."""

    kinds: tuple[tuple[str, int], ...]
    """Kinds with how many there are, most first; without what another object owns or Kubernetes makes by itself."""
    owned: int
    """How many more there are, which others own and which go with them."""
    undefined: tuple[ObjectId, ...]
    """Those that no code defines, neither before the change nor after it: nothing makes them again."""
    complete: bool = True
    """Whether all kinds could be listed."""

    @property
    def total(self) -> int:
        return sum(number for _, number in self.kinds)


Holding = Storage | Claims | Contents
Defined = Callable[[ObjectId], bool]
"""Whether code defines an object of the cluster."""


class Holdings:
    """Asks one cluster; ``unreadable`` gathers what the answers are without."""

    def __init__(self, cluster: LiveCluster, defined: Defined) -> None:
        self._cluster = cluster
        self._defined = defined
        self.unreadable: list[Unreadable] = []

    def of(self, live: LiveObject) -> Holding | None:
        """What ``live`` holds; None for kinds that hold nothing, and where its fields are not known."""
        id_ = live.metadata.id
        match id_.group, id_.kind:
            case "", "Namespace":
                kinds = [one for one in listable(self._cluster.discovery) if one.namespaced]
                return self._contents(self._cluster.listed(one, id_.name) for one in kinds)
            case _ if not live.body:
                return None
            case "", "PersistentVolumeClaim":
                return self._claim(live.body)
            case "", "PersistentVolume":
                return _volume(live.body)
            case "apps", "StatefulSet":
                return self._claims(live)
            case "apiextensions.k8s.io", "CustomResourceDefinition":
                resource = self._resource(live.body)
                return self._contents([self._cluster.listed(resource)]) if resource is not None else None
        return None

    def _claim(self, body: Any) -> Storage:
        name = str(_at(body, "spec", "volumeName") or "")
        return Storage(
            str(_at(body, "status", "phase") or ""),
            str(_at(body, "status", "capacity", "storage") or ""),
            name,
            self._reclaim(name) if name else None,
        )

    def _reclaim(self, volume: str) -> str | None:
        resource = self._cluster.discovery.find("", "PersistentVolume")
        found = self._cluster.get(resource, None, volume) if resource is not None else None
        if isinstance(found, LiveObject):
            return str(_at(found.body, "spec", "persistentVolumeReclaimPolicy") or "") or None
        self.unreadable += [found] if found is not None else []
        return None

    def _claims(self, live: LiveObject) -> Claims | None:
        templates = _at(live.body, "spec", "volumeClaimTemplates") or ()
        names = [f"{_at(one, 'metadata', 'name')}-{live.metadata.id.name}-" for one in templates]
        resource = self._cluster.discovery.find("", "PersistentVolumeClaim")
        if not names or resource is None:
            return None
        listed = self._cluster.listed(resource, live.metadata.id.namespace)
        made = tuple(
            one.id
            for one in listed.items
            if any(one.id.name.startswith(name) and one.id.name[len(name) :].isdecimal() for name in names)
        )
        self.unreadable += [listed.unreadable] if listed.unreadable is not None else []
        policy = _at(live.body, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
        return Claims(made, policy in (None, _KEEP))

    def _contents(self, lists: Iterable[Listed]) -> Contents:
        roots: list[Metadata] = []
        owned = 0
        complete = not self._cluster.discovery.unreadable
        for listed in lists:
            complete = complete and listed.unreadable is None
            self.unreadable += [listed.unreadable] if listed.unreadable is not None else []
            written = [one for one in listed.items if one.owners or native(one) is None]
            roots += [one for one in written if not one.owners]
            owned += sum(bool(one.owners) for one in written)
        kinds = Counter(one.id.kind for one in roots)
        ordered = tuple(sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])))
        undefined = tuple(one.id for one in roots if not self._defined(one.id))
        return Contents(ordered, owned, undefined, complete)

    def _resource(self, definition: Any) -> Resource | None:
        group, kind = _at(definition, "spec", "group"), _at(definition, "spec", "names", "kind")
        return self._cluster.discovery.find(str(group), str(kind))


def _volume(body: Any) -> Storage:
    claim = [str(_at(body, "spec", "claimRef", part) or "") for part in ("namespace", "name")]
    return Storage(
        str(_at(body, "status", "phase") or ""),
        str(_at(body, "spec", "capacity", "storage") or ""),
        "/".join(filter(None, claim)),
        str(_at(body, "spec", "persistentVolumeReclaimPolicy") or "") or None,
    )


def _at(body: Any, *path: str) -> Any:
    for step in path:
        body = body.get(step) if isinstance(body, dict) else None
    return body
