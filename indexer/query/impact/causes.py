"""Which changed lines made a leaf what it is: read from the history that a build leaves in its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indexer.flux.model import RenderedObject
from indexer.git.changes import Changes, SideName
from indexer.manifest.node import Mapping, Node, Operation, Role, Sequence, Span, overridden, pointer
from indexer.query.impact.fields import Difference, Path
from indexer.query.impact.model import Cause

Evidence = tuple[SideName, Span | None, str]
"""Lines that had a part in something, and what they are part of."""


def first(changes: Changes, evidence: Iterable[Evidence]) -> Cause | None:
    """The first evidence that lies in the change."""
    for side, span, how in evidence:
        cause = at(changes, side, span, how)
        if cause is not None:
            return cause
    return None


def at(changes: Changes, side: SideName, span: Span | None, how: str) -> Cause | None:
    """The part of a span that lies in the change; None where no line of it does."""
    if span is None or span.source.repository is not None:
        return None
    lines = changes.within(side, span.source.file, span.line, span.end_line)
    return None if lines is None else Cause(clipped(span, *lines), side, how)


def clipped(span: Span, first_line: int, last_line: int) -> Span:
    """The lines of a span from ``first_line`` to ``last_line``."""
    column = span.column if first_line == span.line else 1
    end = span.end_column if last_line == span.end_line else 1
    return Span(span.source, first_line, column, last_line, max(end, column if first_line == last_line else 1))


def of_field(found: Difference, before: RenderedObject, after: RenderedObject) -> Iterator[Evidence]:
    """All that can have made a leaf differ, the most direct first: who sets it, who did, who lost, who removed it."""
    if found.after is not None:
        yield from of_winner(SideName.HEAD, found.after, found.path, after)
    if found.before is not None:
        yield from of_winner(SideName.BASE, found.before, found.past, before)
    for side, node in ((SideName.HEAD, found.after), (SideName.BASE, found.before)):
        for past in overridden(node) if node is not None else ():
            yield side, past.span, _name(past.op)
            yield side, past.op.entry if past.op is not None else None, _name(past.op)
    yield from _of_containers(SideName.HEAD, found.above, found.path)
    yield from _of_containers(SideName.BASE, found.above_before, found.past)


def of_winner(side: SideName, node: Node, path: Path, one: RenderedObject) -> Iterator[Evidence]:
    """What set a value: its text, the variables in it, the lines that call the operation."""
    yield side, node.span, _name(node.op)
    if node.op is not None and node.op.role is Role.SUBSTITUTES:
        where = pointer(path)
        for filled in one.substitutions:
            if where in filled.fields:
                yield side, filled.span, f"postBuild {filled.variable}"
    if node.op is not None:
        yield side, node.op.entry, _name(node.op)


def _of_containers(side: SideName, above: tuple[Node, ...], path: Path) -> Iterator[Evidence]:
    """What removed something from a container, or put the whole container there, the innermost first."""
    for depth in range(len(above) - 1, -1, -1):
        node = above[depth]
        if not isinstance(node, Mapping | Sequence):
            continue
        for removal in node.gone:
            # An item's index may be another one's by now, so every removal from a list counts.
            if isinstance(node, Sequence) or (depth < len(path) and removal.key == path[depth]):
                yield side, removal.at.span, _name(removal.op)
                yield side, removal.op.entry, _name(removal.op)
        if node.op is not None:
            yield side, node.span, _name(node.op)
            yield side, node.op.entry, _name(node.op)


def _name(op: Operation | None) -> str:
    return "resource" if op is None else op.name
