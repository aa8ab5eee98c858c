"""Where a live object differs from what Git renders, and who wrote the live value (server-side apply's managed fields).

Only what Git sets is compared: a default that the server fills in is no difference. The items of a list are told apart
by the keys that the API's schema gives them, as far as managed fields show these, else by their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from indexer.cluster.managed import Path, Written
from indexer.cluster.model import LiveObject, Writer
from indexer.flux.quantity import amount
from indexer.manifest.node import pointer

_NOT_APPLIED: Final = frozenset({("apiVersion",), ("kind",), ("status",), ("metadata", "creationTimestamp")})
"""What Git may say and no applied object takes over, or what is compared otherwise."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A field that the live object does not have."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that Git sets and that the live object holds otherwise."""

    path: Path
    """In the rendered object."""
    rendered: Any
    live: Any
    """``Absent()`` where the live object does not have the field."""
    writers: tuple[Writer, ...]
    """Who owns the live field, or what it would be in, the latest first; () where the server does not say."""

    @property
    def pointer(self) -> str:
        return pointer(self.path)


def differences(rendered: Mapping[str, Any], live: LiveObject) -> list[FieldDifference]:
    """The fields of ``rendered`` (plain data) that ``live`` holds otherwise, in the order of the rendered object."""
    return list(_Comparison(live).maps(rendered, live.body, (), ()))


class _Comparison:
    def __init__(self, live: LiveObject) -> None:
        self._written = Written.of(live)

    def values(self, rendered: Any, live: Any, path: Path, at: Path) -> Iterator[FieldDifference]:
        """``path`` leads to ``rendered``, ``at`` to ``live``: lists may have another order."""
        if path in _NOT_APPLIED or rendered is None:
            return
        if isinstance(rendered, dict) and isinstance(live, dict | Absent):
            yield from self.maps(rendered, live if isinstance(live, dict) else {}, path, at)
        elif isinstance(rendered, list) and isinstance(live, list):
            yield from self._lists(rendered, live, path, at)
        elif not _equal(rendered, live):
            yield FieldDifference(path, rendered, live, self._written.by(at))

    def maps(
        self, rendered: Mapping[str, Any], live: Mapping[str, Any], path: Path, at: Path
    ) -> Iterator[FieldDifference]:
        for key, value in rendered.items():
            yield from self.values(value, live.get(key, Absent()), (*path, key), (*at, key))

    def _lists(self, rendered: list[Any], live: list[Any], path: Path, at: Path) -> Iterator[FieldDifference]:
        keys = self._written.keys(at)
        if not keys and len(rendered) != len(live):
            yield FieldDifference(path, rendered, live, self._written.below(at))
            return
        for index, item in enumerate(rendered):
            place = _place(item, live, keys) if keys else index
            below = (*path, str(index))
            if place is None:
                yield FieldDifference(below, item, Absent(), self._written.below(at))
            else:
                yield from self.values(item, live[place], below, (*at, str(place)))


def _place(item: Any, live: list[Any], keys: tuple[str, ...]) -> int | None:
    """Where the item with the same keys is; a key that Git leaves out has the default, which is not known here."""
    given = {key: item[key] for key in keys if key in item} if isinstance(item, dict) else {}
    for place, other in enumerate(live):
        if isinstance(other, dict) and given and all(other.get(key) == value for key, value in given.items()):
            return place
    return None


def _equal(rendered: Any, live: Any) -> bool:
    if isinstance(live, Absent):
        # The server leaves out what is empty, false or 0 in most types: that is not a difference of meaning.
        return rendered in ({}, [], "", False, 0)
    if type(rendered) is type(live):
        return bool(rendered == live) or (isinstance(rendered, str) and _same_quantity(rendered, live))
    if isinstance(rendered, bool) or isinstance(live, bool):
        return False
    return isinstance(rendered, int | float | str) and _same_quantity(str(rendered), str(live))


def _same_quantity(rendered: str, live: str) -> bool:
    """Whether two texts are one quantity, which the server writes in its shortest form: 1000m is 1."""
    one, other = amount(rendered), amount(live)
    return one is not None and one == other
