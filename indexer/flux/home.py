"""Which source of a cluster stands for the tree that is being indexed (section 8 of the Flux rules)."""

from __future__ import annotations

from collections.abc import Iterable

from indexer.flux.clones import git_ref
from indexer.flux.discover import EntryPoint
from indexer.flux.kustomization import clamped
from indexer.flux.resources import KustomizationSpec
from indexer.flux.sources import Registry, Sources, describe


def settle_home(applied: Iterable[KustomizationSpec], entry: EntryPoint, registry: Registry, sources: Sources) -> None:
    """Decides it by the Kustomizations that are applied by hand."""
    written = any(sources.is_home_url(describe(source).url or "", registry) for source in registry.sources.values())
    for spec in applied:
        reference = spec.source
        if reference is None or reference.kind != "GitRepository":
            continue
        key = (reference.kind, reference.namespace, reference.name)
        source = registry.sources.get(key)
        if source is None:
            if not written:
                registry.assumed.add(key)
            continue
        url, ref = describe(source).url or "", git_ref(source)
        itself = _holds_itself(spec, entry)
        known = sources.is_home_url(url, registry)
        if not known and (itself or not sources.remotes) and registry.home is None:
            registry.home_url, known = url, True
        if known and (itself or sources.knows(ref)) and (registry.home is None or ref.branch == sources.branch):
            registry.home = ref


def _holds_itself(spec: KustomizationSpec, entry: EntryPoint) -> bool:
    """Whether a Kustomization that is applied by hand lies in the tree it syncs, as after a bootstrap."""
    path = clamped(spec.path)
    return entry.bootstrap or any(not path or file.startswith(path + "/") for file in entry.files)
