r"""An escaped apostrophe in double quotes, ``"it\'s"``: no YAML, and refused by libyaml, but read by go-yaml."""

from __future__ import annotations

import re
from typing import Final

from _ruamel_yaml import CParser
from ruamel.yaml.scanner import ScannerError

from indexer.deferred import regex
from indexer.manifest.compose import UNKNOWN_ESCAPE

_APOSTROPHE: Final = r"\'"
_READABLE: Final = r"\x27"
_QUOTED: Final = regex(r'"(?:[^"\\]|\\.)*', re.DOTALL)
_ESCAPE: Final = regex(r"\\.", re.DOTALL)
_MAX_ROUNDS: Final = 100
"""Scalars with such an escape that one file may have: each takes another look at the whole."""


def readable(data: bytes, error: ScannerError) -> bytes:
    """The text that gave ``error``, with escapes that libyaml reads; raises the error where it is about another one.

    The line of everything stays; what follows on the same line moves by two columns.
    """
    text = data.decode(errors="surrogateescape")
    refused: ScannerError | None = error
    for _ in range(_MAX_ROUNDS):
        if refused is None or refused.problem != UNKNOWN_ESCAPE:
            return text.encode(errors="surrogateescape")
        at = refused.problem_mark.index
        scalar = _QUOTED.match(text, refused.context_mark.index)
        if scalar is None or text[at : at + len(_APOSTROPHE)] != _APOSTROPHE:
            raise refused
        rewritten = _ESCAPE.sub(lambda found: _READABLE if found[0] == _APOSTROPHE else found[0], scalar[0])
        text = text[: scalar.start()] + rewritten + text[scalar.end() :]
        refused = _refused(text)
    raise error


def _refused(text: str) -> ScannerError | None:
    """What the scanner says against a text."""
    get = CParser(text.encode(errors="surrogateescape")).get_token
    try:
        while get() is not None:
            pass
    except ScannerError as error:
        return error
    return None
