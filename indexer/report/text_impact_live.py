"""``impact --live`` as text: what the asked clusters say of the objects of the change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from indexer.query.impact.live import LiveChange, LiveImpact, Said
from indexer.query.impact.model import ChangeKind
from indexer.report.impact_words import field, rest, sentences, standings, state
from indexer.report.terminal import Terminal
from indexer.report.text import Writer, count, object_name, some
from indexer.report.text_impact import SHOWN, SIGNS
from indexer.report.text_live import age


def render(said: Sequence[Said], silent: Sequence[str], terminal: Terminal, *, verbose: bool = False) -> str:
    """The text that goes below that of ``impact``. ``silent``: clusters of the change that gave no answer."""
    writer = Writer(terminal, None)
    for one in said:
        writer.line()
        name = f"In the cluster {one.answer.cluster}" if one.answer is not None else f"Context {one.matched.context}"
        old = age(one.read_at)
        writer.heading(name, f"{state(one)}{f', {old}' if old else ''}")
        for mismatch in one.matched.mismatches if one.answer is not None or not one.unreadable else ():
            writer.wrapped(f"but: {mismatch}" if one.answer is not None else mismatch, 2, fg="yellow")
        if one.answer is not None:
            _answer(writer, one.answer, verbose=verbose)
        if one.unreadable:
            _unreadable(writer, one)
    if silent:
        writer.line()
        verb = "was" if len(silent) == 1 else "were"
        writer.wrapped(f"Not known: {some(silent, _ROOM)} {verb} not asked, or gave no answer", 0, fg="yellow")
    return str(writer)


_ROOM: Final = 200


def _answer(writer: Writer, answer: LiveImpact, *, verbose: bool) -> None:
    for text in standings(answer):
        writer.wrapped(text, 2, dim=True)
    # Of what could not be read, the reasons are told once, at the end.
    told = [one for one in answer.objects if one.exists is not None and (one.fields or sentences(one))]
    shown = told if verbose else told[:SHOWN]
    for one in shown:
        _object(writer, one, verbose=verbose)
    if len(shown) < len(told):
        writer.line(writer.terminal.style(f"  … and {count(len(told) - len(shown), 'more object')} (-v)", dim=True))
    if not answer.objects:
        writer.line("  the change does nothing to its objects")
    for text in rest(answer.objects):
        writer.line(writer.terminal.style(f"  {text}", dim=True))


def _object(writer: Writer, one: LiveChange, *, verbose: bool) -> None:
    sign, colour = SIGNS[one.kind]
    writer.line(f"  {writer.terminal.style(f'{sign} {object_name(one.change.object)}', fg=colour)}")
    for text in sentences(one):
        writer.wrapped(text, 4)
    if one.fields:
        writer.line("    differs:" if one.kind is ChangeKind.ADDED else "    changed in the cluster:")
    shown = one.fields if verbose else one.fields[:SHOWN]
    for changed in shown:
        writer.line(f"      {changed.difference.pointer}")
        writer.wrapped(field(changed), 8, dim=True)
    if len(shown) < len(one.fields):
        writer.line(f"      … and {count(len(one.fields) - len(shown), 'more field')} (-v)")


def _unreadable(writer: Writer, one: Said) -> None:
    reasons: dict[str, list[str]] = {}
    for lost in one.unreadable:
        reasons.setdefault(lost.reason, []).append(lost.what)
    for reason, names in reasons.items():
        writer.wrapped(f"could not be read: {some(list(dict.fromkeys(names)), _ROOM)}: {reason}", 2, fg="yellow")
