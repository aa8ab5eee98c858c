"""Go's regular expressions: RE2, so that what kustomize accepts is accepted and no pattern of a repository can hang.

Python's ``re`` has another syntax and backtracks without end on patterns like ``(a+)+b``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError

# RE2's words for what is wrong, and those of Go's port of it.
_GO_WORDS: Final = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "trailing \\": "trailing backslash at end of expression",
}


class Regexp:
    """A compiled pattern."""

    __slots__ = ("_found",)

    def __init__(self, pattern: str) -> None:
        import re2  # which few repositories need

        options = re2.Options()
        options.log_errors = False
        self._found = re2.compile(_utf8(pattern), options).search

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in ``text``."""
        return self._found(_utf8(text)) is not None


@lru_cache(maxsize=1024)
def regexp(pattern: str, shown: str | None = None) -> Regexp:
    """Compiles a pattern; raises KustomizeError with Go's message, and ``shown`` as what the person wrote."""
    import re2

    try:
        return Regexp(pattern)
    except re2.error as error:
        words = _go_words(error, pattern)
        written = pattern if shown is None else shown
        raise KustomizeError(
            f"error parsing regexp: {words}", problem=f"{written!r} is no regular expression: {words}"
        ) from None


class Words(NamedTuple):
    """A pattern that matches some words, and nothing else."""

    words: frozenset[str]

    def search(self, text: str) -> bool:
        return text in self.words


def anchored(pattern: str) -> Regexp | Words:
    """A pattern that has to match all of a text, anchored as kustomize does it. Raises KustomizeError."""
    # Most patterns are a kind, a name, or a choice of names such as the manual has for Flux's own controllers,
    # (kustomize-controller|helm-controller). The library takes as long to load as such a repository to render.
    inner = pattern[1:-1] if pattern.startswith("(") and pattern.endswith(")") else pattern
    words = inner.split("|")
    if inner.isascii() and all(word.replace("-", "").isalnum() for word in words):
        return Words(frozenset(words))
    return regexp(f"^(?:{pattern})$", pattern)


def _go_words(error: Exception, pattern: str) -> str:
    said = error.args[0] if error.args else pattern
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    what, colon, piece = text.partition(": ")
    if not colon:
        what, piece = text.rstrip(":"), pattern
    return f"{_GO_WORDS.get(what, what)}: `{piece}`"


def _utf8(text: str) -> str:
    """RE2 takes Unicode alone; bytes of a file that are no UTF-8 become replacement characters."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
