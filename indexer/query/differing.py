"""Where one live object is not as the commit that the cluster applied has it.

The index holds no values, so the object's unit is rendered anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from indexer.cluster.model import LiveObject
from indexer.flux.config import Config
from indexer.flux.model import Cluster, RenderedObject
from indexer.flux.render import render_repository
from indexer.flux.store import Store
from indexer.git.repository import Repository
from indexer.index.read import Row
from indexer.manifest.provenance import Span
from indexer.query.drift import owned_fields
from indexer.query.livefields import FieldDifference
from indexer.query.redaction import Redaction
from indexer.query.rendered import span_at
from indexer.query.rows import object_of, unit_of


@dataclass(frozen=True, slots=True)
class Differing:
    """One field."""

    field: FieldDifference
    span: Span | None
    """The text that sets it in Git; None where no file does."""


def differing(repository: Repository, config: Config, build: Row, row: Row, live: LiveObject) -> tuple[Differing, ...]:
    """The fields of one object of an index that somebody changed in the cluster; none that may hold a secret.

    ``build`` is the row of the index, ``row`` that of the object.
    """
    revision = build["revision"] or build["head"]
    tree = repository.revision(revision) if build["revision"] else repository.worktree()
    renderer = row["applied_by"] or row["cluster"]
    redaction = Redaction(tree)
    unit = unit_of(row)
    with Store.within(repository.git_dir) as store:
        clusters = render_repository(
            repository, tree, config, only={renderer}, store=store, trees=lambda _, other: other == unit
        )
        for cluster in clusters:
            one = _find(cluster, row, renderer, redaction)
            if one is not None:
                found = owned_fields(one, unit, live, redaction)
                return tuple(Differing(field, span_at(one.tree, field.path)) for field in found)
    return ()


def _find(cluster: Cluster, row: Row, renderer: str, redaction: Redaction) -> RenderedObject | None:
    """The rendered object of a row; ``redaction`` learns what its unit renders."""
    for unit in cluster.units:
        if (cluster.name, unit.id) == (renderer, unit_of(row)):
            redaction.learn(one.tree for one in unit.objects)
            return next((one for one in unit.objects if one.id == object_of(row)), None)
    return None
