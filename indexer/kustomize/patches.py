"""The patch transformers: ``patches``, ``patchesStrategicMerge`` and ``patchesJson6902``.

Rules: kustomize's ``PatchTransformer``, ``PatchStrategicMergeTransformer`` and ``PatchJson6902Transformer``
(kustomize-semantics.md §9.1, §10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.factory import embedded_resources, resources_from
from indexer.kustomize.gotext import quote
from indexer.kustomize.json6902 import JsonOperation, apply_operations, parse_operations
from indexer.kustomize.layer import Layer, Unmatched
from indexer.kustomize.nodes import drop, find, put, stringified
from indexer.kustomize.record import Record
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selector import Selector, describe, select
from indexer.manifest.compose import parse_stream
from indexer.manifest.embedded import parse_embedded
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Operation, Role, Scalar, Sequence, stamped
from indexer.manifest.scalars import is_null

_MERGE_NAME: Final = "strategic merge patch"
_JSON_NAME: Final = "JSON 6902 patch"
_SPACE: Final = " \t\n\v\f\r\x85\xa0"
_KIND: Final = ("kind",)
_NAME: Final = ("metadata", "name")
_NAMESPACE: Final = ("metadata", "namespace")
_IDENTITY: Final = (("apiVersion",), _KIND, _NAME, _NAMESPACE)


class PatchEntry(NamedTuple):
    """One entry of ``patches`` or ``patchesJson6902``, or the same in a transformer's configuration."""

    node: Node
    """The whole entry."""
    path: str
    patch: str
    """The inline patch."""
    path_node: Node
    patch_node: Node
    target: Record | None
    allow_name_change: bool
    allow_kind_change: bool
    config: dict[str, object]
    """The entry as kustomize hands it to its transformer; messages quote it."""

    @classmethod
    def from_record(cls, record: Record, patch_field: str = "patch") -> PatchEntry:
        """From a decoded entry; ``patch_field`` is what the inline patch is called (``jsonOp`` in a transformer)."""
        options = record.record("options")
        path, patch, target = record.text("path"), record.text(patch_field), record.record("target")
        config: dict[str, object] = {"path": path} if path else {}
        if patch:
            config[patch_field] = patch
        if target is not None:
            config["target"] = {name: text for name, text in target.values.items() if text}
        if options is not None:
            config["options"] = {name: flag for name, flag in options.values.items() if flag}
        return cls(
            record.node, path, patch, record.at("path"), record.at(patch_field), target,
            options is not None and options.flag("allowNameChange"),
            options is not None and options.flag("allowKindChange"),
            config,
        )  # fmt: skip


class _Patch(NamedTuple):
    """A patch that has been read: objects to merge, or JSON operations."""

    objects: list[Resource]
    operations: list[JsonOperation]


def patch_transformer(resmap: ResMap, layer: Layer, entry: PatchEntry, *, prefix: str | None = None) -> None:
    """Applies one entry of ``patches``. Raises KustomizeError.

    ``prefix`` is what messages about the entry itself begin with, if it is none of a kustomization file.
    """
    try:
        patch = _configured(layer, entry)
    except KustomizeError as error:
        raise _trouble("PatchTransformer", entry.config, error, prefix).located(entry.node) from None
    try:
        if patch.operations:
            _apply_json_patch(resmap, layer, entry, patch)
        elif not patch.objects:
            layer.unmatched.append(Unmatched(_MERGE_NAME, entry.node.span, "the patch is empty"))
        elif entry.target is None:
            _merge_by_id(resmap, layer, entry, patch)
        else:
            _merge_by_target(resmap, layer, entry, patch, entry.target)
    except KustomizeError as error:
        raise error.located(entry.node) from None


def patch_strategic_merge(
    resmap: ResMap,
    layer: Layer,
    entries: list[tuple[str, Node]],
    *,
    inline: Node | None = None,
    prefix: str | None = None,
) -> None:
    """Applies all entries of ``patchesStrategicMerge``: inline patches or paths. Raises KustomizeError.

    ``inline`` is a transformer's ``patches``, which cannot be a path; ``prefix`` as in ``patch_transformer``.
    """
    config: dict[str, object] = {"paths": [text for text, _ in entries]}
    try:
        if not entries and inline is None:
            raise KustomizeError("empty file path and empty patch content", problem="it needs paths or patches")
        loaded = [(patch, node) for text, node in entries for patch in _merge_patches(layer, text, node)]
        if isinstance(inline, Scalar):
            loaded += [(patch, inline) for patch in embedded_resources(inline)]
        if not loaded:
            files = " ".join(text for text, _ in entries)
            raise KustomizeError(
                f"patch appears to be empty; files=[{files}], Patch=", problem="the patches are empty"
            ).located(entries[0][1] if entries else None)
    except KustomizeError as error:
        raise _trouble("PatchStrategicMergeTransformer", config, error, prefix) from None
    for patch, node in loaded:
        op = Operation(Role.PATCHES, _MERGE_NAME, node.span)
        try:
            target = resmap.by_id(patch.original_id)
            _apply_to(resmap, layer, [target], _described(patch, op), _Rights())
        except KustomizeError as error:
            raise error.located(node) from None


def patch_json6902(resmap: ResMap, layer: Layer, entry: PatchEntry, *, prefix: str | None = None) -> None:
    """Applies one entry of ``patchesJson6902``; ``prefix`` as in ``patch_transformer``. Raises KustomizeError."""
    try:
        operations = _configured_json(layer, entry)
    except KustomizeError as error:
        raise _trouble("PatchJson6902Transformer", entry.config, error, prefix).located(entry.node) from None
    assert entry.target is not None
    op = Operation(Role.PATCHES, _JSON_NAME, entry.node.span)
    try:
        selected = select(resmap, Selector.from_record(entry.target))
        for res in selected:
            _operate(res, operations, op)
    except KustomizeError as error:
        raise error.located(entry.node) from None
    _note_unmatched(layer, entry, _JSON_NAME, selected)


def _yaml(config: dict[str, object]) -> str:
    from indexer.manifest.emit import emit  # which only messages need

    return emit(config)


def _trouble(kind: str, config: dict[str, object], error: KustomizeError, prefix: str | None) -> KustomizeError:
    return error.wrapped(
        f"trouble configuring builtin {kind} with config: `\n{_yaml(config)}`: " if prefix is None else prefix
    )


def _note_unmatched(layer: Layer, entry: PatchEntry, name: str, selected: list[Resource]) -> None:
    if not selected:
        layer.unmatched.append(Unmatched(name, entry.node.span, "its target selects no object"))


# Reading


def _configured(layer: Layer, entry: PatchEntry) -> _Patch:
    text = entry.patch.strip(_SPACE)
    if not text and not entry.path:
        raise KustomizeError(
            f"must specify one of patch and path in\n{_yaml(entry.config)}", problem="an entry needs a path or a patch"
        )
    if text and entry.path:
        raise KustomizeError(
            f"patch and path can't be set at the same time\n{_yaml(entry.config)}",
            problem="an entry cannot have both path and patch",
        )
    if text:
        return _inline_patch(entry, text)
    try:
        data = layer.loader.load(entry.path)
    except KustomizeError as error:
        raise error.wrapped(f"failed to get the patch file from path({entry.path}): ").located(
            entry.path_node
        ) from None
    return _file_patch(layer, entry, data)


def _inline_scalar(entry: PatchEntry, text: str) -> Scalar:
    """The inline patch as a scalar whose text is ``text``, which kustomize has trimmed."""
    node = entry.patch_node
    if isinstance(node, Scalar) and node.text == text:
        return node
    place = node if isinstance(node, Scalar) else Scalar(text)
    return Scalar(text, None, place.style, place.source, place.pos, place.op, place.prev)


def _inline_patch(entry: PatchEntry, text: str) -> _Patch:
    scalar = _inline_scalar(entry, text)
    return _classified(
        lambda: embedded_resources(scalar),
        lambda: parse_operations(text, _first_embedded(scalar), scalar),
        entry,
    )


def _file_patch(layer: Layer, entry: PatchEntry, data: bytes) -> _Patch:
    return _classified(
        lambda: resources_from(layer.loader.documents(entry.path)),
        lambda: _file_operations(layer, entry, data),
        entry,
    )


def _classified(
    objects: Callable[[], list[Resource]], operations: Callable[[], list[JsonOperation]], entry: PatchEntry
) -> _Patch:
    """A patch as whichever kind it is: a list of operations is no object."""
    try:
        return _Patch(objects(), [])
    except KustomizeError as error:
        refused = error
    try:
        return _Patch([], operations())
    except KustomizeError as error:
        raise _unparsable(entry, refused, error) from None


def _file_operations(layer: Layer, entry: PatchEntry, data: bytes) -> list[JsonOperation]:
    repository, file = layer.loader.file(entry.path)
    text = data.decode(errors="replace")
    try:
        documents = parse_stream(data, file, repository, limit=1)
    except ManifestError as error:
        if text.startswith("["):
            return parse_operations(text, None, entry.path_node)
        raise KustomizeError(error.go_message, problem=error.problem) from None
    return parse_operations(text, documents[0].node if documents else None, entry.path_node)


def _source(entry: PatchEntry) -> str:
    """How messages call the patch of an entry."""
    text = entry.patch.strip(_SPACE)
    return f"[patch: {quote(text)}]" if text else f"[path: {quote(entry.path)}]"


def _unparsable(entry: PatchEntry, as_objects: KustomizeError, as_json: KustomizeError) -> KustomizeError:
    """Neither kind: the reason that a person needs is the one of the kind the text looks like."""
    listed = as_objects.problem.startswith("a list")
    reason = as_json if listed else as_objects
    return KustomizeError(
        f"unable to parse SM or JSON patch from {_source(entry)}",
        problem=f"neither a strategic merge patch nor a JSON patch: {reason.problem}",
        span=reason.span,
    )


def _first_embedded(scalar: Scalar) -> Node | None:
    """The first document of an inline patch; None where it is empty, or JSON. Raises KustomizeError for no YAML."""
    try:
        documents = parse_embedded(scalar)
    except ManifestError as error:
        if scalar.text.lstrip(_SPACE).startswith("["):
            return None
        raise of_manifest(error) from None
    return documents[0].node if documents else None


def _merge_patches(layer: Layer, text: str, node: Node) -> list[Resource]:
    """The patches of an entry that is either a patch or a path."""
    scalar = node if isinstance(node, Scalar) and node.text == text else Scalar(text)
    try:
        return embedded_resources(scalar)
    except KustomizeError:
        try:
            return resources_from(layer.loader.documents(text))
        except KustomizeError as error:
            raise error.located(node) from None


def _configured_json(layer: Layer, entry: PatchEntry) -> list[JsonOperation]:
    if entry.target is None or not entry.target.text("name"):
        raise KustomizeError("must specify the target name", problem="an entry needs target.name")
    if not entry.path and not entry.patch:
        raise KustomizeError("empty file path and empty jsonOp", problem="an entry needs a path or a patch")
    text = entry.patch
    if entry.path:
        if entry.patch:
            raise KustomizeError(
                "must specify a file path or jsonOp, not both", problem="an entry cannot have both path and patch"
            )
        try:
            data = layer.loader.load(entry.path)
        except KustomizeError as error:
            raise error.located(entry.path_node) from None
        text = data.decode(errors="replace")
        if not text:
            raise KustomizeError(f"patch file '{entry.path}' empty seems to be empty", problem=f"{entry.path} is empty")
    try:
        if entry.path:
            operations = _file_operations(layer, entry, data)
        else:
            scalar = entry.patch_node if isinstance(entry.patch_node, Scalar) else Scalar(text)
            operations = parse_operations(text, _first_embedded(scalar), entry.patch_node)
    except KustomizeError as error:
        raise error.wrapped(f"decoding {text}: ") from None
    if not operations:
        raise KustomizeError(
            f"patch appears to be empty; file={entry.path}, JsonOp={text}", problem="the patch is empty"
        )
    return operations


# Applying


class _Rights(NamedTuple):
    """What of an object's identity a strategic merge patch may change."""

    name: bool = False
    kind: bool = False


def _merge_by_id(resmap: ResMap, layer: Layer, entry: PatchEntry, patch: _Patch) -> None:
    """Each object of the patch is merged into the one resource that has, or had, its id."""
    rights = _Rights(entry.allow_name_change, entry.allow_kind_change)
    op = Operation(Role.PATCHES, _MERGE_NAME, entry.node.span)
    for each in patch.objects:
        id_ = each.original_id
        try:
            target = resmap.by_id(id_)
        except KustomizeError as error:
            raise error.wrapped(f'no resource matches strategic merge patch "{id_}": ') from None
        if not _merge_into(target, _stamped_root(each, op), layer, rights):
            resmap.remove(target)


def _merge_by_target(resmap: ResMap, layer: Layer, entry: PatchEntry, patch: _Patch, target: Record) -> None:
    if len(patch.objects) > 1:
        raise KustomizeError(
            "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: "
            f"{_source(entry)}",
            problem="an entry with a target can hold one strategic merge patch only",
        )
    try:
        selected = select(resmap, Selector.from_record(target))
    except KustomizeError as error:
        shown = quote(describe(target))
        raise error.wrapped(f"unable to find patch target {shown} in `resources`: ") from None
    op = Operation(Role.PATCHES, _MERGE_NAME, entry.node.span)
    rights = _Rights(entry.allow_name_change, entry.allow_kind_change)
    _apply_to(resmap, layer, selected, _described(patch.objects[0], op), rights)
    _note_unmatched(layer, entry, _MERGE_NAME, selected)


def _stamped_root(patch: Resource, op: Operation) -> Mapping:
    root = stamped(patch.root, op)
    assert isinstance(root, Mapping)
    return root


def _described(patch: Resource, op: Operation) -> Mapping:
    """The patch with its labels and annotations made strings, as kustomize does when it copies a patch."""
    root = _stamped_root(patch, op)
    for field in ("labels", "annotations"):
        found = find(root, "metadata", field)
        if isinstance(found, Mapping) and found.fields:
            new = stringified(found)
            if new is not found:
                root = put(root, ("metadata", field), new)
        elif found is not None:
            root = drop(root, ("metadata", field))
    return root


def _apply_to(resmap: ResMap, layer: Layer, selected: list[Resource], patch: Mapping, rights: _Rights) -> None:
    """Merges a patch into some resources, whatever their apiVersion."""
    for res in selected:
        own = res.root.get("apiVersion")
        fitting = patch.without("apiVersion") if own is None else patch.with_field(Scalar("apiVersion"), own)
        if not _merge_into(res, fitting, layer, rights):
            resmap.remove(res)
        elif own is None:
            # kustomize gives the patch the version of the object, here none at all, and the object takes that over.
            res.root = put(res.root, ("apiVersion",), Scalar("null"))
    resmap.demand_unique()


def _merge_into(res: Resource, patch: Mapping, layer: Layer, rights: _Rights) -> bool:
    """Merges a patch into a resource; False where that deletes it."""
    from indexer.kustomize.merge import merge  # which JSON patches, most of all, do not need

    if rights.name or rights.kind:
        res.store_previous_id()
    before = res.root
    merged = merge(before, patch, layer.schema.current)
    if merged is None or not merged.fields:
        return False
    for path in _IDENTITY:
        if (rights.kind and path == _KIND) or (rights.name and path == _NAME):
            continue
        old, new = find(before, *path), find(merged, *path)
        if path == _NAMESPACE and isinstance(old, Scalar) and (not old.text or is_null(old)):
            # kustomize writes the namespace back, and an empty one not at all.
            merged = drop(merged, path)
        elif new is not old:
            merged = drop(merged, path) if old is None else put(merged, path, old)
    res.root = merged
    return True


def _apply_json_patch(resmap: ResMap, layer: Layer, entry: PatchEntry, patch: _Patch) -> None:
    if entry.target is None:
        raise KustomizeError(
            f"must specify a target for JSON patch {_source(entry)}", problem="a JSON patch needs a target"
        )
    selected = select(resmap, Selector.from_record(entry.target))
    op = Operation(Role.PATCHES, _JSON_NAME, entry.node.span)
    for res in selected:
        res.store_previous_id()
        _operate(res, patch.operations, op)
    _note_unmatched(layer, entry, _JSON_NAME, selected)


def _operate(res: Resource, operations: list[JsonOperation], op: Operation) -> None:
    """Applies JSON operations; kustomize then rewrites the annotations as strings."""
    path = ("metadata", "annotations")
    root = apply_operations(res.annotated, operations, op)
    annotations = find(root, *path)
    if isinstance(annotations, Sequence) and annotations.items:
        raise KustomizeError(
            "wrong node kind: expected MappingNode but got SequenceNode", problem="the patch makes annotations a list"
        ).located(annotations)
    if isinstance(annotations, Mapping) and annotations.fields:
        new = stringified(annotations)
        if new is not annotations:
            root = put(root, path, new)
    elif annotations is not None:
        root = drop(root, path)
    res.root = root
