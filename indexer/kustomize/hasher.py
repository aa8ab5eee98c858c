"""The suffix that makes the name of a generated object follow from its content.

Rules: kustomize's ``api/hasher`` (kustomize-semantics.md §12.3).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource, put_scalar
from indexer.manifest import gojson
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Operation, Role, Scalar
from indexer.manifest.scalars import is_null, to_data

NAME_SUFFIX_HASH: Final = "name suffix hash"
"""What the operation is called that ends a name with the hash of the content."""
# What is hashed of a kind: fields that always count, and one that counts where it is a mapping.
_FIELDS: Final = {
    "ConfigMap": (("data",), "binaryData"),
    "Secret": (("data", "type"), "stringData"),
}
# Digits that could form bad words, or be mistaken for each other, become consonants.
_SAFE: Final = str.maketrans("013ae", "ghkmt")
_LENGTH: Final = 10


def hash_resource(res: Resource) -> str:
    """The ten characters that kustomize would append to the name of a ConfigMap or Secret. Raises KustomizeError."""
    kind = res.id.kind
    if kind not in _FIELDS:
        raise KustomizeError(
            f"hash suffix for {res.id} is not supported",
            problem=f"a hash suffix for {kind} is not supported: only ConfigMap and Secret can have one",
            span=res.definition,
        )
    always, optional = _FIELDS[kind]
    # The name is left out by kustomize too: it looks for it at a path that does not exist.
    content: dict[str, Any] = {"kind": kind, "name": ""}
    for field in always:
        content[field] = _content(res.root, field)
    if not isinstance(extra := _content(res.root, optional), str):
        content[optional] = extra
    digest = sha256(gojson.dumps(content).encode()).hexdigest()
    return digest[:_LENGTH].translate(_SAFE)


def _content(root: Mapping, field: str) -> Any:
    node = root.get(field)
    if node is None or is_null(node):
        return ""
    if isinstance(node, Scalar):
        return node.text
    if not isinstance(node, Mapping):
        return None
    try:
        return _with_floats(to_data(node))
    except ManifestError as error:
        raise of_manifest(error) from None


def _with_floats(data: Any) -> Any:
    """Numbers as Go reads them from JSON."""
    if isinstance(data, dict):
        return {key: _with_floats(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_with_floats(item) for item in data]
    return float(data) if isinstance(data, int) and not isinstance(data, bool) else data


def add_hashes(resmap: ResMap) -> None:
    """Appends its hash to the name of every resource that is marked for it."""
    op = Operation(Role.TRANSFORMS, NAME_SUFFIX_HASH)
    for res in resmap:
        if res.hash_suffix:
            suffix = hash_resource(res)
            res.store_previous_id()
            put_scalar(res, ("metadata", "name"), f"{res.id.name}-{suffix}", None, op)
