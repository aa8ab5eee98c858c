"""A live cluster as questions see it: every answer is data, what could not be read included.

Reads by ``get`` and ``list`` only. Lists are asked for by pages, and without the objects' content wherever that is not
needed; of a Secret nothing but metadata is ever asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar

from indexer.cluster import flux
from indexer.cluster.connection import JSON, Connection, Patience, Refused
from indexer.cluster.discovery import discover
from indexer.cluster.kubeconfig import Context
from indexer.cluster.model import (
    Discovery,
    FluxState,
    Listed,
    LiveObject,
    LiveSource,
    LiveUnit,
    Metadata,
    Owner,
    Resource,
    Trouble,
    Unreadable,
    Wanted,
    Writer,
)
from indexer.flux.identity import ObjectId
from indexer.flux.resources import SOURCE

_META: Final = "meta.k8s.io;v=v1"
_PAGE: Final = 500
_WHOLE_PAGE: Final = 100
"""Items of a page that holds whole objects: inventories can be long."""
_EXPIRED: Final = 410
_RESTARTS: Final = 2
_AT_ONCE: Final = 6
_COPIES: Final = "kubectl.kubernetes.io/last-applied-configuration"

_Page = dict[str, Any]
_I = TypeVar("_I")
_O = TypeVar("_O")


class LiveCluster(Protocol):
    """A cluster that can be asked: the server itself, or the snapshot of it that an index holds."""

    @property
    def context(self) -> str:
        """The name of the kubeconfig's context."""

    @property
    def server(self) -> str: ...

    @property
    def read_at(self) -> str:
        """When the answers were true: ISO 8601, UTC."""

    @property
    def discovery(self) -> Discovery: ...

    @property
    def flux(self) -> FluxState:
        """All units and sources; read once."""

    def get(
        self, resource: Resource, namespace: str | None, name: str, *, version: str | None = None
    ) -> LiveObject | Unreadable:
        """One object, in that version where the server has it, else in its own choice; ABSENT where there is none."""

    def each(self, wanted: Iterable[Wanted]) -> Iterator[LiveObject | Unreadable]:
        """Many objects as ``get`` gives them, in the given order."""

    def metadata(self, resource: Resource, namespace: str | None, name: str) -> Metadata | Unreadable:
        """One object without its content; ABSENT where there is none."""

    def listed(
        self, resource: Resource, namespace: str | None = None, *, name: str | None = None, labels: str | None = None
    ) -> Listed:
        """The objects of one kind without their content, narrowed by their exact name or by a label selector."""

    def everything(self, resources: Iterable[Resource]) -> Iterator[Listed]:
        """The objects of many kinds without their content, kind by kind in the given order."""


class Cluster:
    """The API server of one context."""

    def __init__(
        self, context: Context, patience: Patience | None = None, connection: Connection | None = None
    ) -> None:
        self.context = context.name
        self.server = context.server
        self.namespace = context.namespace
        """The context's own namespace; None: ``default``."""
        self.read_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.seen: dict[tuple[str, str, str, str], Metadata] = {}
        """Every object that was read without its content: what a snapshot keeps."""
        self.went_through: tuple[Unreadable, ...] | None = None
        """What was missing when ``everything`` was last read to its end; None before."""
        self._connection = connection or Connection(context, patience)
        # Objects of one owner, or of one release, ask the same again.
        self._met: dict[str, Metadata | Unreadable] = {}
        self._lists: dict[tuple[str, ...], Listed] = {}

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._connection.requests

    @cached_property
    def discovery(self) -> Discovery:
        return discover(self._connection)

    @cached_property
    def flux(self) -> FluxState:
        kinds = [self.discovery.find(*kind) for kind in (*flux.UNITS, *flux.SOURCES)]
        units: list[LiveUnit] = []
        sources: list[LiveSource] = []
        unreadable = list(self.discovery.unreadable)
        for objects, failed in self._at_once(self.objects, [kind for kind in kinds if kind is not None]):
            for one in objects:
                if one.metadata.id.group == SOURCE:
                    sources.append(flux.source(one))
                else:
                    units.append(flux.unit(one))
            unreadable += [failed] if failed else []
        return FluxState(tuple(units), tuple(sources), tuple(unreadable))

    def get(
        self, resource: Resource, namespace: str | None, name: str, *, version: str | None = None
    ) -> LiveObject | Unreadable:
        accept = _metadata_only("PartialObjectMetadata", resource) if _is_secret(resource) else JSON
        found = self._one(replace(resource, version=version or resource.version), namespace, name, accept)
        if isinstance(found, Unreadable) and version not in (None, resource.version):
            found = self._one(resource, namespace, name, accept)
        return found if isinstance(found, Unreadable) else _object(resource, found)

    def each(self, wanted: Iterable[Wanted]) -> Iterator[LiveObject | Unreadable]:
        return self._at_once(lambda one: self.get(*one[:3], version=one.version), wanted)

    def metadata(self, resource: Resource, namespace: str | None, name: str) -> Metadata | Unreadable:
        path = resource.path(namespace, name)
        if path not in self._met:
            found = self._one(resource, namespace, name, _metadata_only("PartialObjectMetadata", resource))
            self._met[path] = found if isinstance(found, Unreadable) else self._note(_metadata(resource, found))
        return self._met[path]

    def _note(self, one: Metadata) -> Metadata:
        self.seen[one.id.key] = one
        return one

    def _one(self, resource: Resource, namespace: str | None, name: str, accept: str) -> _Page | Unreadable:
        try:
            return self._connection.get(resource.path(namespace, name), accept=accept)
        except Refused as refused:
            place = f" in {namespace}" if namespace and resource.namespaced else ""
            return _unreadable(f"{resource}/{name}{place}", refused)

    def listed(
        self, resource: Resource, namespace: str | None = None, *, name: str | None = None, labels: str | None = None
    ) -> Listed:
        query = {"fieldSelector": f"metadata.name={name}"} if name else {}
        query |= {"labelSelector": labels} if labels else {}
        key = (resource.path(namespace), *query.values())
        if key not in self._lists:
            self._lists[key] = self._list(resource, namespace, query)
        return self._lists[key]

    def _list(self, resource: Resource, namespace: str | None, query: Mapping[str, str]) -> Listed:
        accept = _metadata_only("PartialObjectMetadataList", resource)
        items, failed = self._pages(resource, namespace, query, accept, _PAGE, lambda item: _metadata(resource, item))
        for item in items:
            self._note(item)
        return Listed(resource, tuple(items), failed)

    def everything(self, resources: Iterable[Resource]) -> Iterator[Listed]:
        lost = []
        for listed in self._at_once(lambda resource: self._list(resource, None, {}), resources):
            lost += [listed.unreadable] if listed.unreadable is not None else []
            yield listed
        self.went_through = tuple(lost)

    def objects(
        self, resource: Resource, namespace: str | None = None
    ) -> tuple[tuple[LiveObject, ...], Unreadable | None]:
        """The whole objects of one kind, and why they are not all; of Secrets the metadata."""
        accept = _metadata_only("PartialObjectMetadataList", resource) if _is_secret(resource) else JSON
        items, failed = self._pages(resource, namespace, {}, accept, _WHOLE_PAGE, lambda item: _object(resource, item))
        return tuple(items), failed

    def preview(
        self, resource: Resource, namespace: str | None, name: str, body: Mapping[str, Any], manager: str
    ) -> LiveObject | Unreadable:
        """What a server-side apply of ``body`` would make of an object. Asks for the right to patch; writes nothing."""
        try:
            made = self._connection.preview(resource.path(namespace, name), manager, json.dumps(body).encode())
        except Refused as refused:
            return _unreadable(f"a dry run of {resource}/{name}", refused)
        return _object(resource, made)

    def close(self) -> None:
        """Ends the connections."""
        self._connection.close()

    def _at_once(self, ask: Callable[[_I], _O], many: Iterable[_I]) -> Iterator[_O]:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            yield from threads.map(ask, many)

    def _pages(
        self,
        resource: Resource,
        namespace: str | None,
        query: Mapping[str, str],
        accept: str,
        size: int,
        read: Callable[[_Page], _O],
    ) -> tuple[list[_O], Unreadable | None]:
        """All items of a list, and why they are not all. A list that grew too old on the way begins again."""
        what = f"{resource} of namespace {namespace}" if namespace and resource.namespaced else str(resource)
        path = resource.path(namespace)
        items: list[_O] = []
        token, restarts = "", 0
        while True:
            page = {**query, "limit": str(size), **({"continue": token} if token else {})}
            try:
                answer = self._connection.get(path, page, accept)
            except Refused as refused:
                if refused.status == _EXPIRED and restarts < _RESTARTS:
                    items, token, restarts = [], "", restarts + 1
                    continue
                return items, _broken_off(what, len(items), refused) if items else _unreadable(what, refused)
            items += [read(item) for item in answer.get("items") or () if isinstance(item, dict)]
            token = (answer.get("metadata") or {}).get("continue") or ""
            if not token:
                return items, None


def _metadata_only(kind: str, resource: Resource) -> str:
    """What to accept: metadata alone. An API that has only whole objects may give those, but for Secrets."""
    accept = f"{JSON};as={kind};g={_META}"
    return accept if _is_secret(resource) else f"{accept}, {JSON}"


def _is_secret(resource: Resource) -> bool:
    return (resource.group, resource.plural) == ("", "secrets")


def _unreadable(what: str, refused: Refused) -> Unreadable:
    return Unreadable(
        "the cluster" if refused.trouble is Trouble.UNREACHABLE else what, refused.trouble, refused.reason
    )


def _broken_off(what: str, count: int, refused: Refused) -> Unreadable:
    return Unreadable(what, Trouble.INCOMPLETE, f"the list broke off after {count:,}: {refused.reason}")


def _object(resource: Resource, body: _Page) -> LiveObject:
    metadata = {key: value for key, value in (body.get("metadata") or {}).items() if key != "managedFields"}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and _COPIES in annotations:
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != _COPIES}
    kept = {"metadata": metadata} if _is_secret(resource) else {**body, "metadata": metadata}
    return LiveObject(_metadata(resource, body), kept, _writers(body))


def _metadata(resource: Resource, body: _Page) -> Metadata:
    found = body.get("metadata") or {}
    namespace = found.get("namespace") or None
    annotations = found.get("annotations") or {}
    return Metadata(
        id=ObjectId(resource.group, resource.version, resource.kind, namespace, str(found.get("name") or "")),
        uid=str(found.get("uid") or ""),
        created=str(found.get("creationTimestamp") or ""),
        labels=found.get("labels") or {},
        annotations={key: value for key, value in annotations.items() if key != _COPIES},
        owners=tuple(_owner(one, namespace) for one in found.get("ownerReferences") or ()),
        deleting="deletionTimestamp" in found,
        generation=int(found.get("generation") or 0),
    )


def _owner(reference: _Page, namespace: str | None) -> Owner:
    group, slash, version = str(reference.get("apiVersion") or "").rpartition("/")
    id_ = ObjectId(group if slash else "", version, str(reference.get("kind")), namespace, str(reference.get("name")))
    return Owner(id_, str(reference.get("uid") or ""), reference.get("controller") is True)


def _writers(body: _Page) -> tuple[Writer, ...]:
    return tuple(
        Writer(
            str(one.get("manager") or ""),
            str(one.get("operation") or ""),
            str(one.get("time") or ""),
            str(one.get("subresource") or ""),
            one.get("fieldsV1") or {},
        )
        for one in (body.get("metadata") or {}).get("managedFields") or ()
    )
