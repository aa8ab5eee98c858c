"""What becomes of an object on its way through the controller's own types (section 4.9 of the Flux rules).

Only what changes data is done here: canonical quantities, empty texts for nulls, fields that never reach the server.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from indexer.flux.builtin import without_unknown_fields
from indexer.flux.resources import group_of, is_kustomization, items_of, kind_of
from indexer.kustomize.fieldspec import is_null
from indexer.kustomize.nodes import drop, find, put, string
from indexer.manifest.node import BOOL, STR, Mapping, Node, Scalar, Sequence, Style

_QUANTITIES: Final = frozenset(
    {
        ("", "Pod"), ("", "PersistentVolume"), ("", "PersistentVolumeClaim"), ("", "ResourceQuota"), ("", "LimitRange"),
        ("", "ReplicationController"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"),
        ("apps", "ReplicaSet"), ("batch", "Job"), ("batch", "CronJob"), ("autoscaling", "HorizontalPodAutoscaler"),
    }
)  # fmt: skip
_MAPS: Final = frozenset(
    {"requests", "limits", "capacity", "hard", "default", "defaultRequest", "max", "min", "maxLimitRequestRatio"}
)
_SINGLE: Final = frozenset({"sizeLimit", "averageValue", "divisor"})
_QUANTITY: Final = re.compile(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?")
_DECIMAL: Final = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def normalised(root: Mapping, *, cluster_scoped: bool) -> Mapping:
    """The object as it is sent to the API server."""
    if cluster_scoped:
        root = drop(root, ("metadata", "namespace"))
    group, kind = group_of(root), kind_of(root)
    if kind != "CustomResourceDefinition":
        root = drop(root, ("status",))
    created = find(root, "metadata", "creationTimestamp")
    if created is not None:
        root = drop(root, ("metadata", "creationTimestamp"))
    root = without_unknown_fields(root)
    if (group, kind) == ("", "ConfigMap"):
        return _without_nulls(root, "data")
    if is_kustomization(root):
        return _with_defaults(root)
    if (group, kind) in _QUANTITIES:
        changed = _walk(root.get("spec"), "")
        return root if changed is None or changed is root.get("spec") else root.with_field(string("spec"), changed)
    return root


def _without_nulls(root: Mapping, field: str) -> Mapping:
    data = root.get(field)
    if isinstance(data, Mapping):
        for key, value in data.items():
            if is_null(value):
                root = put(root, (field, key.text), string("", value, value.op, value.prev))
    return root


def _with_defaults(root: Mapping) -> Mapping:
    """The default that the CustomResourceDefinition gives to items of a list, which the controller then owns."""
    entries = find(root, "spec", "postBuild", "substituteFrom")
    if not isinstance(entries, Sequence):
        return root
    items = [_with_optional(item) for item in items_of(entries)]
    if all(new is old for new, old in zip(items, entries.items, strict=True)):
        return root
    return put(root, ("spec", "postBuild", "substituteFrom"), entries.derive(items))


def _with_optional(item: Node) -> Node:
    if not isinstance(item, Mapping) or item.get("optional") is not None:
        return item
    return item.with_field(string("optional"), Scalar("false", BOOL))


def _walk(node: Node | None, key: str) -> Node | None:
    if isinstance(node, Sequence):
        items = [_walk(item, "") or item for item in node.items]
        return node if all(new is old for new, old in zip(items, node.items, strict=True)) else node.derive(items)
    if not isinstance(node, Mapping):
        return node
    fields = dict(node.fields)
    for name, (key_node, value) in node.fields.items():
        if isinstance(value, Scalar) and (key in _MAPS or name in _SINGLE):
            fields[name] = (key_node, _canonical(value))
        else:
            fields[name] = (key_node, _walk(value, name) or value)
    same = all(fields[name][1] is value for name, (_, value) in node.fields.items())
    return node if same else node.derive(fields)


def _canonical(scalar: Scalar) -> Scalar:
    text = canonical_quantity(scalar.text)
    if text is None or text == scalar.text:
        return scalar
    return Scalar(text, STR, Style.PLAIN, scalar.source, scalar.pos, scalar.op, scalar.prev)


def canonical_quantity(text: str) -> str | None:
    """A quantity as Kubernetes prints it (``1000m`` → ``1``, ``1024Mi`` → ``1Gi``); None for what is none."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    sign, digits, suffix = found[1], found[2], found[3] or ""
    number = Fraction(digits.rstrip(".") or "0")
    if suffix.endswith("i"):
        amount = number * 1024 ** _BINARY.index(suffix)
        return _sign(sign, _binary(amount) if amount >= 1024 else _decimal(amount))
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return None
    return _sign(sign, _decimal(number * Fraction(1000) ** _DECIMAL[suffix]))


def _sign(sign: str, text: str) -> str:
    return f"-{text}" if sign == "-" and text != "0" else text


def _binary(amount: Fraction) -> str:
    if amount.denominator != 1:
        return _decimal(amount)
    whole, power = int(amount), 0
    while whole % 1024 == 0 and power < len(_BINARY) - 1:
        whole, power = whole // 1024, power + 1
    return f"{whole}{_BINARY[power]}"


def _decimal(amount: Fraction) -> str:
    if amount == 0:
        return "0"
    for suffix, power in sorted(_DECIMAL.items(), key=lambda item: -item[1]):
        scaled = amount / Fraction(1000) ** power
        if scaled.denominator == 1:
            return f"{int(scaled)}{suffix}"
    nano = amount * 10**9
    return f"{-(-nano.numerator // nano.denominator)}n"
