"""What becomes of an object on its way through the controller's own types (section 4.9 of the Flux rules).

What the controller fills in has no line of an author, but for what it takes from another field.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from operator import is_
from typing import Final

from indexer.flux.builtin import round_trip, with_fields, with_items
from indexer.flux.resources import is_kustomization, items_of, kind_of
from indexer.flux.sops import in_clear
from indexer.kustomize.nodes import drop, find, put, string, text_at
from indexer.manifest.node import BOOL, STR, Mapping, Node, Scalar, Sequence, relocated
from indexer.manifest.scalars import tag_of, to_data

_TEMPLATE: Final = ("spec", "template", "spec", "containers", "ports")
_CONTAINER_PORTS: Final = {
    ("v1", "Pod"): ("spec", "containers", "ports"),
    ("apps/v1", "Deployment"): _TEMPLATE,
    ("apps/v1", "StatefulSet"): _TEMPLATE,
    ("apps/v1", "DaemonSet"): _TEMPLATE,
    ("apps/v1", "ReplicaSet"): _TEMPLATE,
    ("batch/v1", "Job"): _TEMPLATE,
    ("batch/v1", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
}
_SECRET: Final = ("v1", "Secret")
_SERVICE: Final = ("v1", "Service")
_PLAIN: Final = "/stringData/"


def normalised(root: Mapping, *, cluster_scoped: bool, typed: bool = True) -> Mapping:
    """The object as it is sent to the API server; ``typed``: read into a built-in type first, as not by Helm."""
    if cluster_scoped:
        root = drop(root, ("metadata", "namespace"))
    if kind_of(root) != "CustomResourceDefinition":
        root = drop(root, ("status",))
    if find(root, "metadata", "creationTimestamp") is not None:
        root = drop(root, ("metadata", "creationTimestamp"))
    return _typed(root) if typed else root


def _typed(root: Mapping) -> Mapping:
    root = round_trip(root)
    kind = _kind(root)
    if kind == _SECRET:
        return _folded(root)
    if kind == _SERVICE:
        return _changed(root, ("spec", "ports"), _service_port)
    if kind in _CONTAINER_PORTS:
        return _changed(root, _CONTAINER_PORTS[kind], _with_protocol)
    return _with_defaults(root) if is_kustomization(root) else root


def sent_at(root: Mapping, field: str) -> str:
    """Where the field at a JSON pointer into an object is in what ``normalised`` makes of it."""
    is_folded = field.startswith(_PLAIN) and _kind(root) == _SECRET
    return f"/data/{field.removeprefix(_PLAIN)}" if is_folded else field


def _kind(root: Mapping) -> tuple[str, str]:
    return text_at(root, "apiVersion"), kind_of(root)


# Secrets


def _folded(root: Mapping) -> Mapping:
    """A Secret whose ``stringData`` are in its ``data``, each where its text stands."""
    plain, data = root.get("stringData"), root.get("data")
    if not isinstance(plain, Mapping) or not all(_is_text(value) for _, value in plain.items()):
        return root
    fields = dict(data.fields) if isinstance(data, Mapping) else {}
    for name, (key, value) in plain.fields.items():
        encoded = string(_base64(value), value, value.op, value.prev)
        fields[name] = (key, _upon(encoded, fields[name][1]) if name in fields else encoded)
    whole = data.derive(fields, plain.gone) if isinstance(data, Mapping) else with_fields(plain, fields)
    rest = {name: entry for name, entry in root.fields.items() if name != "stringData"}
    return root.derive({**rest, "data": (Scalar("data"), whole)})


def _is_text(node: Node) -> bool:
    return isinstance(node, Scalar) and tag_of(node) == STR


def _base64(node: Node) -> str:
    text: str = to_data(node)
    # Of a value that is encrypted here, only the controller knows the text.
    return text if in_clear(text) != text else base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()


def _upon(node: Node, old: Node) -> Node:
    """``node`` with all that it replaced, and ``old`` before that."""
    return relocated(node, op=node.op, prev=old if node.prev is None else _upon(node.prev, old))


# Ports


def _changed(node: Node, path: tuple[str, ...], change: Callable[[Mapping], Mapping]) -> Mapping:
    """``node`` with ``change`` made at a path of keys, in each item of the lists on it."""
    assert isinstance(node, Mapping)
    if not path:
        return change(node)
    old = node.get(path[0])
    new = old
    if isinstance(old, Sequence):
        items = [_changed(item, path[1:], change) if isinstance(item, Mapping) else item for item in old.items]
        new = old if all(map(is_, items, old.items)) else with_items(old, items)
    elif isinstance(old, Mapping):
        new = _changed(old, path[1:], change)
    if new is None or new is old:
        return node
    return with_fields(node, {**node.fields, path[0]: (node.fields[path[0]][0], new)})


def _with_protocol(port: Mapping) -> Mapping:
    if port.get("protocol") is not None:
        return port
    return with_fields(port, {**port.fields, "protocol": (Scalar("protocol"), string("TCP"))})


def _service_port(port: Mapping) -> Mapping:
    """The controller sends a target of 0 where there is none, of which the server makes the port itself."""
    port = _with_protocol(port)
    number = port.get("port")
    if number is None or text_at(port, "targetPort") not in ("", "0"):
        return port
    return with_fields(port, {**port.fields, "targetPort": (Scalar("targetPort"), number)})


# Kustomizations


def _with_defaults(root: Mapping) -> Mapping:
    """The default that the CustomResourceDefinition gives to items of a list, which the controller then owns."""
    entries = find(root, "spec", "postBuild", "substituteFrom")
    if not isinstance(entries, Sequence):
        return root
    items = [_with_optional(item) for item in items_of(entries)]
    if all(map(is_, items, entries.items)):
        return root
    return put(root, ("spec", "postBuild", "substituteFrom"), entries.derive(items))


def _with_optional(item: Node) -> Node:
    if not isinstance(item, Mapping) or item.get("optional") is not None:
        return item
    return item.with_field(string("optional"), Scalar("false", BOOL))
