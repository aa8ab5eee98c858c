"""Where a text stands, and what it did to an object: the plain data of provenance.

Named tuples rather than dataclasses, because every answer and every build makes many of them and every command has to
import them: a named tuple is defined, made, hashed and compared in a fraction of the time.
"""

from __future__ import annotations

from enum import StrEnum

from indexer.deferred import NamedTuple


class Role(StrEnum):
    """What a span did to an object (the names that answers use)."""

    DEFINES = "defines"
    GENERATES = "generates"
    PATCHES = "patches"
    TRANSFORMS = "transforms"
    REPLACES = "replaces"
    SUBSTITUTES = "substitutes"
    CONFIGURES = "configures"
    DEPLOYS = "deploys"
    VALUES = "values"


class Source(NamedTuple):
    """One YAML document of one file: what all nodes parsed from it share."""

    repository: str | None
    """Name of the repository that holds the file; None for the repository being indexed."""
    file: str
    """Path from the repository's root, with '/'."""
    document: int = 0
    """Index of the document in the file, from 0."""


class Span(NamedTuple):
    """Where some text stands. Lines and columns count from 1 and the end is inclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.file}:{self.line}:{self.column}"


class Contribution(NamedTuple):
    """One span that made an object what it is."""

    role: Role
    operation: str
    """In the words of kustomize or Flux: ``resource``, ``strategic merge patch``, ``images`` …"""
    span: Span
    fields: tuple[str, ...] = ()
    """JSON pointers into the rendered object; a pointer to a container stands for all below it that no other
    contribution names."""
    overridden: bool = False
    """True where later spans replaced all that this one set."""
