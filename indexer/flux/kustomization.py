"""Rendering one Flux Kustomization: from its source and spec to the objects it applies."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from indexer.deferred import NamedTuple
from indexer.flux.generate import generate
from indexer.flux.model import Inputs, UnitState
from indexer.flux.objects import Applied, Digests, RefusedObject, applied, demand_identity
from indexer.flux.postbuild import Expanded, PostBuildError, Template, is_opted_out, substitute
from indexer.flux.resources import KustomizationSpec, kind_of, name_of, namespace_of
from indexer.flux.sources import Artifact
from indexer.flux.variables import Loaded, how_to_supply
from indexer.git.artifact import plain
from indexer.git.recording import RecordingTree
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.build import Options, Reorder, build
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.layer import Unmatched
from indexer.kustomize.loader import LoadRestrictor
from indexer.kustomize.nodes import text_at
from indexer.kustomize.remote import Remotes
from indexer.kustomize.resource import Resource
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Span

# The controller reads files anywhere in the artifact, and kustomize's API keeps the order of the files.
_OPTIONS = Options(LoadRestrictor.NONE, Reorder.NONE)


class UnitFailure(Exception):
    """A unit that cannot be rendered; the message is the reason that answers show."""

    def __init__(self, reason: str, state: UnitState = UnitState.FAILED) -> None:
        super().__init__(reason)
        self.state = state


class BuiltUnit(NamedTuple):
    """What ``kustomize build`` gave for a unit, before substitution."""

    spec: KustomizationSpec
    resources: tuple[Resource, ...]
    unmatched: tuple[Unmatched, ...] = ()
    """Entries without effect."""


class Finished(NamedTuple):
    """A unit's objects, and what is not known of them (None: all is)."""

    objects: tuple[Applied, ...]
    unknown: str | None


def reason_at(span: Span | None, message: str) -> str:
    """A reason with the place where a person has to look."""
    return f"{span}: {message}" if span is not None else message


def clamped(path: str) -> str:
    """``spec.path`` below the artifact's root: a leading slash means nothing, and ``..`` stops at the root."""
    return posixpath.normpath("/" + path.lstrip("/")).lstrip("/")


def directory_of(artifact: Artifact, path: str) -> str | None:
    """The directory of the repository being indexed that a path of an artifact means."""
    try:
        tree, there = plain(artifact.tree, clamped(path))
    except TreeError:
        return None
    return there if tree.repository is None and tree.kind(there) is not None else None


def build_unit(spec: KustomizationSpec, tree: Tree, cache: BuildCache, remotes: Remotes | None = None) -> BuiltUnit:
    """Generates the kustomization file and builds it. ``tree`` is the artifact's, recorded. Raises UnitFailure."""
    directory = clamped(spec.path)
    at = spec.at("path")
    span = at.span if at is not None else spec.root.span
    if tree.kind(directory) is not EntryKind.DIRECTORY:
        raise UnitFailure(reason_at(span, f"{_why_missing(tree, directory)}: correct spec.path"))
    try:
        kustomization = generate(tree, directory, spec, cache.documents)
        built = build(tree, directory, _OPTIONS, kustomization=kustomization, cache=cache, remotes=remotes)
    except KustomizeError as error:
        beyond = "not fetched" in error.problem or "submodule" in error.problem
        # What this machine does not give, the cluster may have.
        withheld = isinstance(tree, RecordingTree) and tree.withheld
        state = UnitState.UNRESOLVED if beyond or withheld else UnitState.FAILED
        raise UnitFailure(reason_at(error.span or span, error.problem), state) from None
    except ManifestError as error:
        raise UnitFailure(str(error)) from None
    except TreeError as error:
        raise UnitFailure(reason_at(span, str(error)), UnitState.UNRESOLVED) from None
    return BuiltUnit(spec, built.resources, built.unmatched)


def _why_missing(tree: Tree, directory: str) -> str:
    if tree.kind(directory) is EntryKind.FILE:
        return f"{directory} is a file, not a directory"
    try:
        tree.resolve(directory)
    except TreeError as error:
        return f"the path {directory} does not exist: {error}"
    return f"{directory} is no directory"


def finish_unit(built: BuiltUnit, loaded: Loaded | None, digests: Digests) -> Finished:
    """Substitutes and collects the objects. Raises UnitFailure."""
    left: set[str] = set()
    substituted = False
    pairs: list[tuple[Resource, Expanded]] = []
    templates: dict[int, Template] = {}
    try:
        for resource in built.resources:
            demand_identity(resource.root)
            expanded = Expanded(resource.root)
            if loaded is not None:
                template = templates[id(resource.root)] = digests.template(resource)
                expanded = _substituted(resource, loaded, template)
                substituted = substituted or not is_opted_out(resource.root)
                left |= expanded.unknown
            pairs.append((resource, expanded))
        _demand_unique(expanded.root for _, expanded in pairs)
        objects = applied(pairs, built.spec)
        for obj in objects:
            digests.demand(obj.root, templates.get(id(obj.root)))
    except RefusedObject as error:
        raise UnitFailure(reason_at(error.span, str(error))) from None
    except ManifestError as error:
        raise UnitFailure(str(error)) from None
    return Finished(tuple(objects), _unknown(loaded if substituted else None, left))


def _substituted(resource: Resource, loaded: Loaded, template: Template) -> Expanded:
    try:
        return substitute(template, loaded.variables)
    except PostBuildError as error:
        root = resource.root
        message = f"postBuild fails for {kind_of(root)} {name_of(root)}: {error}"
        if "variable not set" in message:
            message += ": add it to postBuild.substitute or give it a default"
            if loaded.optional:
                hint = how_to_supply(loaded.optional[0])
                raise UnitFailure(reason_at(error.span, f"{message}; {hint}"), UnitState.UNRESOLVED) from None
        why = _unknown(loaded, set(error.unknown)) if error.unknown else None
        if why is not None:
            raise UnitFailure(f"{why}; without it, {message}", UnitState.UNRESOLVED) from None
        raise UnitFailure(reason_at(error.span, message)) from None


def _demand_unique(roots: Iterable[Mapping]) -> None:
    """Two objects that substitution gave one identity fail the unit."""
    seen: set[tuple[str, str, str, str]] = set()
    for root in roots:
        key = (text_at(root, "apiVersion"), kind_of(root), namespace_of(root), name_of(root))
        if key not in seen:
            seen.add(key)
        else:
            raise RefusedObject(f"two objects became {key[1]} {key[3]}: give them different names", root.span)


def _unknown(loaded: Loaded | None, left: set[str]) -> str | None:
    if loaded is None:
        return None
    if loaded.missing:
        return "; ".join(reason_at(reference.node.span, how_to_supply(reference)) for reference in loaded.missing)
    values = loaded.variables.values
    hidden = sorted(name for name in left if name not in values or not values[name].redacted)
    if hidden:
        return f"the value of {', '.join(hidden)} is not known here: {loaded.variables.unknown}"
    return None


def inputs_of(recording: RecordingTree) -> Inputs:
    """What a recorded tree was asked."""
    return Inputs(dict(recording.read_files), dict(recording.listed), frozenset(recording.absent))
