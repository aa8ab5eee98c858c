"""What objects, units and sources are called, and which variables filled an object in: what answers are made of.

Named tuples, for the reason that ``indexer.manifest.provenance`` gives.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple

if TYPE_CHECKING:
    from indexer.manifest.provenance import Span


def spoken(kind: str, namespace: str | None, name: str) -> str:
    """An object as a sentence names it: ``Deployment shop/api``, ``Namespace shop``."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


class ObjectId(NamedTuple):
    """Identity of an applied object. Two versions of it are the same object to Flux (``key`` leaves version out)."""

    group: str
    version: str
    kind: str
    namespace: str | None
    """None for a cluster-scoped object, and for a namespaced one whose rendering names no namespace."""
    name: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.group, self.kind, self.namespace or "", self.name

    @property
    def spoken(self) -> str:
        """As a sentence names it."""
        return spoken(self.kind, self.namespace, self.name)


class UnitId(NamedTuple):
    """A Flux Kustomization, HelmRelease, ResourceSet …, within its cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def spoken(self) -> str:
        """As a sentence names it: ``Kustomization flux-system/apps``."""
        return f"{self.kind} {self.namespace}/{self.name}"


class UnitState(StrEnum):
    """How far the rendering of a unit came."""

    RENDERED = "rendered"
    FAILED = "failed"
    """Its build fails, as it would in the cluster."""
    UNRESOLVED = "unresolved"
    """Something that is not at hand here would be needed: a source, a chart, a variable."""
    SUSPENDED = "suspended"


class SourceRef(NamedTuple):
    """The source a unit reads, as far as it is known."""

    kind: str
    namespace: str
    name: str
    url: str | None = None
    ref: str | None = None
    """Branch, tag, semver range, commit or digest, as the source spells it (``branch main``)."""


class Substitution(NamedTuple):
    """One variable of ``postBuild`` that filled in fields."""

    variable: str
    fields: tuple[str, ...]
    supplied_by: str
    """``inline``, ``ConfigMap ns/name key``, ``Secret ns/name key``, ``default``, or why it is unknown."""
    span: Span | None
    redacted: bool = False
