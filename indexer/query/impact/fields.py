"""What differs between two states of an object, leaf by leaf, with the nodes on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from indexer.manifest.gojson import dumps
from indexer.manifest.node import Mapping, Node, Scalar
from indexer.manifest.node import Sequence as List
from indexer.manifest.scalars import to_data

Path = tuple[str, ...]

_KEYS: Final = ("name", "key", "id", "containerPort", "port", "mountPath", "path", "host", "ip", "topologyKey", "uid")
"""Fields that may tell the items of a list apart, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A leaf of one side that the other side lacks or has another value for."""

    path: Path
    """In the object after the change; before it, where ``after`` is None."""
    past: Path
    """In the object before the change; after it, where ``before`` is None."""
    before: Node | None
    after: Node | None
    above: tuple[Node, ...] = ()
    """The containers after the change, the object first, as far down as they are on both sides."""
    above_before: tuple[Node, ...] = ()
    """The same before the change."""
    order: bool = False
    """Whether the nodes are lists of which only the order differs."""


def differences(before: Node, after: Node) -> Iterator[Difference]:
    """Every leaf that differs, in the order of the document after the change; what is gone comes after its siblings."""
    yield from _compared(before, after, (), (), (), ())


def _compared(
    before: Node, after: Node, path: Path, past: Path, above: tuple[Node, ...], above_before: tuple[Node, ...]
) -> Iterator[Difference]:
    if before is after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        pairs: list[tuple[str | None, str | None]] = [
            (key if key in before.fields else None, key) for key in after.fields
        ]
        pairs += [(key, None) for key in before.fields if key not in after.fields]
    elif isinstance(before, List) and isinstance(after, List):
        aligned = _aligned(before.items, after.items)
        pairs = [(None if old is None else str(old), None if new is None else str(new)) for old, new in aligned]
        olds = [old for old, new in aligned if old is not None and new is not None]
        if olds != sorted(olds):
            yield Difference(path, past, before, after, above, above_before, order=True)
    elif not _equal(before, after):
        # A leaf on one side at least.
        yield Difference(path, past, before, after, above, above_before)
        return
    else:
        return
    above, above_before = (*above, after), (*above_before, before)
    for old, new in pairs:
        if old is not None and new is not None:
            yield from _compared(child(before, old), child(after, new), (*path, new), (*past, old), above, above_before)
        elif new is not None:
            for below, leaf in _leaves(child(after, new)):
                yield Difference((*path, new, *below), past, None, leaf, above, above_before)
        elif old is not None:
            for below, leaf in _leaves(child(before, old)):
                yield Difference((*past, old, *below), (*past, old, *below), leaf, None, above, above_before)


def child(node: Node, key: str) -> Node:
    """The value under a key, or the item at an index, that is known to be there."""
    if isinstance(node, Mapping):
        return node.fields[key][1]
    assert isinstance(node, List)
    return node.items[int(key)]


def _leaves(node: Node) -> Iterator[tuple[Path, Node]]:
    if isinstance(node, Mapping) and node.fields:
        for key, (_, value) in node.fields.items():
            for below, leaf in _leaves(value):
                yield (key, *below), leaf
    elif isinstance(node, List) and node.items:
        for index, item in enumerate(node.items):
            for below, leaf in _leaves(item):
                yield (str(index), *below), leaf
    else:
        yield (), node


def _equal(before: Node, after: Node) -> bool:
    one, other = to_data(before), to_data(after)
    return type(one) is type(other) and bool(one == other)


# Lists


def _aligned(before: Sequence[Node], after: Sequence[Node]) -> list[tuple[int | None, int | None]]:
    """Which item became which, in the order after the change; items that are gone stand behind their predecessors."""
    named = _names(before, after)
    if named is not None:
        old, new = named
        places = {name: index for index, name in enumerate(old)}
        kept = set(new)
        pairs: list[tuple[int | None, int | None]] = [(places.get(name), index) for index, name in enumerate(new)]
        return pairs + [(index, None) for index, name in enumerate(old) if name not in kept]
    return list(_matched([_text(item) for item in before], [_text(item) for item in after]))


def _names(before: Sequence[Node], after: Sequence[Node]) -> tuple[list[str], list[str]] | None:
    """What tells the items of both lists apart; None where nothing does."""
    items = [*before, *after]
    if not all(isinstance(item, Mapping) for item in items):
        return None
    for key in _KEYS:
        names = [value.text if isinstance(value := item.get(key), Scalar) else None for item in items]  # type: ignore[attr-defined]
        old, new = names[: len(before)], names[len(before) :]
        if None not in names and len(set(old)) == len(old) and len(set(new)) == len(new):
            return [str(name) for name in old], [str(name) for name in new]
    return None


def _text(item: Node) -> str:
    data: Any = to_data(item)
    return dumps(data)


def _matched(old: list[str], new: list[str]) -> Iterator[tuple[int | None, int | None]]:
    for operation, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        common = min(i2 - i1, j2 - j1) if operation in ("equal", "replace") else 0
        yield from ((i1 + step, j1 + step) for step in range(common))
        yield from ((None, index) for index in range(j1 + common, j2))
        yield from ((index, None) for index in range(i1 + common, i2))
