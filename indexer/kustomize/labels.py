"""``labels`` and ``commonLabels``.

Rules: kustomize's ``LabelTransformer`` (kustomize-semantics.md §8.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from indexer.kustomize.config import TransformerConfig
from indexer.kustomize.entries import add_entries
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import FieldSpec, merge_specs
from indexer.kustomize.layer import Layer
from indexer.kustomize.record import Record
from indexer.kustomize.resid import Gvk
from indexer.kustomize.resmap import ResMap
from indexer.manifest.node import Node, Operation, Role

_METADATA_LABELS: Final = FieldSpec("metadata/labels", create=True)


def field_specs(records: Iterable[Record]) -> tuple[FieldSpec, ...]:
    """The field specs that a file spells out."""
    return tuple(
        FieldSpec(
            record.text("path"),
            Gvk(record.text("group"), record.text("version"), record.text("kind")),
            record.flag("create"),
            record.node,
        )
        for record in records
    )


def label_specs(entry: Record, config: TransformerConfig) -> tuple[FieldSpec, ...]:
    """Where an entry of ``labels`` adds its pairs. Raises KustomizeError where its ``fields`` contradict a table."""
    specs = field_specs(entry.records("fields"))
    try:
        specs = merge_specs(specs, config.labels)
        if entry.flag("includeSelectors"):
            return merge_specs(specs, config.common_labels)
        if entry.flag("includeTemplates"):
            specs = _with_templates(specs, config)
        return merge_specs(specs, (_METADATA_LABELS,))
    except KustomizeError as error:
        raise error.wrapped("failed to merge labels: ").located(entry.node) from None


def _with_templates(specs: tuple[FieldSpec, ...], config: TransformerConfig) -> tuple[FieldSpec, ...]:
    try:
        return merge_specs(specs, config.template_labels)
    except KustomizeError as error:
        raise error.wrapped("failed to merge template fieldSpec: ") from None


def label_transformer(
    resmap: ResMap,
    layer: Layer,  # noqa: ARG001  # every transformer gets its layer
    pairs: dict[str, str],
    at: Node,
    specs: tuple[FieldSpec, ...],
    entry: Node,
    name: str = "labels",
) -> None:
    """Adds labels, written at ``at``, where ``specs`` point; ``entry`` is the transformer's whole entry."""
    add_entries(resmap, pairs, at, specs, Operation(Role.TRANSFORMS, name, entry.span))
