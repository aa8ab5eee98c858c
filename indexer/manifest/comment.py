"""Comments of a file, which libyaml drops: found again in the text between its tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ruamel.yaml.error import YAMLError
from ruamel.yaml.tokens import ScalarToken, StreamEndToken

from indexer.deferred import regex

try:
    from _ruamel_yaml import CParser
except ImportError:
    CParser = None

_COMMENT: Final = regex(r"(?:^|(?<=[ \t]))#.*$", re.MULTILINE)
_BYTE_ORDER_MARK: Final = "\ufeff"


def comments(data: bytes) -> dict[int, str]:
    """The comment of each line that has one, ``#`` included, by line number from 1.

    Never mistakes a ``#`` in a scalar for one. Where the text is no YAML, the comments before the error.
    """
    if b"#" not in data:
        return {}
    text = data.decode(errors="replace").replace("\r\n", "\n").removeprefix(_BYTE_ORDER_MARK)
    found: dict[int, str] = {}
    line, counted, gap = 1, 0, 0
    for start, end in _tokens(text):
        for match in _COMMENT.finditer(text, gap, start):
            line += text.count("\n", counted, match.start())
            counted = match.start()
            found[line] = match[0].rstrip()
        gap = max(gap, end)
    return found


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where each token begins and ends in the text; the header line of a block scalar only its first character."""
    try:
        for token in _scan(text):
            start, end = token.start_mark.index, token.end_mark.index
            if isinstance(token, ScalarToken) and token.style and token.style in "|>":
                yield start, start + 1
                header_end = text.find("\n", start)
                start = end if header_end < 0 else header_end
            elif isinstance(token, StreamEndToken):
                start = end = len(text)
            yield start, end
    except YAMLError:
        return


def _scan(text: str) -> Iterator[Any]:
    if CParser is not None:
        try:
            tokens = []
            get = CParser(text).get_token
            while (token := get()) is not None:
                tokens.append(token)
        except YAMLError as error:
            if getattr(error, "problem", None) != "found unexpected ':'":
                yield from tokens
                raise
        else:
            yield from tokens
            return
    from ruamel.yaml import YAML

    yield from YAML(typ="safe", pure=True).scan(text)
