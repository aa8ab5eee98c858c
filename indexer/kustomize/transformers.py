"""The built-in transformers of a kustomization file, in the order in which they run.

Rules: kustomize's ``configureBuiltinTransformers`` (kustomize-semantics.md §1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from indexer.kustomize.annotations import annotation_transformer
from indexer.kustomize.config import TransformerConfig
from indexer.kustomize.fieldspec import FieldSpec
from indexer.kustomize.images import image_transformer
from indexer.kustomize.labels import label_specs, label_transformer
from indexer.kustomize.layer import Layer
from indexer.kustomize.namespace import namespace_transformer
from indexer.kustomize.patches import (
    PatchEntry,
    patch_json6902,
    patch_strategic_merge,
    patch_transformer,
)
from indexer.kustomize.prefix import prefix_transformer, suffix_transformer
from indexer.kustomize.record import Record
from indexer.kustomize.replacements import replacement_transformer
from indexer.kustomize.replicas import replica_transformer
from indexer.kustomize.resmap import ResMap
from indexer.manifest.node import Node

Step = Callable[[ResMap], None]


class _NameTransformer(Protocol):
    def __call__(self, resmap: ResMap, layer: Layer, text: str, at: Node, specs: tuple[FieldSpec, ...], /) -> None: ...


def builtin_transformers(record: Record, layer: Layer, config: TransformerConfig) -> list[tuple[str, Step]]:
    """Each transformer with the kind that kustomize signs it with. Raises KustomizeError for a bad configuration."""
    return [
        *_strategic_merge(record, layer),
        *_patches(record, layer),
        *_names(record, layer, config),
        *_labels(record, layer, config),
        *_json6902(record, layer),
        *_counts_and_images(record, layer, config),
        *_replacements(record, layer),
    ]


def _strategic_merge(record: Record, layer: Layer) -> Iterator[tuple[str, Step]]:
    texts = record.texts("patchesStrategicMerge")
    if texts:
        entries = [(text, record.at("patchesStrategicMerge", index)) for index, text in enumerate(texts)]
        yield "PatchStrategicMergeTransformer", partial(patch_strategic_merge, layer=layer, entries=entries)


def _patches(record: Record, layer: Layer) -> Iterator[tuple[str, Step]]:
    for entry in record.records("patches"):
        yield "PatchTransformer", partial(patch_transformer, layer=layer, entry=PatchEntry.from_record(entry))


def _names(record: Record, layer: Layer, config: TransformerConfig) -> Iterator[tuple[str, Step]]:
    transformers: tuple[tuple[str, str, _NameTransformer, tuple[FieldSpec, ...]], ...] = (
        ("namespace", "NamespaceTransformer", namespace_transformer, config.namespace),
        ("namePrefix", "PrefixTransformer", prefix_transformer, config.name_prefix),
        ("nameSuffix", "SuffixTransformer", suffix_transformer, config.name_suffix),
    )
    for field, kind, transform, specs in transformers:
        text = record.text(field)
        if text:
            yield (
                kind,
                lambda resmap, run=transform, text=text, at=record.at(field), specs=specs: run(
                    resmap, layer, text, at, specs
                ),
            )


def _labels(record: Record, layer: Layer, config: TransformerConfig) -> Iterator[tuple[str, Step]]:
    entries, common = record.records("labels"), record.pairs("commonLabels")
    for entry in entries:
        specs = label_specs(entry, config)
        yield (
            "LabelTransformer",
            lambda resmap, entry=entry, specs=specs: label_transformer(
                resmap, layer, entry.pairs("pairs"), entry.at("pairs"), specs, entry.node
            ),
        )
    if entries or common:
        # One more, even without commonLabels: it shows in transformer annotations.
        at = record.at("commonLabels")
        yield (
            "LabelTransformer",
            lambda resmap: label_transformer(resmap, layer, common, at, config.common_labels, at, "commonLabels"),
        )
    annotations = record.pairs("commonAnnotations")
    if annotations:
        place = record.at("commonAnnotations")
        yield (
            "AnnotationsTransformer",
            lambda resmap: annotation_transformer(resmap, layer, annotations, place, config.common_annotations, place),
        )


def _json6902(record: Record, layer: Layer) -> Iterator[tuple[str, Step]]:
    for entry in record.records("patchesJson6902"):
        yield "PatchJson6902Transformer", partial(patch_json6902, layer=layer, entry=PatchEntry.from_record(entry))


def _counts_and_images(record: Record, layer: Layer, config: TransformerConfig) -> Iterator[tuple[str, Step]]:
    for entry in record.records("replicas"):
        yield "ReplicaCountTransformer", partial(replica_transformer, layer=layer, entry=entry, specs=config.replicas)
    images = [*record.records("images"), *record.records("imageTags")]
    for index, _ in enumerate(images):
        # All entries run in one pass; the others only count, for transformer annotations.
        chosen = images if index == 0 else []
        yield "ImageTagTransformer", partial(image_transformer, layer=layer, records=chosen, specs=config.images)


def _replacements(record: Record, layer: Layer) -> Iterator[tuple[str, Step]]:
    entries = record.records("replacements")
    if entries:
        yield "ReplacementTransformer", partial(replacement_transformer, layer=layer, entries=entries)
