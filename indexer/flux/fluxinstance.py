"""A FluxInstance of flux-operator: the sync objects that it makes, and its unit (section 8.3 of the Flux rules).

What else it installs, the controllers of Flux, comes from an artifact that is not at hand.
"""

from __future__ import annotations

from typing import Any, Final

from indexer.flux.kustomization import UnitFailure, reason_at
from indexer.flux.model import Unit, UnitId, UnitState
from indexer.flux.objects import Applied, Digests, rendered
from indexer.flux.resources import HELM, OPERATOR, is_disabled, is_kind, items_of, kind_of, name_of, namespace_of
from indexer.flux.scope import Kind
from indexer.flux.synthetic import sync_objects
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import find, text_at
from indexer.kustomize.resource import Resource
from indexer.manifest.node import Mapping, Node, Scalar, Sequence, Span

_FLUX_SYSTEM: Final = "flux-system"
_OTHERS: Final = "no matches for Id"
"""A patch of an object that is none of the sync's."""


def is_instance(root: Node | None) -> bool:
    """Whether an object is a FluxInstance."""
    return is_kind(root, OPERATOR, "FluxInstance")


def sync_of(root: Mapping) -> list[Mapping]:
    """The source and Kustomization of a FluxInstance, or of one whose spec stands in the values of its chart: in a
    HelmRelease, or in a file of values. [] where it has no sync, or where its patches fail.
    """
    spec, namespace = find(root, "spec"), namespace_of(root)
    if is_kind(root, HELM, "HelmRelease"):
        spec = find(root, "spec", "values", "instance")
        namespace = text_at(root, "spec", "targetNamespace") or namespace
    elif not kind_of(root):
        spec, namespace = find(root, "instance"), ""
    elif not is_instance(root):
        return []
    objects = _plain(find(spec, "sync"), namespace or _FLUX_SYSTEM)
    try:
        return _patched(objects, spec)
    except UnitFailure:
        return objects


def _plain(sync: Node | None, namespace: str) -> list[Mapping]:
    path = find(sync, "path")
    if not isinstance(sync, Mapping) or path is None or not text_at(sync, "url"):
        return []
    kind = text_at(sync, "kind") or "GitRepository"
    ref: Node | str = find(sync, "ref") or "latest"
    source: dict[str, Any] = {"interval": find(sync, "interval") or "1m"}
    field = {"GitRepository": "name", "OCIRepository": "tag"}.get(kind)
    if field:
        source |= {"url": find(sync, "url"), "ref": {field: ref}}
    else:
        source |= {"endpoint": find(sync, "url"), "bucketName": ref}
    if secret := find(sync, "pullSecret"):
        source["secretRef"] = {"name": secret}
    if provider := find(sync, "provider"):
        source["provider"] = provider
    name = text_at(sync, "name") or namespace
    return sync_objects(sync, name=name, namespace=namespace, path=path, source=source, kind=kind)


def _patched(objects: list[Mapping], spec: Node | None) -> list[Mapping]:
    """The objects with what ``kustomize.patches`` and ``commonMetadata`` do to them. Raises UnitFailure."""
    for patch in items_of(find(spec, "kustomize", "patches")) if objects else ():
        renderer = _mapping(kustomize=_mapping(patches=Sequence([patch])))
        try:
            objects = _rendered(objects, postRenderers=Sequence([renderer]))
        except KustomizeError as error:
            if _OTHERS not in str(error):
                raise UnitFailure(reason_at(error.span or patch.span, error.problem)) from None
    common = find(spec, "commonMetadata")
    return objects if common is None else _rendered(objects, commonMetadata=common)


def _rendered(objects: list[Mapping], **spec: Node) -> list[Mapping]:
    from indexer.helm.postrender import post_render

    return [resource.root for resource in post_render(objects, _mapping(spec=_mapping(**spec)))]


def _mapping(**fields: Node) -> Mapping:
    return Mapping({name: (Scalar(name), node) for name, node in fields.items()})


def unit_of(
    root: Mapping,
    cluster: str,
    parent: UnitId | None,
    definition: Span | None,
    crds: dict[Kind, bool],
    digests: Digests,
) -> Unit:
    """The unit: its sync objects are known offline, the controllers are not."""
    state, reason = _state(root)
    place = find(root, "spec", "sync")
    made = [Resource(one, place.span if place is not None else None, generated=True) for one in sync_of(root)]
    return Unit(
        cluster=cluster,
        id=UnitId("FluxInstance", namespace_of(root), name_of(root)),
        state=state,
        reason=reason,
        source=None,
        path=None,
        directory=None,
        parent=parent,
        definition=definition,
        objects=tuple(rendered(Applied(one.root, one, ()), crds, digests) for one in made),
    )


def _state(root: Mapping) -> tuple[UnitState, str]:
    if is_disabled(root):
        at = find(root, "metadata", "annotations")
        why = "its annotation fluxcd.controlplane.io/reconcile is disabled"
        return UnitState.SUSPENDED, reason_at(at.span if at is not None else None, why)
    spec = root.get("spec")
    try:
        _patched(_plain(find(spec, "sync"), namespace_of(root)), spec)
    except UnitFailure as failure:
        return failure.state, str(failure)
    distribution = find(spec, "distribution", "version")
    version = f" {text_at(distribution)}" if distribution is not None else ""
    known = "all but its sync is" if find(spec, "sync") is not None else "all of it is"
    span = distribution.span if distribution is not None else root.span
    what = f"flux-operator installs the controllers of Flux{version} from it, which is not rendered offline"
    return UnitState.UNRESOLVED, reason_at(span, f"{what}; {known} in the cluster only: edit its spec")
