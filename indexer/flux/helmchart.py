"""From a HelmRelease to its chart (sections 3.5 and 6.2 of the Flux rules)."""

from __future__ import annotations

from typing import Any

from indexer.deferred import NamedTuple
from indexer.flux.kustomization import clamped
from indexer.flux.resources import ReferenceSpec, items_of, name_of, namespace_of, truth
from indexer.flux.sources import Registry, Sources
from indexer.flux.synthetic import node_of
from indexer.git.recording import RecordingTree
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.helm.chart import Chart, ChartError, NotAtHand, charts_in, load
from indexer.helm.values import Origin, merge, origin_of, to_plain
from indexer.kustomize.nodes import find, string, text_at
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Scalar

Defaults = list[tuple[Origin, dict[str, Any]]]
"""Values that come with a chart, weakest first."""


class FoundChart(NamedTuple):
    """A chart that is at hand."""

    chart: Chart
    defaults: Defaults
    directory: str | None
    """Where it is in the repository being indexed; None for one of elsewhere."""
    recording: RecordingTree


def helm_chart(release: Mapping) -> Mapping | None:
    """The HelmChart that helm-controller makes for ``spec.chart``; no file holds it. None for ``spec.chartRef``."""
    own = _own_chart(release)
    if own is None:
        return None
    root = node_of(
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "HelmChart",
            "metadata": {"name": own.name, "namespace": own.namespace},
            "spec": own.node,
        },
        own.node,
    )
    assert isinstance(root, Mapping)
    return root


def _own_chart(release: Mapping) -> ReferenceSpec | None:
    spec = find(release, "spec", "chart", "spec")
    if not isinstance(spec, Mapping):
        return None
    namespace = text_at(spec, "sourceRef", "namespace") or namespace_of(release)
    return ReferenceSpec("HelmChart", namespace, f"{namespace_of(release)}-{name_of(release)}", spec)


def chart_reference(release: Mapping) -> ReferenceSpec | None:
    """What the release takes its chart from: its own HelmChart, or what ``chartRef`` names."""
    own = _own_chart(release)
    if own is not None:
        return own
    node = find(release, "spec", "chartRef")
    if node is None:
        return None
    namespace = text_at(node, "namespace") or namespace_of(release)
    return ReferenceSpec(text_at(node, "kind"), namespace, text_at(node, "name"), node)


def chart_spec(release: Mapping, registry: Registry) -> Mapping | None:
    """The spec of the HelmChart behind a release; None where there is none, or it is not known."""
    reference = chart_reference(release)
    if reference is None or reference.kind != "HelmChart":
        return None
    spec = find(registry.sources.get(("HelmChart", reference.namespace, reference.name)), "spec")
    return spec if isinstance(spec, Mapping) else None


def source_reference(release: Mapping, registry: Registry) -> ReferenceSpec | None:
    """The source behind the chart: what its HelmChart reads, else what ``chartRef`` names."""
    reference = chart_reference(release)
    node = find(chart_spec(release, registry), "sourceRef")
    if reference is None or node is None:
        return reference
    return ReferenceSpec(text_at(node, "kind"), reference.namespace, text_at(node, "name"), node)


def find_chart(release: Mapping, sources: Sources, registry: Registry) -> FoundChart:
    """The chart of a HelmRelease. Raises ChartError, UnresolvedSource."""
    source = source_reference(release, registry)
    if source is None:
        raise ChartError("it names no chart: add spec.chart or spec.chartRef")
    if source.kind == "HelmChart":
        raise NotAtHand(f"{source} is defined nowhere in this cluster: correct chartRef, or add the file with it")
    spec = chart_spec(release, registry)
    if spec is None:
        tree = RecordingTree(sources.resolve(source, registry).tree)
        return _loaded(tree, _only_chart(tree, source), Mapping({}), relative_to_chart=True)
    if source.kind == "HelmRepository":
        tree = RecordingTree(sources.charts(source, text_at(spec, "chart"), registry).tree)
        return _loaded(tree, _of_version(tree, spec), spec, relative_to_chart=True)
    tree = RecordingTree(sources.resolve(source, registry).tree)
    return _loaded(tree, clamped(text_at(spec, "chart")), spec, relative_to_chart=False)


def _only_chart(tree: Tree, reference: ReferenceSpec) -> str:
    """The chart that an artifact holds: at its root, in its only folder, or packed."""
    if tree.kind("Chart.yaml") is EntryKind.FILE:
        return ""
    names = [entry.name for entry in tree.list("")]
    held = [name for name in names if name.endswith(".tgz") or tree.kind(f"{name}/Chart.yaml") is EntryKind.FILE]
    if len(held) != 1:
        raise NotAtHand(f"what stands for {reference} holds {len(held) or 'no'} charts: it has to be one")
    return held[0]


def _of_version(tree: Tree, spec: Mapping) -> str:
    """The chart of a folder of charts that a HelmChart means. Raises ChartError."""
    from indexer.flux.semver import BadRange, best  # which few repositories need

    name, version = text_at(spec, "chart"), text_at(spec, "version")
    paths = [""] if tree.kind("Chart.yaml") is EntryKind.FILE else charts_in(tree, "", name)
    if not paths:
        raise NotAtHand(f"there is no chart {name} in the folder of [[source]]: helm pull it to there")
    held = {_plain(load(tree, path).version): path for path in paths}
    try:
        chosen = best(version or "*", dict.fromkeys(held, 0))
    except BadRange:
        chosen = None
    if chosen is None:
        found = ", ".join(sorted(held))
        raise NotAtHand(
            f"chart {name} is at hand in version {found}, not in {version or 'any release'}: helm pull that version"
        )
    return held[chosen]


def _plain(version: str) -> str:
    return version.removeprefix("v").partition("+")[0]


def _loaded(tree: RecordingTree, path: str, spec: Mapping, *, relative_to_chart: bool) -> FoundChart:
    try:
        chart = load(tree, path)
        files = [text_at(item) for item in items_of(find(spec, "valuesFiles"))]
        defaults = _values_at(chart, "values.yaml", ())
        if files:
            defaults = _values_files(tree, chart, files, spec, relative_to_chart=relative_to_chart)
            merged: dict[str, Any] = {}
            for _, values in defaults:
                merged = merge(merged, values)
            chart.with_values(to_plain(merged))
        defaults = [*_subchart_values(chart), *defaults]
        inside = tree.tree.repository is None
        repository, there = tree.origin(path) if inside else ("", "")
    except TreeError as error:
        raise NotAtHand(f"{path or '.'}: {error}") from None
    except ManifestError as error:
        raise ChartError(str(error)) from None
    return FoundChart(chart, defaults, there if repository is None else None, tree)


def _values_files(tree: Tree, chart: Chart, files: list[str], spec: Mapping, *, relative_to_chart: bool) -> Defaults:
    """What ``valuesFiles`` give: together they stand in place of the chart's own values. Raises ChartError."""
    found: Defaults = []
    for name in files:
        path = clamped(name)
        if relative_to_chart:
            file = chart.files.get(path)
            content = None if file is None else file.content
            repository, there = (file.repository, file.path or path) if file is not None else (None, path)
        else:
            content = tree.read(path) if tree.kind(path) is EntryKind.FILE else None
            repository, there = tree.origin(path) if content is not None else (None, path)
        if content is not None:
            found.append(_values_of(content, there, repository, f"valuesFiles {name}"))
        elif not truth(spec, "ignoreMissingValuesFiles"):
            raise ChartError(f"there is no {path}, which valuesFiles names: correct it")
    return found


def _subchart_values(chart: Chart) -> Defaults:
    """The ``values.yaml`` of the subcharts right below, under the names by which the chart calls them."""
    found: Defaults = []
    for called, directory in chart.names.items():
        parts = called.split("/")
        if len(parts) == len(("charts", "name")):
            found += _values_at(chart, f"{directory}/values.yaml", (parts[1],))
    return found


def _values_at(chart: Chart, inner: str, path: tuple[str, ...]) -> Defaults:
    file = chart.files.get(inner)
    if file is None or file.path is None:
        return []
    return [_values_of(file.content, file.path, file.repository, "default of the chart", path, default=True)]


def _values_of(
    content: bytes,
    file: str,
    repository: str | None,
    name: str,
    below: tuple[str, ...] = (),
    *,
    default: bool = False,
) -> tuple[Origin, dict[str, Any]]:
    documents = parse_stream(content, file, repository, limit=1)
    node = documents[0].node if documents else None
    if node is None or (isinstance(node, Scalar) and node.text in ("", "null", "~")):
        node = Mapping({})
    if not isinstance(node, Mapping):
        raise ChartError(f"{file} holds no map of values: write KEY: VALUE")
    for key in reversed(below):
        node = Mapping({key: (string(key), node)})
    return origin_of(name, node, yaml_11=True, default=default)
