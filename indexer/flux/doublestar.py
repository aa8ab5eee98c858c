"""Patterns of paths in which ``**`` stands for any directories, as source-watcher's library reads them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from indexer.deferred import regex

_PIECE: Final = regex(r"(?P<any>(?:(?<=/)|^)\*\*(?=/|$)/?)|\*+|\?|\[[!^]?\]?[^\]]*\]|\\.|[{},]|.", re.DOTALL)


@lru_cache(maxsize=256)
def doublestar(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern, for ``fullmatch``: ``*``, ``?``, ``[a-z]``, ``{a,b}`` and ``**``."""
    made, depth = "", 0
    for found in _PIECE.finditer(pattern):
        piece = found[0]
        if found["any"]:
            if piece.endswith("/"):
                made += "(?:[^/]+/)*"
            else:
                # At the end it matches the directory itself as well.
                made = f"{made[:-1]}(?:/.*)?" if made.endswith("/") else f"{made}.*"
        elif piece.startswith("*"):
            made += "[^/]*"
        elif piece == "?":
            made += "[^/]"
        elif piece.startswith("[") and len(piece) > 1:
            made += "(?!/)[" + ("^" if piece[1] in "!^" else "") + piece[1:-1].lstrip("!^").replace("\\", r"\\") + "]"
        elif piece == "{":
            made, depth = f"{made}(?:", depth + 1
        elif piece == "}" and depth:
            made, depth = f"{made})", depth - 1
        elif piece == "," and depth:
            made += "|"
        else:
            made += re.escape(piece[1:] if len(piece) > 1 else piece)
    try:
        return re.compile(made + ")" * depth, re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))


class Excludes:
    """The patterns of ``exclude``."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = [("/" in pattern, doublestar(pattern)) for pattern in patterns]

    def leave_out(self, path: str, base: str) -> bool:
        """Whether a file or directory is left out: by its path, its path below ``base``, or its name alone."""
        below = path.removeprefix(f"{base}/") if base else path
        for has_slash, expression in self._patterns:
            names = (path, below) if has_slash else (path, below, posixpath.basename(path), posixpath.basename(below))
            if any(expression.fullmatch(name) for name in names):
                return True
        return False
