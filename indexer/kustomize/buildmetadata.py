"""What ``buildMetadata`` adds to the output: where objects come from, what transformed them, who built them.

Rules: kustomize's ``api/resource/origin.go`` (kustomize-semantics.md §15.2, §15.3).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from collections.abc import Mapping as AbstractMapping
from typing import Any, Final

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import drop, find, put, string, stringified
from indexer.kustomize.remote import parse_repo_spec
from indexer.kustomize.resource import BUILD_ANNOTATIONS, ORIGIN, TRANSFORMATIONS, Origin, Resource
from indexer.manifest.node import Mapping, Node, Operation, Role, Scalar, Sequence
from indexer.manifest.scalars import is_null

ORIGIN_ANNOTATIONS: Final = "originAnnotations"
TRANSFORMER_ANNOTATIONS: Final = "transformerAnnotations"
MANAGED_BY_LABEL: Final = "managedByLabel"
_HIDDEN: Final = BUILD_ANNOTATIONS | {ORIGIN, TRANSFORMATIONS}
MANAGED_BY: Final = ("app.kubernetes.io/managed-by", "kustomize-v5.8.1")


def below(path: str, entry: str) -> str:
    """The origin path of an entry of the kustomization at ``path``, both relative to the directory being built."""
    joined = posixpath.normpath(posixpath.join(path, entry))
    return "" if joined == "." else joined


def track_generated(resources: Iterable[Resource], origin: Origin) -> None:
    """Gives generated resources an origin unless they have one."""
    for res in resources:
        if res.origin is None:
            res.origin = origin


def track_transformed(resources: Iterable[Resource], origin: Origin) -> None:
    """Records a transformer with every resource, changed or not, as kustomize does."""
    for res in resources:
        if res.origin is None:
            res.origin = origin
        else:
            res.transformations = (*res.transformations, origin)


def _data(origin: Origin) -> dict[str, Any]:
    by = {
        key: value
        for key, value in (
            ("apiVersion", origin.api_version),
            ("kind", origin.kind),
            ("name", origin.name),
            ("namespace", origin.namespace),
        )
        if value
    }
    fields: dict[str, Any] = {
        "path": origin.path,
        "repo": origin.repo,
        "ref": origin.ref,
        "configuredIn": origin.configured_in,
        "configuredBy": by,
    }
    return {key: value for key, value in fields.items() if value}


def _in_order(data: dict[str, Any], lead: str) -> str:
    """The YAML of an origin with its keys in the order of kustomize's struct."""
    from indexer.manifest.emit import emit  # which hardly a repository needs

    lines: list[str] = []
    for key, value in data.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {line}" for line in _in_order(value, "").splitlines())]
        else:
            lines += emit({key: value}).splitlines()
    return "".join(f"{lead if index == 0 else ' ' * len(lead)}{line}\n" for index, line in enumerate(lines))


class Requested(NamedTuple):
    """One item of ``buildMetadata``: what it adds stands at its line."""

    at: Node
    op: Operation

    @classmethod
    def by(cls, at: Node) -> Requested:
        return cls(at, Operation(Role.TRANSFORMS, "buildMetadata", at.span))

    def text(self, text: str) -> Scalar:
        return string(text, self.at, self.op)


def finish(res: Resource, requested: AbstractMapping[str, Requested]) -> None:
    """Brings a resource's metadata into the form in which kustomize prints it.

    Annotations become strings, kustomize's own go, an empty map goes, and what ``buildMetadata`` requests comes.
    """
    managed = requested.get(MANAGED_BY_LABEL)
    if managed is not None:
        key, value = MANAGED_BY
        res.root = put(res.root, ("metadata", "labels", key), managed.text(value))
    present = find(res.root, "metadata", "annotations")
    mapping = Mapping({}, touched=True) if present is None else stringified(_as_mapping(present))
    fields = {key: entry for key, entry in mapping.fields.items() if key not in _HIDDEN}
    origins, transformers = requested.get(ORIGIN_ANNOTATIONS), requested.get(TRANSFORMER_ANNOTATIONS)
    if origins is not None and res.origin is not None:
        fields[ORIGIN] = (Scalar(ORIGIN), origins.text(_in_order(_data(res.origin), "")))
    if transformers is not None and res.transformations:
        text = "".join(_in_order(_data(origin), "- ") for origin in res.transformations)
        fields[TRANSFORMATIONS] = (Scalar(TRANSFORMATIONS), transformers.text(text))
    if fields and (mapping is not present or fields != mapping.fields):
        res.root = put(res.root, ("metadata", "annotations"), mapping.derive(dict(sorted(fields.items()))))
    elif present is not None and not fields:
        res.root = drop(res.root, ("metadata", "annotations"))
    elif (metadata := res.root.get("metadata")) is None or (is_null(metadata) and res.remembered):
        res.root = put(res.root, ("metadata",), Mapping({}, touched=True))


def _as_mapping(node: Node) -> Mapping:
    """What kustomize takes for annotations: a scalar holds none, and of a list every second item is a value."""
    if isinstance(node, Mapping):
        return node
    items = node.items if isinstance(node, Sequence) else []
    if len(items) % 2:
        raise KustomizeError("metadata.annotations is a list: make it a mapping").located(node)
    pairs = zip(items[::2], items[1::2], strict=True)
    texts = {key.text: (key, value) for key, value in pairs if isinstance(key, Scalar)}
    return Mapping(texts, source=node.source, pos=node.pos, op=node.op, prev=node.prev, touched=True)


def with_path(origin: Origin | None, entry: str) -> Origin | None:
    """``origin`` of a file or directory that a kustomization names."""
    if origin is None:
        return None
    spec = parse_repo_spec(entry)
    if spec is not None:
        return origin._replace(path=spec.directory, repo=spec.clone_spec, ref=spec.ref)
    return origin._replace(path=below(origin.path, entry))
