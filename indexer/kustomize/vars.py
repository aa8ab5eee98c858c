"""Vars: ``$(NAME)`` in fields known to hold it, replaced by the value of a field of some object.

Rules: kustomize's ``api/types/var.go``, ``api/filters/refvar`` and ``api/internal/accumulator``
(kustomize-semantics.md §14).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from indexer.deferred import NamedTuple, regex
from indexer.kustomize.bounds import demand_short
from indexer.kustomize.entries import unify
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldpath import lookup, split_field_path
from indexer.kustomize.fieldspec import Create, FieldSpec
from indexer.kustomize.record import Record
from indexer.kustomize.resid import ResId
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selection import Selection
from indexer.manifest.gonumber import float_text
from indexer.manifest.node import (
    BOOL,
    FLOAT,
    INT,
    NOWHERE,
    STR,
    Mapping,
    Node,
    Operation,
    Role,
    Scalar,
    Sequence,
    Style,
)
from indexer.manifest.scalars import is_null, tag_of

_NAME: Final = "vars"
_DEFAULT_FIELD_PATH: Final = "metadata.name"
_INDEXED: Final = regex(r"(.*)\[(\d+)\]", re.DOTALL | re.ASCII)
# What follows a "$": another one (an escape), a name in parentheses, or anything else, which stays.
_REFERENCE: Final = regex(r"\$(?:(\$)|\(([^)]*)\))", re.DOTALL)
_GO_INTEGER: Final = regex(r"[-+]?[0-9]+\Z", re.ASCII)
_GO_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), "true"),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), "false"),
}


class Var(NamedTuple):
    """An entry of ``vars``."""

    name: str
    target: ResId
    field_path: str
    """As it is written; "" for ``metadata.name``."""
    node: Node
    """The entry."""

    @classmethod
    def from_record(cls, record: Record) -> Var:
        """A var from a decoded entry (``kustomization.VAR``)."""
        objref, fieldref = record.record("objref"), record.record("fieldref")
        target = ResId("", "", "", "")
        if objref is not None:
            group, version = objref.text("group"), objref.text("version")
            parts = objref.text("apiVersion").split("/")
            if len(parts) == 2:
                group, version = parts
            elif parts != [""] and len(parts) == 1:
                version = parts[0]
            target = ResId(group, version, objref.text("kind"), objref.text("name"), objref.text("namespace"))
        return cls(record.text("name"), target, fieldref.text("fieldPath") if fieldref else "", record.node)

    def __str__(self) -> str:
        """As Go prints the struct."""
        return self._printed(self.field_path)

    def _printed(self, field_path: str) -> str:
        return f"{{{self.name} {self.target.gvk} {{{field_path}}}}}"

    def fits(self, id_: ResId) -> bool:
        """Whether an object of this id is meant; no namespace means any, unless the kind is cluster-scoped."""
        target = self.target
        if target.namespace or target.cluster_scoped:
            return id_.key == target.key
        return id_.key[:4] == target.key[:4]

    def value_in(self, res: Resource) -> Value:
        """The value of the var's field. Raises KustomizeError where the object has no such field."""
        path = self.field_path or _DEFAULT_FIELD_PATH
        try:
            found = lookup(res.root, _with_indexes(split_field_path(path)))
        except KustomizeError:
            found = None
        text_tag = _typed(found) if isinstance(found, Scalar) else None
        if found is None or (isinstance(found, Scalar) and text_tag is None):
            raise KustomizeError(
                f"field specified in var '{self._printed(path)}' not found in corresponding resource",
                problem=f"var {self.name}: {res.id.kind} {res.id.name} has no usable field {path}",
            ).located(self.node)
        place = found if found.source is not NOWHERE else self.node
        return Value(text_tag, place, Operation(Role.REPLACES, _NAME, self.node.span))

    def unbound(self) -> KustomizeError:
        path = self.field_path or _DEFAULT_FIELD_PATH
        return KustomizeError(
            f"var '{self._printed(path)}' cannot be mapped to a field in the set of known resources",
            problem=f"var {self.name}: no {self.target.kind} {self.target.name} in this build",
        ).located(self.node)


class Value(NamedTuple):
    """What a var stands for."""

    text_tag: tuple[str, str] | None
    """(text, tag); None for a mapping or sequence, which nothing is replaced by."""
    place: Node
    op: Operation


def _with_indexes(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path with ``ports[0]`` as two segments."""
    segments: list[str] = []
    for segment in path:
        found = _INDEXED.fullmatch(segment)
        segments += [part for part in found.groups() if part] if found else [segment]
    return tuple(segments)


def _typed(scalar: Scalar) -> tuple[str, str] | None:
    """(text, tag) of a scalar as Go's strconv reads and prints it; None where it cannot."""
    tag, text = tag_of(scalar), scalar.text
    if tag == INT:
        return (str(int(text)), INT) if _GO_INTEGER.match(text) and -(1 << 63) <= int(text) < 1 << 63 else None
    if tag == FLOAT:
        try:
            return float_text(float(text)), FLOAT
        except ValueError:
            return None
    if tag == BOOL:
        return (_GO_BOOLEANS[text], BOOL) if text in _GO_BOOLEANS else None
    return text, STR


def bind_vars(resmap: ResMap, variables: Iterable[Var]) -> None:
    """Remembers on each object which vars take their value from it. Raises KustomizeError if a var fits several."""
    for var in variables:
        matched = resmap.with_any_id(var.fits)
        if len(matched) > 1:
            raise KustomizeError(
                f"found {len(matched)} resId matches for var {var} (unable to disambiguate)",
                problem=f"var {var.name}: {len(matched)} objects are {var.target.kind} {var.target.name}",
            ).located(var.node)
        for res in matched:
            res.var_names = (*res.var_names, var.name)


def resolve_vars(resmap: ResMap, variables: Iterable[Var], specs: Iterable[FieldSpec]) -> list[str]:
    """Replaces ``$(NAME)`` in all fields that ``specs`` name; returns kustomize's warnings. Raises KustomizeError."""
    values: dict[str, Value] = {}
    for var in sorted(variables, key=lambda var: var.name):
        res = next((res for res in resmap if var.name in res.var_names), None)
        if res is None:
            raise var.unbound()
        values[var.name] = var.value_in(res)
    if not values:
        return []
    expander = _Expander(values)
    selection = Selection(tuple(specs))
    for res in resmap:
        selection.apply(res, expander.set, Create.NOTHING)
        res.root = expander.unified(res.root)
    unused = ",".join(name for name in values if name not in expander.used)
    return [f"well-defined vars that were never replaced: {unused}"] if unused else []


class _Expander:
    """Expands the scalars of a field; ``used`` are the names that occurred."""

    def __init__(self, values: dict[str, Value]) -> None:
        self.values = values
        self.used: set[str] = set()
        self._longest = max((len(value.text_tag[0]) for value in values.values() if value.text_tag), default=0)
        self._shared: dict[int, tuple[Node, Node]] = {}

    def unified(self, root: Mapping) -> Mapping:
        """``root`` with what was expanded in one place expanded in all places that share its node."""
        shared, self._shared = self._shared, {}
        return unify(root, shared) if shared else root

    def set(self, node: Node) -> Node:
        """A field's node with its string, or the strings that are its values or items, expanded."""
        if is_null(node):
            return node
        if isinstance(node, Scalar):
            return self._scalar(node) if tag_of(node) == STR else node
        if isinstance(node, Mapping):
            return self._mapping(node)
        assert isinstance(node, Sequence)
        return self._sequence(node)

    def _mapping(self, node: Mapping) -> Node:
        fields: dict[str, tuple[Scalar, Node]] = {}
        for text, (key, value) in node.fields.items():
            if tag_of(key) != STR:
                raise KustomizeError(f"invalid map key: value='{text}', tag='{tag_of(key)}'").located(key)
            string = isinstance(value, Scalar) and tag_of(value) == STR
            fields[text] = (key, self._scalar(value) if string and isinstance(value, Scalar) else value)
        return node.derive(fields) if any(fields[key][1] is not node.fields[key][1] for key in fields) else node

    def _sequence(self, node: Sequence) -> Node:
        items: list[Node] = []
        for item in node.items:
            if not isinstance(item, Scalar) or tag_of(item) != STR:
                raise KustomizeError("invalid value type expect a string").located(item)
            items.append(self._scalar(item))
        return node.derive(items) if any(a is not b for a, b in zip(items, node.items, strict=True)) else node

    def _scalar(self, node: Scalar) -> Scalar:
        if "$" not in node.text and node.style is not Style.FOLDED:
            return node
        found: list[Value] = []
        whole = _REFERENCE.fullmatch(node.text)
        demand_short(len(node.text) + node.text.count("$(") * self._longest, node)
        text = _REFERENCE.sub(lambda reference: self._expanded(reference, found), node.text)
        if not found:
            # kustomize resets the style of all that it looked at: a folded text is not folded again.
            return Scalar(text, STR, Style.PLAIN, node.source, node.pos, node.op, node.prev)
        tag = STR
        if whole is not None and found[0].text_tag is not None:
            tag = found[0].text_tag[1]
        place = found[0].place
        new = Scalar(text, tag, source=place.source, pos=place.pos, op=found[0].op, prev=node)
        if node.op is not None:
            self._shared[id(node)] = (node, new)
        return new

    def _expanded(self, reference: re.Match[str], found: list[Value]) -> str:
        if reference[1]:
            return "$"
        value = self.values.get(reference[2])
        if value is None or value.text_tag is None:
            return reference[0]
        self.used.add(reference[2])
        found.append(value)
        return value.text_tag[0]
