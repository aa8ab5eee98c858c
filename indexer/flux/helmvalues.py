"""The values of a HelmRelease: ``valuesFrom`` in its order, ``values`` over them (section 6.4 of the Flux rules)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

from indexer.deferred import NamedTuple, dataclass, field
from indexer.flux.resources import ReferenceSpec, items_of, kind_of, namespace_of, truth
from indexer.flux.sops import is_encrypted
from indexer.helm.setpath import SetError, assignments
from indexer.helm.values import Origin, Values, merge, origin_at, origin_of, put, to_plain
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.embedded import parse_embedded
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import STR, Mapping, Node, Scalar, Span, Style

FindObject = Callable[[ReferenceSpec], Mapping | None]

_KEY: Final = "values.yaml"
INLINE: Final = "spec.values"
"""What the values are called that a release itself holds."""


class ValuesError(Exception):
    """Values with which Flux would not install the release; the message says where and why."""


@dataclass(slots=True)
class ReleaseValues:
    """The values as far as they are known here."""

    values: Values
    """With the chart's defaults, as the templates see them."""
    given: dict[str, Any]
    """Plain data without those defaults, which Helm adds itself: a null of the release takes one away."""
    unknown: list[str] = field(default_factory=list)
    """Why some of them are not known."""


class _Given(NamedTuple):
    """What one entry of ``valuesFrom`` refers to."""

    name: str
    key: Scalar
    text: Scalar
    secret: bool

    @property
    def span(self) -> Span | None:
        return self.text.span or self.key.span


def load(root: Mapping, find_object: FindObject, defaults: list[tuple[Origin, dict[str, Any]]]) -> ReleaseValues:
    """The values of a HelmRelease over the chart's ``defaults`` (weakest first). Raises ValuesError."""
    inline = find(root, "spec", "values")
    origins: list[Origin] = []
    own: dict[str, Any] = {}
    last: list[Origin] = []
    if isinstance(inline, Mapping):
        origin, own = origin_of(INLINE, inline, yaml_11=False)
        last = [origin]
    unknown: list[str] = []
    merged: dict[str, Any] = {}
    for entry in items_of(find(root, "spec", "valuesFrom")):
        given = _given(entry, namespace_of(root), find_object)
        if isinstance(given, str):
            unknown.append(given)
        elif given is not None:
            merged = _with(merged, own, given, entry, origins)
    tree = merge(merged, own)
    given = to_plain(tree)
    for _, below in reversed(defaults):
        tree = merge(below, tree)
    return ReleaseValues(Values(tree, (*(origin for origin, _ in defaults), *origins, *last)), given, unknown)


def _with(
    merged: dict[str, Any], own: dict[str, Any], given: _Given, entry: Node, origins: list[Origin]
) -> dict[str, Any]:
    """The values with those of one entry."""
    path = text_at(entry, "targetPath")
    if not path:
        origin, tree = _file(given)
        origins.append(origin)
        return merge(merged, tree)
    # What the inline values alone hold is shared with them from here on, so that a targetPath below it survives the
    # last merge, and one at a field that they have beside others does not.
    merged = merge(merged, own)
    try:
        found = assignments(path, given.text.text, literal=truth(entry, "literal"))
        origin = origin_at(f"{given.name} at {path}", found, given.text, given.span, secret=given.secret)
        for leaf in origin.leaves:
            put(merged, leaf)
    except SetError as error:
        why = "its value cannot be set there" if given.secret else str(error)
        raise ValuesError(f"{entry.span}: targetPath {path}: {why}: correct it") from None
    origins.append(origin)
    return merged


def _file(given: _Given) -> tuple[Origin, dict[str, Any]]:
    """A whole values file in a ConfigMap or Secret."""
    try:
        documents = parse_embedded(given.text)
        node = documents[0].node if documents else None
        if isinstance(node, Mapping):
            return origin_of(given.name, node, yaml_11=True, secret=given.secret)
        if node is None or (isinstance(node, Scalar) and node.text in ("", "null", "~")):
            return Origin(given.name, ()), {}
    except ManifestError as error:
        # Text of a Secret could be part of what is wrong.
        why = f"{given.span}: {given.name} is not valid YAML" if given.secret else str(error)
        raise ValuesError(f"{why}: correct it") from None
    raise ValuesError(f"{given.span}: {given.name} holds no map of values: write KEY: VALUE")


def _given(entry: Node, namespace: str, find_object: FindObject) -> _Given | str | None:
    """What an entry refers to; a reason where that is not known here; None where it is optional and absent."""
    reference = ReferenceSpec(text_at(entry, "kind"), namespace, text_at(entry, "name"), entry)
    key = text_at(entry, "valuesKey") or _KEY
    root = find_object(reference)
    optional = truth(entry, "optional")
    place = f"{entry.span}: {reference} of valuesFrom"
    if root is None:
        return (
            None
            if optional
            else (
                f"{place} is not rendered from this repository: put a manifest of it into a file and name that under "
                "`objects` of the [[cluster]] in .fluxidx.toml"
            )
        )
    pair = _pair(root, key)
    if pair is None:
        return None if optional else f"{place} has no key {key}: add it, or correct valuesKey"
    secret = kind_of(root) == "Secret"
    text = pair[1] if isinstance(pair[1], Scalar) else Scalar("")
    if is_encrypted(root) or text.text.startswith("ENC["):
        return f"{place} is encrypted with SOPS, its values are not read"
    if secret and find(root, "stringData", key) is None:
        decoded = _decoded(text)
        if decoded is None:
            return f"{place} holds no base64 text under {key}"
        text = decoded
    return _Given(f"{reference} {key}", pair[0], text, secret)


def _pair(root: Mapping, key: str) -> tuple[Scalar, Node] | None:
    for name in ("stringData", "data"):
        data = root.get(name)
        if isinstance(data, Mapping) and key in data.fields and (name == "data" or kind_of(root) == "Secret"):
            return data.fields[key]
    return None


def _decoded(text: Scalar) -> Scalar | None:
    """The text behind base64, all of which stands where the base64 does."""
    try:
        plain = base64.b64decode("".join(text.text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return Scalar(plain, STR, Style.FOLDED, text.source, text.pos, text.op)
