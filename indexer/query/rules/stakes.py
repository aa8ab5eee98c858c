"""What is lost with a live object when it is deleted, in the words of a finding, and how bad that makes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from indexer.cluster.model import LiveUnit
from indexer.flux.identity import ObjectId
from indexer.query.findings import Severity, Verdict
from indexer.query.impact.holding import Claims, Contents, Storage
from indexer.query.impact.live import LiveChange

_LISTED: Final = 5
_PRECIOUS: Final = ("PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "Secret")
"""What to name first of what nobody makes again."""


def at_stake(one: LiveChange, severity: Severity) -> Verdict:
    """What goes with an object that is deleted; ``severity`` is that of its deletion where nothing is known of it."""
    match one.holding:
        case Storage() if one.change.object.kind == "PersistentVolume":
            return _volume(one.holding, severity)
        case Storage():
            return _claim(one.holding, severity)
        case Claims():
            return _claims(one.holding, severity)
        case Contents():
            return _contents(one.holding, severity)
    if one.change.object.kind == "StatefulSet" and one.live is not None and one.live.body:
        return Verdict(_at_most_warning(severity), "it has no claims on storage")
    return Verdict(severity)


def _claim(held: Storage, severity: Severity) -> Verdict:
    if not held.partner and held.phase != "Bound":
        return Verdict(Severity.NOTE, "it was never bound to a volume, so it holds no data")
    volume = " on ".join(filter(None, (held.capacity, held.partner))) or "a volume"
    if held.reclaim == "Retain":
        return Verdict(_at_most_warning(severity), f"it holds data: {volume}, which is retained")
    return Verdict(
        severity, f"it holds data: {volume}{', which is deleted with it' if held.reclaim == 'Delete' else ''}"
    )


def _at_most_warning(severity: Severity) -> Severity:
    return max(severity, Severity.WARNING, key=lambda one: one.rank)


def _volume(held: Storage, severity: Severity) -> Verdict:
    claim = f"it holds the data of {held.partner}" if held.partner else "no claim is bound to it"
    what = f"{claim} ({held.capacity})" if held.capacity else claim
    if held.reclaim == "Retain":
        return Verdict(_at_most_warning(severity), f"{what}, and what it stands for is retained")
    return Verdict(severity, what)


def _claims(held: Claims, severity: Severity) -> Verdict:
    if not held.claims:
        return Verdict(severity, "no claim of it is there")
    claims = f"{counted(len(held.claims), 'claim')} on storage: {some([one.name for one in held.claims])}"
    if held.retained:
        return Verdict(severity, f"it leaves {claims}")
    return Verdict(Severity.ERROR, f"it takes with it {claims}")


def _contents(held: Contents, severity: Severity) -> Verdict:
    partly = "" if held.complete else ", as far as it could be listed"
    if not held.total and not held.owned:
        return Verdict(Severity.NOTE if held.complete else severity, f"it holds nothing{partly}")
    what = some([f"{number:,} {kind}" for kind, number in held.kinds])
    owned = f" and {held.owned:,} that they own" if held.owned else ""
    says = f"it takes with it {counted(held.total, 'object')} ({what}){owned}{partly}"
    if held.undefined:
        says += f", of which no code makes again {some([one.spoken for one in _worst_first(held.undefined)])}"
    return Verdict(severity, says)


def _worst_first(objects: Iterable[ObjectId]) -> list[ObjectId]:
    return sorted(objects, key=lambda one: one.kind not in _PRECIOUS)


def inventory(live: LiveUnit) -> str:
    """What a unit has, as its status lists it; empty where it does not."""
    if not live.inventory:
        return "" if live.inventory is None else "it has no objects there"
    kinds = Counter(one.kind for one in live.inventory)
    listed = some([f"{number:,} {kind}" for kind, number in kinds.most_common()])
    return f"it has {counted(len(live.inventory), 'object')} there ({listed})"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(texts: Sequence[str], between: str = ", ") -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return between.join(texts[:_LISTED]) + more
