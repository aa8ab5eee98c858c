"""What a scalar's text means: the typing of go-yaml v3 (spec 4.2) and of go-yaml v2 (YAML 1.1), and typed data.

The two differ in booleans, timestamps and a few signs only. Data is what JSON can say: ``str``, ``int`` (from
-2**63 to 2**64-1), ``float`` (finite), ``bool``, ``None``, ``list`` and ``dict`` with string keys.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any, Final

from indexer.deferred import regex
from indexer.manifest.compose import duplicate_error
from indexer.manifest.errors import NonStringKeyError, UndecodableError, error_at
from indexer.manifest.folded import refolded
from indexer.manifest.gonumber import float32_text
from indexer.manifest.node import (
    BINARY,
    BOOL,
    FLOAT,
    INT,
    MERGE,
    NULL,
    STR,
    TIMESTAMP,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Style,
)

_INFINITY: Final = float("inf")
_PLAIN: Final = Style.PLAIN
_WORDS: Final[dict[str, tuple[str, Any]]] = {
    **dict.fromkeys(("true", "True", "TRUE"), (BOOL, True)),
    **dict.fromkeys(("false", "False", "FALSE"), (BOOL, False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (NULL, None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (FLOAT, float("nan"))),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (FLOAT, _INFINITY)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (FLOAT, -_INFINITY)),
}
_WORDS_11: Final = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), (BOOL, True)),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), (BOOL, False)),
}
_NULLS: Final = frozenset(text for text, (tag, _) in _WORDS.items() if tag == NULL)
_NUMERIC: Final = frozenset("+-.0123456789")
_DECIMAL: Final = regex(r"[-+]?(?:0|[1-9][0-9]*)\Z", re.ASCII)
_PREFIXED: Final = regex(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))\Z")
_ODD_SIGN: Final = regex(r"0(?:b([-+][01]+)|o([-+][0-7]+))\Z")
_SIGNED_OCTAL: Final = regex("0_*o_*[-+]")
_FLOAT: Final = regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_FRACTION: Final = regex(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?\Z")
_DATE: Final = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt](?P<th>[0-9]{1,2})| (?P<sh>[0-9]{1,2})):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]{1,9}))?"
    r"(?P<zone>Z|[-+][0-9]{2}:[0-9]{2})?)?\Z"
)


def resolve(text: str) -> str:
    """The tag that go-yaml v3 gives a plain untagged text."""
    return _resolved(text)[0]


def resolve_11(text: str) -> str:
    """The tag that go-yaml v2 gives a plain untagged text."""
    return _resolved_11(text)[0]


def tag_of(scalar: Scalar) -> str:
    """A scalar's explicit tag, or the one that follows from its style and text."""
    if scalar.tag is not None:
        return scalar.tag
    if scalar.style is not Style.PLAIN:
        return STR
    return MERGE if scalar.text == "<<" else _resolved(scalar.text)[0]


def is_null(node: Node) -> bool:
    """Whether ``node`` is a null, written or implied."""
    # As `tag_of` says, but without working out what else the text could be.
    if not isinstance(node, Scalar):
        return False
    return node.tag == NULL if node.tag is not None else node.text in _NULLS and node.style is Style.PLAIN


def to_data(node: Node) -> Any:
    """Typed data as kustomize's conversion to JSON sees it.

    Raises DuplicateKeyError, NonStringKeyError, and UndecodableError for a text that its tag does not fit and for
    infinity and NaN. Timestamps become RFC 3339 texts; a value left out in a flow mapping becomes ``""``, because
    kustomize writes the object and reads it again on the way.
    """
    return _data(node, flow=False, root=True)


def _data(node: Node, *, flow: bool, root: bool = False) -> Any:
    if isinstance(node, Scalar):
        return _scalar_data(node, flow=flow)
    if isinstance(node, Sequence):
        flow = flow or node.flow
        return [_data(item, flow=flow) for item in node.items]
    assert isinstance(node, Mapping)
    if node.duplicate:
        raise duplicate_error(node)
    flow = flow or node.flow
    data = {}
    for text, (key, value) in node.fields.items():
        if key.tag is not None or (key.style is _PLAIN and (text in _WORDS or text[0] in _NUMERIC)):
            _check_key(key, root=root)
        data[text] = _scalar_data(value, flow=flow) if isinstance(value, Scalar) else _data(value, flow=flow)
    return data


def _scalar_data(node: Scalar, *, flow: bool) -> Any:
    text = node.text
    if node.tag is None:
        if node.style is not _PLAIN:
            return refolded(text) if node.style is Style.FOLDED else text
        if text not in _WORDS and text[0] not in _NUMERIC:
            return text
        if flow and not text:
            return ""
        value = _resolved(text)[1]
    else:
        value = _tagged(node, _resolved)
    if value.__class__ is float and not -_INFINITY < value < _INFINITY:
        word = "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
        raise error_at(UndecodableError, node, f"{word} is no JSON value", f"json: unsupported value: {word}")
    return value


def _check_key(key: Scalar, *, root: bool) -> None:
    """Refuses a key that is no string; at the top of an object go-yaml takes the text of all but null."""
    tag = tag_of(key)
    if (tag == NULL and key.text) or (tag in (INT, FLOAT, BOOL, TIMESTAMP) and not root):
        problem = f"the key {key.text} is no string (tag {tag}): put it in quotes"
        raise error_at(NonStringKeyError, key, problem, "json: unsupported type: map[interface {}]interface {}")


def to_data_11(node: Node) -> Any:
    """Typed data as sigs.k8s.io/yaml reads YAML 1.1: kustomization files, JSON6902 patches, results of substitution.

    ``yes``, ``on`` … are booleans, timestamps stay as they are written, keys become strings, and of duplicate keys
    the last wins.
    """
    if isinstance(node, Mapping):
        data = {key_11(key): to_data_11(value) for key, value in node.fields.values()}
        for key, value in node.duplicate:
            data[key_11(key)] = to_data_11(value)
        return data
    if isinstance(node, Sequence):
        return [to_data_11(item) for item in node.items]
    assert isinstance(node, Scalar)
    return _value_11(node)


def _value_11(scalar: Scalar) -> Any:
    if scalar.tag is not None:
        return _tagged(scalar, _resolved_11)
    if scalar.style is not Style.PLAIN:
        return scalar.text
    tag, value = _resolved_11(scalar.text)
    return scalar.text if tag == TIMESTAMP else value


def key_11(key: Scalar) -> str:
    """A key as a string, as sigs.k8s.io/yaml makes one of it. Raises NonStringKeyError for what cannot become one."""
    value = _value_11(key)
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, int) and value >= 1 << 63):
        raise error_at(NonStringKeyError, key, f"the key {key.text or 'null'} cannot become a string")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else float32_text(value)


def _tagged(scalar: Scalar, resolved: Any) -> Any:
    """The value of a scalar with an explicit tag."""
    tag, text = scalar.tag, scalar.text
    if tag == BINARY:
        try:
            return base64.b64decode("".join(text.split("\n")), validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            problem = "!!binary value contains invalid base64 data"
            raise error_at(UndecodableError, scalar, problem) from None
    if tag not in (BOOL, INT, FLOAT, NULL, TIMESTAMP):
        return text
    found, value = resolved(text)
    if found == TIMESTAMP and tag != TIMESTAMP:
        found, value = STR, text
    if tag == FLOAT and found == INT:
        return float(value)
    if found != tag:
        problem = f"cannot decode {found} `{text}` as a {tag}"
        raise error_at(UndecodableError, scalar, problem)
    return value


def _resolved(text: str) -> tuple[str, Any]:
    """Tag and value of a plain text in go-yaml v3."""
    found = _WORDS.get(text)
    if found is not None:
        return found
    return _numeric(text) if text[0] in _NUMERIC else (STR, text)


def _resolved_11(text: str) -> tuple[str, Any]:
    """Tag and value of a plain text in go-yaml v2."""
    found = _WORDS_11.get(text) or _resolved(text)
    return (STR, text) if found[0] == INT and _SIGNED_OCTAL.match(text) else found


@lru_cache(maxsize=1 << 14)
def _numeric(text: str) -> tuple[str, Any]:
    """Tag and value of a plain text that begins like a number."""
    if text[0] == ".":
        value = float(text) if _FRACTION.match(text) else _INFINITY
        return (STR, text) if value == _INFINITY else (FLOAT, value)
    moment = _timestamp(text)
    if moment is not None:
        return TIMESTAMP, moment
    return _number(text.replace("_", "")) or (STR, text)


def _number(text: str) -> tuple[str, Any] | None:
    """An integer of 64 bits, else a finite float, as Go's strconv reads it."""
    if _DECIMAL.match(text):
        value = int(text) if len(text) < 25 else 1 << 64
        digits = ""
    elif found := _PREFIXED.match(text):
        sign, hexadecimal, binary, octal = found.groups()
        digits = hexadecimal or binary or octal
        value = int(sign + digits, 16 if hexadecimal else 2 if binary else 8)
    elif found := _ODD_SIGN.match(text):
        return INT, int(found[1], 2) if found[1] else int(found[2], 8)
    else:
        value = 1 << 64
    if -(1 << 63) <= value < 1 << (63 if text[0] == "+" else 64):
        return INT, value
    if _FLOAT.match(text):
        number = float(text)
        if -_INFINITY < number < _INFINITY:
            return FLOAT, number
    return None


def _timestamp(text: str) -> str | None:
    """The RFC 3339 form of a timestamp; None where go-yaml does not take the text for one."""
    found = re.match(_DATE, text) if text[4:5] == "-" else None
    if found is None:
        return None
    from calendar import monthrange  # which files without dates need not wait for

    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    hour_text, zone = found["th"] or found["sh"], found["zone"]
    if hour_text is None:
        return f"{found[1]}-{month:02}-{day:02}T00:00:00Z"
    if (zone is None) != (found["sh"] is not None):
        return None
    hour, minute, second = int(hour_text), int(found[6]), int(found[7])
    if hour > 23 or minute > 59 or second > 59:
        return None
    if zone not in (None, "Z") and (int(zone[1:3]) > 24 or int(zone[4:6]) >= 60):
        return None
    fraction = (found[8] or "").rstrip("0")
    offset = "Z" if zone is None or zone[1:] in ("", "00:00") else zone
    dot = "." if fraction else ""
    return f"{found[1]}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{dot}{fraction}{offset}"
