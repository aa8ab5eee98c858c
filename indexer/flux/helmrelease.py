"""A HelmRelease: its chart and its values are looked for, and where both are there it is rendered (section 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Mapping as Table
from typing import Final

from indexer.deferred import NamedTuple, dataclass, field, replace
from indexer.flux.helmchart import FoundChart, find_chart
from indexer.flux.helmvalues import INLINE, ValuesError, load
from indexer.flux.hidden import secret_texts
from indexer.flux.model import Inputs, Substitution, UnitState
from indexer.flux.resources import ReferenceSpec, items_of, kind_of, name_of, namespace_of
from indexer.flux.scope import Kind, is_cluster_scoped
from indexer.flux.sources import Registry, Sources, UnresolvedSource
from indexer.helm.chart import Capabilities, ChartError, NotAtHand
from indexer.kustomize.nodes import find, put, string, text_at
from indexer.kustomize.resource import Resource
from indexer.manifest.history import Contribution
from indexer.manifest.node import Mapping, Role

_MAX_NAME: Final = 53
_SHORT_HASH: Final = 12


class ReleaseObject(NamedTuple):
    """One object of a release."""

    resource: Resource
    values: tuple[Contribution, ...] = ()
    """The values of the release that its template names."""
    defined_by: str = "template"


@dataclass(frozen=True, slots=True)
class Release:
    """What became of a HelmRelease."""

    state: UnitState
    reason: str | None
    parts: tuple[Contribution, ...] = ()
    """What has a part in the HelmRelease beside its own document: values, and files of the chart."""
    objects: tuple[ReleaseObject, ...] = ()
    directory: str | None = None
    inputs: Inputs = field(default_factory=Inputs)


@dataclass(frozen=True, slots=True)
class Filled:
    """The objects that a release refers to, and what ``postBuild`` filled in them."""

    find_object: Callable[[ReferenceSpec], Mapping | None]
    carried: Table[str, tuple[Substitution, ...]] = field(default_factory=dict)
    """By ``Kind namespace/name``."""

    def secrets(self, release: Mapping) -> frozenset[str]:
        """Texts that came from Secrets into the release, or into a ConfigMap of its values."""
        named = f"HelmRelease {namespace_of(release)}/{name_of(release)}"
        texts = secret_texts(release, self.carried.get(named, ()), self.find_object)
        for reference in value_references(release):
            found = self.find_object(reference) if str(reference) in self.carried else None
            if found is not None:
                texts |= secret_texts(found, self.carried[str(reference)], self.find_object, "/data")
        return texts


class Waiting(Exception):
    """A release that needs something which another unit may still bring."""


def release_name(root: Mapping) -> str:
    """The name Helm knows the release by (section 6.3)."""
    target = text_at(root, "spec", "targetNamespace")
    name = text_at(root, "spec", "releaseName") or (f"{target}-{name_of(root)}" if target else name_of(root))
    if len(name.encode()) <= _MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_SHORT_HASH]
    return f"{name.encode()[: _MAX_NAME - _SHORT_HASH - 1].decode(errors='ignore')}-{digest}"


def release_namespace(root: Mapping) -> str:
    """The namespace that the release's objects go to."""
    return text_at(root, "spec", "targetNamespace") or namespace_of(root)


def render_release(
    root: Mapping,
    sources: Sources,
    registry: Registry,
    filled: Filled,
    capabilities: Capabilities,
    *,
    last: bool,
    parts_without_chart: Callable[[], tuple[Contribution, ...]],
) -> Release:
    """Renders a HelmRelease as far as that can be done here. Raises Waiting, unless this is the ``last`` chance.

    ``parts_without_chart`` gives what ``value_parts`` does, and is asked where the chart is not at hand.
    """
    found: FoundChart | None = None
    lacking: Release | None = None
    try:
        found = find_chart(root, sources, registry)
    except (NotAtHand, UnresolvedSource) as error:
        if not last:
            raise Waiting from None
        lacking = Release(UnitState.UNRESOLVED, str(error))
    except ChartError as error:
        at = find(root, "spec", "chart", "spec", "chart") or root
        lacking = Release(UnitState.FAILED, f"{at.span}: {error}" if at.span is not None else str(error))
    try:
        if found is None:
            assert lacking is not None
            return replace(lacking, parts=parts_without_chart())
        known = load(root, filled.find_object, found.defaults)
    except ValuesError as error:
        return Release(UnitState.FAILED, str(error))
    if known.unknown and not last:
        raise Waiting
    from indexer.flux.helmobjects import made_of  # and with it the engine, which releases without a chart do not need

    return made_of(root, found, known, known.values.secrets() | filled.secrets(root), capabilities)


def value_parts(root: Mapping, find_object: Callable[[ReferenceSpec], Mapping | None]) -> tuple[Contribution, ...]:
    """The values of a release, whatever its chart. Raises ValuesError."""
    inline = find(root, "spec", "values")
    if not value_references(root) and isinstance(inline, Mapping) and inline.fields and inline.span is not None:
        # All of them are in effect, so there is no need to look at each.
        return (Contribution(Role.VALUES, INLINE, inline.span, ("/spec/values",)),)
    return tuple(load(root, find_object, []).values.contributions())


def value_references(root: Mapping) -> list[ReferenceSpec]:
    """The objects that values are taken from."""
    return [
        ReferenceSpec(text_at(entry, "kind"), namespace_of(root), text_at(entry, "name"), entry)
        for entry in items_of(find(root, "spec", "valuesFrom"))
    ]


def in_namespace(root: Mapping, release: Mapping, crds: dict[Kind, bool]) -> Mapping:
    """The object in the release's namespace, where it is of a namespaced kind and names none itself."""
    group = text_at(root, "apiVersion").rpartition("/")[0]
    if text_at(root, "metadata", "namespace") or is_cluster_scoped(group, kind_of(root), crds):
        return root
    at = find(release, "spec", "targetNamespace") or find(release, "metadata", "namespace")
    return put(root, ("metadata", "namespace"), string(release_namespace(release), at))
