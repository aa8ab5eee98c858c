"""Which field specs are for a resource, looked up once a kind."""

from __future__ import annotations

from collections.abc import Callable

from indexer.kustomize.fieldspec import Create, FieldSpec, Setter, apply
from indexer.kustomize.resid import Gvk
from indexer.kustomize.resource import Resource


class Selection:
    """The field specs of one transformer."""

    def __init__(self, specs: tuple[FieldSpec, ...]) -> None:
        self._specs = specs
        self._by_gvk: dict[Gvk, tuple[FieldSpec, ...]] = {}

    def of(self, gvk: Gvk) -> tuple[FieldSpec, ...]:
        """The specs that select resources of this group, version and kind, in their order."""
        found = self._by_gvk.get(gvk)
        if found is None:
            found = self._by_gvk[gvk] = tuple(spec for spec in self._specs if gvk.is_selected(spec.gvk))
        return found

    def apply(
        self, res: Resource, setter: Setter, create: Create, keep: Callable[[FieldSpec], bool] | None = None
    ) -> None:
        """Applies ``setter`` wherever a spec (that ``keep`` lets pass) points in ``res``. Raises KustomizeError."""
        for spec in self.of(res.gvk):
            if keep is None or keep(spec):
                res.root = apply(res.root, spec, setter, create, lambda: res.id)
