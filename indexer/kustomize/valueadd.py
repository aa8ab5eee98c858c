"""The ``ValueAddTransformer`` plugin: one value, put into fields of selected objects.

Rules: kustomize's ``ValueAddTransformer`` and ``api/filters/valueadd`` (kustomize-semantics.md §17.4).
"""

from __future__ import annotations

import posixpath
from typing import Final

from indexer.kustomize.configurations import read_mapping
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import Create, FieldSpec, apply, set_scalar
from indexer.kustomize.kustomization import SELECTOR
from indexer.kustomize.layer import Layer
from indexer.kustomize.namespace import NamespaceSetter
from indexer.kustomize.record import INT, STRING, ListOf, Reading, Record, Struct, decode
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selection import Selection
from indexer.kustomize.selector import Selector, select
from indexer.kustomize.wrongkind import SCALAR, WrongKindError
from indexer.manifest.node import Mapping, Node, Operation, Role, Scalar

_TARGET: Final = Struct("Target", {"selector": SELECTOR, "fieldPath": STRING, "filePathPosition": INT})
_TARGETS: Final = Struct("Targets", {"targets": ListOf(_TARGET)})
_CONFIG: Final = Struct(
    "ValueAddTransformerPlugin", {"value": STRING, "targetFilePath": STRING, "targets": ListOf(_TARGET)}
)
_METADATA_NAMESPACE: Final = "metadata/namespace"


def value_add_transformer(resmap: ResMap, layer: Layer, config: Mapping) -> None:
    """Applies a plugin's object. Raises KustomizeError."""
    args = decode(config, _CONFIG, Reading.OBJECT)
    value = args.text("value").strip() or posixpath.basename(layer.loader.root)
    op = Operation(Role.TRANSFORMS, "ValueAddTransformer", config.span)
    for target in _targets(layer, args):
        selector = target.record("selector")
        chosen = resmap.resources if selector is None else select(resmap, Selector.from_record(selector))
        for res in chosen:
            _add(res, target, value, args.at("value"), op)


def _targets(layer: Layer, args: Record) -> list[Record]:
    targets = args.records("targets")
    if args.text("targetFilePath"):
        root = read_mapping(layer.loader, args.text("targetFilePath"))
        if root is not None:
            targets += decode(root, _TARGETS, Reading.LOOSE).records("targets")
    if not targets:
        raise KustomizeError("must specify at least one target").located(args.node)
    for target in targets:
        position = target.number("filePathPosition")
        if not target.text("fieldPath"):
            raise KustomizeError("fieldPath cannot be empty").located(target.node)
        if position < 0:
            raise KustomizeError(f"value of FilePathPosition ({position}) cannot be negative").located(target.node)
    return targets


def _add(res: Resource, target: Record, value: str, at: Node, op: Operation) -> None:
    path, position = target.text("fieldPath"), target.number("filePathPosition")
    if path == _METADATA_NAMESPACE:
        NamespaceSetter(value, at, op, Selection(())).apply(res)
        return

    def setter(node: Node) -> Node:
        if not isinstance(node, Scalar):
            raise WrongKindError(node, SCALAR)
        text = insert_path_part(node.text, position - 1, value) if position > 0 else value
        return set_scalar(node, text, None, at, op)

    res.root = apply(res.root, FieldSpec(path, create=True), setter, Create.SCALAR, lambda: res.id)


def insert_path_part(path: str, position: int, part: str) -> str:
    """``path`` with one more part before that of index ``position``, or at the end; absolute stays absolute."""
    parts = [piece for piece in path.split("/") if piece]
    parts.insert(position, part)
    return ("/" if path.startswith("/") else "") + "/".join(parts)
