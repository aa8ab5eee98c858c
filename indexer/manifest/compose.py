"""From bytes to trees: a composer over libyaml's events, with the position of every node.

Speed matters here more than anywhere else: every byte of a repository comes through ``_compose``, so it is one
loop with a stack of its own and without calls that can be avoided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import ScannerError

from indexer.deferred import NamedTuple, regex
from indexer.manifest.errors import DuplicateKeyError, ManifestError, error_at
from indexer.manifest.merge import MERGE_KEY, inline_merges
from indexer.manifest.move import move, shifted
from indexer.manifest.node import Mapping, Node, Scalar, Sequence, Source, Style, unpack

try:
    from _ruamel_yaml import CParser
except ImportError:
    CParser = None

MAX_DEPTH: Final = 200
"""Levels of nesting. go-yaml allows 10,000; the walkers of this program recurse, and with at most three frames a
level they stay far from Python's limit. The deepest CustomResourceDefinition in use has about 60."""
MAX_BYTES: Final = 1 << 24
"""Bytes of a file; lines and columns fit into the 24 bits that a packed position has for each."""
MAX_NODES: Final = 1_000_000
"""Nodes that the aliases of one document may stand for."""
UNKNOWN_ESCAPE: Final = "found unknown escape character"
"""What libyaml says of an escape that is none."""

_SEPARATOR: Final = regex(r"\n---(.*)\n")
_UNLIKE_A_STREAM: Final = regex(rb"\n(?:---(?![ \t]*(?:[ \t]#.*)?(?:\n|\Z))|\.\.\.|%)")
_LINE_BREAK: Final = regex("[\n\r\x85\u2028\u2029]")
_CONFLICT: Final = regex(rb"(?m)^<{7} ")
_STYLES: Final = {str(style): style for style in Style} | {None: Style.PLAIN}
_YAML_TAG: Final = "tag:yaml.org,2002:"


class Document(NamedTuple):
    """One YAML document; ``node`` is None where it is empty."""

    node: Node | None
    source: Source


def parse(data: bytes, file: str, repository: str | None = None) -> list[Document]:
    """The documents of a file as kustomize reads a resource file (spec 4.1); a ManifestError where it cannot.

    kustomize cuts the text at the lines that begin with ``---`` and reads the first document of each piece. For
    nearly all files that is the same as reading the stream; only where it may not be are the pieces read singly.
    """
    data = _checked(data, file)
    if _UNLIKE_A_STREAM.search(data) is None and not data.startswith((b"%", b"...")):
        try:
            return _compose(data, file, repository)
        except _SyntaxError as error:
            if b"\n---" not in data and error.problem != _SECOND_ROOT:
                raise
    return _pieces(data, file, repository)


def parse_stream(data: bytes, file: str, repository: str | None = None, *, limit: int | None = None) -> list[Document]:
    """The documents of a file as any YAML parser reads them; with ``limit`` only so many, and no look at the rest."""
    return _compose(_checked(data, file), file, repository, limit)


def duplicate_error(mapping: Mapping) -> DuplicateKeyError:
    """What to say of a mapping that has ``duplicate`` keys: names the places of the first pair."""
    key = mapping.duplicate[0][0]
    first = unpack(mapping.fields[key.text][0].pos)[0] + 1
    second = unpack(key.pos)[0] + 1
    go_message = f'yaml: unmarshal errors:\n  line {second}: mapping key "{key.text}" already defined at line {first}'
    problem = f'mapping key "{key.text}" already defined at line {first}: remove one of them'
    return error_at(DuplicateKeyError, key, problem, go_message)


class _SyntaxError(ManifestError):
    """A ManifestError that comes from the scanner or parser."""


_SECOND_ROOT: Final = "did not find expected <document start>"


def _checked(data: bytes, file: str) -> bytes:
    if len(data) >= MAX_BYTES:
        raise ManifestError(file, 1, 1, f"the file has more than {MAX_BYTES >> 20} MiB: too large for a manifest")
    return data.replace(b"\r\n", b"\n") if b"\r\n" in data else data


def _pieces(data: bytes, file: str, repository: str | None) -> list[Document]:
    """Reads the first document of each piece between separators."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _compose(data, file, repository)
    documents: list[Document] = []
    for piece, line in _cut(text, file):
        if line and piece.startswith("---"):
            documents.append(Document(None, Source(repository, file, len(documents))))
        try:
            read = _compose(piece.encode(), file, repository, 1, len(documents))
        except ManifestError as error:
            raise ManifestError(file, error.line + line, error.column, error.problem, error.go_message) from None
        if not read and line:
            read = [Document(None, Source(repository, file, len(documents)))]
        for document in read:
            if document.node is not None and line:
                move(document.node, shifted(line))
            documents.append(document)
    return documents


def _cut(text: str, file: str) -> list[tuple[str, int]]:
    """The pieces of a text between separator lines, each with the number of lines above it."""
    pieces = []
    start = line = 0
    for found in _SEPARATOR.finditer(text):
        separator_line = line + text.count("\n", start, found.start()) + 1
        rest = found[1].strip()
        if rest and rest[0] != "#":
            problem = f"invalid document separator: {found[0].strip()}"
            raise ManifestError(file, separator_line + 1, 1, problem, problem)
        pieces.append((text[start : found.start() + 1], line))
        start, line = found.end(), separator_line + 1
    return [*pieces, (text[start:], line)]


def _pure_events(data: bytes) -> Callable[[], Any]:
    """Events of ruamel.yaml's own parser, which is slow but everywhere."""
    from ruamel.yaml import YAML

    events = YAML(typ="safe", pure=True).parse(data)
    return lambda: next(events, None)


def _compose(
    data: bytes, file: str, repository: str | None, limit: int | None = None, index: int = 0
) -> list[Document]:
    """The documents of a stream; ``index`` is that of the first."""
    try:
        if CParser is None:
            return _read(_pure_events(data), data, file, repository, limit, index)
        try:
            return _read(CParser(data).get_event, data, file, repository, limit, index)
        except ScannerError as error:
            if error.problem == UNKNOWN_ESCAPE:
                from indexer.manifest.apostrophe import readable  # which hardly a file needs

                data = readable(data, error)
                return _read(CParser(data).get_event, data, file, repository, limit, index)
            # The libyaml in ruamel.yaml.clib refuses `[http://x]`, which go-yaml and all later versions read.
            if error.problem != "found unexpected ':'":
                raise
            try:
                return _read(_pure_events(data), data, file, repository, limit, index)
            except YAMLError:
                raise error from None
    except YAMLError as error:
        raise _syntax_error(error, data, file) from None


def _syntax_error(error: YAMLError, data: bytes, file: str) -> _SyntaxError:
    if isinstance(error, ReaderError):
        before = data[: error.position]
        line = before.count(b"\n")
        column = len(before) - before.rfind(b"\n")
        return _SyntaxError(file, line + 1, column, str(error.reason), f"yaml: {error.reason}")
    assert isinstance(error, MarkedYAMLError)
    problem = str(error.problem)
    context, mark = error.context_mark, error.problem_mark or error.context_mark
    named = (context.line if context is not None else 0) or mark.line
    if named and isinstance(error, ScannerError):
        named += 1
    where = f"line {named}: " if named else ""
    go_message = f"yaml: {where}{problem}"
    conflict = _CONFLICT.search(data) if problem != _SECOND_ROOT else None
    if conflict is not None:
        line = data.count(b"\n", 0, conflict.start()) + 1
        return _SyntaxError(file, line, 1, "a merge conflict that is not resolved", go_message)
    return _SyntaxError(file, mark.line + 1, mark.column + 1, problem, go_message)


def _read(
    get: Callable[[], Any], data: bytes, file: str, repository: str | None, limit: int | None, index: int
) -> list[Document]:
    documents: list[Document] = []
    source = Source(repository, file, index)
    lines: list[str] = []
    anchors: dict[str, Node] = {}
    measured: dict[int, tuple[int, int]] = {}
    expanded = 0
    # What is being filled: `fields` of the mapping `container`, or else `items`; `stack` holds what is around it.
    root: list[Node] = []
    items = root
    fields: dict[str, tuple[Scalar, Node]] | None = None
    container: Any = None
    key: Scalar | None = None
    stack: list[tuple[Any, dict[str, tuple[Scalar, Node]] | None, list[Node], Scalar | None, int]] = []
    start = 0
    end = 0  # the packed end of the last node read
    node: Any

    while (event := get()) is not None:
        kind = event.__class__
        if kind is ScalarEvent:
            mark = event.start_mark
            line = mark.line
            column = mark.column
            mark = event.end_mark
            last = mark.line
            style = event.style
            if style == "|" or style == ">":
                lines = lines or _LINE_BREAK.split(data.decode(errors="replace"))
                last, end = _block_end(lines, line, last if mark.column else last - 1)
                end |= last << 24
            else:
                end = last << 24 | mark.column
                if container is not None and container.flow and "?" in event.value and not style:
                    raise _question_mark(file, event.start_mark, closing="]" if fields is None else "}")
            pos = (line << 24 | column) << 48 | end
            tag = event.ctag
            node = Scalar(event.value, None if tag is None else _short(str(tag)), _STYLES[style], source, pos)
            if event.anchor is not None:
                anchors[event.anchor] = node
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            stack.append((container, fields, items, key, start))
            mark = event.start_mark
            start = mark.line << 24 | mark.column
            if kind is MappingStartEvent:
                fields = {}
                key = None
                container = Mapping(fields, bool(event.flow_style), source)
            else:
                fields = None
                items = []
                container = Sequence(items, bool(event.flow_style), source)
            if event.anchor is not None:
                anchors[event.anchor] = container
            if len(stack) > MAX_DEPTH:
                raise _error(file, mark, f"nested deeper than {MAX_DEPTH} levels")
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            node = container
            if node.flow:
                mark = event.end_mark
                end = mark.line << 24 | mark.column
            node.pos = start << 48 | end
            if fields is not None:
                node.duplicate = tuple(node.duplicate)
                if MERGE_KEY in fields:
                    inline_merges(node)
            container, fields, items, key, start = stack.pop()
        elif kind is AliasEvent:
            node = _aliased(event, anchors, [container, *(around[0] for around in stack)], file)
            height, size = _measure(node, measured)
            expanded += size
            if expanded > MAX_NODES or len(stack) + height > MAX_DEPTH:
                raise _error(file, event.start_mark, "document contains excessive aliasing")
            mark = event.end_mark
            end = mark.line << 24 | mark.column
        else:
            if kind is DocumentStartEvent:
                source = Source(repository, file, index)
                index += 1
            elif kind is DocumentEndEvent:
                documents.append(Document(_content(root), source))
                if len(documents) == limit:
                    break
                root.clear()
                anchors.clear()
                measured.clear()
                expanded = 0
            continue

        if fields is None:
            items.append(node)
        elif key is None:
            if not isinstance(node, Scalar):
                raise _error(file, event.start_mark, "invalid map key: a mapping or sequence cannot be a key")
            key = node
        else:
            text = key.text
            if text in fields:
                container.duplicate = container.duplicate or []
                container.duplicate.append((key, node))
            else:
                fields[text] = (key, node)
            key = None
    return documents


def _error(file: str, mark: Any, problem: str) -> ManifestError:
    return ManifestError(file, mark.line + 1, mark.column + 1, problem)


def _question_mark(file: str, mark: Any, *, closing: str) -> ManifestError:
    """A plain text in braces ends at a question mark; libyaml sees that too, but not after a colon."""
    problem = f"did not find expected ',' or '{closing}'"
    where = f"line {mark.line}: " if mark.line else ""
    return _SyntaxError(file, mark.line + 1, mark.column + 1, problem, f"yaml: {where}{problem}")


def _aliased(event: Any, anchors: dict[str, Node], unfinished: list[Any], file: str) -> Node:
    name = event.anchor
    if name not in anchors:
        raise _error(file, event.start_mark, f"unknown anchor '{name}' referenced")
    node = anchors[name]
    if any(node is one for one in unfinished):
        raise _error(file, event.start_mark, f"anchor '{name}' value contains itself")
    return node


def _content(root: list[Node]) -> Node | None:
    node = root[0]
    empty = isinstance(node, Scalar) and not node.text and node.style is Style.PLAIN and node.tag is None
    return None if empty else node


def _short(tag: str) -> str | None:
    """A tag as people write it; the lone ``!`` says nothing to go-yaml."""
    if tag.startswith(_YAML_TAG):
        return "!!" + tag[len(_YAML_TAG) :]
    return None if tag == "!" else tag


def _block_end(lines: list[str], first: int, last: int) -> tuple[int, int]:
    """The end (line, column) of a block scalar's last line with content: libyaml's mark is at what follows it."""
    while last > first:
        content = lines[last].rstrip() if last < len(lines) else ""
        if content:
            return last, len(content)
        last -= 1
    return first, len(lines[first].rstrip())


def _measure(node: Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Height and number of nodes of a tree, what is shared counted each time."""
    if isinstance(node, Scalar):
        return 0, 1
    if id(node) not in known:
        children = [value for _, value in node.items()] if isinstance(node, Mapping) else node.items  # type: ignore[attr-defined]
        measures = [_measure(child, known) for child in children]
        known[id(node)] = 1 + max((m[0] for m in measures), default=0), 1 + sum(m[1] for m in measures)
    return known[id(node)]
