"""What a commit renders an object to, beside the live one.

The index holds no values, so the cluster is rendered anew.
"""

from __future__ import annotations

from typing import Any

from indexer.cluster.model import LiveObject
from indexer.flux.config import Config
from indexer.flux.model import Cluster, RenderedObject
from indexer.flux.render import render_repository
from indexer.git.repository import Repository
from indexer.index.read import Row
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Sequence
from indexer.manifest.scalars import to_data
from indexer.query.livefields import FieldDifference, differences
from indexer.query.redaction import Redaction
from indexer.query.rows import object_of, unit_of


def differing(repository: Repository, config: Config, build: Row, row: Row, live: LiveObject) -> list[FieldDifference]:
    """The fields of one object of an index that are otherwise in the cluster; none that may hold a secret.

    ``build`` is the row of the index, ``row`` that of the object.
    """
    revision = build["revision"] or build["head"]
    tree = repository.revision(revision) if build["revision"] else repository.worktree()
    renderer = row["applied_by"] or row["cluster"]
    redaction = Redaction(tree)
    for cluster in render_repository(repository, tree, config, only={renderer}):
        one = _find(cluster, row, renderer, redaction)
        if one is not None and one.tree is not None:
            return compared(one, live, redaction)
    return []


def compared(one: RenderedObject, live: LiveObject, redaction: Redaction) -> list[FieldDifference]:
    """The fields of a rendered object that are otherwise in the cluster; none that may hold a secret."""
    if one.tree is None:
        return []
    try:
        rendered: Any = to_data(one.tree)
    except ManifestError:
        return []
    return [field for field in differences(rendered, live) if not is_hidden(field, one, one.tree, redaction)]


def _find(cluster: Cluster, row: Row, renderer: str, redaction: Redaction) -> RenderedObject | None:
    """The rendered object of a row; ``redaction`` learns what its unit renders."""
    for unit in cluster.units:
        if (cluster.name, unit.id) == (renderer, unit_of(row)):
            redaction.learn(one.tree for one in unit.objects)
            return next((one for one in unit.objects if one.id == object_of(row)), None)
    return None


def is_hidden(field: FieldDifference, one: RenderedObject, tree: Mapping, redaction: Redaction) -> bool:
    """Whether a field may hold a secret, or a variable whose value is not known here."""
    unknown = any(
        field.pointer in filled.fields
        for filled in one.substitutions
        if filled.redacted or (filled.span is None and filled.supplied_by not in {"default", "inline"})
    )
    return unknown or redaction.hides(tree, field.path, _at(tree, field.path))


def _at(node: Node, path: tuple[str, ...]) -> Node:
    for step in path:
        if isinstance(node, Mapping):
            node = node.fields[step][1]
        elif isinstance(node, Sequence):
            node = node.items[int(step)]
    return node
