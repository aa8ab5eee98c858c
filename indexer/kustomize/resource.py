"""A resource: the tree of an object, with what kustomize remembers about it during a build.

kustomize keeps that memory in annotations under ``internal.config.kubernetes.io/``; here it is fields, so that the
tree holds nothing but what the user wrote. Annotations of that name in a user's file are honoured all the same.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.nodes import find, put, string_map, text_at
from indexer.kustomize.resid import Gvk, ResId, parse_api_version
from indexer.manifest.node import Mapping, Node, Operation, Scalar, Span

_INTERNAL: Final = "internal.config.kubernetes.io/"
ORIGIN: Final = "config.kubernetes.io/origin"
TRANSFORMATIONS: Final = "alpha.config.kubernetes.io/transformations"
LOCAL_CONFIG: Final = "config.kubernetes.io/local-config"

# What never reaches the output, whoever wrote it.
BUILD_ANNOTATIONS: Final = frozenset(
    [
        *(
            _INTERNAL + name
            for name in (
                "previousKinds", "previousNames", "previousNamespaces", "prefixes", "suffixes", "allowNameChange",
                "allowKindChange", "refBy", "generatorBehavior", "needsHashSuffix", "path", "index", "seqindent", "id",
                "annotations-migration-resource-id", "helm-generated",
            )
        ),
        "config.kubernetes.io/path",
        "config.kubernetes.io/index",
        "config.k8s.io/id",
    ]
)  # fmt: skip


class Behavior(StrEnum):
    """How a generated object meets one that is there already."""

    UNSPECIFIED = "unspecified"
    CREATE = "create"
    REPLACE = "replace"
    MERGE = "merge"

    @classmethod
    def parse(cls, text: str) -> Behavior:
        return cls(text) if text in (cls.CREATE, cls.REPLACE, cls.MERGE) else cls.UNSPECIFIED


class Origin(NamedTuple):
    """Where kustomize says that an object comes from (``buildMetadata: [originAnnotations]``)."""

    path: str = ""
    repo: str = ""
    ref: str = ""
    configured_in: str = ""
    api_version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


class Listed(NamedTuple):
    """An entry of a kustomization that led to a resource."""

    field: str
    """``resources`` or ``components``."""
    entry: Node


class Resource:
    """One object of a build. ``root`` is replaced as the build goes on; the tree itself never changes."""

    __slots__ = (
        "_id",
        "_id_root",
        "behavior",
        "definition",
        "generated",
        "hash_suffix",
        "origin",
        "prefixes",
        "previous",
        "root",
        "suffixes",
        "transformations",
        "var_names",
        "via",
    )

    def __init__(self, root: Mapping, definition: Span | None = None, *, generated: bool = False) -> None:
        self.root = root
        self.definition = definition
        """The span of the document that defines it, or of the generator's entry."""
        self.generated = generated
        self.via: tuple[Listed, ...] = ()
        """The ``resources``, ``components`` … entries that led here, outermost first."""
        self.previous: tuple[tuple[str, str, str], ...] = ()
        """(name, effective namespace, kind) it had before, oldest first."""
        self.prefixes: tuple[str, ...] = ()
        self.suffixes: tuple[str, ...] = ()
        self.behavior: Behavior | None = None
        self.hash_suffix = False
        self.var_names: tuple[str, ...] = ()
        self.origin: Origin | None = None
        self.transformations: tuple[Origin, ...] = ()
        self._id: ResId | None = None
        self._id_root: Mapping | None = None

    def copy(self) -> Resource:
        """An independent resource over the same tree."""
        new = Resource.__new__(Resource)
        for slot in Resource.__slots__:
            setattr(new, slot, getattr(self, slot))
        return new

    # Identity

    @property
    def id(self) -> ResId:
        """The current id."""
        if self._id is None or self._id_root is not self.root:
            written = self.root.get("apiVersion")
            # kustomize takes the text whatever it means: of `apiVersion: null` the version is "null".
            group, version = parse_api_version(written.text if isinstance(written, Scalar) else "")
            metadata = self.root.get("metadata")
            self._id = ResId(
                group, version, text_at(self.root, "kind"), text_at(metadata, "name"), text_at(metadata, "namespace")
            )
            self._id_root = self.root
        return self._id

    @property
    def gvk(self) -> Gvk:
        return self.id.gvk

    @property
    def previous_ids(self) -> tuple[ResId, ...]:
        """Ids it had before, oldest first, with the current group and version."""
        group, version = self.id.group, self.id.version
        return tuple(ResId(group, version, kind, name, namespace) for name, namespace, kind in self.previous)

    @property
    def original_id(self) -> ResId:
        return self.previous_ids[0] if self.previous else self.id

    @property
    def any_ids(self) -> tuple[ResId, ...]:
        """Previous ids and the current one."""
        return (*self.previous_ids, self.id)

    def store_previous_id(self) -> None:
        """Remembers the current id, so that references to it can be repaired."""
        now = self.id
        self.previous = (*self.previous, (now.name, now.effective_namespace, now.kind))

    @property
    def remembered(self) -> bool:
        """Whether kustomize would keep annotations of its own in it, so that ``metadata.annotations`` exists."""
        return bool(
            self.previous
            or self.prefixes
            or self.suffixes
            or self.behavior is not None
            or self.hash_suffix
            or self.origin
        )

    # Metadata

    @property
    def annotated(self) -> Mapping:
        """The tree with annotations, even if the user wrote none, where kustomize would keep its memory in them."""
        path = ("metadata", "annotations")
        if not self.remembered or isinstance(find(self.root, *path), Mapping):
            return self.root
        return put(self.root, path, Mapping({}, touched=True))

    @property
    def labels(self) -> dict[str, str]:
        return string_map(find(self.root, "metadata", "labels"))

    @property
    def annotations(self) -> dict[str, str]:
        return string_map(find(self.root, "metadata", "annotations"))

    def adopt_internal_annotations(self) -> None:
        """Moves kustomize's own annotations, where a user's file has them, into this object's memory."""
        mapping = find(self.root, "metadata", "annotations")
        if not isinstance(mapping, Mapping) or not any(key.startswith(_INTERNAL) for key in mapping.fields):
            return
        texts = string_map(mapping)
        names, namespaces, kinds = (
            texts.get(_INTERNAL + key, "").split(",")
            for key in ("previousNames", "previousNamespaces", "previousKinds")
        )
        if _INTERNAL + "previousNames" in texts and len(names) == len(namespaces) == len(kinds):
            self.previous = tuple(zip(names, namespaces, kinds, strict=True))
        if value := texts.get(_INTERNAL + "prefixes"):
            self.prefixes = tuple(value.split(","))
        if value := texts.get(_INTERNAL + "suffixes"):
            self.suffixes = tuple(value.split(","))
        if _INTERNAL + "generatorBehavior" in texts:
            self.behavior = Behavior.parse(texts[_INTERNAL + "generatorBehavior"])
        self.hash_suffix = texts.get(_INTERNAL + "needsHashSuffix") == "enabled"


def put_scalar(res: Resource, path: tuple[str, ...], text: str, at: Node | None, op: Operation) -> None:
    """Sets a scalar of a resource, keeping the style of what stood there."""
    old = find(res.root, *path)
    if isinstance(old, Scalar):
        place = at if at is not None else old
        new = Scalar(text, None, old.style, place.source, place.pos, op, old)
    else:
        new = Scalar(text, op=op, prev=old) if at is None else Scalar(text, None, source=at.source, pos=at.pos, op=op)
    res.root = put(res.root, path, new)
