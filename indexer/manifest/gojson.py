"""JSON as Go's encoding/json writes it, byte for byte: what hashes, digests and messages are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from indexer.manifest.gonumber import json_float_text

# The order of UTF-8 bytes is that of code points, so keys are sorted as Go sorts them.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":"))
# What Go escapes besides. All of it stands in texts alone.
_ASCII: Final = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
_OTHERS: Final = (("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
_SURROGATE: Final = "[\ud800-\udfff]"
_TEXT_OR_FLOAT: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?(?:[0-9]+(?:\.[0-9]+(?:e[-+][0-9]+)?|e[-+][0-9]+)|Infinity)|NaN'


def dumps(data: Any) -> str:
    """Compact JSON with keys sorted by their bytes, ``<``, ``>`` and ``&`` escaped, and floats in Go's form.

    ``data`` is what ``to_data`` gives. Raises ValueError for infinity and NaN.
    """
    text = _ENCODER.encode(data)
    if _holds_float((data,)):
        text = re.sub(_TEXT_OR_FLOAT, _as_go, text)
    for character, escape in _ASCII:
        text = text.replace(character, escape)
    return text if text.isascii() else _escaped(text)


def _holds_float(values: Iterable[Any]) -> bool:
    """Whether one of the values is a float, or holds one."""
    for value in values:
        kind = value.__class__
        if kind is float or (kind is dict and _holds_float(value.values())) or (kind is list and _holds_float(value)):
            return True
    return False


def _as_go(found: re.Match[str]) -> str:
    """A text as it is, a float as Go writes it."""
    written = found[0]
    if written[0] == '"':
        return written
    value = float(written)
    if value != value or value in (float("inf"), float("-inf")):
        word = "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
        raise ValueError(f"json: unsupported value: {word}")
    return json_float_text(value)


def _escaped(text: str) -> str:
    for character, escape in _OTHERS:
        text = text.replace(character, escape)
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub(_SURROGATE, r"\\ufffd", text)
    return text
