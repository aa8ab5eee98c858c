"""What an ArtifactGenerator copies together: trees whose files keep their origin (section 3.6 of the Flux rules)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from itertools import takewhile
from typing import Any, Final

from indexer.deferred import NamedTuple, regex
from indexer.flux.doublestar import Excludes, doublestar
from indexer.flux.resources import ReferenceSpec, items_of, name_of, namespace_of
from indexer.git import archive, sourceignore
from indexer.git.artifact import ArtifactTree, MappedTree
from indexer.git.memory import MemoryTree
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.helm.values import merge
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node
from indexer.manifest.scalars import to_data_11

Files = dict[str, tuple[Tree, str]]


class GeneratorError(Exception):
    """A generator that fails; ``node`` is the entry at fault."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.node = node


class ArtifactSpec(NamedTuple):
    """One artifact that a generator makes."""

    generator: Mapping
    name: str
    entry: Node
    captures: tuple[tuple[str, str], ...] = ()
    """What ``pathPattern`` found for each ``{x}``."""

    @property
    def namespace(self) -> str:
        return namespace_of(self.generator)


Resolve = Callable[[ReferenceSpec], Tree]


def artifacts_of(generator: Mapping, resolve: Resolve) -> Iterator[ArtifactSpec]:
    """The artifacts of a generator. Only ``pathPattern`` looks into a source, and raises what ``resolve`` raises."""
    pattern = text_at(generator, "spec", "pathPattern")
    found: list[tuple[tuple[str, str], ...]] = [()]
    if pattern:
        alias, _, rest = pattern.removeprefix("@").partition("/")
        found = list(_matching(_aliased(generator, alias, resolve), rest))
    for captures in found:
        for entry in items_of(find(generator, "spec", "artifacts")):
            name = _filled(text_at(entry, "name"), tuple((k, v.lower()) for k, v in captures))
            yield ArtifactSpec(generator, name, entry, captures)


def build_artifact(artifact: ArtifactSpec, resolve: Resolve) -> Tree:
    """The files of one artifact. Raises GeneratorError, and what ``resolve`` raises."""
    files: Files = {}
    for operation in items_of(find(artifact.entry, "copy")):
        _copy(operation, artifact, resolve, files)
    mapped = MappedTree(files, f"/{artifact.name}")
    built_in = sourceignore.load(MappedTree({}, ""))
    return ArtifactTree(mapped, built_in)


def _filled(text: str, captures: tuple[tuple[str, str], ...]) -> str:
    for key, value in captures:
        text = text.replace("{" + key + "}", value)
    return text


def _aliased(generator: Mapping, alias: str, resolve: Resolve) -> Tree:
    for source in items_of(find(generator, "spec", "sources")):
        if text_at(source, "alias") == alias:
            namespace = text_at(source, "namespace") or namespace_of(generator)
            return resolve(ReferenceSpec(text_at(source, "kind"), namespace, text_at(source, "name"), source))
    raise GeneratorError(f"@{alias} is none of spec.sources: add a source with this alias", generator)


def _matching(tree: Tree, pattern: str) -> Iterator[tuple[tuple[str, str], ...]]:
    names = re.findall(r"\{(\w+)\}", pattern)
    expression = re.compile("/".join(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(part)) for part in pattern.split("/")))
    for directory in _directories(tree, ""):
        found = expression.fullmatch(directory)
        if found is not None:
            yield tuple(zip(names, found.groups(), strict=True))


def _directories(tree: Tree, directory: str) -> Iterator[str]:
    for entry in tree.list(directory):
        if entry.kind is EntryKind.DIRECTORY:
            path = posixpath.join(directory, entry.name)
            yield path
            yield from _directories(tree, path)


_GLOB: Final = regex(r"[*?\[\]]")


def _copy(operation: Node, artifact: ArtifactSpec, resolve: Resolve, files: Files) -> None:
    source, target = (_filled(text_at(operation, key), artifact.captures) for key in ("from", "to"))
    alias, _, pattern = source.removeprefix("@").partition("/")
    tree = _aliased(artifact.generator, alias, resolve)
    excludes = Excludes(text_at(item) for item in items_of(find(operation, "exclude")))
    to = _Destination(target.removeprefix("@artifact").strip("/"), target.endswith("/") or target == "@artifact")
    strategy = text_at(operation, "strategy") or "Overwrite"
    if strategy not in _STRATEGIES:
        raise GeneratorError(f"unknown copy strategy {strategy}: use {', '.join(_STRATEGIES)}", operation)
    whole = not _GLOB.search(pattern)
    base = _literal_part(pattern)
    matches = _selected(tree, pattern, excludes, recursive=strategy == "Extract")
    if not matches:
        raise GeneratorError(f"{source} matches nothing in its source: correct the path", operation)
    for match in matches:
        is_file = tree.kind(match) is EntryKind.FILE
        if whole and is_file and excludes.leave_out(match, ""):
            continue
        if strategy == "Extract":
            if is_file and match.lower().endswith(archive.SUFFIXES):
                files.update(_unpacked(tree, match, to.path, operation))
            elif whole:
                raise GeneratorError(f"{match} is no .tar.gz or .tgz to extract: correct the path", operation)
        elif is_file:
            place = to.of_file(match, files) if whole else posixpath.join(to.path, _stripped(match, pattern))
            if strategy == "Merge" and place in files:
                files[place] = _merged(files[place], (tree, match), place, artifact, operation)
            else:
                files[place] = (tree, match)
        else:
            place = posixpath.join(to.path, posixpath.basename(match) if whole else _stripped(match, pattern))
            # A directory's files overwrite, whatever the strategy.
            files.update(_below(tree, match, place, excludes, match if whole else base))


_STRATEGIES: Final = ("Overwrite", "Merge", "Extract")


class _Destination(NamedTuple):
    path: str
    is_directory: bool

    def of_file(self, file: str, files: Files) -> str:
        """Where a file goes that is named in full, as with ``cp``."""
        into = self.is_directory or any(known.startswith(f"{self.path}/") for known in files)
        return posixpath.join(self.path, posixpath.basename(file)) if into else self.path


def _selected(tree: Tree, pattern: str, excludes: Excludes, *, recursive: bool) -> list[str]:
    """What ``from`` names in its source: a path as it is, or what a pattern matches and ``exclude`` leaves."""
    if not _GLOB.search(pattern):
        path = "" if posixpath.normpath(pattern) == "." else posixpath.normpath(pattern)
        return [path] if tree.kind(path) is not None else []
    base = _literal_part(pattern)
    return [match for match in _glob(tree, pattern, recursive=recursive) if not excludes.leave_out(match, base)]


def _literal_part(pattern: str) -> str:
    """The directories of a pattern before the first with a wildcard: ``exclude`` is also matched from there on."""
    return "/".join(takewhile(lambda part: not _GLOB.search(part), posixpath.normpath(pattern).split("/")))


def _stripped(match: str, pattern: str) -> str:
    """The path in the artifact of what a pattern matches: ``dir/**`` takes ``dir`` off, and nothing else does."""
    prefix = pattern.removesuffix("**") if pattern.endswith("/**") else ""
    return match.removeprefix(prefix)


def _below(
    tree: Tree, directory: str, to: str, excludes: Excludes, base: str
) -> Iterator[tuple[str, tuple[Tree, str]]]:
    for entry in tree.list(directory):
        path, place = posixpath.join(directory, entry.name), posixpath.join(to, entry.name)
        if excludes.leave_out(path, base):
            continue
        if entry.kind is EntryKind.DIRECTORY:
            yield from _below(tree, path, place, excludes, base)
        elif entry.kind is EntryKind.FILE:
            yield place, (tree, path)


def _glob(tree: Tree, pattern: str, *, recursive: bool) -> Iterator[str]:
    """Paths that match: component by component, where ``**`` is one ``*``, or with ``**`` for any directories."""
    if recursive:
        expression = doublestar(pattern)
        yield from (path for path, _ in _below(tree, "", "", Excludes(()), "") if expression.fullmatch(path))
        return
    found = [""]
    for part in pattern.split("/"):
        expression = re.compile(translate(part.replace("**", "*")))
        following: list[str] = []
        for directory in found:
            try:
                entries = tree.list(directory)
            except TreeError:
                continue
            following += [posixpath.join(directory, entry.name) for entry in entries if expression.match(entry.name)]
        found = following
    yield from found


def _merged(
    below: tuple[Tree, str], above: tuple[Tree, str], place: str, artifact: ArtifactSpec, operation: Node
) -> tuple[Tree, str]:
    """A YAML file that was there, with another one's values over it."""
    generator = f"{artifact.namespace}/{name_of(artifact.generator)}"
    merged: dict[str, Any] = {}
    for tree, path in (below, above):
        try:
            for document in parse_stream(tree.read(path), path):
                data = to_data_11(document.node) if document.node is not None else {}
                merged = merge(merged, data if isinstance(data, dict) else {})
        except (ManifestError, TreeError) as error:
            raise GeneratorError(f"{path} cannot be merged into {place}: {error}", operation) from None
    # The text is nobody's: its lines are those of the file that the generator makes.
    from indexer.manifest.emit import emit  # whose regular expressions take a while to compile

    made = MemoryTree({place: emit(merged).encode()}, f"made by ArtifactGenerator {generator}")
    return made, place


def _unpacked(tree: Tree, path: str, to: str, operation: Node) -> Iterator[tuple[str, tuple[Tree, str]]]:
    try:
        files = dict(archive.unpack(tree.read(path)))
    except (archive.ArchiveError, TreeError) as error:
        raise GeneratorError(f"{path} cannot be extracted: {error}", operation) from None
    unpacked = MemoryTree(files, f"packed in {path}")
    yield from ((posixpath.join(to, inner), (unpacked, inner)) for inner in files)
