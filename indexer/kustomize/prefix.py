"""``namePrefix`` and ``nameSuffix``.

Rules: kustomize's ``PrefixTransformer`` and ``SuffixTransformer`` (kustomize-semantics.md §8.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from indexer.kustomize.fieldspec import Create, FieldSpec, apply, set_scalar
from indexer.kustomize.layer import Layer
from indexer.kustomize.resid import Gvk
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selection import Selection
from indexer.kustomize.wrongkind import SCALAR, WrongKindError
from indexer.manifest.node import Node, Operation, Role, Scalar

_METADATA_NAME: Final = "metadata/name"
# What is known by its name to the whole cluster keeps it.
_UNNAMED: Final = (
    Gvk("", "", "CustomResourceDefinition"),
    Gvk("apiregistration.k8s.io", "", "APIService"),
    Gvk("", "", "Namespace"),
)


def prefix_transformer(
    resmap: ResMap,
    layer: Layer,  # noqa: ARG001  # every transformer gets its layer
    prefix: str,
    at: Node,
    specs: tuple[FieldSpec, ...],
) -> None:
    """Puts ``prefix`` (written at ``at``) before names. Raises KustomizeError where a spec leads to no scalar."""
    op = Operation(Role.TRANSFORMS, "namePrefix", at.span)

    def remember(res: Resource) -> None:
        res.prefixes = (*res.prefixes, prefix)

    _rename(resmap, specs, bool(prefix), remember, _renamed(lambda name: prefix + name, at, op))


def suffix_transformer(
    resmap: ResMap,
    layer: Layer,  # noqa: ARG001  # every transformer gets its layer
    suffix: str,
    at: Node,
    specs: tuple[FieldSpec, ...],
) -> None:
    """Puts ``suffix`` (written at ``at``) after names. Raises KustomizeError where a spec leads to no scalar."""
    op = Operation(Role.TRANSFORMS, "nameSuffix", at.span)

    def remember(res: Resource) -> None:
        res.suffixes = (*res.suffixes, suffix)

    _rename(resmap, specs, bool(suffix), remember, _renamed(lambda name: name + suffix, at, op))


def _renamed(change: Callable[[str], str], at: Node, op: Operation) -> Callable[[Node], Node]:
    def setter(node: Node) -> Node:
        if not isinstance(node, Scalar):
            raise WrongKindError(node, SCALAR)
        text = change(node.text)
        if text == node.text:
            # The affix is empty: the name stands where it stood.
            return Scalar(text, None, node.style, node.source, node.pos, node.op, node.prev)
        return set_scalar(node, text, None, at, op)

    return setter


def _rename(
    resmap: ResMap,
    specs: tuple[FieldSpec, ...],
    renames: bool,
    remember: Callable[[Resource], None],
    setter: Callable[[Node], Node],
) -> None:
    """Applies ``setter`` to the names of all resources; the original kind decides which specs count."""
    selection = Selection(specs)
    for res in resmap:
        original = res.original_id.gvk
        if any(original.is_selected(unnamed) for unnamed in _UNNAMED):
            continue
        for spec in selection.of(original):
            if spec.path == _METADATA_NAME and renames:
                remember(res)
                res.store_previous_id()
            if res.gvk.is_selected(spec.gvk):
                res.root = apply(res.root, spec, setter, Create.SCALAR, lambda: res.id)  # noqa: B023  # used at once
