"""Objects that are in a cluster though no unit applies them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indexer.flux.config import Config
from indexer.flux.model import Cluster
from indexer.flux.render import outside_objects
from indexer.flux.resources import group_of, kind_of, name_of, namespace_of
from indexer.git.tree import Tree, TreeError
from indexer.manifest.compose import parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping
from indexer.query.rules.view import Key


def given_objects(tree: Tree, clusters: Iterable[Cluster], config: Config) -> dict[str, frozenset[Key]]:
    """By cluster: what its entry files hold, and what the configuration says is there. Raises ConfigError."""
    outside = {one.name: outside_objects(one, config) for one in config.clusters}
    return {
        cluster.name: frozenset(
            (group_of(root), kind_of(root), namespace_of(root), name_of(root))
            for root in (*_of_entry(tree, cluster), *outside.get(cluster.name, ()))
        )
        for cluster in clusters
    }


def _of_entry(tree: Tree, cluster: Cluster) -> Iterator[Mapping]:
    for path in cluster.entry:
        try:
            documents = parse(tree.read(path), path)
        except (TreeError, ManifestError):
            continue
        yield from (document.node for document in documents if isinstance(document.node, Mapping))
