"""A HelmRelease rendered: its chart with its values, through its post-renderers (section 6.5 of the Flux rules)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any, Final

from indexer.deferred import regex, replace
from indexer.flux.helmchart import FoundChart
from indexer.flux.helmrelease import Release, ReleaseObject, in_namespace, release_name, release_namespace
from indexer.flux.helmvalues import ReleaseValues
from indexer.flux.kustomization import inputs_of
from indexer.flux.model import UnitState
from indexer.flux.resources import HELM, kind_of, name_of, truth
from indexer.flux.scope import declared
from indexer.helm.chart import Capabilities, Chart, ChartError, NotAtHand
from indexer.helm.engine import Rendered, RenderError, render
from indexer.helm.postrender import post_render
from indexer.helm.process import ChartTooLarge
from indexer.helm.template import place, references
from indexer.helm.values import Values
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import find, put, string, text_at
from indexer.kustomize.resource import Resource
from indexer.manifest.compose import parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.history import Contribution
from indexer.manifest.node import NOWHERE, Mapping, Node, Role, Scalar, Sequence, Source, Span, pack

_LOOKUP: Final = regex(rb"\{\{[^}]*\blookup\s+[\"(.$]")
_HIDDEN: Final = "(redacted)"
_MIN_HIDDEN: Final = 4
"""Characters from which on a Secret's text is also hidden within a longer one."""


def made_of(
    root: Mapping, found: FoundChart, known: ReleaseValues, secrets: frozenset[str], capabilities: Capabilities
) -> Release:
    """What becomes of a HelmRelease with this chart and these values; texts of ``secrets`` do not get into it."""
    parts = (*_chart_files(found.chart), *known.values.contributions())
    release = Release(UnitState.RENDERED, None, parts, (), found.directory, inputs_of(found.recording))
    try:
        objects = tuple(_objects(root, found.chart, known, capabilities, secrets))
    except NotAtHand as error:
        return replace(release, state=UnitState.UNRESOLVED, reason=str(error))
    except (ChartError, KustomizeError, ManifestError) as error:
        why = [*known.unknown, _why(root, error, hide=bool(secrets))]
        asks = isinstance(error, RenderError) and _asks_the_cluster(found.chart)
        if asks:
            why.append("it looks up objects of the cluster, which is not asked here")
        # The controller bounds no chart, so one that is stopped here may be installed there.
        beyond = bool(known.unknown) or asks or isinstance(error, ChartTooLarge)
        state = UnitState.UNRESOLVED if beyond else UnitState.FAILED
        return replace(release, state=state, reason="; ".join(why))
    state = UnitState.UNRESOLVED if known.unknown else UnitState.RENDERED
    return replace(release, state=state, reason="; ".join(known.unknown) or None, objects=objects)


def _asks_the_cluster(chart: Chart) -> bool:
    """Whether a template calls ``lookup``, which finds nothing here and may find what it needs there."""
    return any(_LOOKUP.search(file.content) for file in chart.files.values())


def _chart_files(chart: Chart) -> Iterator[Contribution]:
    """Files of the chart that shape all that it makes, and no single object."""
    for inner, file in chart.files.items():
        name = inner.rpartition("/")[2]
        if file.path is not None and (name == "Chart.yaml" or name.startswith("_")):
            lines = file.content.decode(errors="replace").splitlines() or [""]
            span = Span(Source(file.repository, file.path), 1, 1, len(lines), max(len(lines[-1]), 1))
            yield Contribution(Role.CONFIGURES, "chart" if name == "Chart.yaml" else "helper template", span)


def _why(root: Mapping, error: Exception, *, hide: bool) -> str:
    secret = hide and isinstance(error, (RenderError, ManifestError, KustomizeError))
    # Helm, YAML and kustomize quote what they cannot take.
    why = "what is wrong is not shown, as Secrets give some of its values" if secret else str(error)
    if isinstance(error, KustomizeError):
        return f"{error.span or root.span}: what its chart gives cannot be applied: {why if secret else error.problem}"
    return f"its chart cannot be rendered: {why}"


def _objects(
    root: Mapping, chart: Chart, known: ReleaseValues, capabilities: Capabilities, secrets: frozenset[str]
) -> list[ReleaseObject]:
    spec = find(root, "spec")
    validate = not truth(spec, "install", "disableSchemaValidation")
    parts = render(
        chart,
        known.given,
        release_name(root),
        release_namespace(root),
        validate=validate,
        capabilities=capabilities,
    )
    named: dict[Span, frozenset[tuple[str, ...]]] = {}
    documents = [one for part in parts if not part.crd for one in _documents(part, chart, named)]
    objects = [
        ReleaseObject(one, tuple(_named_values(_paths(one, named), known.values)))
        for one in post_render(documents, root)
    ]
    # Left unset, either of the two creates them.
    if any(text_at(spec, action, "crds") != "Skip" for action in ("install", "upgrade")):
        crds = (one for part in parts if part.crd for one in _crds(part, chart))
        objects += [ReleaseObject(Resource(one, one.span), defined_by="CRD of the chart") for one in crds]
    scopes = declared(one.resource.root for one in objects)
    for one in objects:
        final = in_namespace(_labelled(one.resource.root, root), root, scopes)
        one.resource.root = _without(final, secrets) if secrets else final
    return objects


def _paths(resource: Resource, named: dict[Span, frozenset[tuple[str, ...]]]) -> frozenset[tuple[str, ...]]:
    span = resource.definition
    return named.get(span, frozenset()) if span is not None else frozenset()


def _documents(part: Rendered, chart: Chart, named: dict[Span, frozenset[tuple[str, ...]]]) -> Iterator[Mapping]:
    """The objects of one rendered text. Nobody wrote its lines: all of an object stands where its template does."""
    file = chart.file(part.template)
    for document in parse(part.text.encode(), part.template):
        node = document.node
        if not isinstance(node, Mapping):
            continue
        if file is None or file.path is None:
            _set_place(node, NOWHERE, 0)
        else:
            text = file.content.decode(errors="replace")
            span = place(text, Source(file.repository, file.path), kind_of(node), name_of(node))
            pos = pack(span.line - 1, span.column - 1, span.end_line - 1, span.end_column)
            _set_place(node, span.source, pos)
            named[span] = _below_subchart(references(text, span), part.template)
        yield node


def _set_place(node: Node, source: Source, pos: int) -> None:
    """Puts a freshly parsed tree to one place."""
    node.source, node.pos = source, pos
    if isinstance(node, Mapping):
        for key, value in (*node.items(), *node.duplicate):
            _set_place(key, source, pos)
            _set_place(value, source, pos)
    elif isinstance(node, Sequence):
        for item in node.items:
            _set_place(item, source, pos)


def _below_subchart(paths: frozenset[tuple[str, ...]], template: str) -> frozenset[tuple[str, ...]]:
    """Paths that a subchart's template names, as the values of the release have them."""
    chain = template.partition("/templates/")[0].split("/charts/")[1:]
    return frozenset(path if path[0] == "global" else (*chain, *path) for path in paths)


def _crds(part: Rendered, chart: Chart) -> Iterator[Mapping]:
    """The CRDs of one file of ``crds/``, which is no template: its lines are those of the chart's file."""
    file = chart.file(part.template)
    repository, path = (file.repository, file.path) if file is not None else (None, None)
    for document in parse(part.text.encode(), path or part.template, repository):
        node = document.node
        if isinstance(node, Mapping) and kind_of(node) == "CustomResourceDefinition":
            if path is None:
                _set_place(node, NOWHERE, 0)
            yield node


def _labelled(root: Mapping, release: Mapping) -> Mapping:
    """The object with the labels by which helm-controller knows its own; the release's name is where they come from."""
    for key in ("name", "namespace"):
        path = ("metadata", "labels", f"{HELM}/{key}")
        text, at = text_at(release, "metadata", key), find(release, "metadata", key)
        root = put(root, path, string(text, at, prev=find(root, *path)))
    return root


def _named_values(paths: Iterable[tuple[str, ...]], values: Values) -> Iterator[Contribution]:
    """The values that a template names, each once."""
    seen: set[tuple[str, Span]] = set()
    for path in sorted(paths):
        for origin, leaf in values.along(path):
            if leaf.span is not None and (origin.name, leaf.span) not in seen:
                seen.add((origin.name, leaf.span))
                yield Contribution(Role.VALUES, origin.name, leaf.span)


def _without(root: Mapping, secrets: frozenset[str]) -> Mapping:
    """The object without the texts of Secrets, in plain and in base64; what tells objects apart stays."""
    hidden = secrets | {base64.b64encode(text.encode()).decode() for text in secrets}
    long = tuple(text for text in hidden if len(text) >= _MIN_HIDDEN)

    def clean(node: Node) -> Node:
        if isinstance(node, Mapping):
            fields = {text: (key, clean(value)) for text, (key, value) in node.fields.items()}
            same = all(fields[text][1] is value for text, (_, value) in node.fields.items())
            return node if same else node.derive(fields)
        if isinstance(node, Sequence):
            items = [clean(item) for item in node.items]
            return node if all(new is old for new, old in zip(items, node.items, strict=True)) else node.derive(items)
        assert isinstance(node, Scalar)
        if node.text in hidden or any(text in node.text for text in long):
            return string(_HIDDEN, node, node.op)
        return node

    kept: dict[str, Any] = {
        text: (key, value if text in ("apiVersion", "kind") else clean(value))
        for text, (key, value) in root.fields.items()
    }
    cleaned = root.derive(kept)
    for path in (("metadata", "name"), ("metadata", "namespace")):
        old = find(root, *path)
        if old is not None:
            cleaned = put(cleaned, path, old)
    return cleaned
