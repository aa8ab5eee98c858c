"""One question put to several live clusters, each held against the entry point that it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from indexer.cluster.model import FluxState, Trouble, Unreadable
from indexer.cluster.reader import LiveCluster
from indexer.flux.config import Config
from indexer.git.repository import Repository
from indexer.query.matching import Known, Matched, match

_A = TypeVar("_A")
_C = TypeVar("_C", bound=LiveCluster)


@dataclass(frozen=True, slots=True)
class Surveyed(Generic[_A]):
    """The answer of one cluster."""

    matched: Matched
    read_at: str
    """When the cluster said so: ISO 8601, UTC."""
    answer: _A | None
    """None where it is not known which entry point the cluster runs: see ``matched.mismatches``."""
    unreadable: tuple[Unreadable, ...]
    """What the answer is without."""

    @property
    def complete(self) -> bool:
        """Whether there is an answer, and nothing is missing in it: else "nothing found" would mean little."""
        return self.answer is not None and not self.unreadable


def about_flux(flux: FluxState) -> tuple[Unreadable, ...]:
    """What is missing of Flux's own objects; that another API does not answer is no matter for them."""
    lost = (Trouble.UNREACHABLE, Trouble.UNAUTHORIZED)
    return tuple(one for one in flux.unreadable if "fluxcd" in one.what or one.trouble in lost)


def survey(
    scope: Known,
    config: Config,
    repository: Repository,
    clusters: Iterable[_C],
    ask: Callable[[str, _C], tuple[_A, Iterable[Unreadable]]],
) -> Iterator[Surveyed[_A]]:
    """Asks each live cluster that can be matched; ``ask`` gets the name of its entry point, and the cluster."""
    remotes = list(repository.remotes().values())
    for cluster in clusters:
        matched = match(scope, config, cluster, remotes)
        if matched.cluster is None:
            yield Surveyed(matched, cluster.read_at, None, cluster.flux.unreadable)
            continue
        answer, unreadable = ask(matched.cluster, cluster)
        yield Surveyed(matched, cluster.read_at, answer, tuple(dict.fromkeys(unreadable)))
