"""Who wrote which field: ``metadata.managedFields`` resolved to JSON pointers into the live object.

The format is server-side apply's (https://kubernetes.io/docs/reference/using-api/server-side-apply/#managed-fields):
``f:name`` is a field, ``k:{…}`` the item of a list with these keys, ``v:…`` the item that equals a value, ``.`` the
thing itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from indexer.cluster.model import LiveObject, Writer

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The fields of one live object with those who own them."""

    _owners: dict[Path, list[Writer]] = field(default_factory=dict)
    _keys: dict[Path, set[tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, one: LiveObject) -> Written:
        """What ``managedFields`` says; fields that are gone from the object are left out."""
        written = cls()
        for writer in sorted(one.writers, key=lambda writer: writer.time, reverse=True):
            for path in written._walk(writer.fields, one.body, ()):
                written._owners.setdefault(path, []).append(writer)
        return written

    def _walk(self, fields: Mapping[str, Any], value: Any, path: Path) -> Iterator[Path]:
        for key, below in fields.items():
            if key == ".":
                yield path
                continue
            found = self._step(key, value, path)
            if found is None:
                continue
            name, child = found
            if below:
                yield from self._walk(below, child, (*path, name))
            else:
                yield (*path, name)

    def _step(self, key: str, value: Any, path: Path) -> tuple[str, Any] | None:
        """The child that a key of ``fieldsV1`` means, with its key or index."""
        kind, _, rest = key.partition(":")
        if kind == "f":
            return (rest, value[rest]) if isinstance(value, dict) and rest in value else None
        if not isinstance(value, list):
            return None
        try:
            wanted = json.loads(rest)
        except ValueError:
            return None
        if kind == "k":
            self._keys.setdefault(path, set()).add(tuple(wanted))
        for index, item in enumerate(value):
            if kind == "k" and isinstance(item, dict) and all(item.get(name) == one for name, one in wanted.items()):
                return str(index), item
            if (kind == "v" and item == wanted) or (kind == "i" and index == wanted):
                return str(index), item
        return None

    def by(self, path: Path) -> tuple[Writer, ...]:
        """Who owns what is at ``path``, the latest first: by itself, else as part of what is above it."""
        for length in range(len(path), 0, -1):
            if (owners := self._owners.get(path[:length])) is not None:
                return tuple(owners)
        return ()

    def below(self, path: Path) -> tuple[Writer, ...]:
        """Who owns something at or below ``path``, the latest first."""
        found = {id(one): one for at, owners in self._owners.items() if at[: len(path)] == path for one in owners}
        return tuple(sorted(found.values(), key=lambda one: one.time, reverse=True)) or self.by(path)

    def keys(self, path: Path) -> tuple[str, ...]:
        """The fields that tell the items of the list at ``path`` apart; () for a list that is one whole, or a set."""
        return max(self._keys.get(path, {()}), key=len)

    def owned(self, manager: str) -> frozenset[Path]:
        """The paths that a manager owns by server-side apply or update: leaves, and containers that it made."""
        return frozenset(path for path, owners in self._owners.items() if any(one.manager == manager for one in owners))
