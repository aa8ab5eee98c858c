"""Files that have no effect: manifests that no unit reads, and patterns of ``.sourceignore`` that decide nothing."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from indexer.deferred import regex
from indexer.flux.model import Cluster, Unit
from indexer.git.sourceignore import IGNORE_FILE, Ignore, RuleOrigin, load
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.kustomization import FILE_NAMES
from indexer.manifest.node import Source, Span
from indexer.query.findings import Finding, Severity
from indexer.query.places import files_below
from indexer.query.rules.catalogue import RULES
from indexer.query.rules.view import is_unknown

_UNREACHABLE: Final = RULES["unreachable-file"]
_INEFFECTIVE: Final = RULES["ineffective-ignore"]
_KIND: Final = regex(rb"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)
_VERSION: Final = regex(rb"^apiVersion:[ \t]*[\"']?([\w.-]+)(/)?", re.MULTILINE)


def at_line(file: str, line: int) -> Span:
    return Span(Source(None, file), line, 1, line, 1)


@dataclass(frozen=True, slots=True)
class Reached:
    """What the units of all clusters read."""

    files: frozenset[str]
    broken: tuple[str, ...]
    """Directories of units that could not be built: what they would read is not known."""

    @classmethod
    def by(cls, clusters: Iterable[Cluster]) -> Reached:
        units = [unit for cluster in clusters for unit in cluster.units]
        read = {path for unit in units for path in unit.inputs.read}
        entries = {path for cluster in clusters for path in cluster.entry}
        broken = {_directory_of(unit) for unit in units if is_unknown(unit)} - {""}
        return cls(frozenset(read | entries), tuple(broken))

    def knows(self, path: str) -> bool:
        return path in self.files or any(path.startswith(f"{directory}/") for directory in self.broken)


def _directory_of(unit: Unit) -> str:
    """What a unit reads in this repository, also where its source is not known; empty where that is nothing."""
    if unit.directory:
        return unit.directory
    is_elsewhere = unit.id.kind != "Kustomization" or (unit.source is not None and unit.source.url is not None)
    return "" if is_elsewhere or not unit.path else posixpath.normpath(f"/{unit.path}").strip("/")


def unreachable(tree: Tree, clusters: Iterable[Cluster]) -> Iterator[Finding]:
    """Manifests that no unit reads. A whole directory of them is one finding."""
    clusters = list(clusters)
    reached = Reached.by(clusters)
    ignore = load(tree)
    alive = _directories(reached.files)
    if _hides_units(tree, reached):
        return
    dead: dict[str, list[str]] = {}
    unread = dict.fromkeys(_manifests(tree, ignore, reached))
    for path in unread:
        top = _topmost_dead(posixpath.dirname(path), alive)
        if top is not None:
            dead.setdefault(top, []).append(path)
        elif _nearest(tree, path)[0] not in unread:
            yield _left_out(tree, path)
        # Else it is the kustomization that would have to be listed.
    for directory, paths in dead.items():
        yield _directory(tree, directory, paths)


def _hides_units(tree: Tree, reached: Reached) -> bool:
    """Whether a unit that could not be built would deploy further units: what those read is not known either."""
    there = (directory for directory in reached.broken if tree.kind(directory) is EntryKind.DIRECTORY)
    below = (path for directory in there for path in files_below(tree, directory))
    return any(_UNIT.search(_text(tree, path)) for path in below if path.endswith((".yaml", ".yml")))


_UNIT: Final = regex(rb"^apiVersion:[ \t]*[\"']?kustomize\.toolkit\.fluxcd\.io/", re.MULTILINE)


def _text(tree: Tree, path: str) -> bytes:
    """A file; nothing where it cannot be read."""
    try:
        return tree.read(path)
    except TreeError:
        return b""


def _directories(files: Iterable[str]) -> set[str]:
    """Every directory that holds one of the files, at any depth."""
    found = {""}
    for file in files:
        directory = posixpath.dirname(file)
        while directory not in found:
            found.add(directory)
            directory = posixpath.dirname(directory)
    return found


def _topmost_dead(directory: str, alive: set[str]) -> str | None:
    """The highest directory above which something is read; None where something in this very directory is."""
    if directory in alive:
        return None
    above = posixpath.dirname(directory)
    while above not in alive:
        directory, above = above, posixpath.dirname(above)
    return directory


def _manifests(tree: Tree, ignore: Ignore, reached: Reached) -> Iterator[str]:
    """Files that look like what is applied to a cluster, and that Flux would see."""
    charts: set[str] = set()
    for path in sorted(files_below(tree, "")):
        directory, name = posixpath.split(path)
        if name == "Chart.yaml":
            charts.add(directory)
    for path in sorted(files_below(tree, "")):
        if (
            path.endswith((".yaml", ".yml"))
            and not reached.knows(path)
            and not any(part.startswith(".") for part in path.split("/"))
            and _BY_HAND.isdisjoint(path.split("/")[:-1])
            and not any(path.startswith(f"{chart}/") for chart in charts)
            and not ignore.ignored(path)
            and _is_manifest(tree, path)
        ):
            yield path


_BY_HAND: Final = frozenset(
    {"bootstrap", "doc", "docs", "example", "examples", "hack", "script", "scripts", "talos", "template", "templates",
     "test", "testdata", "tests"}
)  # fmt: skip
"""Directories whose manifests are meant for people and programs other than Flux."""


def _is_manifest(tree: Tree, path: str) -> bool:
    text = _text(tree, path)
    kind, version = _KIND.search(text), _VERSION.search(text)
    if kind is None or version is None or kind[1] == b"Config":
        return False
    group = version[1].decode() if version[2] else ""
    if not group:
        return version[1] == b"v1"
    return group not in _FOR_TOOLS


_FOR_TOOLS: Final = frozenset(
    {
        "audit.k8s.io", "backstage.io", "config.kio.kasten.io", "ctlptl.dev", "eksctl.io", "k0s.k0sproject.io",
        "k0sctl.k0sproject.io", "k3d.io", "kind.x-k8s.io", "kubeadm.k8s.io", "kubelet.config.k8s.io",
        "minikube.sigs.k8s.io", "skaffold", "apiserver.config.k8s.io", "client.authentication.k8s.io",
        "krew.googlecontainertools.github.com",
    }
)  # fmt: skip
"""API groups of files that programs read and no cluster is given."""


def _left_out(tree: Tree, path: str) -> Finding:
    """A file beside others that are read."""
    kustomization, line = _nearest(tree, path)
    if line is not None:
        why = f"is commented out in {kustomization}: delete it, or list it again"
        related = (at_line(kustomization, line),)
        return Finding(_UNREACHABLE.name, Severity.NOTE, f"{path} {why}", None, at_line(path, 1), related)
    why = f"is read by no unit, while files beside it are: list it in {kustomization}, or delete it"
    severity = _UNREACHABLE.severity
    if not kustomization:
        severity, why = Severity.NOTE, "is read by no unit, and no kustomization is above it: delete it, or deploy it"
    beside = (at_line(kustomization, 1),) if kustomization else ()
    return Finding(_UNREACHABLE.name, severity, f"{path} {why}", None, at_line(path, 1), beside)


def _nearest(tree: Tree, path: str) -> tuple[str, int | None]:
    """The nearest kustomization above a file ("" for none), and its line that has the file commented out."""
    directory = posixpath.dirname(path)
    while True:
        for name in FILE_NAMES:
            kustomization = posixpath.join(directory, name)
            if kustomization != path and tree.kind(kustomization) is EntryKind.FILE:
                below = path[len(directory) + 1 :] if directory else path
                return kustomization, _commented_out(tree, kustomization, below)
        if not directory:
            return "", None
        directory = posixpath.dirname(directory)


def _commented_out(tree: Tree, kustomization: str, below: str) -> int | None:
    names = {below, posixpath.dirname(below) or below}
    lines = _text(tree, kustomization).decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        _, sharp, comment = line.partition("#")
        listed = comment.partition(" #")[0].strip().removeprefix("-").strip()
        entry = listed.strip("\"'").removeprefix("./").rstrip("/")
        if sharp and entry in names:
            return number
    return None


def _directory(tree: Tree, directory: str, paths: list[str]) -> Finding:
    first = next((path for path in paths if posixpath.basename(path) in FILE_NAMES), paths[0])
    kustomization, line = _nearest(tree, f"{directory}/.")
    many = f"{len(paths)} manifests" if len(paths) > 1 else "the manifest"
    message = f"Nothing reads {many} below {directory}/"
    if line is not None:
        message += f", which is commented out in {kustomization}"
    message += ": delete it, or deploy it"
    related = (at_line(kustomization, line),) if line is not None else ()
    return Finding(_UNREACHABLE.name, Severity.NOTE, message, None, at_line(first, 1), related)


# .sourceignore


def ineffective_patterns(tree: Tree) -> Iterator[Finding]:
    """Patterns that no file of the repository is judged by."""
    ignore = load(tree)
    files = {rule.file for rule in ignore.rules if rule.origin is RuleOrigin.FILE}
    if not files:
        return
    deciding = {ignore.rule(path) for path in files_below(tree, "")}
    for rule in ignore.rules:
        if rule.origin is RuleOrigin.FILE and rule not in deciding:
            assert rule.file is not None
            message = f"This pattern of {IGNORE_FILE} decides about no file: {rule.pattern.strip()}: take it out"
            yield Finding(_INEFFECTIVE.name, _INEFFECTIVE.severity, message, None, at_line(rule.file, rule.line))
