"""What can be wrong with a manifest, with the place where it is."""

from __future__ import annotations

from typing import TypeVar

from indexer.manifest.node import Node, unpack

E = TypeVar("E", bound="ManifestError")


class ManifestError(Exception):
    """A text that is no manifest: ``file:line:column: problem`` (line and column count from 1).

    ``go_message`` is what go-yaml v3 says of the same text (``yaml: line 3: did not find expected key``); kustomize
    builds its own messages from it.
    """

    def __init__(self, file: str, line: int, column: int, problem: str, go_message: str | None = None) -> None:
        super().__init__(file, line, column, problem)
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
        self.go_message = go_message if go_message is not None else f"yaml: {problem}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.problem}"


class DuplicateKeyError(ManifestError):
    """A mapping holds the same key twice; the place is that of the second."""


class NonStringKeyError(ManifestError):
    """A key of a mapping is no string (``1:``, ``true:``), which JSON cannot say."""


class UndecodableError(ManifestError):
    """A scalar's text does not fit its explicit tag (``!!int abc``)."""


class EmitError(ValueError):
    """Data that kustomize refuses to print; the message is its own."""


def error_at(kind: type[E], node: Node, problem: str, go_message: str | None = None) -> E:
    """An error whose place is the start of ``node``."""
    line, column, _, _ = unpack(node.pos)
    return kind(node.source.file, line + 1, column + 1, problem, go_message)
