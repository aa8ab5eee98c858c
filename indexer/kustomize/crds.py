"""``crds``: OpenAPI definitions of custom types, whose extensions add to the tables of field specs.

Rules: kustomize's ``api/internal/accumulator/loadconfigfromcrds.go`` (kustomize-semantics.md §17.2).
"""

from __future__ import annotations

from collections.abc import Sequence as AbstractSequence
from typing import Final

from indexer.deferred import dataclass, field
from indexer.kustomize.config import EMPTY, NameReference, TransformerConfig
from indexer.kustomize.configurations import read_mapping
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import FieldSpec
from indexer.kustomize.loader import Loader
from indexer.kustomize.nodes import find
from indexer.kustomize.resid import Gvk
from indexer.manifest.node import STR, Mapping, Node, Scalar, Sequence
from indexer.manifest.scalars import is_null, tag_of

_REQUIRED: Final = ("kind", "apiVersion", "metadata")
_ANNOTATION: Final = "x-kubernetes-annotation"
_LABEL_SELECTOR: Final = "x-kubernetes-label-selector"
_IDENTITY: Final = "x-kubernetes-identity"
_REF_VERSION: Final = "x-kubernetes-object-ref-api-version"
_REF_KIND: Final = "x-kubernetes-object-ref-kind"
_REF_NAME_KEY: Final = "x-kubernetes-object-ref-name-key"


def load_crds(loader: Loader, entries: AbstractSequence[tuple[str, Node]]) -> TransformerConfig:
    """The tables that the definitions in all files ask for. Raises KustomizeError."""
    result = EMPTY
    for path, node in entries:
        try:
            result = result.merged(_load(loader, path))
        except KustomizeError as error:
            listed = " ".join(text for text, _ in entries)
            raise error.wrapped(f"loading CRDs [{listed}]: ").located(node) from None
    return result


def _load(loader: Loader, path: str) -> TransformerConfig:
    try:
        root = read_mapping(loader, path)
        types = {} if root is None else {name: _properties(value) for name, (_, value) in root.fields.items()}
    except KustomizeError as error:
        raise error.wrapped(f"unable to parse open API definition from '{path}': ") from None
    result = EMPTY
    for name, properties in types.items():
        if all(required in properties for required in _REQUIRED):
            walk = _Walk(types, Gvk("", "", name.rpartition(".")[2]))
            walk.visit(name, ())
            result = result.merged(walk.config())
    return result


def _properties(definition: Node) -> dict[str, Node]:
    """The properties of a definition (``Schema.properties``) by name."""
    if not isinstance(definition, Mapping):
        if is_null(definition):
            return {}
        kind = "array" if isinstance(definition, Sequence) else "string"
        raise KustomizeError(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{kind} into Go value of type accumulator.OpenAPIDefinition",
            problem="crds takes OpenAPI definitions (a mapping of type names), not a CustomResourceDefinition",
        ).located(definition)
    schema = next((value for key, value in definition.items() if key.text.lower() == "schema"), None)
    properties = find(schema, "properties")
    return {key.text: value for key, value in properties.items()} if isinstance(properties, Mapping) else {}


@dataclass(slots=True)
class _Walk:
    """What the properties of one type, and of the types it refers to, add to the tables."""

    types: dict[str, dict[str, Node]]
    kind: Gvk
    annotations: list[FieldSpec] = field(default_factory=list)
    labels: list[FieldSpec] = field(default_factory=list)
    prefixes: list[FieldSpec] = field(default_factory=list)
    references: list[NameReference] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    """Types on the way to this one."""

    def config(self) -> TransformerConfig:
        """The tables; the same table entry twice counts once."""
        config = EMPTY
        for reference in self.references:
            config = config.merged(TransformerConfig(name_reference=(reference,)))
        return config.merged(
            TransformerConfig(
                common_annotations=tuple(self.annotations),
                common_labels=tuple(self.labels),
                name_prefix=tuple(self.prefixes),
            )
        )

    def visit(self, name: str, path: tuple[str, ...]) -> None:
        if name in self.open:
            raise KustomizeError(f"type {name} contains itself", problem=f"the type {name} contains itself")
        self.open.append(name)
        for key, node in self.types.get(name, {}).items():
            self._property(node, (*path, key))
        self.open.pop()

    def _property(self, node: Node, path: tuple[str, ...]) -> None:
        here = FieldSpec("/".join(path), self.kind, at=node)
        if _extension(node, _ANNOTATION) is not None:
            self.annotations.append(here)
        if _extension(node, _LABEL_SELECTOR) is not None:
            self.labels.append(here)
        if _extension(node, _IDENTITY) is not None:
            self.prefixes.append(here)
        version, kind = _extension(node, _REF_VERSION), _extension(node, _REF_KIND)
        if version is not None and kind is not None:
            name_key = _extension(node, _REF_NAME_KEY) or "name"
            referrer = FieldSpec("/".join((*path, name_key)), self.kind, at=node)
            self.references.append(NameReference(Gvk("", version, kind), (referrer,)))
        target = find(node, "$ref")
        if isinstance(target, Scalar):
            self.visit(target.text, path)


def _extension(node: Node, name: str) -> str | None:
    """The text of a property's extension; None where it is absent or no string."""
    if not isinstance(node, Mapping):
        return None
    for key, value in node.items():
        if key.text.lower() == name and isinstance(value, Scalar) and tag_of(value) == STR:
            return value.text
    return None
