"""Flux's own objects, read from their nodes: kinds are matched by group and kind, whatever the version."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Table
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.nodes import find, string_map, text_at
from indexer.manifest.node import Mapping, Node, Sequence

KUSTOMIZE: Final = "kustomize.toolkit.fluxcd.io"
HELM: Final = "helm.toolkit.fluxcd.io"
SOURCE: Final = "source.toolkit.fluxcd.io"
GENERATOR: Final = "source.extensions.fluxcd.io"
OPERATOR: Final = "fluxcd.controlplane.io"
RECONCILE: Final = f"{OPERATOR}/reconcile"
"""The annotation that tells the operator what to leave alone."""
SOURCE_KINDS: Final = frozenset(
    {"GitRepository", "OCIRepository", "Bucket", "HelmRepository", "HelmChart", "ExternalArtifact"}
)


def group_of(root: Mapping) -> str:
    """The API group of an object; "" is the core group."""
    group, slash, _ = text_at(root, "apiVersion").rpartition("/")
    return group if slash else ""


def kind_of(root: Mapping) -> str:
    return text_at(root, "kind")


def is_kind(root: Node | None, group: str, kind: str) -> bool:
    """Whether an object is of this group and kind, in any version."""
    return isinstance(root, Mapping) and kind_of(root) == kind and group_of(root) == group


def is_disabled(root: Mapping) -> bool:
    """Whether the operator leaves an object alone."""
    return string_map(find(root, "metadata", "annotations")).get(RECONCILE) == "disabled"


def marks_of(root: Mapping) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations."""
    return string_map(find(root, "metadata", "labels")), string_map(find(root, "metadata", "annotations"))


def told(marks: Iterable[Table[str, str]], name: str) -> set[str]:
    """What labels and annotations tell a controller under a name: both count, in any case of letters."""
    return {one[name].lower() for one in marks if name in one}


def is_kustomization(root: Node | None) -> bool:
    """Whether it is a Flux Kustomization (not a file of kustomize, which has the same kind)."""
    return is_kind(root, KUSTOMIZE, "Kustomization")


def is_source(root: Node | None) -> bool:
    return isinstance(root, Mapping) and group_of(root) == SOURCE and kind_of(root) in SOURCE_KINDS


def is_generator(root: Node | None) -> bool:
    """Whether it is an ArtifactGenerator; a wrong group that was published once is taken too."""
    return is_kind(root, GENERATOR, "ArtifactGenerator") or is_kind(root, SOURCE, "ArtifactGenerator")


def name_of(root: Mapping) -> str:
    return text_at(root, "metadata", "name")


def namespace_of(root: Mapping) -> str:
    return text_at(root, "metadata", "namespace")


def items_of(node: Node | None) -> list[Node]:
    """The items of a sequence; [] for anything else."""
    return node.items if isinstance(node, Sequence) else []


def truth(node: Node | None, *path: str) -> bool:
    """A boolean field, False where it is absent."""
    return text_at(node, *path) in ("true", "True", "TRUE")


class ReferenceSpec(NamedTuple):
    """A reference to another object, with the node that makes it."""

    kind: str
    namespace: str
    name: str
    node: Node

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class VariablesFrom(NamedTuple):
    """One entry of ``postBuild.substituteFrom``."""

    reference: ReferenceSpec
    optional: bool


class KustomizationSpec(NamedTuple):
    """A Flux Kustomization (section 4.1 of the Flux rules): its values, and the nodes they stand in.

    Fields that only the kustomization file takes over (patches, images, components …) are read from ``spec`` where
    that file is made.
    """

    root: Mapping
    spec: Mapping
    namespace: str
    name: str
    version: str
    source: ReferenceSpec | None
    path: str
    suspended: bool
    target_namespace: str
    decrypts: bool
    depends_on: tuple[ReferenceSpec, ...]
    kube_config: ReferenceSpec | None
    """The Secret or ConfigMap that leads to another cluster."""
    substitutes: bool
    """Whether there is a ``postBuild`` at all."""
    substitute: Mapping | None
    substitute_from: tuple[VariablesFrom, ...]
    always: bool
    """``substituteStrategy: Always``: expand even without any variable."""

    def at(self, *path: str) -> Node | None:
        """The node of a field below ``spec``."""
        return find(self.spec, *path)


def _reference(node: Node, kind: str, namespace: str) -> ReferenceSpec:
    return ReferenceSpec(
        text_at(node, "kind") or kind, text_at(node, "namespace") or namespace, text_at(node, "name"), node
    )


def read_kustomization(root: Mapping) -> KustomizationSpec:
    """The spec of a Flux Kustomization. Fields of a wrong type count as absent, as the API server would refuse them."""
    found = root.get("spec")
    spec = found if isinstance(found, Mapping) else Mapping({})
    namespace = namespace_of(root)
    source = spec.get("sourceRef")
    post_build = spec.get("postBuild")
    substitute = find(post_build, "substitute")
    secret, config_map = find(spec, "kubeConfig", "secretRef"), find(spec, "kubeConfig", "configMapRef")
    kube_config = None
    if secret is not None or config_map is not None:
        target = secret if secret is not None else config_map
        assert target is not None
        kube_config = _reference(target, "Secret" if secret is not None else "ConfigMap", namespace)
    return KustomizationSpec(
        root=root,
        spec=spec,
        namespace=namespace,
        name=name_of(root),
        version=text_at(root, "apiVersion").rpartition("/")[2],
        source=_reference(source, "", namespace) if source is not None else None,
        path=text_at(spec, "path"),
        suspended=truth(spec, "suspend"),
        target_namespace=text_at(spec, "targetNamespace"),
        decrypts=text_at(spec, "decryption", "provider") != "",
        depends_on=tuple(
            ReferenceSpec("Kustomization", text_at(item, "namespace") or namespace, text_at(item, "name"), item)
            for item in items_of(spec.get("dependsOn"))
        ),
        kube_config=kube_config,
        substitutes=isinstance(post_build, Mapping),
        substitute=substitute if isinstance(substitute, Mapping) else None,
        substitute_from=tuple(
            VariablesFrom(
                ReferenceSpec(text_at(item, "kind"), namespace, text_at(item, "name"), item), truth(item, "optional")
            )
            for item in items_of(find(post_build, "substituteFrom"))
        ),
        always=text_at(post_build, "substituteStrategy") == "Always",
    )
