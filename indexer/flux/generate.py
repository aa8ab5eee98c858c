"""The kustomization file that kustomize-controller builds from: the one in ``spec.path``, or one that lists what a scan
of the directory finds, with the fields of the Flux Kustomization merged into it.

Sections 4.4 and 4.5 of the Flux rules. Every entry keeps the span of the file, or of the Flux Kustomization's field.
"""

from __future__ import annotations

import json
import posixpath
from functools import lru_cache
from typing import Final

from indexer.flux.resources import KustomizationSpec, items_of, truth
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.factory import resources_from
from indexer.kustomize.kustomization import CONFIG_MAP_ARGS, FILE_NAMES, SCHEMA, SECRET_ARGS, parse_kustomization
from indexer.kustomize.loader import ParseCache
from indexer.kustomize.nodes import string, text_at
from indexer.kustomize.record import STRING, STRING_MAP, ListOf, Struct, Type
from indexer.manifest.errors import ManifestError
from indexer.manifest.gonumber import float32_text
from indexer.manifest.node import Mapping, Node, Scalar, Sequence, Span
from indexer.manifest.scalars import to_data, to_data_11

_REMOTE_COMPONENTS: Final = ("git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/")
_PLACEHOLDER: Final = "_placeholder"
MERGED_FIELDS: Final = (
    "targetNamespace", "namePrefix", "nameSuffix", "patches", "patchesStrategicMerge", "patchesJson6902", "components",
    "images", "buildMetadata",
)  # fmt: skip
"""The fields of a Flux Kustomization that are merged into the file."""


def generate(tree: Tree, directory: str, spec: KustomizationSpec, cache: ParseCache) -> Mapping:
    """What stands in the kustomization file when the controller builds ``directory``. Raises KustomizeError."""
    found = [name for name in FILE_NAMES if tree.kind(posixpath.join(directory, name)) is EntryKind.FILE]
    if len(found) > 1:
        raise KustomizeError(
            f"Found multiple kustomization files under: {tree.root}/{directory}",
            problem=f"{directory or '.'} holds {' and '.join(found)}: keep one of them",
            span=_span_of(spec, "path"),
        )
    if found:
        base = _existing(tree, posixpath.join(directory, found[0]), spec)
    else:
        made = posixpath.join(directory, FILE_NAMES[0])
        if tree.kind(made) is not None:
            problem = f"{made} is a directory, where the controller writes a file: give it another name"
            raise KustomizeError(f"open {made}: is a directory", problem=problem, span=_span_of(spec, "path"))
        base = _scanned(tree, directory, spec, cache)
    return _merged(base, tree, directory, spec)


def _span_of(spec: KustomizationSpec, field: str) -> Span | None:
    node = spec.at(field)
    return (node if node is not None else spec.root).span


def _existing(tree: Tree, path: str, spec: KustomizationSpec) -> Mapping:
    """The file, read leniently: what the struct does not have vanishes, and keys match in any case."""
    try:
        data = tree.read(path)
    except TreeError as error:
        raise KustomizeError(f"{path}: {error}", problem=f"{path}: {error}", span=_span_of(spec, "path")) from None
    repository, file = tree.origin(path)
    base = _leniently(data, file, repository)
    if not items_of(base.get("resources")):
        # The controller fills the file with something harmless, lest kustomize calls it empty.
        base = _with(base, "buildMetadata", Sequence([_made("originAnnotations", spec)]))
    return base


@lru_cache(maxsize=256)
def _leniently(data: bytes, file: str, repository: str | None) -> Mapping:
    # Units of several clusters, or with variables of their own, are built from one directory.
    base = _lenient(parse_kustomization(data, file, repository), SCHEMA)
    assert isinstance(base, Mapping)
    return base


def _lenient(node: Node, kind: Type, *, converts: bool = True) -> Node:
    """A node without the keys that its Go type does not have, all spelled as that type spells them.

    ``converts``: numbers and booleans become texts where those are wanted, but not in a struct within the struct,
    as nearly all of a generator is.
    """
    if isinstance(kind, ListOf) and isinstance(node, Sequence):
        items = [_lenient(item, kind.item, converts=converts) for item in node.items]
        return node if all(new is old for new, old in zip(items, node.items, strict=True)) else node.derive(items)
    if isinstance(node, Scalar):
        return _as_text(node) if converts and kind is STRING else node
    if kind == STRING_MAP and converts and isinstance(node, Mapping):
        return node.derive({text: (key, _lenient(value, STRING)) for text, (key, value) in node.fields.items()})
    if not isinstance(kind, Struct) or not isinstance(node, Mapping):
        return node
    spelled = {name.lower(): name for name in kind.fields}
    fields: dict[str, tuple[Scalar, Node]] = {}
    for key, value in sorted((*node.items(), *node.duplicate), key=lambda entry: entry[0].text):
        name = spelled.get(key.text.lower())
        if name is not None:
            # Keys in two spellings are one field: the last one in the order of JSON's keys counts.
            own = converts and not (kind in (CONFIG_MAP_ARGS, SECRET_ARGS) and name != "type")
            field = _lenient(value, kind.fields[name], converts=own)
            fields[name] = (key if key.text == name else string(name, key), field)
    return Mapping(fields, node.flow, node.source, node.pos, node.op, node.prev)


def _as_text(scalar: Scalar) -> Scalar:
    """A number or boolean where the struct has a text: it becomes one."""
    value = to_data_11(scalar)
    if value is None or isinstance(value, str):
        return scalar
    if isinstance(value, float):
        return string(float32_text(value), scalar)
    return string(str(value).lower() if isinstance(value, bool) else str(value), scalar)


def _made(text: str, spec: KustomizationSpec) -> Scalar:
    """A text that the controller makes: a person who looks for it is led to the Kustomization's path."""
    at = spec.at("path")
    return string(text, at if at is not None else spec.root)


def _with(base: Mapping, key: str, value: Node) -> Mapping:
    return base.with_field(string(key, value), value)


def _scanned(tree: Tree, directory: str, spec: KustomizationSpec, cache: ParseCache) -> Mapping:
    paths: list[str] = []
    _scan(tree, directory, cache, paths)
    fields = {
        "apiVersion": (string("apiVersion"), string("kustomize.config.k8s.io/v1beta1")),
        "kind": (string("kind"), string("Kustomization")),
    }
    at = spec.at("path") or spec.root
    base = Mapping(dict(fields), source=at.source, pos=at.pos)
    if not paths:
        return _with(base, "namespace", string(_PLACEHOLDER))
    prefix = len(directory) + 1 if directory else 0
    return _with(base, "resources", Sequence([_made(f"./{path[prefix:]}", spec) for path in paths]))


def _scan(tree: Tree, directory: str, cache: ParseCache, found: list[str]) -> None:
    """Adds manifests and directories with a kustomization file, in the order of the walk. Raises KustomizeError."""
    for entry in tree.list(directory):
        path = posixpath.join(directory, entry.name)
        if entry.kind is EntryKind.DIRECTORY:
            if any(tree.kind(posixpath.join(path, name)) is EntryKind.FILE for name in FILE_NAMES):
                found.append(path)
            else:
                _scan(tree, path, cache, found)
        elif entry.kind is EntryKind.FILE and entry.name.rpartition(".")[2] in ("yaml", "yml") and "." in entry.name:
            _check_manifest(tree, path, cache)
            found.append(path)


def _check_manifest(tree: Tree, path: str, cache: ParseCache) -> None:
    """Every document of a scanned file has to be an object: one that is not fails the whole unit."""
    prefix = f"failed to decode Kubernetes YAML from {path}: "
    hint = ": move it out of the path, or exclude it in .sourceignore"
    try:
        resources_from(cache.documents(tree, path))
    except ManifestError as error:
        raise of_manifest(error, path).wrapped(prefix) from None
    except TreeError as error:
        raise KustomizeError(f"{prefix}{error}", problem=f"{path}: {error}") from None
    except KustomizeError as error:
        error.problem += hint
        raise error.wrapped(prefix) from None


def _merged(base: Mapping, tree: Tree, directory: str, spec: KustomizationSpec) -> Mapping:
    for field, key in (
        ("targetNamespace", "namespace"),
        ("namePrefix", "namePrefix"),
        ("nameSuffix", "nameSuffix"),
    ):
        value = spec.at(field)
        if value is not None:
            base = _with(base, key, value)
    base = _extended(base, "patches", [_lenient(item, _PATCH) for item in items_of(spec.at("patches"))])
    base = _extended(base, "components", _components(tree, directory, spec))
    if spec.version.startswith("v1beta"):
        base = _extended(
            base, "patchesStrategicMerge", [_as_json(item) for item in items_of(spec.at("patchesStrategicMerge"))]
        )
        base = _extended(base, "patchesJson6902", [_json_patch(item) for item in items_of(spec.at("patchesJson6902"))])
    for image in items_of(spec.at("images")):
        base = _with_image(base, image)
    metadata = spec.at("buildMetadata")
    if items_of(metadata):
        assert metadata is not None
        base = _with(base, "buildMetadata", metadata)
    return base


# spec.patches has no path and no options.
_PATCH: Final = Struct(
    "Patch",
    {
        "patch": SCHEMA.fields["namespace"],
        "target": SCHEMA.fields["patches"].item.fields["target"],  # type: ignore[union-attr]
    },
)


def _extended(base: Mapping, key: str, items: list[Node]) -> Mapping:
    if not items:
        return base
    old = base.get(key)
    if isinstance(old, Sequence):
        return _with(base, key, old.derive([*old.items, *items]))
    return _with(base, key, Sequence(items))


def _components(tree: Tree, directory: str, spec: KustomizationSpec) -> list[Node]:
    kept: list[Node] = []
    for item in items_of(spec.at("components")):
        path = item.text if isinstance(item, Scalar) else ""
        lower = path.lower()
        if (
            path.startswith("/")
            or lower.startswith("file:///")
            or any(lower.startswith(prefix) and len(prefix) < len(path) for prefix in _REMOTE_COMPONENTS)
        ):
            raise KustomizeError(f"component path '{path}' must be local and relative").located(item)
        target = posixpath.normpath(posixpath.join("/" + directory, path))
        outside = posixpath.normpath(posixpath.join(directory, path)).startswith("..")
        if truth(spec.spec, "ignoreMissingComponents") and (outside or tree.kind(target.lstrip("/")) is None):
            continue
        kept.append(item)
    return kept


def _as_json(node: Node) -> Node:
    """A tree as the text that kustomize's own field holds; it points at the tree's lines."""
    return node if isinstance(node, Scalar) else string(json.dumps(to_data(node)), node)


def _json_patch(node: Node) -> Node:
    if not isinstance(node, Mapping):
        return node
    patch = node.get("patch")
    return node if patch is None else _with(node, "patch", _as_json(patch))


def _with_image(base: Mapping, image: Node) -> Mapping:
    """One entry of ``spec.images``: merged into the file's entry of that name, else appended."""
    old = base.get("images")
    if not isinstance(image, Mapping) or not isinstance(old, Sequence):
        return _extended(base, "images", [image])
    name = text_at(image, "name")
    items = list(old.items)
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and text_at(item, "name") == name:
            items[index] = _merged_image(item, image)
            return _with(base, "images", old.derive(items))
    return _extended(base, "images", [image])


def _merged_image(item: Mapping, image: Mapping) -> Mapping:
    """Tag and digest are one choice: giving either replaces both."""
    if text_at(image, "newName"):
        item = item.with_field(*image.fields["newName"])
    if text_at(image, "newTag") or text_at(image, "digest"):
        for key in ("newTag", "digest"):
            item = item.with_field(*image.fields[key]) if text_at(image, key) else item.without(key)
    return item
