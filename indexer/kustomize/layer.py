"""What the generators and transformers of one kustomization share."""

from __future__ import annotations

from indexer.deferred import NamedTuple, dataclass, field
from indexer.kustomize.loader import Loader
from indexer.kustomize.schema import SchemaHolder
from indexer.manifest.node import Span


class Unmatched(NamedTuple):
    """An entry that is without effect: a patch, image, replica or replacement target that matched nothing."""

    operation: str
    span: Span | None
    reason: str


@dataclass(slots=True)
class Layer:
    """One kustomization being built."""

    loader: Loader
    schema: SchemaHolder
    """The merge schema in force; one for the whole build, as in kustomize."""
    file: str
    """Path of the kustomization file from its repository's root."""
    unmatched: list[Unmatched] = field(default_factory=list)
