"""Trees with their history, and spans, as plain tuples that ``marshal`` writes and reads.

``marshal`` because it is ten times as fast as ``pickle`` on tuples, and because equal trees become equal bytes, so that
a digest of them says whether a tree is the same to all who may look at it: its texts, their places and their past.
"""

from __future__ import annotations

import hashlib
import marshal
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final

from indexer.deferred import regex
from indexer.flux.model import ObjectId, RenderedObject, Substitution
from indexer.manifest.history import Contribution
from indexer.manifest.node import (
    NOWHERE,
    Mapping,
    Node,
    Operation,
    Removal,
    Role,
    Scalar,
    Sequence,
    Source,
    Span,
    Style,
)

Packed = tuple[Any, ...]

_CIPHERTEXT: Final = "ENC["
_VARIABLE: Final = regex(r"\w+")
_WITHOUT_REFERENCES: Final = 2
"""The version of marshal's format in which only values count, and not whether two of them are one object."""
_STYLES: Final = {style.value: style for style in Style}
_ROLES: Final = {role.value: role for role in Role}
_SCALAR: Final = 7
_SEQUENCE: Final = 8


def digest(data: bytes) -> bytes:
    """What stands for ``data`` in keys."""
    return hashlib.blake2b(data, digest_size=20).digest()


def canonical(value: Any) -> bytes:
    """Equal bytes for equal values, which are tuples, texts, numbers and None all the way down."""
    return marshal.dumps(value, _WITHOUT_REFERENCES)


def pack_span(span: Span | None) -> Packed | None:
    return None if span is None else (*span.source, *span[1:])


def unpack_span(packed: Packed | None) -> Span | None:
    return None if packed is None else Span(Source(*packed[:3]), *packed[3:])


def pack_substitutions(substitutions: Iterable[Substitution]) -> Packed:
    return tuple(
        [(one.variable, one.fields, one.supplied_by, pack_span(one.span), one.redacted) for one in substitutions]
    )


def unpack_substitutions(packed: Packed) -> tuple[Substitution, ...]:
    return tuple([Substitution(name, fields, by, unpack_span(at), hidden) for name, fields, by, at, hidden in packed])


def pack_contributions(contributions: Iterable[Contribution]) -> Packed:
    return tuple(
        [(one.role.value, one.operation, pack_span(one.span), one.fields, one.overridden) for one in contributions]
    )


def pack_object(one: RenderedObject) -> Packed:
    """A rendered object without its tree."""
    return (
        tuple(one.id),
        one.role.value,
        pack_span(one.definition),
        one.digest,
        pack_contributions(one.contributions),
        pack_substitutions(one.substitutions),
    )


def pack_objects(objects: Iterable[RenderedObject]) -> bytes:
    """Rendered objects without their trees."""
    return zlib.compress(marshal.dumps([pack_object(one) for one in objects]), 1)


def pack_rows(objects: bytes, parts: dict[int, tuple[Contribution, ...]]) -> bytes:
    """Packed objects with what else has a part in some of them, by their numbers: known later than all the rest."""
    packed = [(number, pack_contributions(more)) for number, more in parts.items()]
    return marshal.dumps((objects, zlib.compress(marshal.dumps(packed), 1) if packed else None))


def packed_objects(data: bytes) -> list[Packed]:
    """The objects that ``pack_rows`` was given, with all that has a part in them, as ``pack_object`` makes them."""
    objects, packed = marshal.loads(data)  # noqa: S302
    found: list[Packed] = marshal.loads(zlib.decompress(objects))  # noqa: S302
    for number, more in marshal.loads(zlib.decompress(packed)) if packed is not None else ():  # noqa: S302
        *own, contributions, substitutions = found[number]
        found[number] = (*own, (*contributions, *more), substitutions)
    return found


def unpack_objects(packed: Iterable[Packed]) -> tuple[RenderedObject, ...]:
    """The objects that ``pack_object`` was given."""
    return tuple(
        [
            RenderedObject(
                ObjectId(*named),
                _ROLES[role],
                unpack_span(definition),
                content,
                unpack_contributions(contributions),
                unpack_substitutions(substitutions),
            )
            for named, role, definition, content, contributions, substitutions in packed
        ]
    )


def unpack_contributions(packed: Packed) -> tuple[Contribution, ...]:
    return tuple([_contribution(*one) for one in packed])


def _contribution(role: str, operation: str, span: Packed, fields: tuple[str, ...], overridden: bool) -> Contribution:
    return Contribution(_ROLES[role], operation, Span(Source(*span[:3]), *span[3:]), fields, overridden)


def pack_tree(root: Mapping) -> Packed:
    """A tree with all that it replaced."""
    packer = _Packer()
    packer.node(root)
    return packer.sources, packer.operations, packer.nodes


def may_be_stored(tree: Packed, redacted: frozenset[str], holds_no_secret: Callable[[Source], bool]) -> bool:
    """Whether a packed tree is free of ciphertext, of the values of the variables ``redacted``, and of copies from
    documents that may hold secrets.
    """
    sources, operations, nodes = tree
    # The name of a substitution lists its variables.
    expanded = (op[1] for op in operations if op[0] == Role.SUBSTITUTES.value)
    if redacted and any(not redacted.isdisjoint(_VARIABLE.findall(name)) for name in expanded):
        return False
    if any(len(one) == _SCALAR and one[0].startswith(_CIPHERTEXT) for one in nodes):
        return False
    copies = {number for number, op in enumerate(operations) if op[0] == Role.REPLACES.value}
    origins = {one[-4] for one in nodes if one[-2] in copies} if copies else set()
    return all(origin >= 0 and holds_no_secret(Source(*sources[origin])) for origin in origins)


def unpack_tree(data: bytes) -> Mapping:
    """The tree that ``pack_tree`` was given."""
    sources, operations, packed = marshal.loads(data)  # noqa: S302 - written by this program, see the store
    nodes = _unpacked(packed, [Source(*one) for one in sources], operations)
    root = nodes[-1]
    assert isinstance(root, Mapping)
    return root


class _Packer:
    """Nodes, each after those it is made of, with numbers in place of pointers: what is shared is packed once."""

    def __init__(self) -> None:
        self.nodes: list[Packed] = []
        self.sources: list[Packed] = []
        self.operations: list[Packed] = []
        self._numbers: dict[int, int] = {}
        self._sources: dict[Source, int] = {}
        self._operations: dict[int, int] = {}

    def node(self, node: Node) -> int:
        known = self._numbers.get(id(node))
        if known is not None:
            return known
        prev = -1 if node.prev is None else self.node(node.prev)
        op = -1 if node.op is None else self._operation(node.op)
        source = -1 if node.source is NOWHERE else self._source(node.source)
        packed: Packed
        if isinstance(node, Scalar):
            packed = (node.text, node.tag, node.style.value, source, node.pos, op, prev)
        elif isinstance(node, Sequence):
            items = tuple([self.node(item) for item in node.items])
            packed = (items, node.flow, node.touched, self._gone(node.gone), source, node.pos, op, prev)
        else:
            assert isinstance(node, Mapping)
            fields = tuple([(text, self.node(key), self.node(value)) for text, (key, value) in node.fields.items()])
            again = tuple([(self.node(key), self.node(value)) for key, value in node.duplicate])
            gone = self._gone(node.gone)
            packed = (fields, again, node.flow, node.touched, gone, source, node.pos, op, prev)
        number = self._numbers[id(node)] = len(self.nodes)
        self.nodes.append(packed)
        return number

    def _gone(self, gone: tuple[Removal, ...]) -> Packed:
        return tuple([(one.key, self.node(one.node), self._operation(one.op), self.node(one.at)) for one in gone])

    def _source(self, source: Source) -> int:
        number = self._sources.get(source)
        if number is None:
            number = self._sources[source] = len(self.sources)
            self.sources.append(tuple(source))
        return number

    def _operation(self, op: Operation) -> int:
        number = self._operations.get(id(op))
        if number is None:
            number = self._operations[id(op)] = len(self.operations)
            self.operations.append((op.role.value, op.name, pack_span(op.entry)))
        return number


def _unpacked(packed: list[Packed], sources: list[Source], operations: list[Packed]) -> list[Node]:
    ops = [Operation(_ROLES[role], name, unpack_span(entry)) for role, name, entry in operations]
    places: list[Source] = [*sources, NOWHERE]  # -1 is the last
    acts: list[Operation | None] = [*ops, None]
    nodes: list[Any] = []
    add = nodes.append
    for one in packed:
        *_, source, pos, op, prev = one
        past = nodes[prev] if prev >= 0 else None
        if len(one) == _SCALAR:
            add(Scalar(one[0], one[1], _STYLES[one[2]], places[source], pos, acts[op], past))
        elif len(one) == _SEQUENCE:
            items, flow, touched, gone = one[:4]
            removed = _removed(gone, nodes, ops)
            items = [nodes[number] for number in items]
            add(Sequence(items, flow, places[source], pos, acts[op], past, touched=touched, gone=removed))
        else:
            fields, again, flow, touched, gone = one[:5]
            add(
                Mapping(
                    {text: (nodes[key], nodes[value]) for text, key, value in fields},
                    flow, places[source], pos, acts[op], past,
                    touched=touched,
                    gone=_removed(gone, nodes, ops),
                    duplicate=tuple([(nodes[key], nodes[value]) for key, value in again]),
                )
            )  # fmt: skip
    return nodes


def _removed(gone: Packed, nodes: list[Any], ops: list[Operation]) -> tuple[Removal, ...]:
    return tuple([Removal(key, nodes[node], ops[op], nodes[at]) for key, node, op, at in gone]) if gone else ()
