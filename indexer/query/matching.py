"""Which entry point of the repository a live cluster runs: by hand, by the configuration, or by what the cluster says.

What the cluster says is the path of its root Kustomizations and the URL of their sources. Where that contradicts the
choice, or fits no entry point or several, it is said, and nothing is guessed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from indexer.cluster.model import FluxState, Trouble
from indexer.cluster.reader import LiveCluster
from indexer.flux.config import Config
from indexer.flux.identity import UnitId
from indexer.git.remotes import same_repository
from indexer.index.read import Row


class Known(Protocol):
    """The units of a repository: of an index (its ``Scope``), or as they were rendered just now."""

    @property
    def clusters(self) -> Sequence[str]:
        """The clusters that were asked for by name; empty for all."""

    @property
    def every(self) -> Mapping[int, Row]:
        """Rows as in view ``units``, by ``unit_id``."""


class How(StrEnum):
    """What a match rests on."""

    HAND = "hand"
    """``--cluster`` on the command line."""
    CONFIG = "config"
    """``context`` of a ``[[cluster]]``."""
    CLUSTER = "cluster"
    """The cluster's own root Kustomizations and sources."""


@dataclass(frozen=True, slots=True)
class Matched:
    """One context, and the cluster of the index that it is."""

    context: str
    cluster: str | None
    """None: no entry point, or no single one, is what this cluster runs."""
    how: How | None
    mismatches: tuple[str, ...]
    """What contradicts the match, or why there is none: a sentence each."""


def match(scope: Known, config: Config, cluster: LiveCluster, remotes: Sequence[str]) -> Matched:
    """The entry point that ``cluster`` runs. ``remotes`` are URLs of the indexed repository itself."""
    names = _names(scope)
    wanted = [name for name in scope.clusters if name in names]
    if len(wanted) == 1:
        return _held(wanted[0], How.HAND, scope, cluster, remotes)
    configured = [one.name for one in config.clusters if one.context == cluster.context and one.name in names]
    if len(configured) == 1:
        return _held(configured[0], How.CONFIG, scope, cluster, remotes)
    roots = sorted({unit["cluster"] for unit in scope.every.values()})
    compared = {name: _mismatches(name, scope, cluster.flux, remotes) for name in wanted or configured or roots}
    fitting = [name for name, found in compared.items() if not found]
    if len(fitting) == 1:
        return Matched(cluster.context, fitting[0], How.CLUSTER, ())
    return Matched(cluster.context, None, None, tuple(_why(compared, fitting, cluster.flux)))


def _names(scope: Known) -> set[str]:
    """The clusters that the index knows: those with units, and those that units of others deploy to."""
    return {name for unit in scope.every.values() for name in (unit["cluster"], unit["target"]) if name}


def _held(name: str, how: How, scope: Known, cluster: LiveCluster, remotes: Sequence[str]) -> Matched:
    """A match that a person made, with what the cluster says against it."""
    return Matched(cluster.context, name, how, tuple(_mismatches(name, scope, cluster.flux, remotes)))


def _mismatches(name: str, scope: Known, flux: FluxState, remotes: Sequence[str]) -> list[str]:
    """What the cluster says against being the entry point ``name``."""
    roots = [unit for unit in scope.every.values() if unit["cluster"] == name and _is_root(unit, scope)]
    if not roots and name not in {unit["target"] for unit in scope.every.values()}:
        return ["the index knows no root Kustomization of it"]
    return [text for root in roots for text in _differences(root, flux, remotes)]


def _is_root(unit: Row, scope: Known) -> bool:
    """Whether a unit is applied by hand, or made by the FluxInstance that is."""
    above = scope.every.get(unit["parent_id"])
    by_hand = unit["parent_name"] is None or (above is not None and above["kind"] == "FluxInstance")
    return unit["kind"] == "Kustomization" and by_hand


def _differences(root: Row, flux: FluxState, remotes: Sequence[str]) -> list[str]:
    id_ = UnitId(root["kind"], root["namespace"], root["name"])
    live = flux.unit(id_)
    if live is None:
        return [f"it has no {id_.kind} {id_.namespace}/{id_.name}"]
    found = []
    if not same_path(live.path, root["path"]):
        found.append(f"the path of its {live.id.spoken} is {live.path or '.'}, not {root['path'] or '.'}")
    source = flux.source(live.source)
    url = source.url if source is not None else None
    if url and root["source_url"] and not any(_same(url, other) for other in (root["source_url"], *remotes)):
        found.append(f"its {live.id.spoken} reads {url}, not {root['source_url']}")
    return found


def same_path(one: str | None, other: str | None) -> bool:
    """Whether two spellings of ``spec.path`` mean one directory."""
    first, second = (posixpath.normpath(f"/{path or ''}") for path in (one, other))
    return first == second


def _same(url: str, other: str) -> bool:
    return url == other or same_repository(url, other)


def _why(compared: dict[str, list[str]], fitting: list[str], flux: FluxState) -> list[str]:
    """Why no entry point can be chosen."""
    if fitting:
        return [f"{', '.join(fitting)} fit equally well: name one with --cluster"]
    if any(one.trouble in (Trouble.UNREACHABLE, Trouble.UNAUTHORIZED) for one in flux.unreadable):
        return ["which entry point it runs is not known: it could not be asked"]
    if not flux.units:
        hidden = [f"{one.what}: {one.reason}" for one in flux.unreadable]
        return [f"no Flux object can be seen in it{''.join(f'; {text}' for text in hidden)}"]
    return [f"it is not {name}: {found[0]}" for name, found in compared.items()]
