"""JSON as Go's encoding/json writes it, byte for byte: what hashes, digests and messages are made of."""

from __future__ import annotations

import re
from typing import Any, Final

from indexer.manifest.gonumber import json_float_text

_ESCAPED: Final = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def dumps(data: Any) -> str:
    """Compact JSON with keys sorted by their bytes, ``<``, ``>`` and ``&`` escaped, and floats in Go's form.

    ``data`` is what ``to_data`` gives. Raises ValueError for infinity and NaN.
    """
    parts: list[str] = []
    _write(data, parts.append)
    return "".join(parts)


def _write(data: Any, put: Any) -> None:
    if isinstance(data, str):
        put(_quoted(data))
    elif data is None:
        put("null")
    elif isinstance(data, bool):
        put("true" if data else "false")
    elif isinstance(data, int):
        put(str(data))
    elif isinstance(data, float):
        put(_float(data))
    elif isinstance(data, dict):
        separator = "{"
        # The order of UTF-8 bytes is that of code points.
        for key in sorted(data):
            put(separator + _quoted(key) + ":")
            _write(data[key], put)
            separator = ","
        put("}" if data else "{}")
    else:
        separator = "["
        for item in data:
            put(separator)
            _write(item, put)
            separator = ","
        put("]" if data else "[]")


def _float(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        word = "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
        raise ValueError(f"json: unsupported value: {word}")
    return json_float_text(value)


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if "\ud800" <= character <= "\udfff":
        return "\\ufffd"
    return _SHORT.get(character) or f"\\u{ord(character):04x}"
