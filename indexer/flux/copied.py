"""What flux-operator takes from other objects into those of a ResourceSet (section 8.3 of the Flux rules).

``copyFrom`` and, of ConfigMaps, ``checksumFrom`` are done here where the other object is known. What would show the
values of a Secret outside of one (``convertKubeConfigFrom``, its checksum) is left to the cluster.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from typing import Final

from indexer.deferred import dataclass, field
from indexer.flux.kustomization import UnitFailure, reason_at
from indexer.flux.resources import OPERATOR, ReferenceSpec, is_kind, kind_of, name_of, namespace_of
from indexer.flux.sops import is_encrypted
from indexer.kustomize.nodes import drop, find, put, string, text_at
from indexer.manifest.node import STR, Mapping, Node, Operation, Role, Scalar, Sequence, Style, stamped

FindObject = Callable[[ReferenceSpec], Mapping | None]

_COPY: Final = f"{OPERATOR}/copyFrom"
_CONVERT: Final = f"{OPERATOR}/convertKubeConfigFrom"
_CHECKSUM_FROM: Final = f"{OPERATOR}/checksumFrom"
_CHECKSUM: Final = f"{OPERATOR}/checksum"
_Path = tuple[str, ...]


@dataclass(slots=True)
class Filled:
    """The objects of a set with what was taken into them."""

    roots: list[Mapping]
    unknown: list[str] = field(default_factory=list)
    """What could not be, each with its place."""
    sources: dict[int, str] = field(default_factory=dict)
    """Which objects have data of another one, by their index: ``ConfigMap namespace/name``."""
    waits: bool = False
    """Whether that is for want of an object that another unit may bring."""


def fill(roots: list[Mapping], find_object: FindObject) -> Filled:
    """Does what the annotations of a set's objects ask for. Raises UnitFailure for one that cannot be understood."""
    filled = Filled([])
    for index, root in enumerate(roots):
        at = _annotation(root, (), _COPY)
        if at is not None and kind_of(root) in ("ConfigMap", "Secret") and text_at(root, "apiVersion") == "v1":
            root = _copied(root, at, find_object, filled)
            filled.sources[index] = f"{kind_of(root)} {at.text}"
        at = _annotation(root, (), _CONVERT)
        if at is not None and is_kind(root, "", "ConfigMap"):
            filled.unknown.append(_left(root, at, f"its data are made from the kubeconfig in Secret {at.text}"))
        filled.roots.append(root)
    own = {(kind_of(root), namespace_of(root), name_of(root)): root for root in filled.roots}

    def look_up(reference: ReferenceSpec) -> Mapping | None:
        return own.get((reference.kind, reference.namespace, reference.name)) or find_object(reference)

    filled.roots = [_with_checksums(root, look_up, filled) for root in filled.roots]
    return filled


def _annotation(root: Mapping, above: _Path, name: str) -> Scalar | None:
    at = find(root, *above, "metadata", "annotations", name)
    return at if isinstance(at, Scalar) and at.text else None


def _left(root: Mapping, at: Node, what: str) -> str:
    return reason_at(at.span, f"{kind_of(root)} {name_of(root)}: {what}, which flux-operator reads in the cluster")


def _copied(root: Mapping, at: Scalar, find_object: FindObject, filled: Filled) -> Mapping:
    namespace, slash, name = at.text.partition("/")
    if not slash or "/" in name:
        raise UnitFailure(reason_at(at.span, f"{_COPY} has to be namespace/name, not {at.text}: correct it"))
    source = find_object(ReferenceSpec(kind_of(root), namespace, name, at))
    named = f"its data are copied from {kind_of(root)} {at.text}"
    if source is None:
        filled.waits = True
        filled.unknown.append(_left(root, at, named))
        return root
    op = Operation(Role.REPLACES, "copyFrom", at.span)
    if kind_of(root) == "ConfigMap":
        root = _with_field(root, "data", source.get("data"), op)
        binary = source.get("binaryData")
        return _with_field(root, "binaryData", binary, op) if isinstance(binary, Mapping) and binary.fields else root
    values = None if is_encrypted(source) else _decoded(source)
    if values is None:
        filled.unknown.append(_left(root, at, f"{named}, whose values cannot be read here"))
        return root
    if root.get("type") is None:
        kind = source.get("type")
        root = put(root, ("type",), stamped(kind, op) if kind is not None else string("Opaque", at, op))
    return _with_field(root, "stringData", values, op)


def _with_field(root: Mapping, name: str, values: Node | None, op: Operation) -> Mapping:
    """The object with values in place of those it had."""
    bare = drop(root, (name,))
    return put(bare, (name,), stamped(values, op)) if isinstance(values, Mapping) else bare


def _decoded(secret: Mapping) -> Mapping | None:
    """All values of a Secret in plain, each where its text stands; None where one is no text."""
    fields: dict[str, tuple[Scalar, Node]] = {}
    data, plain = secret.get("data"), secret.get("stringData")
    for key, value in data.items() if isinstance(data, Mapping) else ():
        try:
            text = base64.b64decode("".join(text_at(value).split()), validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        fields[key.text] = (key, Scalar(text, STR, Style.FOLDED, value.source, value.pos, value.op))
    if isinstance(plain, Mapping):
        fields |= plain.fields
    return Mapping(fields, source=secret.source, pos=secret.pos)


def _with_checksums(root: Mapping, look_up: FindObject, filled: Filled) -> Mapping:
    for above in _metadata_of(root, ()):
        at = _annotation(root, above, _CHECKSUM_FROM)
        if at is None:
            continue
        digest = _digest(root, at, look_up, filled)
        if digest is not None:
            path = (*above, "metadata", "annotations", _CHECKSUM)
            op = Operation(Role.GENERATES, "checksumFrom", at.span)
            root = put(root, path, string(digest, at, op, find(root, *path)))
    return root


def _metadata_of(node: Node, path: _Path) -> Iterator[_Path]:
    """Where there is metadata with annotations: of the object, and of templates in it."""
    if isinstance(node, Mapping):
        if isinstance(find(node, "metadata", "annotations"), Mapping):
            yield path
        for key, value in node.items():
            yield from _metadata_of(value, (*path, key.text))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _metadata_of(item, (*path, str(index)))


def _digest(root: Mapping, at: Scalar, look_up: FindObject, filled: Filled) -> str | None:
    """The checksum over the ConfigMaps that an annotation names; None where one is not known, or is a Secret."""
    parts: list[bytes] = []
    for named in filter(None, map(str.strip, at.text.split(","))):
        kind, *rest = named.split("/")
        if len(rest) != 2 or not all(rest) or kind not in ("ConfigMap", "Secret"):
            why = f"{_CHECKSUM_FROM} has to name ConfigMap/namespace/name or Secret/namespace/name, not {named}"
            raise UnitFailure(reason_at(at.span, f"{why}: correct it"))
        found = look_up(ReferenceSpec(kind, rest[0], rest[1], at))
        if found is None or kind == "Secret":
            filled.waits = filled.waits or found is None
            filled.unknown.append(_left(root, at, f"an annotation has a checksum of {named}"))
            return None
        parts += [named.encode(), *(part for pair in sorted(_bytes_of(found).items()) for part in pair)]
    return "sha256:" + hashlib.sha256(b"".join(part + b"\0" for part in parts)).hexdigest()


def _bytes_of(config_map: Mapping) -> dict[bytes, bytes]:
    data, binary = config_map.get("data"), config_map.get("binaryData")
    values: dict[bytes, bytes] = {}
    if isinstance(data, Mapping):
        values = {key.text.encode(): text_at(value).encode() for key, value in data.items()}
    if isinstance(binary, Mapping):
        values |= {key.text.encode(): base64.b64decode(text_at(value)) for key, value in binary.items()}
    return values
