"""The kustomization file: its fields, how it is found, decoded and checked.

Rules: kustomize's ``api/types`` and ``LoadKustFile`` (kustomize-semantics.md §2).
"""

from __future__ import annotations

from typing import Final

from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.record import (
    ANY,
    BOOL,
    EMBEDDED,
    INT,
    INT64,
    STRING,
    STRING_MAP,
    STRINGS,
    ListOf,
    Record,
    Struct,
    Type,
    decode,
)  # fmt: skip
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Scalar
from indexer.manifest.scalars import is_null

FILE_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
KUSTOMIZATION: Final = "Kustomization"
COMPONENT: Final = "Component"
_API_VERSIONS: Final = {
    KUSTOMIZATION: "kustomize.config.k8s.io/v1beta1",
    COMPONENT: "kustomize.config.k8s.io/v1alpha1",
}

_GVK: Final[dict[str, Type]] = dict.fromkeys(("group", "version", "kind"), EMBEDDED)
_RES_ID: Final[dict[str, Type]] = {**_GVK, "name": EMBEDDED, "namespace": EMBEDDED}
FIELD_SPEC: Final = Struct("FieldSpec", {**_GVK, "path": STRING, "create": BOOL})
SELECTOR: Final = Struct(
    "Selector",
    {**_RES_ID, "annotationSelector": STRING, "labelSelector": STRING},
)
PATCH_OPTIONS: Final = Struct("PatchArgs", {"allowNameChange": BOOL, "allowKindChange": BOOL})
PATCH: Final = Struct("Patch", {"path": STRING, "patch": STRING, "target": SELECTOR, "options": PATCH_OPTIONS})
IMAGE: Final = Struct(
    "Image", {"name": STRING, "newName": STRING, "tagSuffix": STRING, "newTag": STRING, "digest": STRING}
)
REPLICA: Final = Struct("Replica", {"name": STRING, "count": INT64})
LABEL: Final = Struct(
    "Label", {"pairs": STRING_MAP, "includeSelectors": BOOL, "includeTemplates": BOOL, "fields": ListOf(FIELD_SPEC)}
)
FIELD_OPTIONS: Final = Struct("FieldOptions", {"delimiter": STRING, "index": INT, "encoding": STRING, "create": BOOL})
SOURCE_SELECTOR: Final = Struct(
    "SourceSelector",
    {**_RES_ID, "fieldPath": STRING, "options": FIELD_OPTIONS},
)
TARGET_SELECTOR: Final = Struct(
    "TargetSelector",
    {"select": SELECTOR, "reject": ListOf(SELECTOR), "fieldPaths": STRINGS, "options": FIELD_OPTIONS},
)
REPLACEMENT: Final = Struct(
    "Replacement", {"source": SOURCE_SELECTOR, "targets": ListOf(TARGET_SELECTOR), "sourceValue": STRING}
)
REPLACEMENT_FIELD: Final = Struct("ReplacementField", {**REPLACEMENT.fields, "path": STRING})
VAR: Final = Struct(
    "Var",
    {
        "name": STRING,
        "objref": Struct("Target", {**_GVK, "apiVersion": STRING, "name": STRING, "namespace": STRING}),
        "fieldref": Struct("FieldSelector", {"fieldPath": STRING}),
    },
)
GENERATOR_OPTIONS: Final = Struct(
    "GeneratorOptions",
    {"labels": STRING_MAP, "annotations": STRING_MAP, "disableNameSuffixHash": BOOL, "immutable": BOOL},
)
_GENERATOR: Final[dict[str, Type]] = {
    "name": STRING, "namespace": STRING, "behavior": STRING, "literals": STRINGS, "files": STRINGS, "envs": STRINGS,
    "env": STRING, "options": GENERATOR_OPTIONS,
}  # fmt: skip
CONFIG_MAP_ARGS: Final = Struct("ConfigMapArgs", _GENERATOR)
SECRET_ARGS: Final = Struct("SecretArgs", {**_GENERATOR, "type": STRING})
_HELM_GLOBALS: Final = Struct("HelmGlobals", {"chartHome": STRING, "configHome": STRING})
_HELM_CHART: Final = Struct(
    "HelmChart",
    {
        **dict.fromkeys(
            ("name", "version", "repo", "releaseName", "namespace", "valuesFile", "valuesMerge", "kubeVersion",
             "nameTemplate"), STRING,
        ),
        **dict.fromkeys(("includeCRDs", "skipHooks", "skipTests", "debug", "devel"), BOOL),
        "additionalValuesFiles": STRINGS, "valuesInline": ANY, "apiVersions": STRINGS,
    },
)  # fmt: skip
_HELM_CHART_ARGS: Final = Struct(
    "HelmChartArgs",
    {
        **dict.fromkeys(
            ("chartName", "chartVersion", "chartRepoUrl", "chartHome", "chartRepoName", "helmBin", "helmHome", "values",
             "valuesMerge", "releaseName", "releaseNamespace"), STRING,
        ),
        "valuesLocal": ANY, "extraArgs": STRINGS,
    },
)  # fmt: skip
_SORT_OPTIONS: Final = Struct(
    "SortOptions",
    {"order": STRING, "legacySortOptions": Struct("LegacySortOptions", {"orderFirst": STRINGS, "orderLast": STRINGS})},
)
_METADATA: Final = Struct(
    "ObjectMeta", {"name": STRING, "namespace": STRING, "labels": STRING_MAP, "annotations": STRING_MAP}
)
SCHEMA: Final = Struct(
    "Kustomization",
    {
        "kind": STRING, "apiVersion": STRING, "metadata": _METADATA, "openapi": STRING_MAP,
        "namePrefix": STRING, "nameSuffix": STRING, "namespace": STRING,
        "commonLabels": STRING_MAP, "labels": ListOf(LABEL), "commonAnnotations": STRING_MAP,
        "patchesStrategicMerge": STRINGS, "patchesJson6902": ListOf(PATCH), "patches": ListOf(PATCH),
        "images": ListOf(IMAGE), "imageTags": ListOf(IMAGE), "replacements": ListOf(REPLACEMENT_FIELD),
        "replicas": ListOf(REPLICA), "vars": ListOf(VAR), "sortOptions": _SORT_OPTIONS,
        "resources": STRINGS, "components": STRINGS, "crds": STRINGS, "bases": STRINGS,
        "configMapGenerator": ListOf(CONFIG_MAP_ARGS), "secretGenerator": ListOf(SECRET_ARGS),
        "helmGlobals": _HELM_GLOBALS, "helmCharts": ListOf(_HELM_CHART),
        "helmChartInflationGenerator": ListOf(_HELM_CHART_ARGS), "generatorOptions": GENERATOR_OPTIONS,
        "configurations": STRINGS, "generators": STRINGS, "transformers": STRINGS, "validators": STRINGS,
        "buildMetadata": STRINGS,
    },
)  # fmt: skip

# Deprecated fields in the order of their warnings, with what replaces each.
_DEPRECATED: Final = (
    ("bases", "resources"),
    ("commonLabels", "labels"),
    ("imageTags", "images"),
    ("patchesJson6902", "patches"),
    ("patchesStrategicMerge", "patches"),
    ("vars", "replacements"),
)


class Kustomization:
    """A decoded kustomization file. Lists that deprecated fields add to are read with ``entries``."""

    def __init__(self, record: Record, file: str) -> None:
        self.record = record
        self.file = file
        """Its path from the root of its repository."""

    @property
    def kind(self) -> str:
        return self.record.text("kind") or KUSTOMIZATION

    def entries(self, *names: str) -> list[tuple[str, Node]]:
        """The texts of one or more lists of strings, each with its node."""
        return [
            (text, self.record.at(name, index)) for name in names for index, text in enumerate(self.record.texts(name))
        ]

    def warnings(self) -> list[str]:
        """The deprecation warnings of ``kustomize build``."""
        found = []
        for field, instead in _DEPRECATED:
            if field in self.record:
                experimental = "[EXPERIMENTAL] " if field == "vars" else ""
                found.append(
                    f"# Warning: '{field}' is deprecated. Please use '{instead}' instead. {experimental}"
                    "Run 'kustomize edit fix' to update your Kustomization automatically."
                )
        return found


def parse_kustomization(data: bytes, file: str, repository: str | None) -> Mapping:
    """The first document of a kustomization file as nodes; raises KustomizeError where it is no YAML or no mapping."""
    try:
        documents = parse_stream(data, file, repository, limit=1)
    except ManifestError as error:
        place = of_manifest(error).span
        raise KustomizeError(f"invalid Kustomization: {error.go_message}", problem=error.problem, span=place) from None
    node = documents[0].node if documents else None
    if node is None or is_null(node) or (isinstance(node, Scalar) and not node.text):
        return Mapping({}, source=documents[0].source) if documents else Mapping({})
    if not isinstance(node, Mapping):
        kind = "string" if isinstance(node, Scalar) else "array"
        raise KustomizeError(
            f"invalid Kustomization: json: cannot unmarshal {kind} into Go value of type types.Kustomization",
            problem="a kustomization file has to be a mapping",
        ).located(node)
    return node


def decode_kustomization(node: Mapping, file: str, root: str) -> Kustomization:
    """Decodes and checks; ``root`` is the absolute directory that messages name. Raises KustomizeError."""
    try:
        record = decode(node, SCHEMA)
    except KustomizeError as error:
        raise error.wrapped("invalid Kustomization: ") from None
    if not record.values.keys() - {"kind", "apiVersion"}:
        raise KustomizeError("kustomization.yaml is empty").located(node)
    kustomization = Kustomization(record, file)
    problems = []
    if kustomization.kind not in _API_VERSIONS:
        problems.append("kind should be Kustomization or Component")
    required = _API_VERSIONS.get(kustomization.kind, _API_VERSIONS[KUSTOMIZATION])
    if record.text("apiVersion") not in ("", required):
        problems.append(f"apiVersion for {kustomization.kind} should be {required}")
    if problems:
        raise KustomizeError(
            f"Failed to read kustomization file under {root}:\n" + "\n".join(problems), problem="; ".join(problems)
        ).located(record.at("kind" if "kind" in record else "apiVersion"))
    return kustomization
