"""YAML as go-yaml v2 writes it: the text in which ``postBuild`` expands variables.

kustomize itself writes with a later go-yaml, whose quotes differ; and quotes decide what an expanded value becomes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from indexer.deferred import regex
from indexer.manifest.gojson import dumps
from indexer.manifest.node import TIMESTAMP, Scalar
from indexer.manifest.scalars import resolve, to_data_11

try:
    from _ruamel_yaml import CEmitter
except ImportError:
    CEmitter = None

_CACHED: Final = 100
"""Longer texts hardly occur twice."""
# Events hold no place in a text here, so that one object of each kind is enough for all documents.
_STREAM_START: Final = StreamStartEvent()
_STREAM_END: Final = StreamEndEvent()
_DOCUMENT_START: Final = DocumentStartEvent(explicit=False)
_DOCUMENT_END: Final = DocumentEndEvent(explicit=False)
_MAPPING_START: Final = MappingStartEvent(None, None, implicit=True, flow_style=False)
_NO_FIELDS: Final = MappingStartEvent(None, None, implicit=True, flow_style=True)
_MAPPING_END: Final = MappingEndEvent()
_SEQUENCE_START: Final = SequenceStartEvent(None, None, implicit=True, flow_style=False)
_NO_ITEMS: Final = SequenceStartEvent(None, None, implicit=True, flow_style=True)
_SEQUENCE_END: Final = SequenceEndEvent()
_BASE_60: Final = regex(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


def _is_plain_text(text: str) -> bool:
    """Whether go-yaml writes this text without quotes: read back plain, it is the same text."""
    return (
        text != "<<"
        and to_data_11(Scalar(text)) == text
        and resolve(text) != TIMESTAMP
        and _BASE_60.fullmatch(text) is None
    )


def dump(data: Any) -> str:
    """Plain data as go-yaml v2 writes it: block style, sorted keys, 80 columns."""
    events: list[Event] = [_STREAM_START, _DOCUMENT_START]
    _add(data, events.append)
    events += [_DOCUMENT_END, _STREAM_END]
    stream = io.StringIO()
    if CEmitter is None:
        YAML(typ="safe").emit(events, stream)
    else:
        # YAML would first look for plug-ins on the disk and define a class, each time.
        emit = CEmitter(stream, encoding="utf-8", allow_unicode=True).emit
        for event in events:
            emit(event)
    return stream.getvalue()


def _add(data: Any, put: Callable[[Event], None]) -> None:
    if isinstance(data, str):
        put(_text(data))
    elif isinstance(data, dict):
        put(_MAPPING_START if data else _NO_FIELDS)
        for key in sorted(data):
            put(_text(key))
            _add(data[key], put)
        put(_MAPPING_END)
    elif isinstance(data, list):
        put(_SEQUENCE_START if data else _NO_ITEMS)
        for item in data:
            _add(item, put)
        put(_SEQUENCE_END)
    else:
        put(ScalarEvent(None, None, (True, True), dumps(data), style=""))


def _text(text: str) -> ScalarEvent:
    return _short_text(text) if len(text) <= _CACHED else _new_text(text)


def _new_text(text: str) -> ScalarEvent:
    style = "|" if "\n" in text else "" if _is_plain_text(text) else '"'
    return ScalarEvent(None, None, (True, True), text, style=style)


_short_text = lru_cache(maxsize=1 << 13)(_new_text)
