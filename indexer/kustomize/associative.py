"""Lists whose items are found by keys: the searching, setting and pairing that a strategic merge does with them.

Rules: kyaml's ``ElementSetter``, ``ElementMatcher`` and ``walkAssociativeSequence`` (kustomize-semantics.md §9.3).
Their order of steps is kept, because the results on lists with missing or double keys follow from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from indexer.kustomize.wrongkind import MAPPING, SCALAR, WrongKindError
from indexer.manifest.node import Mapping, Node, Scalar
from indexer.manifest.scalars import is_null

Keys = tuple[str, ...]
Values = tuple[str, ...]
PRIMITIVE: Final[Keys] = ("",)
"""The keys of a set of scalars, whose items are their own key."""


def text_of(node: Node) -> str:
    """The text of a scalar, null or not; "" for a container."""
    return node.text if isinstance(node, Scalar) else ""


def is_empty(node: Node | None) -> bool:
    """Whether an item counts as absent: null or ``{}``."""
    return node is None or (isinstance(node, Mapping) and not node.fields) or is_null(node)


def key_values(items: Iterable[Node], keys: Keys) -> list[Values]:
    """The key texts of each item, "" for what it lacks."""
    if keys == PRIMITIVE:
        return [(text_of(item),) for item in items]
    return [tuple(_key_value(item, key) for key in keys) for item in items]


def _key_value(item: Node, key: str) -> str:
    value = item.get(key) if isinstance(item, Mapping) else None
    return "" if value is None or is_null(value) else text_of(value)


def reconciled(tuples: list[Values]) -> list[Values]:
    """Tuples of which one lacks what the other has become the same tuple, pair by pair in kyaml's order."""
    result = list(tuples)
    for outer in range(len(result)):
        first = result[outer]
        for inner, second in enumerate(result):
            union = _union(first, second)
            if union is not None:
                result[outer] = result[inner] = union
    return result


def _union(first: Values, second: Values) -> Values | None:
    """Both tuples in one, if they share a component and contradict each other in none."""
    if any(a and b and a != b for a, b in zip(first, second, strict=True)):
        return None
    if not any(a == b for a, b in zip(first, second, strict=True)):
        return None
    return tuple(a or b for a, b in zip(first, second, strict=True))


def valid_keys(tuples: Iterable[Values], keys: Keys) -> list[int]:
    """The positions of the keys that some item has; of all keys if none has any."""
    present = {index for values in tuples for index, value in enumerate(values) if value}
    return sorted(present) or list(range(len(keys)))


def find(items: list[Node], keys: Keys, values: Values) -> int | None:
    """The index of the first item that has these key texts; keys without a value do not count if another has one."""
    if keys == PRIMITIVE:
        return next((index for index, item in enumerate(items) if text_of(item) == values[0]), None)
    wanted = [(keys[index], values[index]) for index in valid_keys([values], keys)]
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and all(
            (found := item.get(key)) is not None and text_of(found) == value for key, value in wanted
        ):
            return index
    return None


def set_item(items: list[Node], element: Node | None, keys: Keys, values: Values) -> None:
    """Puts ``element`` in place of every item that has these key texts, else at the end; None removes those items.

    A "" value matches whatever the key holds. Null and ``{}`` items are dropped on the way, and without any value
    every item is.
    """
    by_field = bool(keys[0] and values and values[0])
    kept: list[Node] = []
    found = False
    for item in items:
        if is_empty(item):
            continue
        if by_field and not isinstance(item, Mapping):
            kept.append(item)
        elif not _matches(item, keys, values):
            if values:
                kept.append(item)
        else:
            found = True
            if element is not None:
                kept.append(element)
    if element is not None and not is_null(element) and not found:
        kept.append(element)
    items[:] = kept


def _matches(item: Node, keys: Keys, values: Values) -> bool:
    """Whether an item has the key texts; a key beyond the values matches if the one before did."""
    if not values:
        return False
    for key, value in zip(keys, values, strict=False):
        if not key:
            if not isinstance(item, Scalar):
                raise WrongKindError(item, SCALAR)
            if text_of(item) != value:
                return False
        else:
            if not isinstance(item, Mapping):
                raise WrongKindError(item, MAPPING)
            found = item.get(key)
            if found is None or (value and text_of(found) != value):
                return False
    return True


def append_items(target: list[Node], items: Iterable[Node], keys: Keys) -> None:
    """Adds each of ``items`` to ``target``, in the place of what has the same keys."""
    for item in items:
        if keys == PRIMITIVE:
            set_item(target, item, keys, (text_of(item),))
            continue
        values: list[str] = []
        for key in keys:
            if not is_empty(item) and not isinstance(item, Mapping):
                raise WrongKindError(item, MAPPING)
            value = item.get(key) if isinstance(item, Mapping) else None
            if value is None:
                target.append(item)
            else:
                values.append(text_of(value))
        if len(keys) > 1:
            set_item(target, None, keys, tuple(values))
        set_item(target, item, keys, tuple(values))
