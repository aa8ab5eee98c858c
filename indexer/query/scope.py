"""The part of an index that a question is about: one repository, and of it all clusters or some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from indexer.errors import FluxidxError
from indexer.index.read import Index, Row, storable


@dataclass(frozen=True, slots=True)
class Scope:
    """An open index, narrowed."""

    index: Index
    build: Row
    """The row of view ``builds``: what was indexed."""
    every: dict[int, Row]
    """All rows of view ``units``, by ``unit_id``: what is above a unit may be on another cluster."""
    units: dict[int, Row]
    """Those that the question is about: on its clusters, or applying objects to them."""
    clusters: tuple[str, ...]
    """The clusters that were asked for by name; empty for all."""

    @classmethod
    def of(cls, index: Index, common_dir: Path, clusters: Sequence[str] = ()) -> Self:
        """The scope of the repository with that common git directory. Raises FluxidxError for an unknown cluster."""
        name = storable(str(common_dir))
        units = index.rows("SELECT * FROM units WHERE build = :build ORDER BY unit_id", {"build": name})
        named = index.rows("SELECT cluster FROM clusters WHERE build = :build", {"build": name})
        known = {row["cluster"] for row in named} | {_place(unit) for unit in units}
        for cluster in clusters:
            if cluster not in known:
                have = f"there is: {', '.join(sorted(known))}" if known else "no cluster was found in it"
                raise FluxidxError(f"there is no cluster {cluster!r} in this repository; {have}")
        return cls(
            index,
            index.rows("SELECT * FROM builds WHERE repository = :build", {"build": name})[0],
            {unit["unit_id"]: unit for unit in units},
            {
                unit["unit_id"]: unit
                for unit in units
                if not clusters or unit["cluster"] in clusters or _place(unit) in clusters
            },
            tuple(clusters),
        )

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query, which has to give ``unit_id``, of what units put on the clusters of this scope."""
        return [row for row in self.index.rows(sql, parameters) if self._holds(row["unit_id"])]

    def _holds(self, unit_id: int) -> bool:
        unit = self.units.get(unit_id)
        return unit is not None and (not self.clusters or _place(unit) in self.clusters)

    def vocabulary(self, sql: str) -> list[Row]:
        """The rows of a query for words that a person may use, whichever repository of the index they come from."""
        return self.index.rows(sql)


def _place(unit: Row) -> str:
    """The cluster that a unit's objects are on."""
    cluster: str = unit["target"] or unit["cluster"]
    return cluster
