"""YAML as go-yaml v2 writes it: the text in which ``postBuild`` expands variables.

kustomize itself writes with a later go-yaml, whose quotes differ; and quotes decide what an expanded value becomes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
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

from indexer.manifest.gojson import dumps
from indexer.manifest.node import TIMESTAMP, Scalar
from indexer.manifest.scalars import resolve, to_data_11

_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


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
    stream = io.StringIO()
    YAML(typ="safe").emit(_document(data), stream)
    return stream.getvalue()


def _document(data: Any) -> Iterator[Event]:
    yield StreamStartEvent()
    yield DocumentStartEvent(explicit=False)
    yield from _events(data)
    yield DocumentEndEvent(explicit=False)
    yield StreamEndEvent()


def _events(data: Any) -> Iterator[Event]:
    if isinstance(data, dict):
        yield MappingStartEvent(None, None, implicit=True, flow_style=not data)
        for key in sorted(data):
            yield _text(key)
            yield from _events(data[key])
        yield MappingEndEvent()
    elif isinstance(data, list):
        yield SequenceStartEvent(None, None, implicit=True, flow_style=not data)
        for item in data:
            yield from _events(item)
        yield SequenceEndEvent()
    elif isinstance(data, str):
        yield _text(data)
    else:
        yield ScalarEvent(None, None, (True, True), dumps(data), style="")


def _text(text: str) -> ScalarEvent:
    style = "|" if "\n" in text else "" if _is_plain_text(text) else '"'
    return ScalarEvent(None, None, (True, True), text, style=style)
