"""What a unit brings to its cluster that other units may depend on: Flux's own objects, and those with variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from indexer.flux.identity import Substitution
from indexer.flux.openness import Openness, outline
from indexer.flux.packing import (
    Packed,
    canonical,
    digest,
    may_be_stored,
    pack_span,
    pack_substitutions,
    pack_tree,
    unpack_span,
    unpack_substitutions,
    unpack_tree,
)
from indexer.flux.resources import (
    GENERATOR,
    HELM,
    KUSTOMIZE,
    OPERATOR,
    SOURCE,
    group_of,
    kind_of,
    marks_of,
    name_of,
    namespace_of,
    told,
)
from indexer.flux.sops import is_encrypted
from indexer.manifest.node import Mapping, Span

_GROUPS: Final = frozenset({KUSTOMIZE, SOURCE, GENERATOR, HELM, OPERATOR})
SUPPLIERS: Final = ("ConfigMap", "Secret")
"""The kinds of objects with variables and values."""
_LARGE: Final = 1 << 18
"""Bytes of a tree from which on it is left out, and rendered again should anybody ask: few ConfigMaps are variables."""


def matters(root: Mapping) -> bool:
    """Whether other units may depend on an object."""
    return group_of(root) in _GROUPS or kind_of(root) in SUPPLIERS


def delivered(root: Mapping) -> bool:
    """Whether a Kustomization brings an object into the cluster that others may depend on.

    What it lists without applying it, others take variables from as it is in the cluster. A Kustomization lives on.
    """
    return matters(root) and not (kind_of(root) in SUPPLIERS and _is_left_alone(root))


def _is_left_alone(root: Mapping) -> bool:
    marks = marks_of(root)
    return "disabled" in told(marks, f"{KUSTOMIZE}/reconcile") or "ignore" in told(marks, f"{KUSTOMIZE}/ssa")


class Delivery:
    """One such object. Its tree may have to be read or rendered first, and is when somebody asks for it."""

    __slots__ = (
        "_load", "_outline", "_packed", "_root", "_tree_digest", "definition", "group", "kind", "name", "namespace",
        "substitutions",
    )  # fmt: skip

    def __init__(
        self,
        named: tuple[str, str, str, str],
        definition: Span | None,
        substitutions: tuple[Substitution, ...],
        load: Callable[[], Mapping],
        tree_digest: bytes | None = None,
        outline: bytes | None = None,
    ) -> None:
        self.group, self.kind, self.namespace, self.name = named
        self.definition = definition
        self.substitutions = substitutions
        """What ``postBuild`` filled in."""
        self._tree_digest = tree_digest
        self._packed: tuple[Packed, bytes] | None = None
        self._load = load
        self._root: Mapping | None = None
        self._outline: bytes | Mapping | None = outline

    @classmethod
    def of(cls, root: Mapping, definition: Span | None, substitutions: tuple[Substitution, ...] = ()) -> Delivery:
        """The delivery of a tree that is at hand."""
        named = group_of(root), kind_of(root), namespace_of(root), name_of(root)
        return cls(named, definition, substitutions, lambda: root)

    @property
    def root(self) -> Mapping:
        """The object."""
        if self._root is None:
            self._root = self._load()
        return self._root

    @property
    def outline(self) -> Mapping:
        """The object, for those who do not ask for encrypted values, which may be hidden in it."""
        if self._root is not None or self._outline is None:
            return self.root
        if isinstance(self._outline, bytes):
            self._outline = unpack_tree(self._outline)
        return self._outline

    @property
    def tree_digest(self) -> bytes | None:
        """Equal for equal trees; None for one that is too deep."""
        if self._tree_digest is None:
            try:
                self._tree_digest = digest(self._tree()[1])
            except (RecursionError, ValueError):
                return None
        return self._tree_digest

    def _tree(self) -> tuple[Packed, bytes]:
        """The packed tree, and its bytes. Raises RecursionError, ValueError."""
        if self._packed is None:
            tree = pack_tree(self.root)
            self._packed = tree, canonical(tree)
        return self._packed

    def pack(self, openness: Openness) -> Packed:
        """All but what must not be stored: then its tree is left out. Raises RecursionError, ValueError."""
        kept = self._tree()[1] if self._may_be_stored(openness) else None
        hidden = canonical(pack_tree(outline(self.root))) if kept is None and is_encrypted(self.root) else None
        named = self.group, self.kind, self.namespace, self.name
        return named, pack_span(self.definition), pack_substitutions(self.substitutions), self.tree_digest, kept, hidden

    def unstored_tree(self, openness: Openness) -> bytes | None:
        """The packed tree, where ``pack`` leaves it out and it is not large. Raises RecursionError, ValueError."""
        data = self._tree()[1]
        return data if len(data) < _LARGE and not self._may_be_stored(openness) else None

    def _may_be_stored(self, openness: Openness) -> bool:
        tree, data = self._tree()
        redacted = frozenset(one.variable for one in self.substitutions if one.redacted)
        is_open = self.kind != "Secret" and len(data) < _LARGE
        return is_open and may_be_stored(tree, redacted, openness.holds_no_secret)


def unpack_delivery(packed: Packed, render: Callable[[], Mapping]) -> Delivery:
    """The delivery that was packed; ``render`` makes a tree that was left out."""
    named, definition, substitutions, tree_digest, tree, hidden = packed
    load = render if tree is None else lambda: unpack_tree(tree)
    return Delivery(named, unpack_span(definition), unpack_substitutions(substitutions), load, tree_digest, hidden)
