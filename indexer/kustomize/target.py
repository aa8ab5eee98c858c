"""Building one kustomization: what it accumulates, in kustomize's order.

Rules: kustomize's ``api/internal/target`` (kustomize-semantics.md §1, §3.3, §6).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from indexer.deferred import dataclass, field
from indexer.git.tree import EntryKind, TreeError
from indexer.kustomize import buildmetadata
from indexer.kustomize.bounds import MAX_LAYERS, demand_few
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.config import EMPTY, TransformerConfig
from indexer.kustomize.defaults import DEFAULTS
from indexer.kustomize.errors import CopyError, KustomizeError, MalformedYAMLError
from indexer.kustomize.factory import embedded_resources, resources_from
from indexer.kustomize.kustomization import (
    COMPONENT,
    FILE_NAMES,
    Kustomization,
    decode_kustomization,
    parse_kustomization,
)
from indexer.kustomize.layer import Layer, Unmatched
from indexer.kustomize.loader import Loader
from indexer.kustomize.remote import parse_repo_spec
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Listed, Origin, Resource
from indexer.kustomize.schema import SchemaHolder
from indexer.kustomize.steps import Generator, Transformer, builtin_generators
from indexer.kustomize.transformers import builtin_transformers
from indexer.manifest.compose import Document
from indexer.manifest.node import Mapping, Node, Scalar

if TYPE_CHECKING:
    from indexer.kustomize.vars import Var

_BUILTIN: Final = "builtin"


@dataclass(slots=True)
class Accumulator:
    """What a kustomization and all below it gathered."""

    resmap: ResMap = field(default_factory=ResMap)
    config: TransformerConfig = EMPTY
    vars: tuple[Var, ...] = ()

    def merge(self, other: Accumulator) -> None:
        self.resmap.append_all(other.resmap)
        self.config = self.config.merged(other.config)
        self.vars = merge_vars(self.vars, other.vars)


def merge_vars(known: tuple[Var, ...], incoming: tuple[Var, ...]) -> tuple[Var, ...]:
    """Both, sorted by name; raises where a name is taken."""
    names = {var.name for var in known}
    for var in incoming:
        if var.name in names:
            raise KustomizeError(f"var '{var.name}' already encountered").located(var.node)
        names.add(var.name)
    return tuple(sorted((*known, *incoming), key=lambda var: var.name))


@dataclass(slots=True)
class BuildState:
    """What all kustomizations of one build share."""

    schema: SchemaHolder
    cache: BuildCache
    metadata: tuple[str, ...] = ()
    """The root's ``buildMetadata``, which counts for all below it."""
    warnings: list[str] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
    visited: set[tuple[str, str]] = field(default_factory=set)
    """Directories built, from the root of the tree, each after the URL of the remote base that it is in."""
    layers: int = 0


def load_kustomization(loader: Loader, state: BuildState) -> Kustomization:
    """Finds and decodes the kustomization file of a loader's directory. Raises KustomizeError."""
    found: list[str] = []
    for name in FILE_NAMES:
        try:
            found.append(loader.locate(name))
        except KustomizeError:
            continue
    if not found:
        names = "', '".join(FILE_NAMES[:-1]) + f"' or '{FILE_NAMES[-1]}"
        raise KustomizeError(
            f"unable to find one of '{names}' in directory '{loader.root}'",
            problem=f"no kustomization file in {loader.shown(loader.directory)}: add one, or list its files",
        )
    if len(found) > 1:
        raise KustomizeError(
            f"Found multiple kustomization files under: {loader.root}\n",
            problem=f"more than one kustomization file in {loader.shown(loader.directory)}: "
            + ", ".join(posixpath.basename(path) for path in found),
        )
    repository, file = loader.tree.origin(found[0])

    def parse() -> Kustomization:
        data = loader.tree.read(found[0])
        return decode_kustomization(parse_kustomization(data, file, repository), file, loader.root)

    try:
        key = (repository, file, loader.tree.blob(found[0]))
        kustomization = state.cache.kustomization(key, parse)
    except TreeError as error:
        raise KustomizeError(f"{found[0]}: {error}") from None
    state.warnings += kustomization.warnings()
    return kustomization


def _distinct(documents: Iterable[Document]) -> list[Resource]:
    """The resources of one file; raises KustomizeError where two of them have the same id."""
    resources = resources_from(documents)
    ResMap(resources).demand_unique()
    return resources


class Target:
    """One kustomization of a build."""

    def __init__(
        self, state: BuildState, loader: Loader, kustomization: Kustomization, origin: Origin | None = None
    ) -> None:
        self.state = state
        self.loader = loader
        self.kustomization = kustomization
        self.record = kustomization.record
        self.origin = origin
        """Where this kustomization lies, below the directory being built; None unless origins are tracked."""
        self.layer = Layer(loader, state.schema, kustomization.file, state.unmatched)
        state.visited.add((loader.clone, loader.directory))
        state.layers += 1
        demand_few(state.layers, "kustomizations", MAX_LAYERS)
        demand_few(len(state.warnings), "warnings")

    def accumulate(self, ra: Accumulator) -> Accumulator:
        """Adds all that this kustomization says to ``ra``: an empty one, or the parent's for a component."""
        k = self.kustomization
        self._stage("accumulating resources: ", lambda: self._resources(ra, k.entries("resources", "bases")))
        config = DEFAULTS
        if "configurations" in self.record:
            from indexer.kustomize.configurations import load_configurations

            config = DEFAULTS.merged(load_configurations(self.loader, k.entries("configurations")))
        ra.config = ra.config.merged(config)
        if "crds" in self.record:
            from indexer.kustomize.crds import load_crds

            ra.config = ra.config.merged(load_crds(self.loader, k.entries("crds")))
        self._generators(ra)
        self._stage("accumulating components: ", lambda: self._components(ra, k.entries("components")))
        self._transform(ra)
        self._validate(ra)
        if "vars" in self.record:
            self._vars(ra)
        return ra

    @staticmethod
    def _stage(prefix: str, run: Callable[[], None]) -> None:
        try:
            run()
        except KustomizeError as error:
            raise error.wrapped(prefix) from None

    # resources

    def _resources(self, ra: Accumulator, entries: list[tuple[str, Node]]) -> None:
        for path, node in entries:
            try:
                self._resource(ra, path, node)
            except KustomizeError as error:
                raise error.located(node) from None

    def _resource(self, ra: Accumulator, path: str, node: Node) -> None:
        """A file or else a directory. kustomize tries the file first, and its error is part of the directory's."""
        if self._is_directory(path):
            try:
                self._directory(ra, self.loader.new(path), path, node, component=False)
            except KustomizeError as error:
                raise error.wrapped(f"accumulation err='{self._file_error(path)}': ") from None
            return
        try:
            self._file(ra, path, node)
        except KustomizeError as file_error:
            try:
                loader = self.loader.new(path)
            except KustomizeError as error:
                if isinstance(file_error, MalformedYAMLError | CopyError):
                    raise file_error from None
                told = file_error if parse_repo_spec(path) is None else error
                message = f"accumulation err='{file_error}': {error}"
                raise KustomizeError(message, problem=told.problem, span=told.span) from None
            if loader.clone == self.loader.clone:
                raise
            try:
                self._directory(ra, loader, path, node, component=False)
            except KustomizeError as error:
                raise error.wrapped(f"accumulation err='{file_error}': ") from None

    def _is_directory(self, path: str) -> bool:
        if path.startswith("/") or "://" in path:
            return False
        joined = posixpath.normpath(posixpath.join(self.loader.directory, path))
        return (
            not joined.startswith("..")
            and self.loader.tree.kind("" if joined == "." else joined) is EntryKind.DIRECTORY
        )

    def _file_error(self, path: str) -> str:
        try:
            self.loader.locate(path)
        except KustomizeError as error:
            return f"accumulating resources from '{path}': {error}"
        return ""

    def _file(self, ra: Accumulator, path: str, node: Node) -> None:
        try:
            resources = self.state.cache.resources(self.loader, path, _distinct)
        except KustomizeError as error:
            raise error.wrapped(f"accumulating resources from '{path}': ") from None
        self.state.schema.seen.update((res.gvk.api_version, res.gvk.kind) for res in resources)
        for res in resources:
            res.via = (Listed("resources", node),)
            if self.origin is not None:
                res.origin = buildmetadata.with_path(self.origin, path)
        try:
            ra.resmap.append_all(resources)
        except KustomizeError as error:
            raise error.wrapped(f"merging resources from '{path}': ") from None

    def _directory(self, ra: Accumulator, loader: Loader, path: str, node: Node, *, component: bool) -> None:
        if component:
            self._component(ra, loader, path, node)
            return
        built = self.state.cache.built(loader, self.state, lambda inner: self._child(inner, path))
        self.state.schema.seen.update((res.gvk.api_version, res.gvk.kind) for res in built.resmap)
        for res in built.resmap:
            res.via = (Listed("resources", node), *res.via)
        try:
            ra.merge(built)
        except KustomizeError as error:
            raise error.wrapped(f"recursed merging from path '{loader.root}': ") from None

    def _child(self, loader: Loader, path: str) -> Accumulator:
        target = self._open(loader, path)
        if target.kustomization.kind == COMPONENT:
            raise KustomizeError(
                f"expected kind != 'Component' for path '{loader.root}'",
                problem=f"{loader.directory} is a Component: list it under components",
            )
        try:
            return target.accumulate(Accumulator())
        except KustomizeError as error:
            raise error.wrapped(f"recursed accumulation of path '{loader.root}': ") from None

    def _open(self, loader: Loader, path: str) -> Target:
        try:
            kustomization = load_kustomization(loader, self.state)
        except KustomizeError as error:
            raise error.wrapped(f"couldn't make target for path '{loader.root}': ") from None
        target = Target(self.state, loader, kustomization, buildmetadata.with_path(self.origin, path))
        set_schema(target, reset=False)
        return target

    # components

    def _components(self, ra: Accumulator, entries: list[tuple[str, Node]]) -> None:
        for path, node in entries:
            try:
                loader = self.loader.new(path)
            except KustomizeError as error:
                raise error.quoted("loader.New ").located(node) from None
            try:
                self._directory(ra, loader, path, node, component=True)
            except KustomizeError as error:
                raise error.quoted("accumulateDirectory: ").located(node) from None

    def _component(self, ra: Accumulator, loader: Loader, path: str, node: Node) -> None:
        target = self._open(loader, path)
        if target.kustomization.kind != COMPONENT:
            raise KustomizeError(
                f"expected kind 'Component' for path '{loader.root}' but got '{target.kustomization.kind}'",
                problem=f"{loader.directory} is no Component: list it under resources",
            )
        before = {id(res): res.root for res in ra.resmap}
        try:
            target.accumulate(ra)
        except KustomizeError as error:
            raise error.wrapped(f"recursed accumulation of path '{loader.root}': ") from None
        try:
            ra.resmap.demand_unique()
        except KustomizeError as error:
            raise error.wrapped(f"recursed merging from path '{loader.root}': ") from None
        for res in ra.resmap:
            if id(res) not in before:
                res.via = (Listed("components", node), *res.via)
            elif before[id(res)] is not res.root:
                res.via = (*res.via, Listed("components", node))

    # generators, transformers, validators

    def _generators(self, ra: Accumulator) -> None:
        for generator in builtin_generators(self):
            self._absorb(ra, generator)
        if "generators" in self.record:
            from indexer.kustomize import plugins

            try:
                configs = self._plugin_configs("generators", "external generator")
                found = plugins.load_generators(configs, self.layer)
            except KustomizeError as error:
                raise error.wrapped("loading generator plugins: ") from None
            for generator in found:
                self._absorb(ra, generator)

    @staticmethod
    def _absorb(ra: Accumulator, generator: Generator) -> None:
        from indexer.kustomize.generators import absorb

        generated = generator.generate()
        if generator.origin is not None:
            buildmetadata.track_generated(generated, generator.origin)
        try:
            absorb(ra.resmap, generated)
        except KustomizeError as error:
            raise error.wrapped(f"merging from generator {generator.name}: ") from None

    def _transform(self, ra: Accumulator) -> None:
        steps = builtin_transformers(self.record, self.layer, ra.config)
        run = [Transformer(kind, step, self.builtin_origin(kind)) for kind, step in steps]
        if "transformers" in self.record:
            from indexer.kustomize import plugins

            run += plugins.load_transformers(self._plugin_configs("transformers", "external transformer"), self.layer)
        self._apply(ra, run)

    @staticmethod
    def _apply(ra: Accumulator, run: list[Transformer]) -> None:
        for transformer in run:
            transformer.apply(ra.resmap)
            if transformer.origin is not None:
                buildmetadata.track_transformed(ra.resmap, transformer.origin)
            ra.resmap.resources = [res for res in ra.resmap if res.root.fields]

    def _validate(self, ra: Accumulator) -> None:
        if "validators" not in self.record:
            return
        from indexer.kustomize import plugins

        for validator in plugins.load_transformers(
            self._plugin_configs("validators", "external transformer"), self.layer
        ):
            plugins.validate(validator, ra.resmap)

    def _plugin_configs(self, name: str, what: str) -> list[Resource]:
        """The objects that configure plugins: written in the list, or in the files and directories it names."""
        ra = Accumulator()
        paths: list[tuple[str, Node]] = []
        for text, node in self.kustomization.entries(name):
            try:
                assert isinstance(node, Scalar)
                inline = embedded_resources(node)
            except KustomizeError:
                paths.append((text, node))
                continue
            if self.origin is not None:
                for res in inline:
                    res.origin = Origin(path=self._configured_in())
            try:
                ra.resmap.append_all(inline)
            except KustomizeError as error:
                raise error.wrapped(f"configuring {what}: ") from None
        self._resources(ra, paths)
        return ra.resmap.resources

    def builtin_origin(self, kind: str) -> Origin | None:
        """What a built-in generator or transformer of this kustomization signs with."""
        if self.origin is None:
            return None
        return Origin(configured_in=self._configured_in(), api_version=_BUILTIN, kind=kind)

    def _configured_in(self) -> str:
        assert self.origin is not None
        return buildmetadata.below(self.origin.path, posixpath.basename(self.kustomization.file))

    def _vars(self, ra: Accumulator) -> None:
        from indexer.kustomize.vars import Var, bind_vars

        incoming = tuple(Var.from_record(record) for record in self.record.records("vars"))
        try:
            bind_vars(ra.resmap, incoming)
            ra.vars = merge_vars(ra.vars, incoming)
        except KustomizeError as error:
            raise error.wrapped(f"merging vars [{' '.join(str(var) for var in incoming)}]: ") from None


def set_schema(target: Target, *, reset: bool) -> None:
    """Puts a kustomization's ``openapi`` in force for the rest of the build. Raises KustomizeError."""
    pairs = target.record.pairs("openapi")
    if not pairs and not reset:
        return
    data = target.loader.load(pairs["path"]) if "path" in pairs else None
    try:
        target.state.schema.set(pairs, data, reset=reset)
    except KustomizeError as error:
        raise error.located(target.record.at("openapi")) from None


def root_target(state: BuildState, loader: Loader, override: Mapping | None, file: str) -> Target:
    """The target that a build starts at; ``override`` stands for its kustomization file."""
    if override is None:
        kustomization = load_kustomization(loader, state)
    else:
        kustomization = decode_kustomization(override, file, loader.root)
    state.metadata = tuple(kustomization.record.texts("buildMetadata"))
    target = Target(state, loader, kustomization, Origin() if state.metadata else None)
    set_schema(target, reset=True)
    return target
