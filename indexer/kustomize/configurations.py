"""``configurations``: files that add to the tables of field specs.

Rules: kustomize's ``api/internal/plugins/builtinconfig`` (kustomize-semantics.md §17.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from indexer.kustomize.config import EMPTY, NameReference, TransformerConfig
from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.kustomization import FIELD_SPEC
from indexer.kustomize.labels import field_specs
from indexer.kustomize.loader import Loader
from indexer.kustomize.record import STRING, ListOf, Record, Struct, decode
from indexer.kustomize.resid import Gvk
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Sequence, unpack

# The name of each table in a file, and here.
_TABLES: Final = {
    "namePrefix": "name_prefix",
    "nameSuffix": "name_suffix",
    "namespace": "namespace",
    "commonLabels": "common_labels",
    "labels": "labels",
    "templateLabels": "template_labels",
    "commonAnnotations": "common_annotations",
    "varReference": "var_reference",
    "images": "images",
    "replicas": "replicas",
}
_NAME_REFERENCE: Final = Struct(
    "NameBackReferences",
    {"group": STRING, "version": STRING, "kind": STRING, "fieldSpecs": ListOf(FIELD_SPEC)},
)
_CONFIG: Final = Struct(
    "TransformerConfig",
    {**dict.fromkeys(_TABLES, ListOf(FIELD_SPEC)), "nameReference": ListOf(_NAME_REFERENCE)},
)


def load_configurations(loader: Loader, entries: Iterable[tuple[str, Node]]) -> TransformerConfig:
    """The tables of all files, without the built-in ones. Raises KustomizeError."""
    result = EMPTY
    for path, node in entries:
        try:
            result = result.merged(_load(loader, path))
        except KustomizeError as error:
            raise error.located(node) from None
    return result


def _load(loader: Loader, path: str) -> TransformerConfig:
    repository, file = loader.file(path)
    return _tables(loader.load(path), file, repository, path)


@lru_cache(maxsize=256)
def _tables(data: bytes, file: str, repository: str | None, path: str) -> TransformerConfig:
    # Tables that are the very same are merged once, and the file of an overlay is read for each cluster.
    root = _mapping(data, file, repository, path)
    if root is None:
        return EMPTY
    _refuse_duplicates(root)
    try:
        record = decode(root, _CONFIG)
    except KustomizeError as error:
        raise error.wrapped("error unmarshaling JSON: while decoding JSON: ") from None
    tables = {ours: field_specs(record.records(theirs)) for theirs, ours in _TABLES.items()}
    references = tuple(_name_reference(entry) for entry in record.records("nameReference"))
    return TransformerConfig(name_reference=references, **tables).sorted()


def _name_reference(entry: Record) -> NameReference:
    target = Gvk(entry.text("group"), entry.text("version"), entry.text("kind"))
    return NameReference(target, field_specs(entry.records("fieldSpecs")))


def read_mapping(loader: Loader, path: str) -> Mapping | None:
    """The first document of a YAML or JSON file as a mapping, None where it is empty. Raises KustomizeError."""
    repository, file = loader.file(path)
    return _mapping(loader.load(path), file, repository, path)


def _mapping(data: bytes, file: str, repository: str | None, path: str) -> Mapping | None:
    try:
        documents = parse_stream(data, file, repository, limit=1)
    except ManifestError as error:
        place = of_manifest(error).span
        message = f"error converting YAML to JSON: {error.go_message}"
        raise KustomizeError(message, problem=error.problem, span=place) from None
    node = documents[0].node if documents else None
    if node is None:
        return None
    if not isinstance(node, Mapping):
        kind = "array" if isinstance(node, Sequence) else "string"
        raise KustomizeError(
            f"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value",
            problem=f"{path} has to be a mapping",
        ).located(node)
    return node


def _refuse_duplicates(node: Node) -> None:
    if isinstance(node, Mapping):
        if node.duplicate:
            key = node.duplicate[0][0]
            line = unpack(key.pos)[0] + 1
            raise KustomizeError(
                "error converting YAML to JSON: yaml: unmarshal errors:\n"
                f'  line {line}: key "{key.text}" already set in map',
                problem=f"the key {key.text} is given twice",
            ).located(key)
        for _, value in node.fields.values():
            _refuse_duplicates(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            _refuse_duplicates(item)
