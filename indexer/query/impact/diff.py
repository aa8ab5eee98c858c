"""The rendered diff of an object, without what is secret."""

from __future__ import annotations

from difflib import unified_diff

from indexer.flux.model import RenderedObject
from indexer.git.changes import SideName
from indexer.manifest.emit import emit
from indexer.manifest.scalars import to_data
from indexer.query.impact.model import Impact, ObjectChange, Side
from indexer.query.redaction import Redaction, Secrecy


def redaction_of(side: Side) -> Redaction:
    """What knows the secrets of one side."""
    redaction = Redaction(side.tree)
    for unit in side.detailed_units():
        redaction.learn(one.tree for one in unit.objects)
    return redaction


class Diffs:
    """Makes the diffs of one answer."""

    def __init__(self, answer: Impact) -> None:
        self._redactions = {SideName.BASE: redaction_of(answer.base), SideName.HEAD: redaction_of(answer.head)}

    def of(self, one: ObjectChange) -> tuple[str, ...]:
        """The lines of a unified diff, without line ends; none where the object's text is not known."""
        changed = {field.path for field in one.fields if field.redacted}
        before = self._lines(SideName.BASE, one.before, ())
        after = self._lines(SideName.HEAD, one.after, changed)
        old, new = (_title(one, unit) for unit in (one.before_unit, one.after_unit))
        return tuple(line.rstrip("\n") for line in unified_diff(before, after, old, new, lineterm=""))

    def _lines(self, side: SideName, one: RenderedObject | None, changed: set[str] | tuple[()]) -> list[str]:
        if one is None or one.tree is None:
            return []
        hidden = Secrecy(one, self._redactions[side]).hidden(one.tree, changed=changed)
        return emit(to_data(hidden)).splitlines()


def _title(one: ObjectChange, unit: object) -> str:
    if unit is None:
        return "/dev/null"
    return f"{one.cluster}: {unit}: {one.object.spoken}"
