"""Texts that need not be UTF-8 or fit to be shown: names as git writes them, and whatever a repository holds."""

from __future__ import annotations

import re
from typing import Final

_SURROGATES: Final = 0xD800
_ESCAPED_BYTES: Final = 0xDC00
"""Where ``surrogateescape`` puts bytes that are not UTF-8."""
_UNSTORABLE: Final = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"


def encoded(name: str) -> bytes:
    """The bytes of a decoded name."""
    return name.encode("utf-8", "surrogateescape")


def decoded(name: bytes) -> str:
    """The text of a name's bytes, which can be turned back."""
    return name.decode("utf-8", "surrogateescape")


def storable(text: str) -> str:
    r"""``text`` as the index holds it and terminals show it: what is not UTF-8 and control characters as ``\xff``.

    Databases refuse the former and NUL; the others would mean something to the terminals of those who read.
    """
    return text if text.isprintable() else re.sub(_UNSTORABLE, _escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    is_byte = code < _SURROGATES or _ESCAPED_BYTES <= code <= _ESCAPED_BYTES + 0xFF
    return f"\\x{code & 0xFF:02x}" if is_byte else f"\\u{code:04x}"
