"""Objects made by templates, every node of which stands where a person would edit it.

What the template's own text says keeps the place and history of that text; what inputs filled in stands at the input
(role ``values``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from indexer.deferred import dataclass, field
from indexer.flux.gotemplate import Emitted, Output, line_starts
from indexer.flux.govalues import Origin
from indexer.flux.goyaml import dump
from indexer.flux.substitute import SubstitutionError, expansions
from indexer.flux.substitute import parse as parse_text
from indexer.kustomize.nodes import string
from indexer.manifest.compose import parse, parse_stream
from indexer.manifest.embedded import place_of
from indexer.manifest.gonumber import json_float_text
from indexer.manifest.history import Contribution
from indexer.manifest.node import (
    NOWHERE,
    STR,
    Mapping,
    Node,
    Operation,
    Role,
    Scalar,
    Sequence,
    Source,
    Span,
    Style,
    leaves,
    pack,
    pointer,
    span_of,
    unpack,
)
from indexer.manifest.scalars import key_11, to_data, to_data_11


class Template:
    """A template's text, and what stands behind each part of it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = line_starts(text)

    def position(self, start: int, end: int) -> tuple[Source, int]:
        """Where a part of the text stands in a file, as a node has it."""
        raise NotImplementedError

    def original(self, start: int, node: Node) -> Node | None:
        """The node whose place and history a node made of this part alone has."""
        raise NotImplementedError

    def carriers(self, start: int, end: int) -> Iterator[tuple[Node, int]]:
        """The scalars that hold a part of the text, each with the line of it (from 0) where the part begins."""
        raise NotImplementedError

    def operation(self, start: int, end: int) -> Operation | None:
        """What put a part of the text there that has no node of its own."""
        raise NotImplementedError

    def span(self, offset: int) -> Span | None:
        """Where a character stands."""
        source, pos = self.position(offset, offset + 1)
        return None if source is NOWHERE else span_of(source, pos)


class EmbeddedTemplate(Template):
    """``resourcesTemplate``: a text in a scalar, whose lines are lines of the file."""

    def __init__(self, scalar: Scalar) -> None:
        super().__init__(scalar.text)
        self.scalar = scalar
        self._place = place_of(scalar)
        self._names: dict[int, frozenset[str]] = {}
        self._operations: dict[str, Operation] = {}

    def position(self, start: int, end: int) -> tuple[Source, int]:
        return self.scalar.source, pack(*self._point(start), *self._point(end))

    def _point(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.lines, offset) - 1
        return self._place(line, offset - self.lines[line])

    def original(self, start: int, node: Node) -> Node | None:
        del start, node  # Its own nodes are only made when it is rendered.
        return None

    def operation(self, start: int, end: int) -> Operation | None:
        op = self.scalar.op
        if op is None or op.role is not Role.SUBSTITUTES:
            return op
        names = ", ".join(sorted({name for _, line in self.carriers(start, end) for name in self._variables(line)}))
        if not names:
            return None
        return self._operations.setdefault(names, Operation(op.role, f"postBuild {names}", op.entry))

    def _variables(self, line: int) -> frozenset[str]:
        if line not in self._names:
            self._names[line] = variables_in(self.scalar, line)
        return self._names[line]

    def carriers(self, start: int, end: int) -> Iterator[tuple[Node, int]]:
        for line in range(bisect_right(self.lines, start) - 1, max(bisect_right(self.lines, end - 1), 1)):
            yield self.scalar, line


class ObjectTemplate(Template):
    """An item of ``resources``: an object that is written out as YAML before its templates are seen."""

    def __init__(self, root: Mapping) -> None:
        data = to_data(root)
        super().__init__(dump(data))
        self.root = root
        self._scalars: list[tuple[int, int, Node]] = []
        self._containers: dict[int, Node] = {}
        written = parse_stream(self.text.encode(errors="surrogateescape"), "")[0].node
        assert written is not None
        self._align(written, root)
        self._scalars.sort(key=lambda row: row[0])
        self._starts = [start for start, _, _ in self._scalars]

    def _align(self, written: Node, node: Node) -> None:
        start, end = _offsets(written, self.lines)
        if isinstance(written, Mapping) and isinstance(node, Mapping) and written.fields:
            self._containers[start] = node
            for text, (key, value) in written.fields.items():
                known = node.fields.get(text)
                if known is not None:
                    self._scalars.append((*_offsets(key, self.lines), known[0]))
                    self._align(value, known[1])
        elif isinstance(written, Sequence) and isinstance(node, Sequence) and written.items:
            self._containers[start] = node
            for item, known_item in zip(written.items, node.items, strict=True):
                self._align(item, known_item)
        else:
            self._scalars.append((start, end, node))

    def _holding(self, offset: int) -> tuple[int, int, Node]:
        index = bisect_right(self._starts, offset) - 1
        return self._scalars[max(index, 0)]

    def position(self, start: int, end: int) -> tuple[Source, int]:
        del end  # The text is in no file; the scalar that it holds here is.
        node = self._holding(start)[2]
        return node.source, node.pos

    def original(self, start: int, node: Node) -> Node | None:
        first, _, leaf = self._holding(start)
        known = self._containers.get(start) if _is_filled(node) else leaf if first == start else None
        return known if isinstance(known, type(node)) else None

    def operation(self, start: int, end: int) -> Operation | None:
        del start, end
        return None

    def carriers(self, start: int, end: int) -> Iterator[tuple[Node, int]]:
        del end
        yield self._holding(start)[2], 0


def _is_filled(node: Node) -> bool:
    return bool(node.fields if isinstance(node, Mapping) else isinstance(node, Sequence) and node.items)


def _offsets(node: Node, lines: list[int]) -> tuple[int, int]:
    """Where a node of a text begins and ends in it."""
    line, column, end_line, end_column = unpack(node.pos)
    last = len(lines) - 1
    start = lines[min(line, last)] + column
    return start, max(lines[min(end_line, last)] + end_column, start + 1)


def variables_in(node: Node, line: int) -> frozenset[str]:
    """The variables of ``postBuild`` in a line of a text before it was expanded; values never bring new lines."""
    before = node.prev
    if not isinstance(before, Scalar) or "${" not in before.text:
        return frozenset()
    lines = before.text.split("\n")
    try:
        return frozenset(one.name for one in expansions(parse_text(lines[min(line, len(lines) - 1)])))
    except SubstitutionError:
        return frozenset()


@dataclass(slots=True)
class Made:
    """An object that a template made."""

    root: Mapping
    definition: Span | None
    values: tuple[Contribution, ...]
    """Inputs that are not the node of a field of their own: further ones of a field, and those that decided."""
    inputs: dict[str, list[Node]] = field(default_factory=dict)
    """Fields and the nodes whose text went into them: inputs, and the template's scalars."""
    lines: dict[str, list[tuple[Node, int]]] = field(default_factory=dict)
    """Fields and the lines of the template's scalars that they are made of."""


def made_of(template: Template, output: Output, *, single: bool) -> Iterator[Made]:
    """The objects in a template's output; ``single``: only the first. Raises ManifestError.

    The spans of such an error are of the output.
    """
    text = output.text
    documents = (
        parse_stream(text.encode(errors="surrogateescape"), "", limit=1)
        if single
        else parse(text.encode(errors="surrogateescape"), "")
    )
    reader = _Reader(template, output, line_starts(text))
    for document in documents:
        if isinstance(document.node, Mapping):
            yield reader.object(document.node)


def locate(template: Template, output: Output, line: int, column: int) -> Span | None:
    """Where the text of a line (from 1) and column of the output stands."""
    lines = line_starts(output.text)
    offset = lines[min(line, len(lines)) - 1] + max(column - 1, 0)
    return _Reader(template, output, lines).origin_of(offset)


class _Reader:
    """Gives the nodes of a rendered text their places."""

    def __init__(self, template: Template, output: Output, lines: list[int]) -> None:
        self.template = template
        self.output = output
        self.lines = lines
        self.starts: list[int] = []
        at = 0
        for part in output.parts:
            self.starts.append(at)
            at += len(part.text)
        self.operations: dict[str, Operation] = {}

    def origin_of(self, offset: int) -> Span | None:
        if not self.starts:
            return self.template.span(0)
        index = max(bisect_right(self.starts, offset) - 1, 0)
        part = self.output.parts[index]
        return self.template.span(part.start + (offset - self.starts[index] if part.literal else 0))

    def object(self, root: Mapping) -> Made:
        start, end = _offsets(root, self.lines)
        self.made = Made(root, None, ())
        self.further: dict[int, tuple[Origin, list[str]]] = {}
        node = self._node(root, ())
        assert isinstance(node, Mapping)
        self.made.root = node
        self.made.definition = self._definition(start, end)
        deciding = [
            origin
            for control in self.output.controls
            if control.start < end and control.end >= start
            for origin in control.value.origins
        ]
        for origin in deciding:
            self.further.setdefault(id(origin.node), (origin, []))
        if deciding:
            self.made.inputs[""] = [leaf for origin in deciding for _, leaf in leaves(origin.node)]
            self.made.lines[""] = []
        self.made.values = tuple(
            Contribution(Role.VALUES, f"input {origin.name}", origin.node.span, tuple(fields))
            for origin, fields in self.further.values()
            if origin.node.span is not None
        )
        return self.made

    def _definition(self, start: int, end: int) -> Span | None:
        template = self.template
        if isinstance(template, ObjectTemplate):
            return template.root.span
        first, last = self._origin(start), self._origin(end - 1)
        source, pos = template.position(first, max(last, first) + 1)
        return None if source is NOWHERE else span_of(source, pos)

    def _origin(self, offset: int) -> int:
        """The offset in the template that a character of the output comes from."""
        index = max(bisect_right(self.starts, offset) - 1, 0)
        part = self.output.parts[index]
        return part.start + min(offset - self.starts[index], part.end - part.start - 1) if part.literal else part.start

    def _parts(self, start: int, end: int) -> list[Emitted]:
        first = max(bisect_right(self.starts, start) - 1, 0)
        last = bisect_right(self.starts, end - 1)
        return self.output.parts[first:last]

    def _node(self, node: Node, path: tuple[str, ...]) -> Node:
        start, end = _offsets(node, self.lines)
        if isinstance(node, Mapping):
            fields = {}
            for key, value in (*node.fields.values(), *node.duplicate):
                text = key_11(key)
                fields[text] = (string(text, self._key(key)), self._node(value, (*path, text)))
            if fields:
                return self._placed(Mapping(fields, touched=True), start, start + 1)
            made: Node = Mapping({}, flow=True, touched=True)
        elif isinstance(node, Sequence):
            items = [self._node(item, (*path, str(index))) for index, item in enumerate(node.items)]
            if items:
                return self._placed(Sequence(items, touched=True), start, start + 1)
            made = Sequence([], flow=True, touched=True)
        else:
            made = _scalar(node)
        return self._leaf(made, path, start, end)

    def _key(self, key: Scalar) -> Node:
        start, end = _offsets(key, self.lines)
        return self._placed(Scalar(key.text), start, end)

    def _placed(self, node: Node, start: int, end: int) -> Node:
        """A node at the place of its first character, with the history of the template's own."""
        part = self._parts(start, start + 1)[0]
        if not part.literal:
            origins = part.value.origins if part.value is not None else ()
            if origins:
                node.source, node.pos = origins[0].node.source, origins[0].node.pos
                return node
            node.source, node.pos = self.template.position(part.start, part.end)
            return node
        first, last = self._origin(start), self._origin(end - 1) + 1
        original = self.template.original(first, node)
        if original is not None:
            node.source, node.pos, node.op, node.prev = original.source, original.pos, original.op, original.prev
            if isinstance(node, Mapping | Sequence) and isinstance(original, Mapping | Sequence):
                node.gone = original.gone
        else:
            node.source, node.pos = self.template.position(first, max(last, first + 1))
            if not _is_filled(node):
                node.op = self.template.operation(first, max(last, first + 1))
        return node

    def _leaf(self, node: Node, path: tuple[str, ...], start: int, end: int) -> Node:
        where = pointer(path)
        parts = self._parts(start, end)
        origins: dict[int, Origin] = {}
        for part in parts:
            for origin in part.value.origins if part.value is not None else ():
                origins.setdefault(id(origin.node), origin)
        first, last = self._origin(start), self._origin(end - 1) + 1
        carriers = list(self.template.carriers(first, max(last, first + 1)))
        self.made.lines[where] = carriers
        self.made.inputs[where] = [leaf for o in origins.values() for _, leaf in leaves(o.node)]
        if not origins:
            return self._placed(node, start, end)
        chief, *others = origins.values()
        operation = self.operations.setdefault(chief.name, Operation(Role.VALUES, f"input {chief.name}"))
        node.source, node.pos, node.op = chief.node.source, chief.node.pos, operation
        for origin in others:
            self.further.setdefault(id(origin.node), (origin, []))[1].append(where)
        return node


def _scalar(node: Node) -> Scalar:
    """A scalar with the value that YAML 1.1 gives it, the way it is read everywhere after."""
    assert isinstance(node, Scalar)
    value: Any = to_data_11(node)
    if isinstance(value, str):
        return Scalar(value, STR, node.style if node.style is Style.LITERAL else Style.PLAIN)
    if value is None or isinstance(value, bool):
        return Scalar("null" if value is None else "true" if value else "false")
    return Scalar(json_float_text(value) if isinstance(value, float) else str(value))
