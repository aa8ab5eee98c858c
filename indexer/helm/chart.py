"""A chart as the files that Helm would load, each knowing the file of a repository that it is."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from typing import Any, Final

from indexer.deferred import NamedTuple, dataclass, field
from indexer.git.archive import ArchiveError, unpack
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.nodes import text_at
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Sequence

_CHART: Final = "Chart.yaml"


class ChartError(Exception):
    """A chart that cannot be rendered; the message says why and what to do."""


class NotAtHand(ChartError):
    """A chart, or a part of one, that the cluster has and this repository has not."""


class ChartFile(NamedTuple):
    """One file of a chart."""

    content: bytes
    repository: str | None = None
    path: str | None = None
    """Where the file is from its repository's root; None for one that is packed in an archive."""


class Capabilities(NamedTuple):
    """What charts are told of the cluster; without it they see what the engine was built with."""

    kubernetes: str | None = None
    """Its version, such as ``1.34`` or ``v1.34.2``."""
    api_versions: tuple[str, ...] = ()
    """``group/version`` or ``group/version/Kind`` that it serves beside the built-in ones."""


@dataclass(slots=True)
class Chart:
    """The files of a chart by their path in it, subcharts in ``charts/``."""

    name: str
    version: str
    files: dict[str, ChartFile] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """What Helm calls a subchart's directory (``charts/alias``) → the directory of the files."""

    def file(self, template: str) -> ChartFile | None:
        """The file behind the name that Helm gives a template: ``chart/charts/sub/templates/x.yaml``."""
        inner = template.partition("/")[2]
        for called, directory in sorted(self.names.items(), key=lambda item: -len(item[0])):
            if inner.startswith(f"{called}/"):
                inner = directory + inner.removeprefix(called)
                break
        return self.files.get(inner)

    def with_values(self, data: dict[str, Any]) -> None:
        """Replaces the default values."""
        self.files["values.yaml"] = ChartFile(json.dumps(data).encode())


def load(tree: Tree, path: str) -> Chart:
    """The chart in a directory or archive of a tree. Raises ChartError."""
    kind = tree.kind(path)
    if kind is EntryKind.FILE:
        files = dict(_unpacked(_read(tree, path), path))
    elif kind is EntryKind.DIRECTORY:
        files = {}
        _copy(tree, path, "", files)
        _add_local_dependencies(tree, path, "", files)
    else:
        raise ChartError(f"there is no chart at {path or '.'}: correct the chart's path")
    metadata = _metadata(files, "")
    if metadata is None:
        raise ChartError(f"{path or '.'} holds no {_CHART}: correct the chart's path")
    chart = Chart(text_at(metadata, "name"), text_at(metadata, "version"), files)
    _name_subcharts(chart, metadata, "", "")
    return chart


def charts_in(tree: Tree, directory: str, name: str) -> list[str]:
    """The paths at which a folder of charts may hold one: ``name/`` and ``name-<version>.tgz``."""
    found = []
    for entry in tree.list(directory):
        path = posixpath.join(directory, entry.name)
        packed = entry.name.endswith(".tgz") and entry.name.removeprefix(f"{name}-")[:1].isdigit()
        if packed or (entry.name == name and tree.kind(posixpath.join(path, _CHART)) is EntryKind.FILE):
            found.append(path)
    return found


def _read(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except TreeError as error:
        raise NotAtHand(f"{path}: {error}") from None


def _copy(tree: Tree, directory: str, target: str, files: dict[str, ChartFile]) -> None:
    try:
        entries = tree.list(directory)
    except TreeError as error:
        raise NotAtHand(f"{directory}: {error}") from None
    for entry in entries:
        path, inner = posixpath.join(directory, entry.name), posixpath.join(target, entry.name)
        match tree.kind(path):
            case EntryKind.DIRECTORY:
                _copy(tree, path, inner, files)
            case EntryKind.FILE:
                files[inner] = ChartFile(_read(tree, path), *tree.origin(path))


def _unpacked(data: bytes, path: str) -> Iterator[tuple[str, ChartFile]]:
    """The files of an archive, whose one directory on top is dropped as Helm drops it."""
    try:
        for name, content in unpack(data):
            inner = name.partition("/")[2]
            if inner:
                yield inner, ChartFile(content)
    except ArchiveError as error:
        raise ChartError(f"{path} is no chart archive ({error}): pack it with helm package") from None


def _metadata(files: dict[str, ChartFile], directory: str) -> Mapping | None:
    """The ``Chart.yaml`` of a chart or subchart; None where it has none. Raises ChartError."""
    found = files.get(posixpath.join(directory, _CHART))
    if found is None:
        return None
    shown = found.path or posixpath.join(directory, _CHART)
    try:
        documents = parse_stream(found.content, shown, found.repository, limit=1)
    except ManifestError as error:
        raise ChartError(str(error)) from None
    node = documents[0].node if documents else None
    return node if isinstance(node, Mapping) else Mapping({})


def _dependencies(metadata: Mapping) -> list[Mapping]:
    items = metadata.get("dependencies")
    return [item for item in items.items if isinstance(item, Mapping)] if isinstance(items, Sequence) else []


def _add_local_dependencies(tree: Tree, path: str, target: str, files: dict[str, ChartFile]) -> None:
    """Puts into ``charts/`` what ``file://`` dependencies name inside the tree, as source-controller does."""
    metadata = _metadata(files, target)
    for dependency in _dependencies(metadata) if metadata is not None else ():
        name, place = text_at(dependency, "name"), text_at(dependency, "repository")
        inner = posixpath.join(target, "charts", name)
        if not place.startswith("file://") or _subchart(files, target, name) is not None:
            continue
        there = posixpath.normpath(posixpath.join("/", path, place.removeprefix("file://"))).lstrip("/")
        if there == path or path.startswith(f"{there}/") or tree.kind(there) is not EntryKind.DIRECTORY:
            raise ChartError(f"{dependency.span}: there is no chart at {there}, where {place} leads: correct it")
        if len(inner.split("/")) > _MAX_DEPTH:
            raise ChartError(f"{dependency.span}: charts depend on each other in a circle: break the cycle")
        _copy(tree, there, inner, files)
        _add_local_dependencies(tree, there, inner, files)


_MAX_DEPTH: Final = 20


def _subchart(files: dict[str, ChartFile], target: str, name: str) -> str | None:
    """The directory or archive below ``charts/`` that holds a subchart of this name."""
    charts = posixpath.join(target, "charts") + "/"
    inside = {path.removeprefix(charts).split("/")[0] for path in files if path.startswith(charts)}
    for directory in sorted(charts + entry for entry in inside):
        if directory in files:
            packed = posixpath.basename(directory).removeprefix(f"{name}-")
            if packed[:1].isdigit() and packed.endswith(".tgz"):
                return directory
        elif (metadata := _metadata(files, directory)) is not None and text_at(metadata, "name") == name:
            return directory
    return None


def _name_subcharts(chart: Chart, metadata: Mapping, directory: str, called: str) -> None:
    """Learns what Helm calls each subchart. Raises ChartError where one that is needed is not there."""
    for dependency in _dependencies(metadata):
        name = text_at(dependency, "name")
        found = _subchart(chart.files, directory, name)
        if found is None:
            raise NotAtHand(
                f"{dependency.span or chart.name}: the dependency {name} is not in charts/, and nothing is downloaded: "
                "run helm dependency update, and commit or keep the result"
            )
        alias = text_at(dependency, "alias") or name
        subcalled = posixpath.join(called, "charts", alias)
        if found not in chart.files:
            chart.names[subcalled] = found
            below = _metadata(chart.files, found)
            if below is not None:
                _name_subcharts(chart, below, found, subcalled)
