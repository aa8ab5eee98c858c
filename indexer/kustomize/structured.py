"""JSON and YAML that stands in a scalar as text: read, and written again in kustomize's form.

Rules: kustomize's ``serializeStructuredData`` (kustomize-semantics.md §13). The YAML is go-yaml v3's: order and style
of every node and the comments kept, indentation 2, sequences not indented.
"""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from ruamel.yaml import events

from indexer.deferred import regex
from indexer.manifest import gojson
from indexer.manifest.comment import comments
from indexer.manifest.compose import parse_stream
from indexer.manifest.node import MERGE, NOWHERE, STR, Mapping, Node, Scalar, Sequence, Style, unpack
from indexer.manifest.scalars import resolve, tag_of, to_data

_UNBROKEN: Final = 1 << 30
_TRAILING: Final = regex(" +$", re.MULTILINE)
_FULL_TAG: Final = "tag:yaml.org,2002:"


def parse_text(scalar: Scalar) -> Node | None:
    """The first document in a scalar's text; None where it is empty. Raises ManifestError."""
    documents = parse_stream(scalar.text.encode(errors="surrogatepass"), scalar.source.file, limit=1)
    return documents[0].node if documents else None


def serialize(node: Node, original: str) -> str:
    """The text of a changed ``node``: JSON, compact or indented, where ``original`` is JSON, else YAML.

    Raises ManifestError where a value does not fit its tag.
    """
    if original.lstrip()[:1] not in ("{", "["):
        return _with_comments(dump(node), node, original).strip()
    data = to_data(node)
    compact = gojson.dumps(data)
    if "\n" in original and "  " in original:
        return _indented(json.loads(compact), "")
    return compact


def _indented(data: Any, margin: str) -> str:
    """JSON as Go's MarshalIndent writes it: gojson's scalars, two spaces a level."""
    inner = margin + "  "
    if isinstance(data, dict) and data:
        rows = [f"{gojson.dumps(key)}: {_indented(data[key], inner)}" for key in sorted(data)]
        return "{\n" + ",\n".join(inner + row for row in rows) + f"\n{margin}}}"
    if isinstance(data, list) and data:
        return "[\n" + ",\n".join(inner + _indented(item, inner) for item in data) + f"\n{margin}]"
    return gojson.dumps(data)


def _with_comments(text: str, node: Node, original: str) -> str:
    """``text``, which ``node`` became, with the comments of ``original`` at the lines of the nodes they belong to."""
    known = comments(original.encode(errors="surrogatepass"))
    if not known:
        return text
    rows, old_rows = text.removesuffix("\n").split("\n"), original.split("\n")
    emitted = parse_stream(text.encode(errors="surrogatepass"), "", limit=1)[0].node
    lines = dict(_lines(node, emitted)) if emitted is not None else {}
    before: defaultdict[int, list[str]] = defaultdict(list)
    for line, comment in sorted((number - 1, comment) for number, comment in known.items()):
        if not old_rows[line].lstrip().startswith("#"):
            if line in lines:
                rows[lines[line]] += f" {comment}"
            continue
        following = min((old for old in lines if old > line), default=None)
        if following is None:
            before[len(rows)] += [""] * (line > 0 and not old_rows[line - 1].strip()) + [
                _indent(old_rows[line]) + comment
            ]
            continue
        at = lines[following]
        # What is indented more than the next line is about the line before.
        above = len(_indent(old_rows[line])) > len(_indent(old_rows[following]))
        before[at].append(_indent(rows[at - above]) + comment)
        if not old_rows[line + 1].strip():
            before[at].append("")
    return "\n".join(row for at in range(len(rows) + 1) for row in (*before[at], *rows[at : at + 1]))


def _indent(row: str) -> str:
    return row[: len(row) - len(row.lstrip())]


def _lines(node: Node, emitted: Node) -> Iterator[tuple[int, int]]:
    """(line of the original, line of the emitted text) of each key and item that both have, from 0."""
    if isinstance(node, Mapping) and isinstance(emitted, Mapping):
        for name, (key, value) in node.fields.items():
            twin = emitted.fields.get(name)
            if twin is not None and key.source is not NOWHERE:
                yield unpack(key.pos)[0], unpack(twin[0].pos)[0]
                yield from _lines(value, twin[1])
    elif isinstance(node, Sequence) and isinstance(emitted, Sequence):
        for item, twin_item in zip(node.items, emitted.items, strict=True):
            origin = item if item.op is None else item.prev
            if origin is not None and origin.source is not NOWHERE:
                yield unpack(origin.pos)[0], unpack(twin_item.pos)[0]
            yield from _lines(item, twin_item)


def dump(node: Node) -> str:
    """YAML in the node's own order and styles, ending in a newline."""
    from _ruamel_yaml import CEmitter

    out = io.StringIO()
    emitter = CEmitter(out, width=_UNBROKEN, allow_unicode=True)
    emitter.emit(events.StreamStartEvent())
    emitter.emit(events.DocumentStartEvent(explicit=False))
    _emit(node, emitter.emit)
    emitter.emit(events.DocumentEndEvent(explicit=False))
    emitter.emit(events.StreamEndEvent())
    # go-yaml writes no space before an empty scalar; nothing else leaves a space at the end of a line.
    return _TRAILING.sub("", out.getvalue().removesuffix("...\n"))


def _emit(node: Node, put: Any) -> None:
    if isinstance(node, Mapping):
        put(events.MappingStartEvent(None, None, True, flow_style=node.flow))  # noqa: FBT003 (the event's own signature)
        for key, value in node.items():
            _emit(key, put)
            _emit(value, put)
        put(events.MappingEndEvent())
    elif isinstance(node, Sequence):
        put(events.SequenceStartEvent(None, None, True, flow_style=node.flow))  # noqa: FBT003
        for item in node.items:
            _emit(item, put)
        put(events.SequenceEndEvent())
    else:
        assert isinstance(node, Scalar)
        put(_scalar_event(node))


def _scalar_event(scalar: Scalar) -> events.ScalarEvent:
    """The style and tag that go-yaml gives a scalar: no tag that follows from the text, quotes that make a string."""
    tag, style = tag_of(scalar), scalar.style
    if style is Style.PLAIN and "\n" in scalar.text:
        style = Style.LITERAL
    implied = STR if style is not Style.PLAIN else resolve(scalar.text)
    if tag == STR and implied != STR:
        style, implied = Style.DOUBLE, STR
    if tag in (implied, MERGE):
        return events.ScalarEvent(None, None, (True, True), scalar.text, style=style or None)
    return events.ScalarEvent(None, tag.replace("!!", _FULL_TAG), (False, False), scalar.text, style=style or None)
