"""From what a build gave to the objects the controller applies (section 4.9 of the Flux rules)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from indexer.deferred import NamedTuple
from indexer.flux.model import ObjectId, RenderedObject, Substitution
from indexer.flux.normalise import normalised, sent_at
from indexer.flux.postbuild import Expanded, Template
from indexer.flux.resources import KustomizationSpec, group_of, kind_of, name_of, namespace_of
from indexer.flux.scope import Kind, is_cluster_scoped
from indexer.flux.sops import in_clear, is_refused, secrecy
from indexer.kustomize.nodes import find, put, text_at
from indexer.kustomize.resource import Resource
from indexer.manifest.gojson import dumps
from indexer.manifest.history import Contribution, contributions
from indexer.manifest.node import STR, Mapping, Node, Operation, Role, Scalar, Sequence, Span, Style, stamped
from indexer.manifest.scalars import is_null, tag_of, to_data

_DIGEST: Final = 32


class RefusedObject(Exception):
    """An object that the controller does not apply, which fails its unit."""

    def __init__(self, message: str, span: Span | None) -> None:
        super().__init__(message)
        self.span = span


class Applied(NamedTuple):
    """One object as it is applied, with the resource of the build that it came from."""

    root: Mapping
    resource: Resource
    substitutions: tuple[Substitution, ...]


def demand_identity(root: Mapping) -> None:
    """What the controller asks of every resource before it goes on. Raises RefusedObject."""
    for path in ("apiVersion",), ("kind",), ("metadata", "name"):
        value = find(root, *path)
        # Here a null or a number is taken for its text.
        if not isinstance(value, Scalar) or not value.text:
            named = f"{kind_of(root)} {name_of(root)}".strip()
            raise RefusedObject(f"{named} has no {'.'.join(path)}: add it", root.span)


def applied(pairs: Iterable[tuple[Resource, Expanded]], spec: KustomizationSpec) -> list[Applied]:
    """The objects that are left when the build's text is read again. Raises RefusedObject."""
    result = []
    for resource, expanded in pairs:
        _demand_kind(expanded.root)
        for root, place in _unpacked(expanded.root):
            final = _with_common_metadata(root, spec)
            if is_refused(final) and not spec.decrypts:
                raise RefusedObject(
                    f"Secret {namespace_of(final)}/{name_of(final)} is SOPS-encrypted and the Kustomization has no "
                    "spec.decryption: add it",
                    root.span,
                )
            result.append(Applied(final, resource, _below(expanded.substitutions, place)))
    return result


def _below(substitutions: tuple[Substitution, ...], place: str) -> tuple[Substitution, ...]:
    """What was filled in at and below a JSON pointer, with fields from there on."""
    if not place:
        return substitutions
    inside = (
        one._replace(fields=tuple(where.removeprefix(place) for where in one.fields if where.startswith(f"{place}/")))
        for one in substitutions
    )
    return tuple(one for one in inside if one.fields)


def _unpacked(root: Mapping, place: str = "") -> Iterator[tuple[Mapping, str]]:
    """The items of a list, each with its JSON pointer; nothing for what is no object any more. Raises RefusedObject."""
    items = root.get("items")
    if isinstance(items, Sequence):
        for index, item in enumerate(items.items):
            if not isinstance(item, Mapping):
                raise RefusedObject(f"item {index} of {kind_of(root)} {name_of(root)} is no object", item.span)
            yield from _unpacked(item, f"{place}/items/{index}")
    elif _is_object(root) and not (kind_of(root) == "Kustomization" and group_of(root) == "kustomize.config.k8s.io"):
        yield root, place


def _demand_kind(root: Mapping) -> None:
    """What the text is refused for as a whole when it is read again. Raises RefusedObject."""
    kind, version = root.get("kind"), root.get("apiVersion")
    if not _is_text(kind):
        raise RefusedObject(f"the kind of {name_of(root)} is no text: quote it", (kind or root).span)
    if version is not None and text_at(root, "apiVersion").count("/") > 1:
        raise RefusedObject(f"the apiVersion of {kind_of(root)} {name_of(root)} has two slashes", version.span)


def _is_object(root: Mapping) -> bool:
    """Whether the reader finds a name and an apiVersion: a number is neither."""
    return _is_text(find(root, "metadata", "name")) and _is_text(root.get("apiVersion")) and kind_of(root) != ""


def _is_text(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.text != "" and tag_of(node) == STR


def _with_common_metadata(root: Mapping, spec: KustomizationSpec) -> Mapping:
    for field in ("labels", "annotations"):
        common = spec.at("commonMetadata", field)
        if not isinstance(common, Mapping) or is_null(common):
            continue
        op = Operation(Role.TRANSFORMS, "commonMetadata", common.span)
        for key, value in common.items():
            old = find(root, "metadata", field, key.text)
            new = stamped(value, op)
            assert isinstance(new, Scalar)
            scalar = Scalar(new.text, STR, Style.PLAIN, new.source, new.pos, op, old)
            root = put(root, ("metadata", field, key.text), scalar)
    return root


def identity(root: Mapping, crds: dict[Kind, bool]) -> ObjectId:
    """The object's identity in the cluster; a cluster-scoped one has no namespace, whatever it says."""
    group, kind = group_of(root), kind_of(root)
    namespace = None if is_cluster_scoped(group, kind, crds) else in_clear(namespace_of(root)) or None
    version = text_at(root, "apiVersion")
    if in_clear(version) != version:
        group, version = "", in_clear(version)
    return ObjectId(group, version.rpartition("/")[2], in_clear(kind), namespace, in_clear(name_of(root)))


class _Kept:
    """What is known of a resource that many units share, as far as it was asked for."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.template = Template(resource.root)
        self.objects: dict[tuple[bool, bool, str], RenderedObject] = {}


class Digests:
    """Content digests, and all else that is made once for each tree that several units share.

    A node's ``id`` is its own only as long as it lives, so trees live on here: those of ``keep`` to the end, others
    until ``forget``.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, str]] = {}
        self._data: dict[int, tuple[Node, Any]] = {}
        self._lasting: dict[int, tuple[Node, str]] = {}
        self._kept: dict[int, _Kept] = {}
        self._roots: set[int] = set()

    def of(self, root: Mapping) -> str:
        """Hex digest of an object as canonical JSON."""
        known = self._lasting if id(root) in self._roots else self._known
        found = known.get(id(root))
        if found is None:
            data = self._data.pop(id(root))[1] if id(root) in self._data else to_data(root)
            text = dumps(data).encode("utf-8", "surrogateescape")
            found = known[id(root)] = (root, hashlib.sha256(text).hexdigest()[:_DIGEST])
        return found[1]

    def demand(self, root: Mapping, template: Template | None) -> None:
        """Makes sure that JSON can say what an object holds; ``template`` is its own, if any. Raises ManifestError.

        The digest is asked for later, of what the controller makes of the object: mostly the very same.
        """
        if id(root) not in self._lasting and id(root) not in self._known:
            self._data[id(root)] = (root, to_data(root) if template is None else template.data)

    def keep(self, resources: Iterable[Resource]) -> None:
        """Says that further units will bring these same resources."""
        for resource in resources:
            self._kept[id(resource)] = _Kept(resource)
            self._roots.add(id(resource.root))

    def kept(self, resource: Resource) -> _Kept | None:
        return self._kept.get(id(resource))

    def template(self, resource: Resource) -> Template:
        """What ``postBuild`` makes of a resource before it knows the variables."""
        kept = self.kept(resource)
        return kept.template if kept is not None else Template(resource.root)

    def forget(self) -> None:
        """Lets go of all that is not shared."""
        self._known.clear()
        self._data.clear()


def rendered(
    obj: Applied,
    crds: dict[Kind, bool],
    digests: Digests,
    more: Iterable[Contribution] = (),
    *,
    defined_by: str = "resource",
    typed: bool = True,
) -> RenderedObject:
    """The object with everything that made it, and ``more`` that its tree does not tell.

    ``defined_by``: what the document is called that defines it. ``typed``: as for ``normalised``.
    """
    scoped = is_cluster_scoped(group_of(obj.root), kind_of(obj.root), crds)
    kept = digests.kept(obj.resource)
    if kept is None or obj.root is not kept.resource.root or obj.substitutions:
        return _rendered(obj, crds, digests, more, defined_by, typed)
    key = scoped, typed, defined_by
    if key not in kept.objects:
        kept.objects[key] = _rendered(obj, crds, digests, more, defined_by, typed)
    return kept.objects[key]


def _rendered(
    obj: Applied, crds: dict[Kind, bool], digests: Digests, more: Iterable[Contribution], defined_by: str, typed: bool
) -> RenderedObject:
    identifier = identity(obj.root, crds)
    scoped = is_cluster_scoped(identifier.group, identifier.kind, crds)
    root = normalised(obj.root, cluster_scoped=scoped, typed=typed)
    role = Role.GENERATES if obj.resource.generated else Role.DEFINES
    return RenderedObject(
        id=identifier,
        role=role,
        definition=obj.resource.definition,
        digest=digests.of(root),
        contributions=(*_contributions(obj.resource, root, role, defined_by), *secrecy(obj.root), *more),
        # Only Kustomizations substitute, so the object went through its type.
        substitutions=tuple(
            one._replace(fields=tuple(sent_at(obj.root, field) for field in one.fields)) for one in obj.substitutions
        ),
        tree=root,
    )


def _contributions(resource: Resource, root: Mapping, role: Role, defined_by: str) -> Iterator[Contribution]:
    if resource.definition is not None:
        name = "generator" if role is Role.GENERATES else defined_by
        yield Contribution(role, name, resource.definition, ("",))
    for field, entry in resource.via:
        if entry.span is not None:
            yield Contribution(Role.CONFIGURES, f"{field} entry", entry.span)
    made = contributions(root)
    templates = {c.span for c in made if c.role is Role.SUBSTITUTES}
    for contribution in made:
        # A text whose variables were expanded did not lose: it is the very text that was.
        is_template = contribution.overridden and contribution.span in templates
        yield contribution._replace(overridden=False) if is_template else contribution
