"""How a cluster's kustomize-controller treats undefined variables, as far as its files tell (section 4.8)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Final

from indexer.deferred import regex
from indexer.flux.resources import OPERATOR, is_kind
from indexer.git.tree import Tree, TreeError
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.node import Mapping, Scalar, leaves

_GATE: Final = regex(r"StrictPostBuildSubstitutions=(true|false)")
_HEADER: Final = regex(r"^# Flux Version: v?(\d+)\.(\d+)", re.MULTILINE)
_VERSION: Final = regex(r"[v=~^]*(\d+)\.(\d+)")
_STRICT_SINCE: Final = (2, 9)
COMPONENTS: Final = "gotk-components.yaml"
"""The file in which a bootstrap leaves the controllers."""
_PATCHES: Final = "kustomization.yaml"
_HEAD: Final = 4096
"""Bytes of the components file in which its header stands."""


def is_strict(tree: Tree, files: Iterable[str], objects: Iterable[Mapping]) -> bool:
    """Whether an undefined variable fails a Kustomization.

    The feature gate decides where the bootstrap sets it, else the version of Flux; without either, the default of
    today's.
    """
    gates: list[str] = []
    versions: list[tuple[int, int]] = []
    for file in files:
        folder = posixpath.dirname(file)
        components = _text(tree, posixpath.join(folder, COMPONENTS))
        gates += _GATE.findall(components) + _GATE.findall(_text(tree, posixpath.join(folder, _PATCHES)))
        versions += _pairs(_HEADER.findall(components[:_HEAD]))
    for root in objects:
        instance = (
            find(root, "spec") if is_kind(root, OPERATOR, "FluxInstance") else find(root, "spec", "values", "instance")
        )
        if isinstance(instance, Mapping):
            texts = (leaf.text for _, leaf in leaves(instance) if isinstance(leaf, Scalar))
            gates += [gate for text in texts for gate in _GATE.findall(text)]
            found = _VERSION.match(text_at(instance, "distribution", "version"))
            versions += _pairs([found.groups()] if found else [])
    if gates:
        return gates[-1] == "true"
    return not versions or versions[-1] >= _STRICT_SINCE


def _pairs(found: Iterable[tuple[str, ...]]) -> list[tuple[int, int]]:
    return [(int(major), int(minor)) for major, minor in found]


def _text(tree: Tree, path: str) -> str:
    try:
        return tree.read(path).decode(errors="replace")
    except TreeError:
        return ""
