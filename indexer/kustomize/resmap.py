"""The ordered set of resources of a build, whose current ids are unique.

Rules: kustomize's ``api/resmap/reswrangler.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from indexer.kustomize.bounds import demand_few
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.resid import ResId
from indexer.kustomize.resource import Resource


class ResMap:
    """Resources in the order in which they came."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self.resources = list(resources)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources)

    def __len__(self) -> int:
        return len(self.resources)

    def copy(self) -> ResMap:
        """Independent resources over the same trees."""
        return ResMap(res.copy() for res in self.resources)

    def append_all(self, incoming: Iterable[Resource]) -> None:
        """Adds resources; raises at the first whose id is taken."""
        taken = {res.id.key: res for res in self.resources}
        incoming = list(incoming)
        demand_few(len(taken) + len(incoming), "objects")
        for res in incoming:
            key = res.id.key
            if key in taken:
                raise _already_registered(res, taken[key])
            taken[key] = res
            self.resources.append(res)

    def demand_unique(self) -> None:
        """Raises if two resources have the same current id."""
        ResMap().append_all(self.resources)

    def with_any_id(self, matches: Callable[[ResId], bool]) -> list[Resource]:
        """Resources of which the current or a previous id matches."""
        return [res for res in self.resources if any(matches(id_) for id_ in res.any_ids)]

    def by_id(self, wanted: ResId) -> Resource:
        """The one resource that has, or had, an id; raises where there is none or more than one."""
        key = wanted.key
        found = self.with_any_id(lambda id_: id_.key == key)
        if len(found) == 1:
            return found[0]
        problem = "multiple matches" if found else "no matches"
        raise KustomizeError(
            f"{problem} for Id {wanted}; failed to find unique target for patch {wanted}",
            problem=(
                f"{'more than one object is' if found else 'no object is'} {wanted}: "
                "correct the patch's apiVersion, kind, name or namespace"
            ),
        )

    def remove(self, gone: Resource) -> None:
        self.resources = [res for res in self.resources if res is not gone]


def _already_registered(res: Resource, first: Resource) -> KustomizeError:
    elsewhere = f" at {first.definition} too" if first.definition is not None else " twice"
    return KustomizeError(
        f"may not add resource with an already registered id: {res.id}",
        problem=f"{res.id.kind} {res.id.name} is defined{elsewhere}: remove one of the two",
        span=res.definition,
    )
