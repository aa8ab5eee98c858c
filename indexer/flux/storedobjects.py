"""The objects of a unit that lies in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload

from indexer.flux.model import RenderedObject
from indexer.flux.packing import Packed, pack_object, unpack_objects


def packed(objects: Sequence[RenderedObject]) -> Iterable[Packed]:
    """Objects as ``pack_object`` makes them, which is how they lie in the store."""
    return objects.packed() if isinstance(objects, StoredObjects) else map(pack_object, objects)


class StoredObjects(Sequence[RenderedObject]):
    """The objects of a unit, read when somebody looks at them, unless they are at hand."""

    def __init__(
        self,
        count: int,
        packed: Callable[[], list[Packed]],
        objects: tuple[RenderedObject, ...] | None = None,
    ) -> None:
        self._count = count
        self.packed = packed
        self._objects = objects

    def release(self) -> None:
        """Lets go of what is at hand."""
        self._objects = None

    def _all(self) -> tuple[RenderedObject, ...]:
        if self._objects is None:
            self._objects = unpack_objects(self.packed())
        return self._objects

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[RenderedObject]:
        # Not kept: whoever goes through all objects of a fleet does so once.
        return iter(self._objects if self._objects is not None else unpack_objects(self.packed()))

    @overload
    def __getitem__(self, index: int) -> RenderedObject: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RenderedObject]: ...

    def __getitem__(self, index: int | slice) -> RenderedObject | Sequence[RenderedObject]:
        return self._all()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())
