"""``kustomize build``: from a directory to resources, in the order and form in which they are printed.

Rules: kustomize's ``api/krusty/kustomizer.go`` (kustomize-semantics.md §1, §15, §16).
"""

from __future__ import annotations

import posixpath
from enum import StrEnum
from typing import Final

from indexer.deferred import NamedTuple
from indexer.git.tree import Tree
from indexer.kustomize.bounds import demand_bounds, too_deep
from indexer.kustomize.buildmetadata import MANAGED_BY_LABEL, Requested, finish
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.factory import validated
from indexer.kustomize.hasher import add_hashes
from indexer.kustomize.kustomization import FILE_NAMES
from indexer.kustomize.layer import Unmatched
from indexer.kustomize.loader import Loader, LoadRestrictor
from indexer.kustomize.namereference import fix_name_references
from indexer.kustomize.nodes import find
from indexer.kustomize.remote import Remotes
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import LOCAL_CONFIG, Resource
from indexer.kustomize.schema import SchemaHolder
from indexer.kustomize.target import Accumulator, BuildState, Target, root_target
from indexer.manifest.errors import EmitError
from indexer.manifest.node import Mapping, Scalar


class Reorder(StrEnum):
    """The order of the output where the kustomization has no ``sortOptions``."""

    LEGACY = "legacy"
    NONE = "none"


class Options(NamedTuple):
    """The options of ``kustomize build`` that change what comes out."""

    load_restrictor: LoadRestrictor = LoadRestrictor.ROOT_ONLY
    reorder: Reorder = Reorder.LEGACY
    managed_by_label: bool = False


DEFAULT: Final = Options()


class Build(NamedTuple):
    """What a build gave."""

    resources: tuple[Resource, ...]
    """In the order of the output, finished: their trees are what is printed."""
    warnings: tuple[str, ...]
    """Deprecated fields and the like, in kustomize's words."""
    unmatched: tuple[Unmatched, ...]
    """Entries without effect."""


def build(
    tree: Tree,
    directory: str,
    options: Options = DEFAULT,
    *,
    kustomization: Mapping | None = None,
    cache: BuildCache | None = None,
    remotes: Remotes | None = None,
) -> Build:
    """Builds a directory of a tree. Raises KustomizeError.

    ``kustomization`` stands for the directory's own kustomization file (Flux generates and edits it). With a
    ``cache``, files are parsed and bases built once for all builds that share it, and whose ``remotes`` are the same.
    Without a copy in ``remotes``, what lies at a URL fails the build.
    """
    try:
        return _build(tree, directory, options, kustomization, cache, remotes)
    except RecursionError:
        raise too_deep() from None
    except EmitError as error:
        raise KustomizeError(str(error)) from None


def _build(
    tree: Tree,
    directory: str,
    options: Options,
    kustomization: Mapping | None,
    cache: BuildCache | None,
    remotes: Remotes | None,
) -> Build:
    state = BuildState(SchemaHolder(), cache if cache is not None else BuildCache())
    loader = Loader.at_root(tree, directory, options.load_restrictor, state.cache.documents, remotes)
    file = posixpath.join(loader.directory, FILE_NAMES[0])
    target = root_target(state, loader, kustomization, file)
    ra = target.accumulate(Accumulator())
    add_hashes(ra.resmap)
    fix_name_references(ra.resmap, ra.config)
    if ra.vars:
        from indexer.kustomize.vars import resolve_vars

        state.warnings += resolve_vars(ra.resmap, ra.vars, ra.config.var_reference)
    _drop_local(ra.resmap)
    _sort(ra.resmap, target, options)
    requested = {
        name: Requested.by(target.record.at("buildMetadata", index)) for index, name in enumerate(state.metadata)
    }
    if options.managed_by_label:
        requested.setdefault(MANAGED_BY_LABEL, Requested.by(Scalar("")))
    for res in ra.resmap:
        finish(res, requested)
        demand_bounds(res.root)
    return Build(tuple(ra.resmap), tuple(state.warnings), tuple(state.unmatched))


def _drop_local(resmap: ResMap) -> None:
    """Drops what is only for the build (``config.kubernetes.io/local-config``)."""
    resmap.demand_unique()
    kept: list[Resource] = []
    for res in resmap:
        validated(res.root)
        local = find(res.root, "metadata", "annotations", LOCAL_CONFIG)
        if local is None or (isinstance(local, Scalar) and local.text == "false"):
            kept.append(res)
    resmap.resources = kept


def _sort(resmap: ResMap, target: Target, options: Options) -> None:
    wanted = target.record.record("sortOptions")
    if wanted is not None:
        from indexer.kustomize.sortorder import sort_by_options

        sort_by_options(resmap, wanted)
    elif options.reorder is Reorder.LEGACY:
        from indexer.kustomize.sortorder import sort_legacy

        sort_legacy(resmap)
