"""What strategic merge patches know about fields: which lists merge, and by which keys.

Rules: kustomize's ``kyaml/openapi`` (kustomize-semantics.md §9.3, §17.3). A schema is a Swagger document, of which
only the ``definitions`` matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.scalars import to_data_11

BUILT_IN_VERSION: Final = "v1.21.2"
_DATA: Final = "kubernetes-1.21.2.json"
_GVK: Final = "x-kubernetes-group-version-kind"
_STRATEGY: Final = "x-kubernetes-patch-strategy"
_KEYS: Final = "x-kubernetes-list-map-keys"
_KEY: Final = "x-kubernetes-patch-merge-key"

Definitions = Mapping[str, Any]


class SchemaNode:
    """The schema of one object, field or list. Children are made when they are asked for, and kept."""

    __slots__ = ("_definitions", "_fields", "_items", "_raw", "merge_keys", "strategy")

    def __init__(self, raw: Mapping[str, Any], definitions: Definitions) -> None:
        self._raw = raw
        self._definitions = definitions
        self._fields: dict[str, SchemaNode | None] = {}
        self._items: SchemaNode | bool | None = False
        strategy = raw.get(_STRATEGY)
        self.strategy: str = strategy if isinstance(strategy, str) else ""
        """``merge``, ``retainKeys``, ``merge,retainKeys`` …; "" where the schema has none."""
        self.merge_keys: tuple[str, ...] = _merge_keys(raw) if self.strategy else ()
        """The fields that identify an item of a list that merges; none for a set of scalars."""

    @property
    def merges(self) -> bool:
        """Whether a list of this schema is merged item by item."""
        return "merge" in self.strategy.split(",")

    def field(self, key: str) -> SchemaNode | None:
        """The schema of the value under ``key``; None where it is unknown."""
        if key not in self._fields:
            raw = _object(self._raw.get("properties")).get(key)
            if raw is None:
                raw = self._raw.get("additionalProperties")
            self._fields[key] = self._resolved(raw)
        return self._fields[key]

    def items(self) -> SchemaNode | None:
        """The schema of a list's items; None where it is unknown."""
        if isinstance(self._items, bool):
            is_list = self._raw.get("type") in ("array", ["array"])
            self._items = self._resolved(self._raw.get("items")) if is_list else None
        return self._items

    def _resolved(self, raw: object) -> SchemaNode | None:
        seen: set[str] = set()
        while isinstance(raw, Mapping) and raw.get("$ref"):
            ref = str(raw["$ref"])
            if ref in seen:
                return None
            seen.add(ref)
            raw = self._definitions.get(ref.removeprefix("#/definitions/"))
        return SchemaNode(raw, self._definitions) if isinstance(raw, Mapping) else None


class Schema:
    """Schemas by apiVersion and kind."""

    def __init__(self, definitions: Definitions) -> None:
        self._roots: dict[tuple[str, str], SchemaNode] = {}
        for raw in definitions.values():
            if isinstance(raw, Mapping):
                node = SchemaNode(raw, definitions)
                self._roots.update((type_meta, node) for type_meta in _type_metas(raw))

    def root(self, api_version: str, kind: str) -> SchemaNode | None:
        """The schema of a kind of object; None where it is unknown."""
        return self._roots.get((api_version, kind))


class SchemaHolder:
    """The schema in force. kustomize has one a process: the root's setting wins, else the first that a base makes."""

    def __init__(self) -> None:
        self._version = ""
        self._custom: Definitions | None = None
        self._loaded: tuple[Definitions, ...] = ()
        self._schema: Schema | None = None
        self.seen: set[tuple[str, str]] = set()
        """apiVersion and kind of every object read so far. kustomize asks for the scope of each, and for a kind that is
        none of Kubernetes 1.21 it resolves to load the built-in schema, even if a base sets its own before it does."""
        self._builtin_too = False

    @property
    def builtin(self) -> bool:
        """Whether nothing but the built-in schema was ever in force (so that a base built now holds elsewhere)."""
        return self._custom is None and not self._version

    @property
    def current(self) -> Schema:
        """What merges go by now. What was loaded once stays loaded when another schema is set later."""
        if self._schema is None:
            if self._custom is None and not self._loaded:
                self._schema = _built_in_schema()
                self._loaded = (_built_in(),)
            else:
                self._loaded = (*self._loaded, self._custom if self._custom is not None else _built_in())
                if self._builtin_too:
                    self._loaded = (*self._loaded, _built_in())
                self._schema = Schema(_united((*self._loaded, _kustomization())))
        return self._schema

    def set(self, openapi: Mapping[str, str], data: bytes | None, *, reset: bool = False) -> None:
        """Obeys the ``openapi`` field of a kustomization; ``data`` is the content of its ``path``.

        ``reset`` is for the root, whose setting replaces any other. Raises KustomizeError.
        """
        if (self._version or self._custom is not None) and not reset:
            return
        version = openapi.get("version")
        if data is not None:
            if version is not None:
                raise KustomizeError(
                    "builtin version and custom schema provided, cannot use both",
                    problem="openapi has both version and path",
                )
            scoped = _scoped_kinds()
            self._builtin_too = any(kind not in scoped.get(api_version, ()) for api_version, kind in self.seen)
            self._custom, self._version, self._schema = _definitions(data), "custom", None
            return
        self._version = version or ""
        if not version:
            return
        if version != BUILT_IN_VERSION:
            raise KustomizeError(
                "the specified OpenAPI version is not built in",
                problem=f"openapi.version {version} is not built in; {BUILT_IN_VERSION} is",
            )
        self._custom, self._schema = None, None


def _definitions(data: bytes) -> Definitions:
    """The definitions of a schema file in JSON or YAML. Raises KustomizeError."""
    try:
        document = json.loads(data) if data.startswith(b"{") else _yaml(data)
    except ManifestError as error:
        raise of_manifest(error).wrapped("invalid schema file: ") from None
    except ValueError as error:
        raise KustomizeError(
            f"invalid schema file: {error}", problem=f"the openapi schema is no JSON: {error}"
        ) from None
    if not data or not isinstance(document, Mapping | None):
        raise KustomizeError("invalid schema file", problem="the openapi schema is no mapping with definitions")
    return _object(_object(document).get("definitions"))


def _yaml(data: bytes) -> object:
    documents = parse_stream(data, "", None, limit=1)
    node = documents[0].node if documents else None
    return None if node is None else to_data_11(node)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _merge_keys(raw: Mapping[str, Any]) -> tuple[str, ...]:
    keys = raw.get(_KEYS)
    if isinstance(keys, list):
        return tuple(str(key) for key in keys)
    key = raw.get(_KEY)
    return (key,) if isinstance(key, str) else ()


def _type_metas(raw: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The (apiVersion, kind) pairs that a definition says it describes."""
    entries = raw.get(_GVK)
    for entry in entries if isinstance(entries, list) else ():
        gvk = _object(entry)
        group, version, kind = (str(gvk.get(part) or "") for part in ("group", "version", "kind"))
        yield f"{group}/{version}" if group else version, kind


def _united(parts: Iterable[Definitions]) -> Definitions:
    result: dict[str, Any] = {}
    for part in parts:
        result.update(part)
    return result


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(Path(__file__).with_name(_DATA).read_bytes())
    return data


def _built_in() -> Definitions:
    return _object(_data()["kubernetes"]["definitions"])


def _scoped_kinds() -> Mapping[str, list[str]]:
    """Kinds by apiVersion of which kustomize knows without a schema whether they have a namespace."""
    kinds: Mapping[str, list[str]] = _data()["scoped"]
    return kinds


def _kustomization() -> Definitions:
    """Schemas of kustomization files, which kustomize adds to any other."""
    return _object(_data()["kustomization"]["definitions"])


@lru_cache(maxsize=1)
def _built_in_schema() -> Schema:
    return Schema(_united((_built_in(), _kustomization())))
