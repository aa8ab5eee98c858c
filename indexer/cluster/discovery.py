"""The kinds that a cluster serves: by aggregated discovery where the server has it, else API by API.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api. An API that does not answer, most often
because the server behind it is down, is named, and the others are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from indexer.cluster.connection import JSON, Connection, Refused
from indexer.cluster.model import Discovery, Resource, Trouble, Unreadable

_AGGREGATED: Final = ", ".join(
    (
        *(f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")),
        JSON,
    )
)
_FOLDED: Final = {"extensions", "events.k8s.io"}
"""Groups that show objects of other groups a second time."""
_ALL: Final = {Trouble.UNREACHABLE, Trouble.UNAUTHORIZED}
"""Troubles that are not one API's."""

Found = Resource | Unreadable


def discover(connection: Connection) -> Discovery:
    """All kinds with a name of their own, each in the version that the server prefers. Never raises.

    Every API server has kinds: one that gives none, and no right that is missing for it, is a proxy, a login page, or
    broken, and counts as not reached.
    """
    resources: dict[tuple[str, str], Resource] = {}
    unreadable = []
    for root in ("/api", "/apis"):
        try:
            answer = connection.get(root, accept=_AGGREGATED)
        except Refused as refused:
            what = "the cluster" if refused.trouble in _ALL else f"the list of APIs at {root}"
            unreadable.append(Unreadable(what, refused.trouble, refused.reason))
            continue
        read = _aggregated if answer.get("kind") == "APIGroupDiscoveryList" else _legacy
        for found in read(connection, root, answer):
            if isinstance(found, Unreadable):
                unreadable.append(found)
            elif found.group not in _FOLDED:
                resources.setdefault((found.group, found.plural), found)
    if not resources and all(one.trouble is Trouble.BROKEN for one in unreadable):
        why = unreadable[0].reason if unreadable else "it names no API"
        unreadable = [Unreadable("the cluster", Trouble.UNREACHABLE, f"what answers is no API server: {why}")]
    return Discovery(tuple(resources.values()), tuple(dict.fromkeys(unreadable)))


def _aggregated(_connection: Connection, _root: str, answer: dict[str, Any]) -> Iterator[Found]:
    for item in answer.get("items") or ():
        group = item.get("metadata", {}).get("name", "")
        for version in item.get("versions") or ():
            name = version.get("version", "")
            if version.get("freshness") == "Stale":
                api = f"{group}/{name}" if group else name
                yield Unreadable(f"API {api}", Trouble.BROKEN, "the server behind it does not answer")
                continue
            for one in version.get("resources") or ():
                kind = one.get("responseKind") or {}
                yield Resource(
                    group,
                    name,
                    str(kind.get("kind") or ""),
                    str(one.get("resource") or ""),
                    one.get("scope") == "Namespaced",
                    str(one.get("singularResource") or ""),
                    tuple(one.get("shortNames") or ()),
                    frozenset(one.get("verbs") or ()),
                )


def _legacy(connection: Connection, root: str, answer: dict[str, Any]) -> Iterator[Found]:
    for group, version in _versions(root, answer):
        api = f"{group}/{version}" if group else version
        try:
            listed = connection.get(f"{root}/{api}")
        except Refused as refused:
            yield Unreadable(f"API {api}", refused.trouble, refused.reason)
            continue
        for one in listed.get("resources") or ():
            if "/" not in one.get("name", "/"):
                yield Resource(
                    group,
                    version,
                    str(one.get("kind") or ""),
                    str(one["name"]),
                    bool(one.get("namespaced")),
                    str(one.get("singularName") or ""),
                    tuple(one.get("shortNames") or ()),
                    frozenset(one.get("verbs") or ()),
                )


def _versions(root: str, answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(group, version), the preferred version of each group first."""
    if root == "/api":
        yield from (("", version) for version in answer.get("versions") or ())
        return
    for group in answer.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("version")
        versions = [one.get("version", "") for one in group.get("versions") or ()]
        yield from ((group.get("name", ""), one) for one in sorted(versions, key=lambda one: one != preferred))
