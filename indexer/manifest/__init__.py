"""Bytes of a YAML or JSON file to trees that know where every node was written, and back to kustomize's bytes."""

from indexer.manifest.comment import comments
from indexer.manifest.compose import Document, duplicate_error, parse, parse_stream
from indexer.manifest.embedded import parse_embedded
from indexer.manifest.emit import EmitError, emit
from indexer.manifest.errors import DuplicateKeyError, ManifestError, NonStringKeyError, UndecodableError
from indexer.manifest.gojson import dumps
from indexer.manifest.scalars import resolve, tag_of, to_data, to_data_11

__all__ = [
    "Document",
    "DuplicateKeyError",
    "EmitError",
    "ManifestError",
    "NonStringKeyError",
    "UndecodableError",
    "comments",
    "dumps",
    "duplicate_error",
    "emit",
    "parse",
    "parse_embedded",
    "parse_stream",
    "resolve",
    "tag_of",
    "to_data",
    "to_data_11",
]
