"""What an ArtifactGenerator copies together: trees whose files keep their origin (section 3.6 of the Flux rules)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import translate
from typing import Final

from indexer.flux.resources import ReferenceSpec, items_of, namespace_of
from indexer.git import sourceignore
from indexer.git.artifact import ArtifactTree, MappedTree
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.node import Mapping, Node

Files = dict[str, tuple[Tree, str]]


class GeneratorError(Exception):
    """A generator that fails; ``node`` is the entry at fault."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.node = node


@dataclass(frozen=True, slots=True)
class ArtifactSpec:
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


_GLOB: Final = re.compile(r"[*?\[]")


def _copy(operation: Node, artifact: ArtifactSpec, resolve: Resolve, files: Files) -> None:
    source, target = (_filled(text_at(operation, key), artifact.captures) for key in ("from", "to"))
    strategy = text_at(operation, "strategy")
    if strategy not in ("", "Overwrite"):
        raise GeneratorError(f"copy strategy {strategy} is not rendered offline", operation)
    alias, _, pattern = source.removeprefix("@").partition("/")
    tree = _aliased(artifact.generator, alias, resolve)
    keeps_slash = target.endswith("/") or target == "@artifact"
    to = target.removeprefix("@artifact").strip("/")
    excludes = [text_at(item) for item in items_of(find(operation, "exclude"))]
    count = 0
    for path, place in _placed(tree, pattern, to, keeps_slash, files):
        if not _excluded(path, pattern, excludes):
            count += 1
            files[place] = (tree, path)
    if not count:
        raise GeneratorError(f"{source} matches nothing in its source: correct the path", operation)


def _placed(tree: Tree, pattern: str, to: str, keeps_slash: bool, files: Files) -> Iterator[tuple[str, str]]:
    """(file in the source, path in the artifact) for everything that one copy operation matches."""
    if not _GLOB.search(pattern):
        path = posixpath.normpath(pattern) if pattern.strip("/.") else ""
        kind = tree.kind(path)
        into_directory = keeps_slash or any(file.startswith(f"{to}/") for file in files)
        if kind is EntryKind.FILE:
            yield path, posixpath.join(to, posixpath.basename(path)) if into_directory else to
        elif kind is EntryKind.DIRECTORY:
            yield from _below(tree, path, posixpath.join(to, posixpath.basename(path)))
        return
    stripped = pattern[: -len("/**")] if pattern.endswith("/**") and not _GLOB.search(pattern[: -len("/**")]) else None
    if pattern == "**":
        stripped = ""
    for match in _glob(tree, pattern):
        place = match if stripped is None else posixpath.relpath(match, stripped) if stripped else match
        if tree.kind(match) is EntryKind.DIRECTORY:
            yield from _below(tree, match, posixpath.join(to, place))
        else:
            yield match, posixpath.join(to, place)


def _below(tree: Tree, directory: str, to: str) -> Iterator[tuple[str, str]]:
    for entry in tree.list(directory):
        path, place = posixpath.join(directory, entry.name), posixpath.join(to, entry.name)
        if entry.kind is EntryKind.DIRECTORY:
            yield from _below(tree, path, place)
        elif entry.kind is EntryKind.FILE:
            yield path, place


def _glob(tree: Tree, pattern: str) -> Iterator[str]:
    """Paths that match, component by component: ``**`` is one ``*``."""
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


def _excluded(path: str, pattern: str, excludes: list[str]) -> bool:
    literal = _GLOB.split(pattern)[0].rpartition("/")[0]
    relative = path.removeprefix(literal + "/") if literal else path
    for exclude in excludes:
        expression = _doublestar(exclude)
        if expression.fullmatch(path) or expression.fullmatch(relative):
            return True
        if "/" not in exclude and expression.fullmatch(posixpath.basename(path)):
            return True
    return False


def _doublestar(pattern: str) -> re.Pattern[str]:
    out = ""
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern):
        out += {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece) or re.escape(piece)
    return re.compile(out)
