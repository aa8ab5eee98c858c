"""Names as git writes them: bytes, which need not be UTF-8, as text that can be turned back."""

from __future__ import annotations


def encoded(name: str) -> bytes:
    """The bytes of a decoded name."""
    return name.encode("utf-8", "surrogateescape")


def decoded(name: bytes) -> str:
    """The text of a name's bytes."""
    return name.decode("utf-8", "surrogateescape")
