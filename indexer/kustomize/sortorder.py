"""The order of a build's output.

Rules: kustomize's SortOrderTransformer (kustomize-semantics.md §15.1).
"""

from __future__ import annotations

import functools

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.record import Record
from indexer.kustomize.resid import ORDER_FIRST, ORDER_LAST, ResId
from indexer.kustomize.resmap import ResMap

LEGACY = "legacy"
FIFO = "fifo"


def sort_by_options(resmap: ResMap, options: Record) -> None:
    """Sorts as a ``sortOptions`` field says; raises KustomizeError where it contradicts itself."""
    order = options.text("order")
    if order not in (FIFO, LEGACY):
        raise KustomizeError(f"the field 'sortOptions.order' must be one of [{FIFO}, {LEGACY}]").located(options.node)
    legacy = options.record("legacySortOptions")
    if order == FIFO:
        if legacy is not None:
            raise KustomizeError(
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"
            ).located(legacy.node)
        return
    if legacy is None:
        sort_legacy(resmap)
    else:
        sort_legacy(resmap, tuple(legacy.texts("orderFirst")), tuple(legacy.texts("orderLast")))


def sort_legacy(resmap: ResMap, first: tuple[str, ...] = ORDER_FIRST, last: tuple[str, ...] = ORDER_LAST) -> None:
    """Kinds in ``first``, then all others, then ``last``; within a kind by group, version, namespace and name."""
    ranks = {kind: index - len(first) for index, kind in enumerate(first)}
    ranks |= {kind: index + 1 for index, kind in enumerate(last)}
    keyed = [(_SortKey(res.id, ranks.get(res.id.kind, 0)), res) for res in resmap]
    keyed.sort(key=lambda pair: pair[0])
    resmap.resources = [res for _, res in keyed]
    try:
        resmap.demand_unique()
    except KustomizeError as error:
        raise error.wrapped("SortOrderTransformer: Failed to append to resources: ") from None


@functools.total_ordering
class _SortKey:
    __slots__ = ("gvk", "id", "rank", "text")

    def __init__(self, resid: ResId, rank: int) -> None:
        self.id = resid
        self.rank = rank
        self.gvk = resid.gvk.sort_key[1].encode("utf-8", "surrogateescape")
        self.text = f"{resid.gvk}|{resid.namespace or '~X'}|{resid.name or '~N'}".encode("utf-8", "surrogateescape")

    def __lt__(self, other: _SortKey) -> bool:
        if self.id.gvk == other.id.gvk:
            return self.text < other.text
        if self.rank != other.rank:
            return self.rank < other.rank
        if self.id.kind == other.id.kind == "Namespace" and (not self.id.group or not other.id.group):
            return self.gvk > other.gvk
        return self.gvk < other.gvk

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SortKey) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)
