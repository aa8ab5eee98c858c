"""The answers, as plain data: what reports print and a library user reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple

if TYPE_CHECKING:
    from indexer.flux.identity import ObjectId, SourceRef, Substitution, UnitId
    from indexer.git.blame import Commit
    from indexer.manifest.provenance import Contribution, Role, Span


class Link(NamedTuple):
    """One unit on the way from an object to the entry point."""

    unit: UnitId
    definition: Span | None
    path: str | None
    """``spec.path`` as the unit spells it."""


class Hop(NamedTuple):
    """A step on the way from the object to its origin that could not be resolved."""

    hop: str
    """``unit``, ``parent``, ``source``, ``definition``, ``substitution``, ``commit`` or ``link``."""
    reason: str


class Match(NamedTuple):
    """One object of one unit of one cluster, and everything that made it what it is."""

    cluster: str
    unit: UnitId
    object: ObjectId
    role: Role
    """DEFINES where a document holds the object, GENERATES where a generator made it."""
    definition: Span | None
    contributions: tuple[Contribution, ...]
    """The definition first, then what changed it, then the units that deploy it."""
    substitutions: tuple[Substitution, ...]
    chain: tuple[Link, ...]
    """The object's unit first, the entry point last."""
    source: SourceRef | None
    revision: str
    """What was indexed: ``main@sha1:…``, with ``+ uncommitted changes`` where the working tree differs."""
    commit: Commit | None
    """None where the definition is not committed as it stands, or its history cannot be had: see ``unresolved``."""
    link: str | None
    """The definition in the forge, pinned to the commit."""
    unresolved: tuple[Hop, ...]
    applied_by: str | None = None
    """The cluster whose Flux applies it through ``spec.kubeConfig``; None: its own."""


class Where(NamedTuple):
    """The answer to ``where OBJECT``."""

    query: str
    matches: tuple[Match, ...]


class Deployed(NamedTuple):
    """One object that some lines have a part in."""

    cluster: str
    unit: UnitId
    object: ObjectId
    role: Role
    operation: str
    span: Span
    fields: tuple[str, ...]
    applied_by: str | None = None
    """As in ``Match``."""


class File(NamedTuple):
    """What a file, or some of its lines, deploys."""

    file: str
    """From the repository's root."""
    lines: tuple[int, int] | None
    """First and last line that were asked for; None for the whole file."""
    deploys: tuple[Deployed, ...]
    reason: str | None
    """Why it deploys nothing; None where it does."""


class What(NamedTuple):
    """The answer to ``what FILE...``."""

    query: tuple[str, ...]
    files: tuple[File, ...]
