"""The values of a release: merged as Flux and Helm do it, each leaf the very scalar that somebody wrote.

Rules: flux-semantics.md §6.4 and Helm's ``MergeMaps``. Maps are Python's dictionaries and lists here, because the
rules rest on references: a map that only one side has is shared with that side, and a later ``targetPath`` that writes
into it writes into both.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Table
from itertools import groupby
from typing import Any

from indexer.deferred import NamedTuple, dataclass, field
from indexer.helm.setpath import Assignment, Path, SetError, Value
from indexer.manifest.errors import ManifestError
from indexer.manifest.history import Contribution
from indexer.manifest.node import (
    BOOL,
    FLOAT,
    INT,
    NULL,
    STR,
    Mapping,
    Node,
    Role,
    Scalar,
    Sequence,
    Span,
    Style,
    pointer,
)
from indexer.manifest.scalars import tag_of, to_data, to_data_11

Tree = dict[str, Any] | list[Any] | Scalar
"""Maps and lists of trees; the leaves are scalars, which are compared by identity: they are the provenance."""


class Leaf(NamedTuple):
    """One value of an origin: a scalar, or a map or list that is empty."""

    path: Path
    tree: Tree
    span: Span | None
    """From the key to the end of the value; None where no text made it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One text that gives values: ``spec.values``, a key of a ConfigMap, a file."""

    name: str
    """``spec.values``, ``ConfigMap ns/name key``, ``values file path`` …"""
    leaves: tuple[Leaf, ...]
    branches: Table[Path, Span] = field(default_factory=dict)
    """Where each map and list stands that is not empty, from its key on."""
    secret: bool = False
    default: bool = False
    """Whether the chart brings it along, and no release names it."""


class Values(NamedTuple):
    """All values of a release."""

    tree: dict[str, Any]
    origins: tuple[Origin, ...]
    """Weakest first."""

    def contributions(self, prefix: Path = ("spec", "values")) -> Iterator[Contribution]:
        """Every span that gives values; ``fields`` are pointers below ``prefix``, where the values would stand.

        A map of which all is in effect, or nothing, is one span.
        """
        for origin in self.origins:
            states = [(leaf, self.is_effective(leaf)) for leaf in origin.leaves]
            for path, span, effective in _collapsed(origin, (), states):
                under = pointer(map(str, (*prefix, *path)))
                yield Contribution(Role.VALUES, origin.name, span, (under,), not effective)

    def is_effective(self, leaf: Leaf) -> bool:
        """Whether the leaf is what stands at its path in the end."""
        found: Any = self.tree
        for part in leaf.path:
            if isinstance(found, dict):
                found = found.get(str(part))
            elif isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            else:
                return False
        return found is leaf.tree if isinstance(leaf.tree, Scalar) else found == leaf.tree

    def along(self, path: tuple[str, ...]) -> Iterator[tuple[Origin, Leaf]]:
        """What the release itself sets, in effect, at or below a path or above it, each with its origin."""
        for origin in self.origins:
            for leaf in () if origin.default else origin.leaves:
                own = tuple(map(str, leaf.path))
                if own[: len(path)] == path[: len(own)] and self.is_effective(leaf):
                    yield origin, leaf

    def secrets(self) -> frozenset[str]:
        """The texts that Secrets gave and that nothing may show."""
        leaves = (leaf.tree for origin in self.origins if origin.secret for leaf in origin.leaves)
        return frozenset(
            leaf.text for leaf in leaves if isinstance(leaf, Scalar) and leaf.text and tag_of(leaf) not in (BOOL, NULL)
        )


def _collapsed(origin: Origin, path: Path, states: list[tuple[Leaf, bool]]) -> Iterator[tuple[Path, Span, bool]]:
    """The spans of the leaves below a path: one where all are alike, else those of each part."""
    if not states:
        return
    leaf, effective = states[0]
    alike = leaf.path == path or all(state is effective for _, state in states)
    span = leaf.span if leaf.path == path else origin.branches.get(path)
    if alike and span is not None:
        yield path, span, effective
    elif leaf.path != path:
        for key, part in groupby(states, key=lambda state: state[0].path[len(path)]):
            yield from _collapsed(origin, (*path, key), list(part))


def origin_of(
    name: str, root: Mapping, *, yaml_11: bool, secret: bool = False, default: bool = False
) -> tuple[Origin, dict[str, Any]]:
    """A mapping as an origin of values, and as a tree of them.

    ``yaml_11``: read as Go reads a values file (``yes`` is true); else as the API server has it. Raises ManifestError.
    """
    leaves: list[Leaf] = []
    branches: dict[Path, Span] = {}
    tree = _grown(root, (), root.span, leaves, branches, yaml_11=yaml_11)
    assert isinstance(tree, dict)
    return Origin(name, tuple(leaves), branches, secret, default), tree


def origin_at(name: str, assignments: list[Assignment], at: Scalar, span: Span | None, *, secret: bool) -> Origin:
    """What ``--set`` expressions of one text set, as an origin."""
    leaves = tuple(Leaf(one.path, _made(one.value, at), span) for one in assignments)
    return Origin(name, leaves, secret=secret)


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """``above`` over ``below``: maps are merged, anything else replaced. What one side alone has is shared with it."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merge(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return result


def put(tree: dict[str, Any], leaf: Leaf) -> None:
    """Sets a leaf in place, with all maps and lists on the way. Raises SetError."""
    here: Any = tree
    for part, below in zip(leaf.path, (*leaf.path[1:], None), strict=True):
        old = _step(here, part)
        if below is None:
            value: Tree = leaf.tree
        elif isinstance(below, int):
            value = _as_list(old, part)
            if len(value) <= below:
                value = [*value, *[Scalar("null", NULL) for _ in range(below + 1 - len(value))]]
        elif isinstance(old, dict):
            value = old
        elif old is None or isinstance(here, list):
            value = {}
        else:
            raise SetError(f'"{part}" is no map')
        here[part] = value
        here = value


def _as_list(old: Any, part: str | int) -> list[Any]:
    if isinstance(old, list):
        return old
    if old is None or (isinstance(old, Scalar) and old.tag == NULL):
        return []
    raise SetError(f'"{part}" is no list')


def _step(here: Any, part: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(part)
    return here[part] if isinstance(here, list) and isinstance(part, int) else None


def to_plain(tree: Tree) -> Any:
    """A tree as plain data."""
    if isinstance(tree, dict):
        return {key: to_plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [to_plain(item) for item in tree]
    return to_data(tree)


def _grown(
    node: Node, path: Path, span: Span | None, leaves: list[Leaf], branches: dict[Path, Span], *, yaml_11: bool
) -> Tree:
    """The tree of a node, its leaves and branches noted."""
    parts: list[tuple[str | int, Node, Span | None]] = []
    if isinstance(node, Mapping):
        pairs = {key.text: (key, value) for key, value in (*node.items(), *node.duplicate)}
        parts = [(text, value, _joined(key, value)) for text, (key, value) in pairs.items()]
    elif isinstance(node, Sequence):
        parts = [(index, item, item.span) for index, item in enumerate(node.items)]
    if parts:
        if span is not None:
            branches[path] = span
        grown = {
            key: _grown(value, (*path, key), place, leaves, branches, yaml_11=yaml_11) for key, value, place in parts
        }
        return list(grown.values()) if isinstance(node, Sequence) else {str(key): tree for key, tree in grown.items()}
    tree: Tree = {} if isinstance(node, Mapping) else []
    if isinstance(node, Scalar):
        tree = _typed(node) if yaml_11 else node
    if path:
        leaves.append(Leaf(path, tree, span))
    return tree


def _joined(key: Scalar, value: Node) -> Span | None:
    """From the key to the end of its value, which may stand in different files."""
    first, last = key.span, value.span
    if first is None or last is None or first.source != last.source or first > last:
        return last if last is not None else first
    return Span(first.source, first.line, first.column, last.end_line, last.end_column)


def _typed(scalar: Scalar) -> Scalar:
    """A scalar of YAML 1.1 with the tag that says its type in any version."""
    value = to_data_11(scalar)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ManifestError(scalar.source.file, 1, 1, "a number that JSON does not have")
        return _like(scalar, repr(value), FLOAT)
    return _like(scalar, *_text_and_tag(value))


def _text_and_tag(value: Value) -> tuple[str, str]:
    if value is None:
        return "null", NULL
    if isinstance(value, bool):
        return ("true" if value else "false"), BOOL
    return (str(value), INT) if isinstance(value, int) else (value, STR)


def _like(scalar: Scalar, text: str, tag: str) -> Scalar:
    return Scalar(text, tag, Style.PLAIN, scalar.source, scalar.pos, scalar.op)


def _made(value: Value | list[Value], at: Scalar) -> Tree:
    return [_made(item, at) for item in value] if isinstance(value, list) else _like(at, *_text_and_tag(value))
