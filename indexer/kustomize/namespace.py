"""``namespace``.

Rules: kustomize's ``NamespaceTransformer`` and ``api/filters/namespace`` (kustomize-semantics.md §8.1).
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import Create, FieldSpec, apply, set_scalar
from indexer.kustomize.layer import Layer
from indexer.kustomize.nodes import find, put, text_at
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selection import Selection
from indexer.kustomize.wrongkind import MAPPING, SCALAR, SEQUENCE, WrongKindError
from indexer.manifest.node import STR, Mapping, Node, Operation, Role, Scalar, Sequence
from indexer.manifest.scalars import is_null

_METADATA_NAMESPACE: Final = FieldSpec("metadata/namespace", create=True)
_METADATA_NAME: Final = "metadata/name"
_SUBJECTS_NAMESPACE: Final = "subjects/namespace"
_ROLE_BINDINGS: Final = frozenset(("RoleBinding", "ClusterRoleBinding"))
_HELM_GENERATED: Final = "internal.config.kubernetes.io/helm-generated"


class Subjects(StrEnum):
    """The subjects of role bindings that get the namespace."""

    DEFAULT_ONLY = "defaultOnly"
    """Those that are called ``default``, whatever their kind."""
    ALL_SERVICE_ACCOUNTS = "allServiceAccounts"
    NONE = "none"


class NamespaceSetter(NamedTuple):
    """Writes a namespace into single resources."""

    namespace: str
    at: Node
    """Where a person would change it."""
    op: Operation
    selection: Selection
    unset_only: bool = False
    subjects: Subjects = Subjects.DEFAULT_ONLY

    def apply(self, res: Resource) -> None:
        """Sets ``metadata.namespace`` unless the kind is certainly cluster-scoped, then subjects and other fields."""
        if not res.id.cluster_scoped:
            res.root = apply(res.root, _METADATA_NAMESPACE, self._set, Create.SCALAR, lambda: res.id)
        is_role_binding = res.id.kind in _ROLE_BINDINGS
        if is_role_binding:
            self._bind_subjects(res)
        api_version = text_at(res.root, "apiVersion")

        def keep(spec: FieldSpec) -> bool:
            if spec.path == _SUBJECTS_NAMESPACE and is_role_binding and spec.gvk.kind in _ROLE_BINDINGS:
                return False
            return spec.path != _METADATA_NAMESPACE.path and (api_version == "v1" or spec.path != _METADATA_NAME)

        try:
            self.selection.apply(res, self._set, Create.SCALAR, keep)
        except WrongKindError as error:
            raise error.wrapped("namespace field specs must target scalar nodes: ") from None
        except KustomizeError as error:
            raise error.wrapped("namespace transformation failed: ") from None

    def _set(self, node: Node) -> Node:
        if not isinstance(node, Scalar):
            raise WrongKindError(node, SCALAR)
        if self.unset_only and not is_null(node) and node.text:
            return node
        return set_scalar(node, self.namespace, STR, self.at, self.op)

    def _bind_subjects(self, res: Resource) -> None:
        found = find(res.root, "subjects")
        if self.subjects is Subjects.NONE or found is None or is_null(found):
            return
        try:
            if not isinstance(found, Sequence):
                raise WrongKindError(found, SEQUENCE)
            items = [self._bound(subject) for subject in found.items]
        except KustomizeError as error:
            raise error.wrapped("setting namespace on (cluster)role binding subjects: ") from None
        if any(new is not old for new, old in zip(items, found.items, strict=True)):
            res.root = put(res.root, ("subjects",), found.derive(items))

    def _bound(self, subject: Node) -> Node:
        if is_null(subject):
            return subject
        if not isinstance(subject, Mapping):
            raise WrongKindError(subject, MAPPING)
        if self.subjects is Subjects.DEFAULT_ONLY:
            chosen = text_at(subject, "name") == "default"
        else:
            chosen = text_at(subject, "kind") == "ServiceAccount"
        if not chosen:
            return subject
        old = subject.get("namespace")
        new = self._set(old if old is not None else Scalar(""))
        return subject if new is old else put(subject, ("namespace",), new)


def namespace_transformer(
    resmap: ResMap,
    layer: Layer,  # noqa: ARG001  # every transformer gets its layer
    namespace: str,
    at: Node,
    specs: tuple[FieldSpec, ...],
    *,
    unset_only: bool = False,
    subjects: Subjects = Subjects.DEFAULT_ONLY,
) -> None:
    """Moves all resources to ``namespace`` (written at ``at``). Raises KustomizeError where two become one."""
    if not namespace:
        return
    op = Operation(Role.TRANSFORMS, "namespace", at.span)
    setter = NamespaceSetter(namespace, at, op, Selection(specs), unset_only, subjects)
    ids = Counter(res.id.key for res in resmap)
    for res in resmap:
        if not res.root.fields or text_at(res.root, "metadata", "annotations", _HELM_GENERATED) == "true":
            continue
        ids[res.id.key] -= 1
        res.store_previous_id()
        setter.apply(res)
        ids[res.id.key] += 1
        if ids[res.id.key] != 1:
            raise _conflict(resmap, res, namespace).located(at)


def _conflict(resmap: ResMap, moved: Resource, namespace: str) -> KustomizeError:
    """The error; kustomize prints the objects themselves, Secrets too, and their ids say as much."""
    same = " ".join(str(res.id) for res in resmap if res.id.key == moved.id.key)
    return KustomizeError(
        f"namespace transformation produces ID conflict: [{same}]",
        problem=f"namespace {namespace} makes one object of several: {moved.id.kind} {moved.id.name}",
    )
