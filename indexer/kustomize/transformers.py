"""The built-in transformers of a kustomization file, in the order in which they run.

Those that take long to import are imported by the field that asks for them.

Rules: kustomize's ``configureBuiltinTransformers`` (kustomize-semantics.md §1).
"""

from __future__ import annotations

from collections.abc import Iterator

from indexer.kustomize.config import TransformerConfig
from indexer.kustomize.layer import Layer
from indexer.kustomize.namespace import namespace_transformer
from indexer.kustomize.record import Record
from indexer.kustomize.steps import Step, step


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
        from indexer.kustomize.patches import patch_strategic_merge

        entries = [(text, record.at("patchesStrategicMerge", index)) for index, text in enumerate(texts)]
        yield "PatchStrategicMergeTransformer", step(patch_strategic_merge, layer, entries)


def _patches(record: Record, layer: Layer) -> Iterator[tuple[str, Step]]:
    for entry in record.records("patches"):
        from indexer.kustomize.patches import PatchEntry, patch_transformer

        yield "PatchTransformer", step(patch_transformer, layer, PatchEntry.from_record(entry))


def _names(record: Record, layer: Layer, config: TransformerConfig) -> Iterator[tuple[str, Step]]:
    namespace, prefix, suffix = (record.text(field) for field in ("namespace", "namePrefix", "nameSuffix"))
    if namespace:
        at = record.at("namespace")
        yield "NamespaceTransformer", step(namespace_transformer, layer, namespace, at, config.namespace)
    if prefix or suffix:
        from indexer.kustomize.prefix import prefix_transformer, suffix_transformer
    if prefix:
        at = record.at("namePrefix")
        yield "PrefixTransformer", step(prefix_transformer, layer, prefix, at, config.name_prefix)
    if suffix:
        at = record.at("nameSuffix")
        yield "SuffixTransformer", step(suffix_transformer, layer, suffix, at, config.name_suffix)


def _labels(record: Record, layer: Layer, config: TransformerConfig) -> Iterator[tuple[str, Step]]:
    entries, common = record.records("labels"), record.pairs("commonLabels")
    if entries or common:
        from indexer.kustomize.labels import label_specs, label_transformer
    for entry in entries:
        pairs, at, specs = entry.pairs("pairs"), entry.at("pairs"), label_specs(entry, config)
        yield "LabelTransformer", step(label_transformer, layer, pairs, at, specs, entry.node)
    if entries or common:
        # One more, even without commonLabels: it shows in transformer annotations.
        at, specs = record.at("commonLabels"), config.common_labels
        yield "LabelTransformer", step(label_transformer, layer, common, at, specs, at, "commonLabels")
    annotations = record.pairs("commonAnnotations")
    if annotations:
        from indexer.kustomize.annotations import annotation_transformer

        at, specs = record.at("commonAnnotations"), config.common_annotations
        yield "AnnotationsTransformer", step(annotation_transformer, layer, annotations, at, specs, at)


def _json6902(record: Record, layer: Layer) -> Iterator[tuple[str, Step]]:
    for entry in record.records("patchesJson6902"):
        from indexer.kustomize.patches import PatchEntry, patch_json6902

        yield "PatchJson6902Transformer", step(patch_json6902, layer, PatchEntry.from_record(entry))


def _counts_and_images(record: Record, layer: Layer, config: TransformerConfig) -> Iterator[tuple[str, Step]]:
    for entry in record.records("replicas"):
        from indexer.kustomize.replicas import replica_transformer

        yield "ReplicaCountTransformer", step(replica_transformer, layer, entry, config.replicas)
    images = [*record.records("images"), *record.records("imageTags")]
    for index, _ in enumerate(images):
        from indexer.kustomize.images import image_transformer

        # All entries run in one pass; the others only count, for transformer annotations.
        yield "ImageTagTransformer", step(image_transformer, layer, images if index == 0 else [], config.images)


def _replacements(record: Record, layer: Layer) -> Iterator[tuple[str, Step]]:
    entries = record.records("replacements")
    if entries:
        from indexer.kustomize.replacements import replacement_transformer

        yield "ReplacementTransformer", step(replacement_transformer, layer, entries)
