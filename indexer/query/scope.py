"""The part of an index that a question is about: one repository, and of it all clusters or some.

Units are read as they are met, since a question about one object needs a few of an index that may hold thousands.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from indexer.errors import FluxidxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from indexer.flux.model import Cluster
    from indexer.git.repository import Repository
    from indexer.index.read import Index, Row

_AT_ONCE: Final = 500
"""Keys in one statement."""


class Scope:
    """An open index, narrowed."""

    def __init__(self, index: Index, build: Row, clusters: Sequence[str] = ()) -> None:
        self.index = index
        self.build = build
        """The row of view ``builds``: what was indexed."""
        self.clusters = tuple(clusters)
        """The clusters that were asked for by name; empty for all."""
        self._met: dict[int, Row | None] = {}

    @classmethod
    def of(cls, index: Index, repository: Repository, clusters: Sequence[str] = ()) -> Self:
        """The scope of a repository that is in the index. Raises FluxidxError for an unknown cluster."""
        name = index.location.name_of(repository)
        scope = cls(index, index.rows("SELECT * FROM builds WHERE repository = :build", {"build": name})[0], clusters)
        if clusters:
            scope._check_clusters()
        return scope

    def _check_clusters(self) -> None:
        build = {"build": self.build["repository"]}
        known = {row["cluster"] for row in self.index.rows("SELECT cluster FROM clusters WHERE build = :build", build)}
        if not known.issuperset(self.clusters):
            places = self.index.rows("SELECT DISTINCT cluster, target FROM units WHERE build = :build", build)
            known.update(map(_place, places))
        demand_clusters(self.clusters, known)

    @cached_property
    def every(self) -> dict[int, Row]:
        """All rows of view ``units``, by ``unit_id``."""
        build = {"build": self.build["repository"]}
        ordered = "SELECT * FROM units WHERE build = :build ORDER BY cluster, kind, namespace, name"
        rows = self.index.rows(ordered, build)
        return {row["unit_id"]: row for row in rows}

    @cached_property
    def units(self) -> dict[int, Row]:
        """Those that the question is about: on its clusters, or applying objects to them."""
        wanted = self.clusters
        return {
            key: unit
            for key, unit in self.every.items()
            if not wanted or unit["cluster"] in wanted or _place(unit) in wanted
        }

    def unit(self, unit_id: int) -> Row | None:
        """The row of one unit, also of a cluster that the question is not about: what is above a unit may be on one.

        None for a unit of another repository.
        """
        self._meet([unit_id])
        return self._met[unit_id]

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query, which has to give ``unit_id``, of what units put on the clusters of this scope."""
        found = self.index.rows(sql, parameters)
        self._meet({row["unit_id"] for row in found})
        return [row for row in found if self._holds(row["unit_id"])]

    def objects(self, columns: str = "*", **equal: str) -> list[Row]:
        """The rows of view ``objects`` in this scope, with these values; ``columns`` have to hold ``unit_id``."""
        terms = [f"{column} = :{column}" for column in equal]
        if self.clusters:
            # Here and not only in ``rows``, since one cluster may have a fiftieth of the objects: some that have a name
            # are looked at one by one, all are found by their units.
            names = {f"cluster{number}": cluster for number, cluster in enumerate(self.clusters)}
            there = f"IN ({', '.join(f':{name}' for name in names)})"
            units = f"unit_id IN (SELECT unit_id FROM units WHERE coalesce(target, cluster) {there})"  # noqa: S608 - names from above
            terms.append(f"cluster {there}" if equal else units)
            equal |= names
        condition = f" WHERE {' AND '.join(terms)}" if terms else ""
        return self.rows(f"SELECT {columns} FROM objects{condition}", **equal)  # noqa: S608

    def _meet(self, unit_ids: Iterable[int]) -> None:
        """Reads the units that are not known yet."""
        new = [unit_id for unit_id in unit_ids if unit_id not in self._met]
        self._met |= dict.fromkeys(new)
        for start in range(0, len(new), _AT_ONCE):
            keys = ", ".join(map(str, new[start : start + _AT_ONCE]))
            sql = f"SELECT * FROM units WHERE build = :build AND unit_id IN ({keys})"  # noqa: S608 - our own numbers
            rows = self.index.rows(sql, {"build": self.build["repository"]})
            self._met |= {row["unit_id"]: row for row in rows}

    def _holds(self, unit_id: int) -> bool:
        unit = self._met[unit_id]
        return unit is not None and (not self.clusters or _place(unit) in self.clusters)

    def vocabulary(self, sql: str) -> list[Row]:
        """The rows of a query for words that a person may use, whichever repository of the index they come from."""
        return self.index.rows(sql)


def names_of(clusters: Iterable[Cluster]) -> set[str]:
    """What clusters may be called by: their names, and those of clusters that their units apply to from there."""
    return {name for cluster in clusters for name in (cluster.name, *(unit.place for unit in cluster.units))}


def demand_clusters(names: Iterable[str], known: Iterable[str], where: str = "this repository") -> None:
    """Raises FluxidxError for a name that is not that of a ``known`` cluster."""
    known = set(known)
    for name in names:
        if name not in known:
            have = f"there is: {', '.join(sorted(known))}" if known else "fluxidx units says which there are"
            raise FluxidxError(f"there is no cluster {name!r} in {where}; {have}")


def _place(unit: Row) -> str:
    """The cluster that a unit's objects are on."""
    cluster: str = unit["target"] or unit["cluster"]
    return cluster
