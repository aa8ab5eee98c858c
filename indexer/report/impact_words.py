"""What live clusters say of the objects of a change, in words: shared by text and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from indexer.cluster.model import Trouble
from indexer.query.fieldvalue import shown
from indexer.query.impact.holding import Claims, Contents, Holding, Storage
from indexer.query.impact.live import ChangedByHand, Effect, LiveChange, LiveImpact, Said
from indexer.query.impact.model import ChangeKind
from indexer.query.livefields import Absent
from indexer.report.markdown import code, plain
from indexer.report.text import count, object_name, some

_FIELDS: Final = 5
_ROOM: Final = 150
"""Characters of a list of names."""
_DONE: Final = {ChangeKind.ADDED: "is there already", ChangeKind.REMOVED: "is gone already"}


def state(one: Said) -> str:
    """What the context is: ``context prod-admin``, and why nothing is known of it."""
    if one.answer is not None:
        return f"context {one.matched.context}"
    if any(lost.trouble in (Trouble.UNREACHABLE, Trouble.UNAUTHORIZED) for lost in one.unreadable):
        return "could not be asked"
    return "no cluster of this repository"


def standings(answer: LiveImpact) -> Iterator[str]:
    """The units that have not applied just the base, so that what they have may differ from it for that alone."""
    alike: dict[str, list[str]] = {}
    for one in answer.units:
        parts = [
            f"{count(one.behind, 'commit')} behind the base" if one.behind else "",
            f"{count(one.ahead, 'commit')} beyond {'it' if one.behind else 'the base'}" if one.ahead else "",
        ]
        if one.commit is None:
            text = one.reason or "what it has applied is not known"
        elif one.behind is None:
            text = f"{one.commit[:10]} is applied, and git cannot tell how far that is from the base"
        elif one.behind or one.ahead:
            text = f"{one.commit[:10]} is applied, {' and '.join(filter(None, parts))}"
        else:
            continue
        alike.setdefault(text, []).append(one.unit.spoken)
    for text, names in alike.items():
        yield f"{some(names, _ROOM)}: {text}"


def sentences(one: LiveChange) -> list[str]:
    """What a person has to know of one object; nothing where it is in the cluster as the code has it."""
    return [text for text in _sentences(one) if text]


def _sentences(one: LiveChange) -> Iterator[str]:
    if not one.exists:
        yield _missing(one)
        return
    if one.is_done:
        yield _DONE.get(one.kind, "is already as the change makes it")
    elif one.kind is ChangeKind.ADDED:
        yield f"is there already: {_owner(one)}, and the change takes it over"
    elif one.settled:
        yield f"has {len(one.settled)} of {count(len(one.change.fields), 'change')} already"
    if one.kind is not ChangeKind.ADDED and not one.is_ours:
        yield f"{_owner(one)}{', so it stays' if one.kind is ChangeKind.REMOVED else ''}"
    if one.metadata is not None and one.metadata.deleting:
        yield "is being deleted"
    if one.holding is not None:
        yield from _holding(one.holding)


def _missing(one: LiveChange) -> str:
    if one.exists is None:
        return "could not be read"
    if one.is_done:
        return _DONE[ChangeKind.REMOVED]
    if not one.served:
        return f"the cluster has no kind {one.change.object.kind} yet"
    return "" if one.kind is ChangeKind.ADDED else "is not there: the change makes it anew"


def _owner(one: LiveChange) -> str:
    """Who has the object."""
    unit = one.trace.unit if one.trace is not None else None
    release = one.trace.release if one.trace is not None else None
    if unit is not None:
        return f"{unit.kind} {unit.namespace}/{unit.name} has it"
    if release is not None:
        return f"it is part of the Helm release {release.namespace}/{release.name}, which is not Flux's"
    return f"no unit has it{f' ({one.manager} wrote it)' if one.manager else ''}"


def _holding(held: Holding) -> Iterator[str]:
    match held:
        case Storage():
            yield _storage(held)
        case Claims(claims=()):
            return
        case Claims():
            names = some([one.name for one in held.claims], _ROOM)
            fate = "not deleted with it" if held.retained else "deleted with it"
            yield f"has {count(len(held.claims), 'claim')} on storage, {fate}: {names}"
        case Contents():
            yield from _contents(held)


def _storage(held: Storage) -> str:
    facts = [
        held.capacity,
        f"bound to {held.partner}" if held.partner and held.phase == "Bound" else held.phase.lower(),
    ]
    fate = {"Delete": ", which is deleted with it", "Retain": ", which is retained"}.get(held.reclaim or "", "")
    return f"storage: {' '.join(filter(None, facts))}{fate if held.phase == 'Bound' else ''}"


def _contents(held: Contents) -> Iterator[str]:
    if not held.total and not held.owned:
        yield "holds nothing"
        return
    owned = f", and {count(held.owned, 'object')} that they own" if held.owned else ""
    kinds = some([f"{number:,} {kind}" for kind, number in held.kinds], _ROOM)
    yield f"holds {count(held.total, 'object')}: {kinds}{owned}"
    if held.undefined:
        names = some([object_name(one) for one in held.undefined], _ROOM)
        yield f"{len(held.undefined):,} of them in no code: {names}"


def field(one: ChangedByHand) -> str:
    """``5, not 2 (kubectl-edit, 2026-11-22T14:00:00Z): the change sets 3``."""
    live = "nothing" if isinstance(one.difference.live, Absent) else shown(one.difference.live)
    writer = next(iter(one.difference.writers), None)
    who = f" ({' '.join(filter(None, (writer.manager, writer.time)))})" if writer is not None else ""
    return f"{live}, not {shown(one.difference.rendered)}{who}{_effect(one)}"


def _effect(one: ChangedByHand) -> str:
    match one.effect:
        case Effect.SETTLES:
            return ": as the change has it"
        case Effect.NONE:
            return ": not part of the change"
        case Effect.OVERWRITES if one.change is not None and one.change.change is ChangeKind.REMOVED:
            return ": the change removes it"
        case Effect.OVERWRITES if one.change is not None and not one.change.redacted:
            return f": the change sets {shown(one.change.after)}"
        case Effect.OVERWRITES:
            return ": the change overwrites it"
    return ""


def rest(objects: Iterable[LiveChange]) -> list[str]:
    """How many objects there is nothing else to say of."""
    quiet = [one for one in objects if not one.fields and not sentences(one)]
    unseen = sum(bool(one.exists) and not one.compared for one in quiet)
    same = len(quiet) - unseen
    texts = (
        (same, "1 object is as the code has it", "objects are as the code has them"),
        (unseen, "1 object is there, its content not compared", "objects are there, their content not compared"),
    )
    return [one if number == 1 else f"{number:,} {many}" for number, one, many in texts if number]


def markdown(said: Iterable[Said], silent: Sequence[str]) -> Iterator[str]:
    """A list with what each cluster said."""
    for one in said:
        name = one.answer.cluster if one.answer is not None else f"context {one.matched.context}"
        yield f"- **{plain(name)}** ({plain(state(one))})"
        reasons = [
            *one.matched.mismatches,
            *(f"could not be read: {lost.what}: {lost.reason}" for lost in one.unreadable),
        ]
        yield from (f"  - {plain(text)}" for text in dict.fromkeys(reasons))
        if one.answer is not None:
            yield from _answer(one.answer)
    if silent:
        yield f"- not known: {plain(', '.join(silent))}"


def _answer(answer: LiveImpact) -> Iterator[str]:
    yield from (f"  - {plain(text)}" for text in standings(answer))
    for one in answer.objects:
        said = sentences(one) or (["was changed in the cluster"] if one.fields else [])
        if said:
            yield f"  - **{plain(object_name(one.change.object))}** {plain('; '.join(said))}"
            yield from (f"    - {code(each.difference.pointer)} {plain(field(each))}" for each in one.fields[:_FIELDS])
        if len(one.fields) > _FIELDS:
            yield f"    - and {count(len(one.fields) - _FIELDS, 'more field')}"
    yield from (f"  - {text}" for text in rest(answer.objects))
