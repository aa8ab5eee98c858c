"""The kustomize room: ``kustomize build`` on nodes that know where they come from."""

from indexer.kustomize.build import Build, Options, Reorder, build
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.layer import Unmatched
from indexer.kustomize.loader import LoadRestrictor
from indexer.kustomize.resource import Resource

__all__ = [
    "Build",
    "BuildCache",
    "KustomizeError",
    "LoadRestrictor",
    "Options",
    "Reorder",
    "Resource",
    "Unmatched",
    "build",
]
