"""JSON patches (RFC 6902) on trees that keep their history.

Rules: evanphx/json-patch v4 and kustomize's ``api/filters/patchjson6902`` (kustomize-semantics.md §10).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from indexer.deferred import NamedTuple, regex
from indexer.kustomize.bounds import demand_bounds
from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.jsonvalue import converted, from_data, key, value_11
from indexer.manifest import gojson
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Operation, Removal, Scalar, Sequence, relocated, stamped
from indexer.manifest.scalars import is_null, to_data, to_data_11

_INTEGER: Final = regex(r"[-+]?[0-9]+\Z", re.ASCII)
_MISSING: Final = "missing value"
_BAD_INDEX: Final = "invalid index referenced"
_UNKNOWN: Final = "unknown"
C = TypeVar("C", Mapping, Sequence)
Container = Mapping | Sequence
Step = str | int


class JsonOperation(NamedTuple):
    """One operation of a patch."""

    node: Node
    """The whole operation."""
    kind: str
    path: Scalar | None
    origin: Scalar | None
    """Its ``from``."""
    value: Node | None


def parse_operations(text: str, node: Node | None, at: Node) -> list[JsonOperation]:
    """The operations of a patch. Raises KustomizeError where the text is no JSON patch.

    ``node`` is the text's first document where it is YAML; ``at`` is where the text stands. A text that begins with
    ``[`` has to be JSON.
    """
    if text == "":
        raise KustomizeError("empty json patch operations", problem="the patch is empty")
    if text.startswith("["):
        node = _strict(text, node, at)
    try:
        data = None if node is None else to_data_11(node)
    except ManifestError as error:
        raise of_manifest(error) from None
    if data is None:
        return []
    if not isinstance(node, Sequence):
        raise _unlike(data, "Patch").located(node)
    return [_operation(item) for item in node.items]


def _strict(text: str, node: Node | None, at: Node) -> Node:
    """The tree of a JSON text, with positions where the YAML reader agrees on its meaning."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KustomizeError(f"invalid JSON: {error}", problem=f"the patch is no JSON: {error}").located(at) from None
    try:
        if node is not None and to_data_11(node) == data:
            return node
    except ManifestError:
        pass
    return from_data(data, at)


def _unlike(data: Any, wanted: str) -> KustomizeError:
    kind = "object" if isinstance(data, dict) else "array" if isinstance(data, list) else "string"
    if isinstance(data, (bool, int, float)):
        kind = "bool" if isinstance(data, bool) else "number"
    return KustomizeError(
        f"json: cannot unmarshal {kind} into Go value of type jsonpatch.{wanted}",
        problem="a JSON patch is a list of operations",
    )


def _operation(node: Node) -> JsonOperation:
    if is_null(node):
        return JsonOperation(node, _UNKNOWN, None, None, None)
    if not isinstance(node, Mapping):
        raise _unlike(to_data_11(node), "Operation").located(node)
    fields = {name: value for name, (_, value) in node.fields.items()}
    fields |= {name.text: value for name, value in node.duplicate}
    kind = _text(fields.get("op"))
    return JsonOperation(
        node,
        _UNKNOWN if kind is None else kind.text,
        _text(fields.get("path")),
        _text(fields.get("from")),
        fields.get("value"),
    )


def _text(node: Node | None) -> Scalar | None:
    return node if isinstance(node, Scalar) and isinstance(to_data_11(node), str) else None


def apply_operations(root: Mapping, operations: list[JsonOperation], op: Operation) -> Mapping:
    """The object after all operations and its way through JSON. Raises KustomizeError with kustomize's message."""
    try:
        to_data(root)
        result: Container = converted(root)
        for operation in operations:
            try:
                result = _apply(result, operation, op)
                if operation.kind == "copy":
                    demand_bounds(result)
            except KustomizeError as error:
                raise error.located(operation.node) from None
    except ManifestError as error:
        raise of_manifest(error) from None
    if not isinstance(result, Mapping):
        raise KustomizeError(
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
            problem="the patch replaces the object by a list",
        )
    return result


def _apply(root: Container, operation: JsonOperation, op: Operation) -> Container:
    kind = operation.kind
    run = _KINDS.get(kind)
    if run is None:
        raise KustomizeError(f"Unexpected kind: {kind}", problem=f"unknown operation {kind!r}")
    return run(root, operation, op)


# Finding places


def _parts(path: str) -> list[str]:
    """The keys of a pointer; what stands before its first slash does not count."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _index(text: str) -> int:
    if not _INTEGER.match(text):
        raise KustomizeError(f'strconv.Atoi: parsing "{text}": invalid syntax', problem=f"{text!r} is no list index")
    return int(text)


def _bad_index(index: int) -> KustomizeError:
    return KustomizeError(
        f"Unable to access invalid index: {index}: {_BAD_INDEX}", problem=f"the list has no item {index}"
    )


def _get(container: Container, name: str) -> tuple[Step, Node | None]:
    """The step to a child and the child; None where a mapping lacks it. Raises KustomizeError for a bad index."""
    if isinstance(container, Mapping):
        return name, container.get(name)
    index, size = _index(name), len(container.items)
    if not -size <= index < size:
        raise _bad_index(index)
    return index % size, container.items[index]


def _locate(root: Container, path: str) -> tuple[list[Step], Container, str] | None:
    """The steps to the container that a pointer's last key is in, that container, and the key; None where missing."""
    parts = _parts(path)
    if not parts:
        return None
    steps: list[Step] = []
    container = root
    for part in parts[:-1]:
        try:
            step, child = _get(container, part)
        except KustomizeError:
            return None
        if not isinstance(child, (Mapping, Sequence)):
            return None
        steps.append(step)
        container = child
    return steps, container, parts[-1]


def _edit(root: Container, steps: list[Step], change: Callable[[Container], Container]) -> Container:
    """``root`` with the container at the end of ``steps`` changed."""
    if not steps:
        return change(root)
    step, rest = steps[0], steps[1:]
    if isinstance(root, Mapping):
        assert isinstance(step, str)
        name, child = root.fields[step]
        assert isinstance(child, (Mapping, Sequence))
        return root.with_field(name, _edit(child, rest, change))
    assert isinstance(step, int)
    child = root.items[step]
    assert isinstance(child, (Mapping, Sequence))
    items = list(root.items)
    items[step] = _edit(child, rest, change)
    return root.derive(items)


def _required(node: Scalar | None, field: str, doing: str) -> Scalar:
    if node is None:
        what = "path field" if field == "path" else ", missing from field"
        words = f"operation missing {what}" if field == "path" else f"operation{what}"
        raise KustomizeError(f"{doing} operation failed to decode {field}: {words}: {_MISSING}", problem=f"no {field}")
    return node


def _no_path(doing: str, path: str, *, where: str = "path", quoted: bool = False) -> KustomizeError:
    shown = f'"{path}"' if quoted else path
    return KustomizeError(
        f"{doing} operation does not apply: doc is missing {where}: {shown}: {_MISSING}",
        problem=f"the object has no {path}",
    )


# Changing containers


def _added(container: Container, name: str, value: Node, at: Node, op: Operation) -> Container:
    """The container with a value set under a key, or inserted before an index."""
    if isinstance(container, Mapping):
        return container.with_field(key(name, at, op), value)
    items = list(container.items)
    if name == "-":
        return container.derive([*items, value])
    if not _INTEGER.match(name):
        raise KustomizeError(
            f"value was not a proper array index: '{name}': strconv.Atoi: parsing \"{name}\": invalid syntax",
            problem=f"{name!r} is no list index",
        )
    index, size = int(name), len(items) + 1
    if not -size <= index < size:
        raise _bad_index(index)
    items.insert(index % size, value)
    return container.derive(items)


def _removed(container: Container, name: str, at: Node, op: Operation) -> Container:
    step, child = _get(container, name)
    if isinstance(container, Mapping):
        if child is None:
            raise KustomizeError(
                f"Unable to remove nonexistent key: {name}: {_MISSING}", problem=f"the object has no {name} here"
            )
        return container.without(name, Removal(name, child, op, at))
    assert isinstance(step, int)
    assert child is not None
    items = [item for index, item in enumerate(container.items) if index != step]
    return container.derive(items, (Removal(str(step), child, op, at),))


def _value(operation: JsonOperation, op: Operation, prev: Node | None) -> Node:
    """The operation's value as a new node; null where it has none."""
    if operation.value is None:
        return relocated(Scalar("null"), op=op, prev=prev, at=operation.node)
    value = value_11(operation.value, op)
    value.prev = prev
    return value


# The operations


def _add(root: Container, operation: JsonOperation, op: Operation) -> Container:
    path = operation.path
    if path is None:
        raise KustomizeError(f"add operation failed to decode path: {_MISSING}", problem="no path")
    place = _locate(root, path.text)
    if place is None:
        raise _no_path("add", path.text, quoted=True)
    steps, container, name = place
    old = container.get(name) if isinstance(container, Mapping) else None
    value = _value(operation, op, old)
    try:
        return _edit(root, steps, lambda parent: _added(parent, name, value, path, op))
    except KustomizeError as error:
        raise error.wrapped(f"error in add for path: '{path.text}': ") from None


def _remove(root: Container, operation: JsonOperation, op: Operation) -> Container:
    path = operation.path
    if path is None:
        raise KustomizeError(f"remove operation failed to decode path: {_MISSING}", problem="no path")
    place = _locate(root, path.text)
    if place is None:
        raise _no_path("remove", path.text, quoted=True)
    steps, _, name = place
    try:
        return _edit(root, steps, lambda parent: _removed(parent, name, path, op))
    except KustomizeError as error:
        raise error.wrapped(f"error in remove for path: '{path.text}': ") from None


def _replace(root: Container, operation: JsonOperation, op: Operation) -> Container:
    path = _required(operation.path, "path", "replace")
    if path.text == "":
        value = _value(operation, op, root)
        if not isinstance(value, (Mapping, Sequence)):
            raise KustomizeError(
                "replace operation value must be object or array: %!w(<nil>)",
                problem="an object can only be replaced by an object",
            )
        return value
    place = _locate(root, path.text)
    if place is None:
        raise _no_path("replace", path.text)
    steps, container, name = place
    try:
        step, old = _get(container, name)
    except KustomizeError:
        raise _no_path("replace", path.text, where="key") from None
    value = _value(operation, op, old)

    def change(parent: Container) -> Container:
        if isinstance(parent, Mapping):
            return parent.with_field(key(name, path, op), value)
        return parent.derive([value if index == step else item for index, item in enumerate(parent.items)])

    return _edit(root, steps, change)


def _move(root: Container, operation: JsonOperation, op: Operation) -> Container:
    origin = _required(operation.origin, "from", "move")
    place = _locate(root, origin.text)
    if place is None:
        raise _no_path("move", origin.text, where="from path")
    steps, container, name = place
    try:
        _, moved = _get(container, name)
        root = _edit(root, steps, lambda parent: _removed(parent, name, origin, op))
    except KustomizeError as error:
        raise error.wrapped(f"error in move for path: '{name}': ") from None
    assert moved is not None
    return _put(root, moved, _required(operation.path, "path", "move"), "move", op)


def _copy(root: Container, operation: JsonOperation, op: Operation) -> Container:
    origin = _required(operation.origin, "from", "copy")
    place = _locate(root, origin.text)
    if place is None:
        raise _no_path("copy", origin.text, where="from path")
    _, container, name = place
    try:
        _, found = _get(container, name)
    except KustomizeError as error:
        raise error.wrapped(f"error in copy for from: '{origin.text}': ") from None
    if operation.path is None:
        raise KustomizeError(f"copy operation failed to decode path: {_MISSING}", problem="no path")
    copied = found if found is not None else relocated(Scalar("null"), op=op, prev=None, at=origin)
    return _put(root, copied, operation.path, "copy", op)


def _put(root: Container, node: Node, path: Scalar, doing: str, op: Operation) -> Container:
    """Adds a node that stood elsewhere: its place in the text is still where a person would edit it."""
    place = _locate(root, path.text)
    if place is None:
        raise _no_path(doing, path.text, where="destination path")
    steps, container, name = place
    placed = stamped(node, op)
    old = container.get(name) if isinstance(container, Mapping) else None
    if old is not None:
        placed.prev = old
    try:
        return _edit(root, steps, lambda parent: _added(parent, name, placed, path, op))
    except KustomizeError as error:
        prefix = (
            f"error in move for path: '{path.text}': " if doing == "move" else "error while adding value during copy: "
        )
        raise error.wrapped(prefix) from None


def _test(root: Container, operation: JsonOperation, _op: Operation) -> Container:
    path = _required(operation.path, "path", "test")
    failed = KustomizeError(f"testing value {path.text} failed: test failed", problem=f"{path.text} is not as tested")
    found: Node | None = root
    if path.text != "":
        place = _locate(root, path.text)
        if place is None:
            raise KustomizeError(
                f"test operation does not apply: is missing path: {path.text}: {_MISSING}",
                problem=f"the object has no {path.text}",
            )
        try:
            _, found = _get(place[1], place[2])
        except KustomizeError as error:
            raise error.wrapped(f"error in test for path: '{path.text}': ") from None
    wanted = None if operation.value is None else to_data_11(operation.value)
    actual = None if found is None else to_data(found)
    if gojson.dumps(actual) != gojson.dumps(wanted):
        raise failed
    return root


_KINDS: Final[dict[str, Callable[[Container, JsonOperation, Operation], Container]]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
