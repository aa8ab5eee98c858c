"""What a failed build says."""

from __future__ import annotations

from typing import Final

from indexer.kustomize.gotext import quote
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Node, Source, Span

_QUOTED: Final = 1 << 14
"""Characters of a message that are quoted again."""


class KustomizeError(Exception):
    """A build that kustomize refuses.

    ``str()`` is kustomize's own message, wrapped by every layer it passed on its way up. ``problem`` is what went
    wrong without those layers, and ``span`` is where a person has to look; the innermost of both is kept.
    """

    def __init__(self, message: str, *, span: Span | None = None, problem: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problem = message if problem is None else problem
        self.span = span

    def __str__(self) -> str:
        return self.message

    def located(self, node: Node | None) -> KustomizeError:
        """This error, pointing at ``node`` unless something deeper already said where."""
        if self.span is None and node is not None:
            self.span = node.span
        return self

    def wrapped(self, prefix: str, suffix: str = "") -> KustomizeError:
        """This error with a layer's words around its message."""
        self.message = f"{prefix}{self.message}{suffix}"
        return self

    def quoted(self, prefix: str) -> KustomizeError:
        """This error with its message as a Go string literal, as each level of components makes of it.

        Every level doubles the backslashes of the one below, so a long message keeps its beginning alone.
        """
        text = self.message if len(self.message) <= _QUOTED else self.message[:_QUOTED] + " …"
        self.message = prefix + quote(text)
        return self


class RemoteError(KustomizeError):
    """A file or base that lies at a URL, which is never fetched."""


class CopyError(RemoteError):
    """Something at a URL, of which the copy that should have it does not."""


class MalformedYAMLError(KustomizeError):
    """A file that is no YAML: the loader does not go on to try it as a directory."""


def of_manifest(error: ManifestError, file: str | None = None) -> KustomizeError:
    """What kustomize says of a text that is no manifest; ``file`` is its path as the kustomization spells it."""
    span = Span(Source(None, error.file), error.line, error.column, error.line, error.column)
    if not error.go_message.startswith("yaml: "):
        return KustomizeError(error.go_message, problem=error.problem, span=span)
    message = f"MalformedYAMLError: {error.go_message}"
    return MalformedYAMLError(
        message if file is None else f"{message} in File: {file}", problem=error.problem, span=span
    )
