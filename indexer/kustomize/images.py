"""``images``.

Rules: kustomize's ``ImageTagTransformer`` and ``api/internal/image`` (kustomize-semantics.md §8.5).
"""

from __future__ import annotations

from typing import Final

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import Create, FieldSpec, set_scalar
from indexer.kustomize.layer import Layer, Unmatched
from indexer.kustomize.record import Record
from indexer.kustomize.regexp import regexp
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selection import Selection
from indexer.kustomize.wrongkind import MAPPING, SCALAR, WrongKindError
from indexer.manifest.node import Mapping, Node, Operation, Role, Scalar, Sequence
from indexer.manifest.scalars import is_null

_CONTAINERS: Final = ("containers", "initContainers")
_TAG: Final = r"(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$"


class ImageEntry:
    """One entry of ``images``."""

    def __init__(self, record: Record) -> None:
        self.name = record.text("name")
        self.new_name = record.text("newName")
        self.new_tag = record.text("newTag")
        self.digest = record.text("digest")
        self.tag_suffix = record.text("tagSuffix")
        self.node = record.node
        self.op = Operation(Role.TRANSFORMS, "images", record.node.span)
        self.at = next(
            (record.at(field) for field in ("newTag", "digest", "tagSuffix", "newName") if record.text(field)),
            record.node,
        )
        """The scalar that decides: tag or digest where there is one, because that is what changes from day to day."""
        self.used = False
        try:
            # The name goes in as it is, so a dot in it stands for any character.
            self._pattern = regexp(f"^{self.name}{_TAG}", self.name)
        except KustomizeError as error:
            raise error.wrapped(f"invalid image name '{self.name}': ").located(record.at("name")) from None

    def matches(self, image: str) -> bool:
        return self._pattern.search(image)

    def rewrite(self, node: Node) -> Node:
        """The setter: the rewritten image, or the very same node."""
        if is_null(node):
            return node
        if not isinstance(node, Scalar):
            raise WrongKindError(node, SCALAR)
        if not self.matches(node.text):
            return node
        self.used = True
        text = self._rewritten(node.text)
        if text == node.text and (node.op is self.op or self.at is self.node):
            return node
        old = node.prev if node.op is self.op and node.prev is not None else node
        return set_scalar(old, text, None, self.at, self.op)

    def _rewritten(self, image: str) -> str:
        name, tag, digest = split_image(image)
        name = self.new_name or name
        if self.new_tag or self.digest:
            tag, digest = self.new_tag, self.digest
        elif self.tag_suffix:
            tag, digest = tag + self.tag_suffix, ""
        return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def split_image(image: str) -> tuple[str, str, str]:
    """(name, tag, digest) of an image reference; "" for what it does not have."""
    slash = max(image.find("/"), 0)
    colon, at = image.find(":", slash), image.find("@", slash)
    if at >= 0 and (colon < 0 or at < colon):
        return image[:at], "", image[at + 1 :]
    if colon < 0:
        return image, "", ""
    if at < 0:
        return image[:colon], image[colon + 1 :], ""
    return image[:colon], image[colon + 1 : at], image[at + 1 :]


def image_transformer(resmap: ResMap, layer: Layer, records: list[Record], specs: tuple[FieldSpec, ...]) -> None:
    """Applies entries of ``images`` one after the other. Raises KustomizeError; an unused entry is ``unmatched``.

    Each entry rewrites first what is found under ``containers`` and ``initContainers`` anywhere, then what the specs
    point at. The same image may be rewritten by both, as kustomize does (a ``tagSuffix`` is then added twice).
    """
    if not records:
        return
    entries = [ImageEntry(record) for record in records]
    selection = Selection(specs)
    for res in resmap:
        if res.id.kind != "CustomResourceDefinition":
            _rewrite(res, entries, selection)
    for entry in entries:
        if not entry.used:
            layer.unmatched.append(Unmatched("images", entry.node.span, f"no image is called {entry.name}"))


def _rewrite(res: Resource, entries: list[ImageEntry], selection: Selection) -> None:
    """All entries on one resource; the tree is only rebuilt for those whose image it has."""
    present = _images(res, selection)
    for entry in entries:
        if not any(entry.matches(image) for image in present):
            continue
        res.root = _under_containers(res.root, entry)
        selection.apply(res, entry.rewrite, Create.NOTHING)
        present = _images(res, selection)


def _images(res: Resource, selection: Selection) -> set[str]:
    """The images of a resource. Raises KustomizeError where something else stands in the place of one."""
    found: set[str] = set()
    _collect(res.root, found)

    def setter(node: Node) -> Node:
        if not isinstance(node, Scalar):
            raise WrongKindError(node, SCALAR)
        found.add(node.text)
        return node

    selection.apply(res, setter, Create.NOTHING)
    return found


def _collect(node: Node, found: set[str]) -> None:
    """Adds the images under ``containers`` and ``initContainers`` anywhere below ``node``."""
    if isinstance(node, Mapping):
        for key, (_, value) in node.fields.items():
            if value.__class__ is Scalar:
                continue
            _collect(value, found)
            if key in _CONTAINERS and isinstance(value, Sequence):
                for container in value.items:
                    image = _image_of(container)
                    if image is not None:
                        found.add(image.text)
    elif isinstance(node, Sequence):
        for item in node.items:
            if item.__class__ is not Scalar:
                _collect(item, found)


def _image_of(container: Node) -> Scalar | None:
    if is_null(container):
        return None
    if not isinstance(container, Mapping):
        raise WrongKindError(container, MAPPING)
    image = container.get("image")
    if image is None or isinstance(image, Scalar):
        return image
    raise WrongKindError(image, SCALAR)


def _under_containers(root: Mapping, entry: ImageEntry) -> Mapping:
    result = _walk(root, entry)
    assert isinstance(result, Mapping)
    return result


def _walk(node: Node, entry: ImageEntry) -> Node:
    if isinstance(node, Mapping):
        changed: dict[str, Node] = {}
        for key, (_, value) in node.fields.items():
            new = _walk(value, entry) if value.__class__ is not Scalar else value
            if key in _CONTAINERS and isinstance(new, Sequence):
                new = _derived(new, [_set_image(container, entry) for container in new.items])
            if new is not value:
                changed[key] = new
        if not changed:
            return node
        return node.derive({key: (k, changed.get(key, value)) for key, (k, value) in node.fields.items()})
    if isinstance(node, Sequence):
        return _derived(node, [_walk(item, entry) for item in node.items])
    return node


def _set_image(container: Node, entry: ImageEntry) -> Node:
    image = _image_of(container)
    if image is None:
        return container
    new = entry.rewrite(image)
    assert isinstance(container, Mapping)
    return container if new is image else container.with_field(container.fields["image"][0], new)


def _derived(node: Sequence, items: list[Node]) -> Sequence:
    return node.derive(items) if any(a is not b for a, b in zip(items, node.items, strict=True)) else node
