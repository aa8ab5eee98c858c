"""The facts of all units, read again only where a unit is not what it was."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Final

from indexer.flux.model import Cluster, Unit, UnitId
from indexer.flux.store import Store
from indexer.query.rules.facts import UnitFacts, facts_of
from indexer.query.rules.view import AllFacts

_MEMO: Final = "facts"
_LAYOUT: Final = 5
"""The form of the facts; those of another form are not read."""

Wanted = Callable[[str, UnitId], bool]
"""Of which units of which clusters the trees are wanted."""


class Collected:
    """Facts by what stands for their unit. They lie in the store, which is the program's own file."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._kept = self._read()
        self._used: dict[str, UnitFacts] = {}

    def __bool__(self) -> bool:
        return bool(self._kept)

    def of(self, clusters: Sequence[Cluster], again: Callable[[Wanted], Sequence[Cluster]]) -> AllFacts:
        """The facts of the units of ``clusters``; ``again`` renders them anew, with the trees that are wanted."""
        facts: dict[tuple[str, UnitId], UnitFacts] = {}
        lacking: set[tuple[str, UnitId]] = set()
        names = {(unit.cluster, unit.id): _name(cluster, unit) for cluster in clusters for unit in cluster.units}
        for unit in (unit for cluster in clusters for unit in cluster.units):
            name = names[unit.cluster, unit.id]
            known = self._kept.get(name) if name is not None else None
            if known is not None:
                facts[unit.cluster, unit.id] = known
            elif any(obj.tree is None for obj in unit.objects):
                lacking.add((unit.cluster, unit.id))
            else:
                facts[unit.cluster, unit.id] = facts_of(unit)
        if lacking:
            rendered = again(lambda cluster, unit: (cluster, unit) in lacking)
            for unit in (unit for cluster in rendered for unit in cluster.units):
                if (unit.cluster, unit.id) in lacking:
                    facts[unit.cluster, unit.id] = facts_of(unit)
        self._used |= {name: facts[key] for key, name in names.items() if name is not None}
        return facts

    def keep(self) -> None:
        """Puts what was used in the place of what was kept, where there is more of it."""
        if self._store is not None and not self._used.keys() <= self._kept.keys():
            self._store.remember(_MEMO, pickle.dumps((_LAYOUT, self._used), protocol=5))

    def _read(self) -> dict[str, UnitFacts]:
        data = self._store.memo(_MEMO) if self._store is not None else None
        if data is None:
            return {}
        try:
            layout, facts = pickle.loads(data)  # noqa: S301 - see above
        except Exception:  # noqa: BLE001 - whatever a damaged pickle raises, the facts are found anew
            return {}
        return facts if layout == _LAYOUT else {}


def _name(cluster: Cluster, unit: Unit) -> str | None:
    """What stands for a unit: its digest; that of its cluster where it has none, as a ResourceSet has."""
    if unit.digest is not None:
        return unit.digest
    return f"{cluster.digest} {unit.id}" if cluster.digest is not None else None
