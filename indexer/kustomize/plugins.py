"""Generators and transformers that are configured by objects: ``generators``, ``transformers``, ``validators``.

Only kustomize's built-in kinds (``apiVersion: builtin``) run. Anything else would be a program of the repository, and
programs of a repository are never run.

Rules: kustomize's ``api/internal/plugins/loader`` and ``builtinhelpers`` (kustomize-semantics.md §17.4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from indexer.kustomize import generators
from indexer.kustomize.annotations import annotation_transformer
from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.gotext import quote
from indexer.kustomize.hasher import add_hashes
from indexer.kustomize.iampolicy import iam_policy
from indexer.kustomize.images import image_transformer
from indexer.kustomize.kustomization import (
    CONFIG_MAP_ARGS,
    FIELD_SPEC,
    IMAGE,
    PATCH_OPTIONS,
    REPLACEMENT_FIELD,
    REPLICA,
    SECRET_ARGS,
    SELECTOR,
)
from indexer.kustomize.labels import field_specs, label_transformer
from indexer.kustomize.layer import Layer
from indexer.kustomize.namespace import Subjects, namespace_transformer
from indexer.kustomize.nodes import find
from indexer.kustomize.patches import PatchEntry, patch_json6902, patch_strategic_merge, patch_transformer
from indexer.kustomize.prefix import prefix_transformer, suffix_transformer
from indexer.kustomize.record import BOOL, STRING, STRING_MAP, STRINGS, ListOf, Reading, Record, Struct, Type, decode
from indexer.kustomize.replacements import replacement_transformer
from indexer.kustomize.replicas import replica_transformer
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Origin, Resource
from indexer.kustomize.steps import Generator, Transformer, helm_refused, once, step
from indexer.kustomize.valueadd import value_add_transformer
from indexer.manifest.errors import ManifestError
from indexer.manifest.gojson import dumps
from indexer.manifest.node import Mapping, Scalar
from indexer.manifest.scalars import to_data

_FIELD_SPECS: Final = ListOf(FIELD_SPEC)
_METADATA: Final = Struct("ObjectMeta", {"name": STRING, "namespace": STRING})
_CONFIG: Final[dict[str, dict[str, Type]]] = {
    "AnnotationsTransformer": {"annotations": STRING_MAP, "fieldSpecs": _FIELD_SPECS},
    "LabelTransformer": {"labels": STRING_MAP, "fieldSpecs": _FIELD_SPECS},
    "NamespaceTransformer": {
        "metadata": _METADATA, "fieldSpecs": _FIELD_SPECS, "unsetOnly": BOOL, "setRoleBindingSubjects": STRING,
    },
    "PrefixTransformer": {"prefix": STRING, "fieldSpecs": _FIELD_SPECS},
    "SuffixTransformer": {"suffix": STRING, "fieldSpecs": _FIELD_SPECS},
    "PrefixSuffixTransformer": {"prefix": STRING, "suffix": STRING, "fieldSpecs": _FIELD_SPECS},
    "PatchTransformer": {"path": STRING, "patch": STRING, "target": SELECTOR, "options": PATCH_OPTIONS},
    "PatchJson6902Transformer": {"path": STRING, "jsonOp": STRING, "target": SELECTOR},
    "PatchStrategicMergeTransformer": {"paths": STRINGS, "patches": STRING},
    "ImageTagTransformer": {"imageTag": IMAGE, "fieldSpecs": _FIELD_SPECS},
    "ReplicaCountTransformer": {"replica": REPLICA, "fieldSpecs": _FIELD_SPECS},
    "ReplacementTransformer": {"replacements": ListOf(REPLACEMENT_FIELD)},
    "ConfigMapGenerator": {**CONFIG_MAP_ARGS.fields, "metadata": _METADATA},
    "SecretGenerator": {**SECRET_ARGS.fields, "metadata": _METADATA},
}  # fmt: skip
_GENERATOR_KINDS: Final = ("ConfigMapGenerator", "SecretGenerator", "IAMPolicyGenerator", "HelmChartInflationGenerator")
_TRANSFORMER_KINDS: Final = (
    *(kind for kind in _CONFIG if kind not in _GENERATOR_KINDS),
    "HashTransformer",
    "ValueAddTransformer",
)
_VALIDATED_BY: Final = "validated-by"


def load_generators(configs: list[Resource], layer: Layer) -> list[Generator]:
    """Generators from the objects that configure them. Raises KustomizeError."""
    found = []
    for config in configs:
        try:
            found.append(_generator(config, layer))
        except KustomizeError as error:
            raise error.wrapped("failed to load generator: ").located(config.root) from None
    return found


def _generator(config: Resource, layer: Layer) -> Generator:
    kind = _builtin_kind(config)
    if kind in _TRANSFORMER_KINDS:
        raise KustomizeError(f"plugin {config.original_id} not a generator")
    if kind == "HelmChartInflationGenerator":
        raise helm_refused()
    if kind == "IAMPolicyGenerator":
        return Generator(kind, lambda: [iam_policy(layer, config.root)], _origin(config))
    args = _decoded(config, kind)
    metadata = args.record("metadata")
    if metadata is not None:
        for name in ("name", "namespace"):
            if not args.text(name) and metadata.text(name):
                args.values[name], args.nodes[name] = metadata.text(name), metadata.at(name)
    make = generators.configmap if kind == "ConfigMapGenerator" else generators.secret
    return Generator(kind, once(make, layer, args, None), _origin(config))


def load_transformers(configs: list[Resource], layer: Layer) -> list[Transformer]:
    """Transformers from the objects that configure them. Raises KustomizeError."""
    found = []
    for config in configs:
        try:
            kind = _builtin_kind(config)
            if kind in _GENERATOR_KINDS:
                raise KustomizeError(f"plugin {config.original_id} not a transformer")
            found.append(Transformer(kind, _transformer(kind, config, layer), _origin(config)))
        except KustomizeError as error:
            raise error.located(config.root) from None
    return found


def _builtin_kind(config: Resource) -> str:
    """The kind of built-in plugin that an object configures. Raises KustomizeError where there is none."""
    gvk = config.gvk
    if gvk.group or gvk.version != "builtin":
        raise KustomizeError(
            f"external plugins disabled; unable to load external plugin '{config.original_id.kind}'",
            problem=f"{config.original_id.kind} is an external plugin: programs of a repository are not run",
        )
    if gvk.kind not in _GENERATOR_KINDS and gvk.kind not in _TRANSFORMER_KINDS:
        raise KustomizeError(f"unable to load builtin {gvk}", problem=f"there is no built-in plugin {gvk.kind}")
    try:
        to_data(config.root)
    except ManifestError as error:
        raise of_manifest(error).wrapped(f"marshalling yaml from res {config.id}: ") from None
    return gvk.kind


def _decoded(config: Resource, kind: str) -> Record:
    try:
        return decode(config.root, Struct(f"{kind}Plugin", _CONFIG[kind]), Reading.OBJECT)
    except KustomizeError as error:
        raise _fails_configuration(error, config) from None


def _fails_configuration(error: KustomizeError, config: Resource) -> KustomizeError:
    return error.wrapped(f"plugin {config.original_id} fails configuration: ")


def _transformer(kind: str, config: Resource, layer: Layer) -> Callable[[ResMap], None]:
    """The transformer that an object configures, as a function of the resources."""
    if kind == "HashTransformer":
        return add_hashes
    if kind == "ValueAddTransformer":
        return step(value_add_transformer, layer, config.root)
    record = _decoded(config, kind)
    specs = field_specs(record.records("fieldSpecs"))
    if kind.startswith("Patch"):
        return _patch(kind, record, config, layer)
    if kind in ("PrefixTransformer", "SuffixTransformer", "PrefixSuffixTransformer"):
        if "fieldSpecs" not in record:
            raise _fails_configuration(KustomizeError("fieldSpecs is not expected to be nil"), config)
        return step(_affixes, kind, record, layer)
    if kind == "NamespaceTransformer":
        return _namespace(record, config, layer)
    if kind == "AnnotationsTransformer":
        pairs, at = record.pairs("annotations"), record.at("annotations")
        return step(annotation_transformer, layer, pairs, at, specs, record.node)
    if kind == "LabelTransformer":
        pairs, at = record.pairs("labels"), record.at("labels")
        return step(label_transformer, layer, pairs, at, specs, record.node)
    if kind == "ReplacementTransformer":
        return step(replacement_transformer, layer, record.records("replacements"))
    entry = record.record("imageTag" if kind == "ImageTagTransformer" else "replica")
    if entry is None:
        entry = Record(IMAGE if kind == "ImageTagTransformer" else REPLICA, record.node)
    if kind == "ImageTagTransformer":
        return step(image_transformer, layer, [entry], specs)
    return step(replica_transformer, layer, entry, specs)


def _patch(kind: str, record: Record, config: Resource, layer: Layer) -> Callable[[ResMap], None]:
    prefix = f"plugin {config.original_id} fails configuration: "
    if kind == "PatchStrategicMergeTransformer":
        entries = [(text, record.at("paths", index)) for index, text in enumerate(record.texts("paths"))]
        inline = record.at("patches") if record.text("patches") else None
        return step(patch_strategic_merge, layer, entries, inline=inline, prefix=prefix)
    if kind == "PatchTransformer":
        entry = PatchEntry.from_record(record)
        return step(patch_transformer, layer, entry, prefix=prefix)
    operations = PatchEntry.from_record(record, "jsonOp")
    return step(patch_json6902, layer, operations, prefix=prefix)


def _affixes(resmap: ResMap, kind: str, record: Record, layer: Layer) -> None:
    specs = field_specs(record.records("fieldSpecs"))
    if kind != "SuffixTransformer":
        prefix_transformer(resmap, layer, record.text("prefix"), record.at("prefix"), specs)
    if kind != "PrefixTransformer":
        suffix_transformer(resmap, layer, record.text("suffix"), record.at("suffix"), specs)


def _namespace(record: Record, config: Resource, layer: Layer) -> Callable[[ResMap], None]:
    mode = record.text("setRoleBindingSubjects") or Subjects.DEFAULT_ONLY
    if mode not in list(Subjects):
        raise _fails_configuration(
            KustomizeError(
                f"invalid value {quote(mode)} for setRoleBindingSubjects: "
                'must be one of "defaultOnly", "none" or "allServiceAccounts"'
            ).located(record.at("setRoleBindingSubjects")),
            config,
        )
    metadata = record.record("metadata")
    namespace = metadata.text("namespace") if metadata is not None else ""
    at = metadata.at("namespace") if metadata is not None else record.node
    specs = field_specs(record.records("fieldSpecs"))
    unset_only = record.flag("unsetOnly")
    return step(namespace_transformer, layer, namespace, at, specs, unset_only=unset_only, subjects=Subjects(mode))


def _origin(config: Resource) -> Origin | None:
    """What a plugin signs with: the file that configures it and the object in it."""
    if config.origin is None:
        return None
    id_ = config.id
    return Origin(
        configured_in=config.origin.path,
        api_version=id_.gvk.api_version,
        kind=id_.kind,
        name=id_.name,
        namespace=id_.namespace,
    )


def validate(validator: Transformer, resmap: ResMap) -> None:
    """Runs a validator; raises KustomizeError if it changed anything but the label that says it ran."""
    before = {id(res): res.root for res in resmap}
    validator.apply(resmap)
    same = len(before) == len(resmap) and all(
        before.get(id(res)) is res.root or _without_label(res.root) == _without_label(before[id(res)]) for res in resmap
    )
    if not same:
        raise KustomizeError(
            "validator shouldn't modify the resource map: nodes unequal",
            problem=f"the validator {validator.kind} changes objects",
        )


def _without_label(root: Mapping) -> str:
    """An object's text without the label that validators may add."""
    data = to_data(root)
    labels = find(root, "metadata", "labels")
    if isinstance(labels, Mapping) and isinstance(labels.get(_VALIDATED_BY), Scalar):
        data["metadata"]["labels"].pop(_VALIDATED_BY)
    return dumps(data)
