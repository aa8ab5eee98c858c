"""References to objects by name, repaired after the objects were renamed or moved.

Only an object with previous ids can have been renamed, so that a build which renames little costs little.
Rules: kustomize's ``api/filters/nameref`` (kustomize-semantics.md §11).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache

from indexer.kustomize.config import TransformerConfig
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import Create, FieldSpec, apply
from indexer.kustomize.nodes import find
from indexer.kustomize.resid import NOT_A_NAMESPACE, Gvk
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.manifest.node import NOWHERE, Mapping, Node, Operation, Role, Scalar, Sequence, Style
from indexer.manifest.scalars import is_null, to_data_11

_NAME = "name reference"
Candidates = list[Resource]
_Specs = list[tuple[Gvk, FieldSpec]]
_Shape = dict[str, "_Shape"]


def fix_name_references(resmap: ResMap, config: TransformerConfig) -> None:
    """Rewrites names that refer to renamed objects. Raises KustomizeError where it is unclear which one is meant."""
    renamed = [res for res in resmap if res.previous]
    index = _Index(resmap, renamed)
    ids = {id_.gvk for res in renamed for id_ in res.previous_ids}
    active = {ref.target for ref in config.name_reference if any(gvk.is_selected(ref.target) for gvk in ids)}
    for res in resmap:
        spaces = _subject_namespaces(res)
        specs, shape = _for_kind(config, res.original_id.gvk)
        # kustomize follows all of them, and fails where one cannot be followed.
        if _has_shape(res.root, shape):
            specs = [(target, spec) for target, spec in specs if target in active] if active else []
        referrer = _Referrer(res, index, spaces)
        for target, spec in specs:
            referrer.fix(target, spec)


@lru_cache(maxsize=1024)
def _for_kind(config: TransformerConfig, gvk: Gvk) -> tuple[_Specs, _Shape]:
    """Where objects of a kind refer to others, and the same as a tree of segments: the same for nearly all builds."""
    specs = [(ref.target, spec) for ref in config.name_reference for spec in ref.referrers if gvk.is_selected(spec.gvk)]
    shape: _Shape = {}
    for _, spec in specs:
        below = shape
        for segment in spec.segments:
            below = below.setdefault(segment.removesuffix("[]"), {})
    return specs, shape


def _has_shape(node: Node, shape: _Shape) -> bool:
    """Whether all paths can be followed: no text stands where they go on, and a mapping at their end has a name."""
    if isinstance(node, Sequence):
        return all(_has_shape(item, shape) for item in node.items)
    if isinstance(node, Mapping):
        fields = node.fields
        for segment, below in shape.items():
            found = fields.get(segment)
            if found is not None and not _has_shape(found[1], below):
                return False
        return bool(shape) or "name" in fields
    return not shape or is_null(node)


def _subject_namespaces(res: Resource) -> frozenset[str]:
    """Namespaces of the service accounts that a RoleBinding names; kustomize refuses one that is no string."""
    if res.id.kind != "RoleBinding" or res.id.cluster_scoped:
        return frozenset()
    subjects = res.root.get("subjects")
    found: set[str] = set()
    for subject in subjects.items if isinstance(subjects, Sequence) else ():
        kind, namespace = find(subject, "kind"), find(subject, "namespace")
        if namespace is None or not isinstance(kind, Scalar) or kind.text != "ServiceAccount":
            continue
        text = to_data_11(namespace) if isinstance(namespace, Scalar) else None
        if not isinstance(text, str):
            raise KustomizeError(
                f'Invalid Input: namespace is blank for resource "{res.id}"\n',
                problem=f"RoleBinding {res.id.name}: the namespace of a subject is no text",
            ).located(namespace)
        found.add(text)
    return frozenset(found)


class _Index:
    """The objects of a build, and those that were renamed by each name they had."""

    def __init__(self, resmap: ResMap, renamed: Candidates) -> None:
        self.resmap = resmap
        self.by_name: defaultdict[str, Candidates] = defaultdict(list)
        for res in renamed:
            for name in dict.fromkeys(name for name, _, _ in res.previous):
                self.by_name[name].append(res)
        self._operations: dict[tuple[int, int], Operation] = {}

    def operation(self, res: Resource, spec: FieldSpec) -> Operation:
        """The operation of references to one object.

        It is called by the entry of a ``configurations`` file that makes the field a reference; for the fields that
        kustomize knows by itself, by what gave the object its name.
        """
        key = (id(res), id(spec.at))
        found = self._operations.get(key)
        if found is None:
            name = find(res.root, "metadata", "name")
            cause = name.op if name is not None else None
            entry = cause.entry if cause is not None else None
            found = Operation(Role.TRANSFORMS, _NAME, entry if spec.at is None else spec.at.span)
            self._operations[key] = found
        return found


class _Referrer:
    """One object whose references are repaired."""

    def __init__(self, res: Resource, index: _Index, subject_namespaces: frozenset[str]) -> None:
        self.res = res
        self.spec = FieldSpec("")
        """The field spec that is being followed."""
        self.index = index
        self.subject_namespaces = subject_namespaces

    def fix(self, target: Gvk, spec: FieldSpec) -> None:
        """Repairs the names of ``target`` objects at one path."""
        res, self.spec = self.res, spec

        def choose(name: str, among: Callable[[Resource], bool], *, namespace_too: bool) -> Resource | None:
            return self._select(name, target, spec, among, namespace_too=namespace_too)

        def set_item(node: Node) -> Node:
            if is_null(node):
                return node
            if isinstance(node, Mapping):
                return self._mapping(node, choose)
            if isinstance(node, Scalar):
                return self._scalar(node, choose)
            raise KustomizeError("a reference is expected to be either a string or a map of string").located(node)

        def set_field(node: Node) -> Node:
            if not isinstance(node, Sequence):
                return set_item(node)
            items = [set_item(item) for item in node.items]
            return node.derive(items) if any(a is not b for a, b in zip(items, node.items, strict=True)) else node

        try:
            res.root = apply(res.root, spec, set_field, Create.NOTHING, lambda: res.id)
        except KustomizeError as error:
            raise error.wrapped(f"updating name reference in '{spec.path}' field of '{res.id}': ") from None

    # Writing

    def _scalar(self, node: Scalar, choose: Callable[..., Resource | None]) -> Node:
        referral = choose(node.text, self._reachable, namespace_too=False)
        if referral is None or referral.id.name == node.text:
            return node
        return self._copied(referral, "name", node)

    def _mapping(self, node: Mapping, choose: Callable[..., Resource | None]) -> Node:
        name = node.get("name")
        if name is None:
            raise KustomizeError("path config error; no 'name' field in node").located(node)
        text = name.text if isinstance(name, Scalar) else ""
        if text not in self.index.by_name:
            return node
        referral = choose(text, self._in_namespace_of(node), namespace_too=True)
        if referral is None:
            return node
        if referral.id.name != text:
            node = node.with_field(Scalar("name"), self._copied(referral, "name", name))
        namespace = referral.id.namespace
        old = node.get("namespace")
        if namespace and (not isinstance(old, Scalar) or old.text != namespace or _follows(old, referral)):
            node = node.with_field(Scalar("namespace"), self._copied(referral, "namespace", old))
        return node

    def _copied(self, referral: Resource, field: str, old: Node | None) -> Scalar:
        """A name or namespace of ``referral``, standing where it stands there, in the style of ``old``."""
        now = find(referral.root, "metadata", field)
        assert isinstance(now, Scalar)
        if isinstance(old, Scalar):
            style = old.style
        else:
            style = Style.PLAIN if isinstance(to_data_11(Scalar(now.text)), str) else Style.DOUBLE
        place = old if now.source is NOWHERE and old is not None else now
        op = self.index.operation(referral, self.spec)
        return Scalar(now.text, None, style, place.source, place.pos, op, old)

    # Choosing

    def _reachable(self, res: Resource) -> bool:
        """Whether this object could refer to ``res`` at all."""
        mine, other = self.res.id, res.id
        return (
            mine.cluster_scoped
            or other.cluster_scoped
            or other.effective_namespace == mine.effective_namespace
            or other.namespace in self.subject_namespaces
        )

    def _in_namespace_of(self, node: Mapping) -> Callable[[Resource], bool]:
        """What a reference with a namespace can mean: objects that were there at first, else those that are there."""
        field = node.get("namespace")
        if field is None:
            return self._reachable
        wanted = field.text if isinstance(field, Scalar) else ""
        if wanted == NOT_A_NAMESPACE:
            return lambda _: False
        if any(res.original_id.effective_namespace == wanted and self._reachable(res) for res in self.index.resmap):
            return lambda res: res.original_id.effective_namespace == wanted and self._reachable(res)
        return lambda res: res.id.effective_namespace == wanted and self._reachable(res)

    def _select(
        self, name: str, target: Gvk, spec: FieldSpec, among: Callable[[Resource], bool], *, namespace_too: bool
    ) -> Resource | None:
        """The object that ``name`` meant; None if there is none. Raises KustomizeError for several."""
        known = self.index.by_name.get(name)
        if known is None:
            return None
        found = [res for res in known if _was(res, target) and among(res)]
        role = _role_ref(self.res) if spec.path.endswith("roleRef/name") else None
        if role is not None:
            found = [res for res in found if _was(res, role)]
        found = [res for res in found if self._same_namespace(res)]
        if len(found) == 1:
            return found[0]
        found = [res for res in found if _affixes_match(res, self.res, lenient=True)]
        if len(found) > 1:
            found = [res for res in found if _affixes_match(res, self.res, lenient=False)]
        if not found:
            return None
        meanings = {(res.id.name, res.id.namespace if namespace_too else "") for res in found}
        if len(meanings) > 1:
            ids = ", ".join(str(res.id) for res in found)
            raise KustomizeError(f"found multiple possible referrals: {ids}", problem=f"{name} could be any of {ids}")
        return found[0]

    def _same_namespace(self, res: Resource) -> bool:
        mine, other = self.res.id, res.id
        return (
            mine.cluster_scoped
            or other.cluster_scoped
            or other.kind == "ServiceAccount"
            or mine.effective_namespace == other.effective_namespace
        )


def _follows(namespace: Scalar, res: Resource) -> bool:
    """Whether ``res`` was moved from this namespace to the same: what refers to it there follows the move."""
    now = find(res.root, "metadata", "namespace")
    if now is None or now.op is None or (now.source, now.pos) == (namespace.source, namespace.pos):
        return False
    return res.original_id.namespace == namespace.text


def _was(res: Resource, selector: Gvk) -> bool:
    return any(id_.gvk.is_selected(selector) for id_ in res.previous_ids)


def _role_ref(res: Resource) -> Gvk | None:
    """What kind of object the ``roleRef`` of a binding names; None where it does not say."""
    group, kind = find(res.root, "roleRef", "apiGroup"), find(res.root, "roleRef", "kind")
    if not isinstance(group, Scalar) or not isinstance(kind, Scalar):
        return None
    return Gvk(group.text, "", kind.text)


def _affixes_match(one: Resource, other: Resource, *, lenient: bool) -> bool:
    """Whether both got the same prefixes and suffixes from the outer layers; ``lenient``: none at all fits any."""
    return all(
        (lenient and not (a and b)) or _end_alike(a, b)
        for a, b in ((one.prefixes, other.prefixes), (one.suffixes, other.suffixes))
    )


def _end_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not one or not other:
        return not one and not other
    shared = min(len(one), len(other))
    return one[-shared:] == other[-shared:]
