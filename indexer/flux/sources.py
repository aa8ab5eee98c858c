"""From a ``sourceRef`` to the tree of files that it stands for (section 3 of the Flux rules)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from indexer.deferred import NamedTuple, dataclass, field
from indexer.flux.clones import Clones, GitRef, git_ref, ref_names
from indexer.flux.config import Config, SourceConfig
from indexer.flux.model import SourceRef
from indexer.flux.resources import ReferenceSpec, items_of, kind_of, name_of, namespace_of
from indexer.git import sourceignore
from indexer.git.artifact import ArtifactTree, MappedTree
from indexer.git.directory import DirectoryTree
from indexer.git.remotes import canonical, same_repository, without_credentials
from indexer.git.repository import Repository
from indexer.git.tree import EntryKind, Missing, NotADirectory, Tree, TreeError, Unreadable
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.node import Mapping, Node

ASSUMED: Final = "taken for this repository: a guess, since no file defines the source"
"""The ref of a source that an entry point reads and that nobody wrote down, as before a bootstrap."""


class UnresolvedSource(Exception):
    """A source whose files cannot be had here: the message says why and what to do."""

    def __init__(self, message: str, ref: SourceRef) -> None:
        super().__init__(message)
        self.ref = ref


class Artifact(NamedTuple):
    """The files of a source, as Flux packs them."""

    tree: Tree
    ref: SourceRef


def describe(source: Mapping) -> SourceRef:
    """What a source object says of itself."""
    kind = kind_of(source)
    ref: str | None = None
    if kind == "GitRepository":
        ref = str(git_ref(source))
    elif kind == "OCIRepository":
        given = ((name, text_at(source, "spec", "ref", name)) for name in ("digest", "semver", "tag"))
        ref = next((f"{name} {value}" for name, value in given if value), "tag latest")
    url = text_at(source, "spec", "url") or text_at(source, "spec", "endpoint")
    return SourceRef(kind, namespace_of(source), name_of(source), without_credentials(url) or None, ref)


@dataclass(slots=True)
class Registry:
    """The sources and generators of one cluster, as they are known so far."""

    sources: dict[tuple[str, str, str], Mapping] = field(default_factory=dict)
    generators: dict[tuple[str, str], Mapping] = field(default_factory=dict)
    home: GitRef | None = None
    """What the cluster's own source checks out: the tree being indexed stands for it."""
    home_url: str = ""
    assumed: set[tuple[str, str, str]] = field(default_factory=set)
    """Sources that no file defines and that an entry point reads: they stand for this repository."""

    def add(self, source: Mapping) -> None:
        self.sources[kind_of(source), namespace_of(source), name_of(source)] = source


class Sources:
    """Resolves sources for all clusters; a tree that several of them share is one object."""

    def __init__(self, repository: Repository | None, tree: Tree, config: Config) -> None:
        self.repository = repository
        self.tree = tree
        self.config = config
        self.remotes = tuple(repository.remotes().values()) if repository is not None else ()
        self.branch = repository.branch() if repository is not None else None
        self.looked_up: set[str] = set()
        """Branches and tags of the indexed repository that sources were looked up by."""
        self._clones = Clones()
        self._trees: dict[tuple[object, ...], Tree] = {}
        self._artifacts: dict[tuple[int, str, str | None, tuple[str, ...] | None], ArtifactTree] = {}

    def close(self) -> None:
        """Ends what reads other repositories."""
        self._clones.close()

    def is_home_url(self, url: str, registry: Registry) -> bool:
        """Whether a URL means the repository being indexed."""
        known = (*self.remotes, registry.home_url) if registry.home_url else self.remotes
        return any(same_repository(url, remote) or url == remote for remote in known)

    def knows(self, ref: GitRef) -> bool:
        """Whether the clone has what a ref names, or cannot tell."""
        if self.repository is None or not self.remotes or self.branch is None:
            return True
        return ref.branch == self.branch or self._own(ref) is not None

    def resolve(self, reference: ReferenceSpec, registry: Registry, seen: tuple[str, ...] = ()) -> Artifact:
        """The artifact behind a reference. Raises UnresolvedSource."""
        key = (reference.kind, reference.namespace, reference.name)
        ref = SourceRef(*key)
        if str(reference) in seen:
            raise UnresolvedSource(f"{reference} is made from itself: break the cycle", ref)
        if reference.kind == "ExternalArtifact":
            return self._external(reference, registry, (*seen, str(reference)))
        source = registry.sources.get(key)
        if source is None:
            if key in registry.assumed:
                return Artifact(self._packed(self.tree, "", None, None), ref._replace(ref=ASSUMED))
            raise UnresolvedSource(
                f"{reference} is defined nowhere in this cluster: correct sourceRef, or add the file with it to "
                "`entry` of the [[cluster]] in .fluxidx.toml",
                ref,
            )
        ref = describe(source)
        match reference.kind:
            case "GitRepository":
                return Artifact(self._git(source, ref, registry, (*seen, str(reference))), ref)
            case "OCIRepository" | "Bucket":
                return Artifact(self._mapped(source, ref), ref)
        raise UnresolvedSource(f"{reference} is no source of manifests: use a GitRepository or OCIRepository", ref)

    # GitRepository

    def _git(self, source: Mapping, ref: SourceRef, registry: Registry, seen: tuple[str, ...]) -> Tree:
        tree, base = self._checkout(source, ref, registry)
        sparse = tuple(text_at(item) for item in items_of(find(source, "spec", "sparseCheckout"))) or None
        checked_out = tree if sparse is None else ArtifactTree(tree, sourceignore.NOTHING, sparse, base)
        for path in sparse or ():
            if checked_out.kind(_clamped(path)) is None:
                raise UnresolvedSource(
                    f"{path} of spec.sparseCheckout of {_named(ref)} does not exist: correct it", ref
                )
        includes = items_of(find(source, "spec", "include"))
        if includes:
            base = base if sparse is None else ""
            tree, base, sparse = self._with_includes(checked_out, base, includes, ref, registry, seen), "", None
        return self._packed(tree, base, text_at(source, "spec", "ignore") or None, sparse)

    def _checkout(self, source: Mapping, ref: SourceRef, registry: Registry) -> tuple[Tree, str]:
        """The tree before anything is ignored, and the directory in it that is the root."""
        url = text_at(source, "spec", "url")
        wanted = git_ref(source)
        mapped = self._config_for(url)
        if mapped is not None:
            return self._configured(mapped, ref, wanted)
        if not self.is_home_url(url, registry):
            raise UnresolvedSource(
                f"{_named(ref)} is another repository, {ref.url}: name a local copy of it with "
                f'[[source]] url = "{ref.url}", path = "…" in .fluxidx.toml',
                ref,
            )
        if (
            self.repository is None
            or wanted == registry.home
            or (wanted.branch is not None and wanted.branch == self.branch)
        ):
            return self.tree, ""
        found = self._own(wanted)
        if found is None:
            raise UnresolvedSource(
                f"{_named(ref)} checks out {wanted} of {ref.url}, which this clone lacks: git fetch it, or correct ref",
                ref,
            )
        return found, ""

    def copy(self, url: str, wanted: GitRef) -> tuple[Tree, str] | None:
        """A repository's files by its URL, and the directory there that is its root; None where none are at hand.

        Raises UnresolvedSource for a copy that lacks the ref.
        """
        ref = SourceRef("remote base", "", without_credentials(url))
        mapped = self._config_for(url)
        if mapped is not None:
            return self._configured(mapped, ref, wanted)
        if not self.is_home_url(url, Registry()):
            return None
        if self.repository is None or wanted.value in ("", self.branch):
            return self.tree, ""
        found = self._own(wanted)
        if found is None:
            raise UnresolvedSource(f"this clone has no {wanted} of itself: git fetch it", ref)
        return found, ""

    def inside(self, path: Path) -> str | None:
        """The path in the indexed repository of a folder on disk; None where it is outside."""
        root = self.repository.root if self.repository is not None else None
        if root is None or not path.is_relative_to(root):
            return None
        inside = path.relative_to(root).as_posix()
        return "" if inside == "." else inside

    def _own(self, ref: GitRef) -> Tree | None:
        """Another revision of the repository that is indexed."""
        assert self.repository is not None
        self.looked_up.update(ref_names(self.repository, ref))
        return self._clones.tree(self.repository, ref, repository_name(next(iter(self.remotes), "this repository")))

    def _with_includes(
        self, tree: Tree, base: str, includes: list[Node], ref: SourceRef, registry: Registry, seen: tuple[str, ...]
    ) -> Tree:
        files = dict(_files(tree, base))
        for include in includes:
            name = text_at(include, "repository", "name")
            other = self.resolve(ReferenceSpec("GitRepository", ref.namespace, name, include), registry, seen)
            try:
                _include(files, other.tree, _clamped(text_at(include, "fromPath")), text_at(include, "toPath") or name)
            except TreeError as error:
                place = f"{include.span}: " if include.span is not None else ""
                raise UnresolvedSource(f"{place}spec.include of {_named(ref)}: {error}", ref) from None
        return MappedTree(files, tree.root, tree.repository)

    # Sources that the configuration maps

    def _config_for(self, url: str) -> SourceConfig | None:
        plain = url.removesuffix("/")
        for source in self.config.sources:
            if source.url.removesuffix("/") == plain or same_repository(source.url, url):
                return source
        return None

    def _mapped(self, source: Mapping, ref: SourceRef) -> Tree:
        url, wider = text_at(source, "spec", "url"), ""
        if ref.kind == "Bucket":
            wider = text_at(source, "spec", "endpoint").removesuffix("/")
            url = f"{wider}/{text_at(source, 'spec', 'bucketName')}"
        tag = text_at(source, "spec", "ref", "tag")
        mapped = (self._config_for(f"{url}:{tag}") if tag else None) or self._config_for(url) or self._config_for(wider)
        if mapped is None:
            raise UnresolvedSource(
                f"{_named(ref)} ({ref.url}) is no Git repository: say which files it holds with "
                f'[[source]] url = "{url}", path = "…" in .fluxidx.toml',
                ref,
            )
        tree, base = self._configured(mapped, ref, None)
        ignore = text_at(source, "spec", "ignore") or None
        if ref.kind == "OCIRepository":
            return self._packed(tree, base, ignore, None)
        prefix = text_at(source, "spec", "prefix")
        key = ("bucket", id(tree), base, ignore, prefix)
        if key not in self._trees:
            patterns = sourceignore.load_bucket(tree, ignore, base)
            self._trees[key] = ArtifactTree(tree, patterns, (prefix,) if prefix else None, base)
        return self._trees[key]

    def charts(self, reference: ReferenceSpec, chart: str, registry: Registry) -> Artifact:
        """The folder that stands for a HelmRepository, or for one chart of it. Raises UnresolvedSource."""
        source = registry.sources.get((reference.kind, reference.namespace, reference.name))
        if source is None:
            ref = SourceRef(reference.kind, reference.namespace, reference.name)
            raise UnresolvedSource(f"{reference} is defined nowhere in this cluster: correct sourceRef", ref)
        ref, url = describe(source), text_at(source, "spec", "url").removesuffix("/")
        mapped = self._config_for(f"{url}/{chart}") or self._config_for(url)
        if mapped is None:
            raise UnresolvedSource(
                f"nothing is downloaded from {_named(ref)}: to see its objects, helm pull the chart into a folder and "
                f'name that with [[source]] url = "{ref.url}", path = "…" in .fluxidx.toml',
                ref,
            )
        tree, base = self._configured(mapped, ref, None)
        key = ("charts", id(tree), base)
        if key not in self._trees:
            self._trees[key] = ArtifactTree(tree, sourceignore.NOTHING, None, base)
        return Artifact(self._trees[key], ref)

    def _configured(self, mapped: SourceConfig, ref: SourceRef, wanted: GitRef | None) -> tuple[Tree, str]:
        """The tree of a ``[[source]]``: a folder of this repository, another repository, or any folder."""
        path = mapped.path.resolve()
        inside = self.inside(path)
        if inside is not None:
            return self.tree, inside
        if not path.is_dir():
            raise UnresolvedSource(f"{mapped.path} of [[source]] {mapped.url} is no folder: correct its path", ref)
        name = repository_name(mapped.url)
        key = ("configured", path)
        if wanted is not None:
            other = self._clones.open(path, name)
            if other is not None:
                found = self._clones.tree(other, wanted, name)
                if found is None:
                    raise UnresolvedSource(
                        f"{mapped.path} has no {wanted}, which {_named(ref)} checks out: git fetch it there", ref
                    )
                return found, ""
        if key not in self._trees:
            self._trees[key] = DirectoryTree(path, name)
        return self._trees[key], ""

    # Artifacts

    def packed(self, base: str, ignore: str) -> ArtifactTree:
        """What is packed of the indexed repository below ``base``, with ``ignore`` as ``spec.ignore``."""
        return self._packed(self.tree, base, ignore or None, None)

    def recipe(self, tree: Tree) -> tuple[str, str] | None:
        """What ``packed`` has to be asked for to get a tree; None for a tree that it never gives."""
        return next(
            (
                (base, ignore or "")
                for (of, base, ignore, sparse), packed in self._artifacts.items()
                if packed is tree and of == id(self.tree) and sparse is None
            ),
            None,
        )

    def _packed(self, tree: Tree, base: str, ignore: str | None, sparse: tuple[str, ...] | None) -> ArtifactTree:
        key = (id(tree), base, ignore, sparse)
        if key not in self._artifacts:
            seen: Tree = tree if sparse is None else ArtifactTree(tree, sourceignore.NOTHING, sparse, base)
            patterns = sourceignore.load(seen, ignore, base if sparse is None else "")
            self._artifacts[key] = ArtifactTree(tree, patterns, sparse, base)
        return self._artifacts[key]

    def _external(self, reference: ReferenceSpec, registry: Registry, seen: tuple[str, ...]) -> Artifact:
        from indexer.flux.artifacts import GeneratorError, artifacts_of, build_artifact

        ref = SourceRef("ExternalArtifact", reference.namespace, reference.name)

        def tree_of(inner: ReferenceSpec) -> Tree:
            return self.resolve(inner, registry, seen).tree

        for (namespace, _), generator in registry.generators.items():
            if namespace != reference.namespace:
                continue
            try:
                for artifact in artifacts_of(generator, tree_of):
                    if artifact.name == reference.name:
                        key = (id(generator), reference.name)
                        if key not in self._trees:
                            self._trees[key] = build_artifact(artifact, tree_of)
                        return Artifact(self._trees[key], self._through(generator, ref, registry))
            except GeneratorError as error:
                place = f"{error.node.span}: " if error.node.span is not None else ""
                raise UnresolvedSource(f"{place}{error}", ref) from None
            except TreeError as error:
                raise UnresolvedSource(f"ArtifactGenerator {namespace}/{name_of(generator)}: {error}", ref) from None
        raise UnresolvedSource(
            f"{_named(ref)} is made by no ArtifactGenerator of this cluster: correct sourceRef, or add the generator",
            ref,
        )

    def _through(self, generator: Mapping, ref: SourceRef, registry: Registry) -> SourceRef:
        """The artifact's reference with the URL and ref of the only source it is made of."""
        sources = items_of(find(generator, "spec", "sources"))
        if len(sources) != 1:
            return ref
        namespace = text_at(sources[0], "namespace") or namespace_of(generator)
        origin = registry.sources.get((text_at(sources[0], "kind"), namespace, text_at(sources[0], "name")))
        return ref if origin is None else ref._replace(url=describe(origin).url, ref=describe(origin).ref)


def repository_name(url: str) -> str:
    """What spans call a repository that is not the working tree."""
    known = canonical(url)
    return f"{known.host}/{known.path}" if known is not None else without_credentials(url)


def _named(ref: SourceRef) -> str:
    return f"{ref.kind} {'/'.join(filter(None, (ref.namespace, ref.name)))}"


def _clamped(path: str) -> str:
    """A path below a root at which ``..`` stops."""
    return posixpath.normpath(f"/{path.lstrip('/')}").lstrip("/")


def _include(files: dict[str, tuple[Tree, str]], tree: Tree, source: str, to_path: str) -> None:
    """Puts a folder or file of an artifact into the files of another, as renaming does: only a file can give way, to a
    file. Raises TreeError.
    """
    target, kind = _clamped(to_path), tree.kind(source)
    if kind is None:
        raise Missing(f"fromPath {source} does not exist in the artifact of the other: correct it")
    is_file = kind is EntryKind.FILE
    above = (target[:at] for at, char in enumerate(target) if char == "/")
    if not target or any(path.startswith(f"{target}/") for path in files) or (target in files and not is_file):
        raise Unreadable(f"toPath {to_path} exists already: name one that does not")
    if any(path in files for path in above):
        raise NotADirectory(f"toPath {to_path} leads through a file: correct it")
    if is_file:
        files[target] = tree, source
    else:
        files.update((f"{target}/{path}", place) for path, place in _files(tree, source))


def _files(tree: Tree, directory: str) -> Iterator[tuple[str, tuple[Tree, str]]]:
    """Every file below a directory: its path from there, and where it is."""
    prefix = f"{directory}/" if directory else ""
    for entry in tree.list(directory):
        path = prefix + entry.name
        if entry.kind is EntryKind.DIRECTORY:
            for below, place in _files(tree, path):
                yield f"{entry.name}/{below}", place
        elif entry.kind is EntryKind.FILE:
            yield entry.name, (tree, path)
