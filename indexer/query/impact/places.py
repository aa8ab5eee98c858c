"""Places after a change for what stood on lines that it removes: forges show results on lines that are there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Final

from indexer.git.changes import FileChange, SideName
from indexer.git.tree import EntryKind, Tree, TreeError
from indexer.manifest.node import Source, Span
from indexer.query.findings import Finding
from indexer.query.impact.model import Cause, Impact, ObjectChange, Unexplained

_LISTS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def on_head(answer: Impact, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings whose lines are all there after the change.

    One on removed lines moves to the nearest line that is left of its file, else to the file that listed what is gone,
    else to the unit or the entry point of its cluster; and it says where it stood.
    """
    places = _Places(answer)
    return tuple(places.moved(finding) for finding in findings)


class _Places:
    def __init__(self, answer: Impact) -> None:
        self._answer = answer
        self._changes = answer.changes
        self._tree = answer.head.tree

    def moved(self, finding: Finding) -> Finding:
        related = tuple(
            there for span in finding.related if (there := self._left(span) if self._is_old(span) else span) is not None
        )
        span = finding.span
        if span is None or not self._is_old(span):
            return replace(finding, related=related)
        there = self._left(span) or self._beside(span.source.file) or self._around(finding)
        was = f"{span.source.file}:{span.line}"
        gone = self._changes.within(SideName.BASE, span.source.file, span.line, span.end_line) is not None
        message = f"{finding.message} (the change removes {was})" if gone else finding.message
        return replace(finding, message=message, span=there, related=tuple(one for one in related if one != there))

    def _is_old(self, span: Span) -> bool:
        """Whether a span is one of the files before the change."""
        return span.source.repository is None and span in self._before and span not in self._after

    @cached_property
    def _before(self) -> frozenset[Span]:
        return frozenset(_spans(self._answer, SideName.BASE))

    @cached_property
    def _after(self) -> frozenset[Span]:
        return frozenset(_spans(self._answer, SideName.HEAD))

    def _left(self, span: Span) -> Span | None:
        """Where a span of the base is, or what is next to it; None where its file is gone."""
        file = self._changes.file(SideName.BASE, span.source.file)
        if file is None:
            return span
        if file.head is None:
            return None
        first, last = _on_head(file, span.line), _on_head(file, span.end_line)
        if self._changes.within(SideName.BASE, span.source.file, span.line, span.end_line) is not None:
            return self._line(file.head, first)
        return Span(Source(None, file.head), first, span.column, last, span.end_column)

    def _beside(self, file: str) -> Span | None:
        """The list that a file was on: the nearest one above it that the change touches, or that is there at all."""
        lists = list(self._lists(posixpath.dirname(file)))
        for path in lists:
            for first, _ in self._changes.lines(SideName.HEAD, path):
                return self._line(path, first)
            # Of a list from which lines only go, the first of them tells.
            for first, _ in self._changes.lines(SideName.BASE, path):
                changed = self._changes.file(SideName.HEAD, path)
                return self._line(path, _on_head(changed, first) if changed is not None else 1)
        return self._line(lists[0], 1) if lists else None

    def _lists(self, directory: str) -> Iterator[str]:
        """The kustomization files in a directory and those above it that are there after the change."""
        while True:
            for name in _LISTS:
                path = posixpath.join(directory, name)
                if self._tree.kind(path) is EntryKind.FILE:
                    yield path
            if not directory:
                return
            directory = posixpath.dirname(directory)

    def _around(self, finding: Finding) -> Span | None:
        """What deployed it, or its cluster."""
        head = self._answer.head
        key = (finding.cluster, finding.unit)
        units = [unit for known, unit in head.units.items() if known == key]
        if units and (place := units[0].definition) is not None:
            return place
        files = [file for cluster in head.clusters if cluster.name == finding.cluster for file in cluster.entry]
        return next((self._line(file, 1) for file in files if self._tree.kind(file) is EntryKind.FILE), None)

    def _line(self, path: str, line: int) -> Span:
        """A whole line, or the last one where there are fewer."""
        lines = _lines(self._tree, path)
        line = max(1, min(line, len(lines)))
        return Span(Source(None, path), line, 1, line, max(len(lines[line - 1]) if lines else 1, 1))


def _on_head(file: FileChange, line: int) -> int:
    """The line of the head that stands where a line of the base stood: what replaces it, else what is before it."""
    shift = 0
    for hunk in file.hunks:
        if hunk.base is not None and hunk.base[0] <= line <= hunk.base[1]:
            return hunk.head[0] if hunk.head is not None else hunk.base[0] - 1 + shift
        if hunk.base is not None and hunk.base[0] > line:
            break
        added = hunk.head[1] - hunk.head[0] + 1 if hunk.head is not None else 0
        removed = hunk.base[1] - hunk.base[0] + 1 if hunk.base is not None else 0
        if hunk.base is None and hunk.head is not None and hunk.head[0] - shift > line:
            break
        shift += added - removed
    return line + shift


def _lines(tree: Tree, path: str) -> list[str]:
    try:
        return tree.read(path).decode("utf-8", "replace").splitlines()
    except TreeError:
        return []


def _spans(answer: Impact, side: SideName) -> Iterator[Span]:
    """All places on one side that an answer speaks of."""
    for cluster in answer.clusters:
        for unit in cluster.units:
            yield from _of_cause(unit.cause, side)
            state = unit.before if side is SideName.BASE else unit.after
            if state is not None and state.definition is not None:
                yield state.definition
        for one in cluster.objects:
            yield from _of_object(one, side)


def _of_object(one: ObjectChange, side: SideName) -> Iterator[Span]:
    for cause in (one.cause, *(field.cause for field in one.fields)):
        yield from _of_cause(cause, side)
    state = one.before if side is SideName.BASE else one.after
    if state is not None and state.definition is not None:
        yield state.definition


def _of_cause(cause: Cause | Unexplained, side: SideName) -> Iterator[Span]:
    if isinstance(cause, Cause) and cause.side is side:
        yield cause.span
