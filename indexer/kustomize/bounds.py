"""How big and how deep an object may become, so that no input takes all memory or all of the stack.

A file alone is bounded when it is read (``indexer.manifest.compose``); here are the bounds for what a build makes of
it, where a copy of a copy can double it with each line.
"""

from __future__ import annotations

from typing import Final

from indexer.kustomize.errors import KustomizeError
from indexer.manifest.compose import MAX_BYTES, MAX_DEPTH
from indexer.manifest.node import Mapping, Node, Sequence

MAX_VALUES: Final = 250_000
"""Values of one object; a cluster takes 1.5 MB of JSON."""
MAX_OBJECTS: Final = 100_000
"""Objects of one build."""
MAX_LAYERS: Final = 10_000
"""Kustomizations of one build, each counted as often as it is built."""


def demand_bounds(root: Node) -> None:
    """Raises KustomizeError where an object is nested too deeply, or has more values than a cluster would take."""
    level = [root]
    count = 0
    for _ in range(MAX_DEPTH):
        below: list[Node] = []
        for node in level:
            if isinstance(node, Mapping):
                below += [value for _, value in node.fields.values()]
            elif isinstance(node, Sequence):
                below += node.items
        if not below:
            return
        count += len(below)
        if count > MAX_VALUES:
            raise KustomizeError(f"an object has more than {MAX_VALUES} values").located(root)
        level = below
    raise too_deep().located(root)


def too_deep() -> KustomizeError:
    return KustomizeError(f"nested too deeply: fields, paths and kustomizations may have {MAX_DEPTH} levels at most")


def demand_short(length: int, at: Node) -> None:
    """Raises KustomizeError for a text of more characters than a file may have."""
    if length > MAX_BYTES:
        raise KustomizeError(f"a text becomes longer than {MAX_BYTES} characters").located(at)


def demand_few(count: int, what: str, most: int = MAX_OBJECTS) -> None:
    """Raises KustomizeError for more objects, layers … than any real build has."""
    if count > most:
        raise KustomizeError(f"the build has more than {most} {what}")
