"""What a kustomization runs: generators, which make resources, and transformers, which change them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.layer import Layer
from indexer.kustomize.record import Record
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Origin, Resource

if TYPE_CHECKING:
    from indexer.kustomize.target import Target

Step = Callable[[ResMap], None]
P = ParamSpec("P")


def step(run: Callable[Concatenate[ResMap, P], None], *args: P.args, **kwargs: P.kwargs) -> Step:
    """A transformer with all its arguments but the resources."""
    return lambda resmap: run(resmap, *args, **kwargs)


class Generator(NamedTuple):
    """Something that makes resources."""

    name: str
    generate: Callable[[], list[Resource]]
    origin: Origin | None


class Transformer(NamedTuple):
    """Something that changes resources."""

    kind: str
    apply: Callable[[ResMap], None]
    origin: Origin | None


def builtin_generators(target: Target) -> Iterator[Generator]:
    """The generators of a kustomization file. Raises KustomizeError for a helm chart, which is never inflated."""
    record, layer = target.record, target.layer
    options = record.record("generatorOptions")
    for args in record.records("configMapGenerator"):
        from indexer.kustomize.generators import configmap

        kind = "ConfigMapGenerator"
        yield Generator(kind, once(configmap, layer, args, options), target.builtin_origin(kind))
    for args in record.records("secretGenerator"):
        from indexer.kustomize.generators import secret

        kind = "SecretGenerator"
        yield Generator(kind, once(secret, layer, args, options), target.builtin_origin(kind))
    for field in ("helmCharts", "helmChartInflationGenerator"):
        for chart in record.records(field):
            raise helm_refused().located(chart.node)


def once(
    make: Callable[[Layer, Record, Record | None], Resource], layer: Layer, args: Record, options: Record | None
) -> Callable[[], list[Resource]]:
    """A generator of one resource with all its arguments."""
    return lambda: [make(layer, args, options)]


def helm_refused() -> KustomizeError:
    return KustomizeError(
        "trouble configuring builtin HelmChartInflationGenerator with config: ``: must specify --enable-helm",
        problem="helm charts of a kustomization are not inflated: that would run a program",
    )
