"""Strategic merge of a patch into an object.

Rules: kyaml's ``merge2`` and ``walk`` (kustomize-semantics.md §9.3), with all their side effects on the
rest of the object.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeVar, cast

from indexer.kustomize.associative import (
    PRIMITIVE,
    Keys,
    Values,
    append_items,
    find,
    is_empty,
    key_values,
    reconciled,
    set_item,
    text_of,
    valid_keys,
)
from indexer.kustomize.entries import unify
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import text_at
from indexer.kustomize.schema import Schema, SchemaNode
from indexer.kustomize.wrongkind import WrongKindError, kind_of
from indexer.manifest.node import STR, Mapping, Node, Removal, Scalar, Sequence, Style, relocated
from indexer.manifest.scalars import is_null, resolve, tag_of, to_data_11

_DIRECTIVE: Final = "$patch"
_DELETE: Final = "delete"
_REPLACE: Final = "replace"
_MERGE: Final = "merge"
N = TypeVar("N", bound=Node)


def merge(dest: Mapping, patch: Mapping, schema: Schema) -> Mapping | None:
    """``dest`` with ``patch`` merged in; None where the patch deletes the object.

    The nodes of ``patch`` carry the operation (``stamped``). What does not change is shared. Raises KustomizeError
    where the kinds of nodes do not fit, and for an unknown ``$patch``.
    """
    merging = _Merge(schema)
    result = merging.walk(dest, patch, None)
    if result is None:
        return None
    if text_at(patch, _DIRECTIVE) == _REPLACE:
        return dest  # kustomize forgets to use the result
    assert isinstance(result, Mapping)
    shared = merging.shared()
    return unify(result, shared) if shared else result


def _present(node: Node | None) -> bool:
    return node is not None and not is_null(node)


@lru_cache(maxsize=4096)
def _odd_in_yaml_11(text: str) -> bool:
    """Whether a plain string would be no string in YAML 1.1 (``yes``, ``on``), so that kustomize quotes it."""
    return bool(text) and "\n" not in text and not isinstance(to_data_11(Scalar(text)), str)


class _Merge:
    """One merge. Its memory: which patch mappings have given their directive, which is then gone from them; and what
    took the place of scalars that an earlier operation set, since those may stand in other places too.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._spent: set[int] = set()
        self._overwritten: dict[int, list[Node]] = {}
        self._quotes: dict[int, Scalar] = {}

    def shared(self) -> dict[int, tuple[Node, Node]]:
        """By id, each overwritten scalar and all but the last that overwrote it, with that last one.

        What an earlier operation put into several places is one node to kustomize, which is overwritten in all.
        """
        result: dict[int, tuple[Node, Node]] = {}
        for first, nodes in self._overwritten.items():
            quoted = [self._quotes[first]] if first in self._quotes else []
            result |= {id(node): (node, nodes[-1]) for node in (*quoted, *nodes[:-1])}
        return result

    def walk(self, dest: Node | None, patch: Node | None, schema: SchemaNode | None) -> Node | None:
        """The merged node, standing where ``dest`` stands; None where nothing is left.

        ``dest`` and ``patch`` are the same node where a part of the patch is new: it is merged with itself, which
        takes nulls and directives out of it.
        """
        leading = dest if _present(dest) else patch if _present(patch) else None
        if leading is None:
            return dest if patch is None and isinstance(dest, Scalar) and dest.text else None
        for node in (dest, patch):
            if node is not None and type(node) is not type(leading) and not is_null(node):
                raise WrongKindError(node, kind_of(leading))
        if patch is not None and is_null(patch):
            return None
        if isinstance(leading, Scalar):
            return dest if patch is None else self._overwrite(dest, patch)
        if isinstance(leading, Sequence):
            assert patch is None or isinstance(patch, Sequence)
            if schema is None or not schema.merges:
                return dest if patch is None else _replaced(dest, patch)
            return self._sequence(dest, patch, schema)
        assert patch is None or isinstance(patch, Mapping)
        return self._mapping(dest, patch, schema or self._own_schema(dest, patch))

    def _overwrite(self, dest: Node | None, patch: Node) -> Node:
        new = _replaced(dest, patch)
        if dest is not None and dest.op is not None and new is not dest:
            self._overwritten.setdefault(id(dest), [dest]).append(new)
        return new

    def _quoted(self, node: Node) -> Node:
        """The node, in quotes if it is a plain string that YAML 1.1 takes for something else."""
        if not isinstance(node, Scalar) or node.style is not Style.PLAIN:
            return node
        if tag_of(node) != STR or not _odd_in_yaml_11(node.text):
            return node
        new = self._quotes.get(id(node))
        if new is None:
            new = Scalar(node.text, None, Style.DOUBLE, node.source, node.pos, node.op, node.prev)
            self._quotes[id(node)] = new
        return new

    def _own_schema(self, *nodes: Node | None) -> SchemaNode | None:
        """The schema of what has an apiVersion and a kind, at the root or inside a field that has no schema."""
        for node in nodes:
            api_version, kind = text_at(node, "apiVersion"), text_at(node, "kind")
            if api_version and kind and (found := self._schema.root(api_version, kind)) is not None:
                return found
        return None

    # Mappings

    def _mapping(self, dest: Node | None, patch: Mapping | None, schema: SchemaNode | None) -> Mapping | None:
        directive = self._directive(patch)
        if directive == _DELETE:
            assert patch is not None
            self._spent.add(id(patch))
            return None
        known = directive in (None, _REPLACE, _MERGE)
        if patch is None:
            assert isinstance(dest, Mapping)
            return self._fields(dest, None, schema)
        if directive is not None and known:
            self._spent.add(id(patch))
        if not isinstance(dest, Mapping):
            return self._fields(_replaced(dest, self._stripped(patch)), patch, schema, own=True)
        if not known:
            raise _unknown(patch.get(_DIRECTIVE))
        if dest is patch:
            return self._fields(self._stripped(patch), patch, schema, own=True)
        if directive == _REPLACE:
            return self._fields(_replaced(dest, self._stripped(patch)), patch, schema, own=True)
        return self._fields(dest, patch, schema)

    def _directive(self, patch: Node | None) -> str | None:
        """The text of a mapping's ``$patch``, unless it has been obeyed already."""
        if not isinstance(patch, Mapping) or id(patch) in self._spent:
            return None
        found = patch.get(_DIRECTIVE)
        return None if found is None else text_of(found)

    def _stripped(self, patch: Mapping) -> Mapping:
        """The mapping without a directive that has been obeyed."""
        if id(patch) not in self._spent or _DIRECTIVE not in patch.fields:
            return patch
        return patch.without(_DIRECTIVE)

    def _fields(self, base: Mapping, patch: Mapping | None, schema: SchemaNode | None, *, own: bool = False) -> Mapping:
        """``base`` with every field merged with the patch's; ``own``: ``base`` is the patch's mapping itself."""
        if patch is None:
            names: Iterable[str] = list(base.fields)
        else:
            spent = {_DIRECTIVE} if id(patch) in self._spent else set()
            names = sorted((base.fields.keys() | patch.fields.keys()) - spent)
        fields: dict[str, tuple[Scalar, Node]] | None = None
        gone: list[Removal] = []
        for name in names:
            entry, added = base.fields.get(name), patch.fields.get(name) if patch is not None else None
            old, new = entry and entry[1], added and added[1]
            value = self.walk(old, new, schema and schema.field(name))
            if value is not None and (old is None or value is old):
                value = self._quoted(value)
            if value is old:
                continue
            fields = dict(base.fields) if fields is None else fields
            if value is not None:
                key = entry or added
                assert key is not None
                fields[name] = (key[0], value)
                continue
            del fields[name]
            if new is not None and old is not None and not own:
                gone += _removal(name, old, _asker(new))
        if fields is None:
            return base
        result = base.derive(fields, tuple(gone))
        if patch is not None and not base.fields:
            result.flow = patch.flow
        return result

    # Lists that merge

    def _sequence(self, dest: Node | None, patch: Sequence | None, schema: SchemaNode) -> Sequence | None:
        asked = [] if patch is None else list(patch.items)
        own = patch is not None and not isinstance(dest, Sequence)
        if patch is not None and not own:
            directive = _list_directive(asked)
            if directive == _DELETE:
                return None
            own = directive == _REPLACE or dest is patch
        if not own:
            assert isinstance(dest, Sequence)
            return self._merged_items(dest, patch, asked, schema)
        assert patch is not None
        items = self._pairs(asked, asked, schema, {})
        return _replaced(dest, patch if _same(items, patch.items) else patch.derive(items))

    def _merged_items(self, dest: Sequence, patch: Sequence | None, asked: list[Node], schema: SchemaNode) -> Sequence:
        origin = {id(item): item for item in dest.items}
        items = self._pairs(list(dest.items), asked, schema, origin)
        if _same(items, dest.items):
            return dest
        left = {id(origin[id(item)]) for item in items if id(item) in origin}
        gone: list[Removal] = []
        if patch is not None:
            keys = schema.merge_keys or PRIMITIVE
            named = key_values(dest.items, keys)
            deleted = dict(zip(key_values(patch.items, keys), patch.items, strict=True))
            for index, (item, values) in enumerate(zip(dest.items, named, strict=True)):
                if id(item) not in left and not is_empty(item):
                    at = _asker(deleted[values]) if values in deleted else patch
                    gone += _removal(",".join(filter(None, values)) or str(index), item, at)
        result = dest.derive(items, tuple(gone))
        if patch is not None and not dest.items:
            result.flow = patch.flow
        return result

    def _pairs(self, dest: list[Node], asked: list[Node], schema: SchemaNode, origin: dict[int, Node]) -> list[Node]:
        """The items of both lists, merged by key: those of the patch, then the others.

        Both lists are changed on the way, and are the same list where a list of the patch is new. ``origin`` maps
        the id of an item to what it was in the object, and learns of merged items.
        """
        keys = schema.merge_keys or PRIMITIVE
        tuples = list(dict.fromkeys([*key_values(asked, keys), *key_values(dest, keys)]))
        if not tuples:
            return dest
        if len(keys) > 1:
            tuples = reconciled(tuples)
        valid = valid_keys(tuples, keys)
        keys = tuple(keys[index] for index in valid)
        result: list[Node] = []
        for tuple_ in tuples:
            values = tuple(tuple_[index] for index in valid)
            value = self._pair(dest, asked, (keys, values), schema, origin)
            if is_empty(value):
                set_item(dest, None, keys, values)
            else:
                set_item(result, value, keys, values)
        append_items(result, dest, keys)
        return result

    def _pair(
        self,
        dest: list[Node],
        asked: list[Node],
        wanted: tuple[Keys, Values],
        schema: SchemaNode,
        origin: dict[int, Node],
    ) -> Node | None:
        """Merges the items with these key texts; a merged item takes its place in the list it came from."""
        ours, theirs = find(dest, *wanted), find(asked, *wanted)
        old = None if ours is None else dest[ours]
        new = None if theirs is None else asked[theirs]
        replaces = self._directive(new) == _REPLACE
        value = self.walk(old, new, schema.items())
        if old is not None and old is new:
            assert ours is not None
            dest[ours] = value if value is not None else self._stripped(old) if isinstance(old, Mapping) else old
        elif isinstance(old, Mapping) and value is not None and not replaces:
            assert ours is not None
            dest[ours] = value
            origin[id(value)] = origin.get(id(old), old)
        elif old is None and value is not None:
            assert theirs is not None
            asked[theirs] = value
        return value


def _list_directive(items: list[Node]) -> str | None:
    """What the first item with a ``$patch`` says about the whole list, if it holds nothing else; taken out of it."""
    first = next((item for item in items if isinstance(item, Mapping) and _DIRECTIVE in item.fields), None)
    if first is None or len(first.fields) > 1:
        return None
    directive = text_of(first.fields[_DIRECTIVE][1])
    if directive not in (_DELETE, _REPLACE, _MERGE):
        raise _unknown(first.get(_DIRECTIVE))
    set_item(items, None, (_DIRECTIVE,), (directive,))
    return directive


def _unknown(node: Node | None) -> KustomizeError:
    text = "" if node is None else text_of(node)
    return KustomizeError(
        f"unknown patch strategy '{text}'", problem=f"$patch: {text} is none of delete, replace, merge"
    ).located(node)


def _same(items: list[Node], others: list[Node]) -> bool:
    return len(items) == len(others) and all(a is b for a, b in zip(items, others, strict=True))


def _asker(patch: Node) -> Node:
    """The node of a patch that asks for a deletion: its ``$patch``, or the null itself."""
    if isinstance(patch, Mapping):
        return patch.get(_DIRECTIVE) or patch
    if isinstance(patch, Sequence):
        return next(
            (found for item in patch.items if isinstance(item, Mapping) and (found := item.get(_DIRECTIVE))), patch
        )
    return patch


def _removal(key: str, node: Node, at: Node) -> list[Removal]:
    return [] if at.op is None else [Removal(key, node, at.op, at)]


def _replaced(dest: Node | None, patch: N) -> N:
    """A node of the patch in the place of ``dest``: it takes over the style, so a quoted value stays a string."""
    if dest is None or dest is patch:
        return patch
    result = relocated(patch, op=patch.op, prev=dest)
    if isinstance(result, Scalar):
        assert isinstance(dest, Scalar)
        tag, implied = tag_of(result), resolve(result.text)
        result.style = dest.style
        if tag == implied:
            result.tag = None
        elif tag == STR:
            result.tag = STR if result.style is Style.PLAIN else None
    else:
        assert isinstance(result, (Mapping, Sequence))
        result.flow = dest.flow if isinstance(dest, (Mapping, Sequence)) else False
    return cast(N, result)
