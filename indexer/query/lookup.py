"""Which live objects a name means: by the kinds that the cluster itself serves, in any spelling that kubectl takes."""

from __future__ import annotations

from collections.abc import Iterable

from indexer.cluster.model import Metadata, Resource, Trouble, Unreadable
from indexer.cluster.reader import LiveCluster
from indexer.flux.identity import ObjectId
from indexer.query.kinds import Kind, matching
from indexer.query.names import Name, pattern

Found = tuple[list[Metadata], list[Unreadable]]
"""Objects, and what could not be looked at."""


def look_up(cluster: LiveCluster, name: Name, known: Iterable[ObjectId]) -> Found:
    """The live objects that ``name`` means, and those of ``known``, which the index says it means."""
    resources = _resources(cluster, name.kind)
    if not resources and name.namespace is None and _is_namespace(cluster, name.kind):
        name = Name("*", name.kind, name.name)
        resources = [one for one in _resources(cluster, "*") if one.namespaced]
    found: dict[tuple[str, str, str, str], Metadata] = {}
    unreadable: list[Unreadable] = []
    for resource in resources:
        objects, failed = _of_kind(cluster, resource, name)
        unreadable += failed
        found |= {one.id.key: one for one in objects}
    for id_ in known:
        if id_.key not in found and (one := cluster.discovery.find(id_.group, id_.kind)) is not None:
            objects, failed = _one(cluster, one, id_.namespace, id_.name)
            unreadable += failed
            found |= {one.id.key: one for one in objects}
    if found:
        # A snapshot that does not hold all of a kind need not say so where it holds what was looked for.
        unreadable = [one for one in unreadable if one.trouble is not Trouble.NOT_KEPT]
    return list(found.values()), list(dict.fromkeys(unreadable))


def _resources(cluster: LiveCluster, token: str) -> list[Resource]:
    """The kinds that can be listed and that ``token`` names."""
    listable = {(one.group, one.plural): one for one in cluster.discovery.resources if "list" in one.verbs}
    kinds = [
        Kind(one.kind, one.group, one.plural, (*one.short, *([one.singular] if one.singular else [])))
        for one in listable.values()
    ]
    return [listable[kind.group, kind.plural] for kind in matching(token, kinds)]


def _is_namespace(cluster: LiveCluster, text: str) -> bool:
    namespaces = cluster.discovery.find("", "Namespace")
    return namespaces is not None and isinstance(cluster.metadata(namespaces, None, text), Metadata)


def _of_kind(cluster: LiveCluster, resource: Resource, name: Name) -> Found:
    exact = "*" not in name.name
    place = name.namespace if resource.namespaced else None
    if exact and name.kind != "*" and ((place is not None and "*" not in place) or not resource.namespaced):
        return _one(cluster, resource, place, name.name)
    inside = place if place is not None and "*" not in place else None
    listed = cluster.listed(resource, inside, name=name.name if exact else None)
    objects = [one for one in listed.items if _fits(one.id, name, resource)]
    return objects, [listed.unreadable] if listed.unreadable is not None else []


def _one(cluster: LiveCluster, resource: Resource, namespace: str | None, name: str) -> Found:
    if resource.namespaced and namespace is None:
        namespace = "default"
    found = cluster.metadata(resource, namespace if resource.namespaced else None, name)
    if isinstance(found, Metadata):
        return [found], []
    return [], [] if found.trouble is Trouble.ABSENT else [found]


def _fits(id_: ObjectId, name: Name, resource: Resource) -> bool:
    anywhere = not resource.namespaced or name.namespace is None
    inside = anywhere or pattern(name.namespace or "").fullmatch(id_.namespace or "") is not None
    return inside and pattern(name.name).fullmatch(id_.name) is not None
