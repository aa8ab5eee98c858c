"""Every changed line accounted for: what it does, or why it does nothing."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from indexer.flux.model import RenderedObject, UnitId
from indexer.git.changes import Changes, FileChange, Hunk, Lines, SideName
from indexer.git.tree import EntryKind, TreeError
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Role, Scalar, Span, overridden, unpack
from indexer.manifest.node import Sequence as List
from indexer.manifest.scalars import to_data
from indexer.query.impact.model import Accounted, Reach, Side
from indexer.query.reasons import Reader, Reasons

Effect = tuple[str, UnitId, tuple[str, str, str, str] | None]
"""An object that changes, by cluster, unit and identity; a unit, where the identity is None."""

_COMMENT: Final = "only a comment"
_SPACE: Final = "only an empty line"
_FORMAT: Final = "only the formatting changes: the data are the same"
_MANIFESTS: Final = (".yaml", ".yml", ".json")


class Effects:
    """Which lines of which side have a part in which change."""

    def __init__(self) -> None:
        self._found: dict[tuple[SideName, str], list[tuple[int, int, Effect]]] = defaultdict(list)
        self._files: dict[tuple[SideName, str], dict[Effect, None]] = defaultdict(dict)

    def add(self, side: SideName, span: Span | None, effect: Effect) -> None:
        if span is not None and span.source.repository is None:
            self._found[side, span.source.file].append((span.line, span.end_line, effect))
            self._files[side, span.source.file][effect] = None

    def on(self, side: SideName, file: str, line: int) -> frozenset[Effect]:
        return frozenset(effect for first, last, effect in self._found[side, file] if first <= line <= last)

    def of_file(self, side: SideName, file: str) -> frozenset[Effect]:
        return frozenset(self._files.get((side, file), ()))


def reach(effects: Iterable[Effect]) -> Reach:
    """How far lines reach, each object and unit counted once."""
    found = set(effects)
    objects = sum(identity is not None for _, _, identity in found)
    return Reach(objects, tuple(sorted({cluster for cluster, _, _ in found})), len(found) - objects)


@dataclass(frozen=True, slots=True)
class _Idle:
    """Why a line does nothing."""

    reason: str
    related: tuple[Span, ...] = ()


class Account:
    """Goes through the lines of a change."""

    def __init__(self, base: Side, head: Side, changes: Changes, effects: Effects) -> None:
        self._changes = changes
        self._effects = effects
        self._views = {
            SideName.BASE: _View(base, SideName.BASE, changes, effects),
            SideName.HEAD: _View(head, SideName.HEAD, changes, effects),
        }

    def lines(self) -> Iterator[Accounted]:
        for file in self._changes.files:
            if not file.hunks:
                yield self._whole(file)
            for hunk in file.hunks:
                yield from self._hunk(file, hunk)

    def _whole(self, file: FileChange) -> Accounted:
        """A file of which no line changed."""
        side, path = (SideName.HEAD, file.head) if file.head is not None else (SideName.BASE, file.base)
        assert path is not None
        found = self._effects.of_file(side, path)
        if file.base is not None and file.base != path:
            found |= self._effects.of_file(SideName.BASE, file.base)
        if found:
            return Accounted(path, side, None, reach(found), None)
        if file.renamed:
            what = f"only renamed, from {file.base}"
        elif file.base is not None and file.head is not None:
            what = "no line of it changed: its mode, or bytes that are no text"
        else:
            what = "an empty file, or one that is no text"
        return Accounted(
            path, side, None, None, f"{what}; it {self._views[side].why(path)}" if not file.renamed else what
        )

    def _hunk(self, file: FileChange, hunk: Hunk) -> Iterator[Accounted]:
        same = not file.link and self._is_formatting(file, hunk)
        for side in SideName:
            path, lines = file.on(side), hunk.on(side)
            if path is not None and lines is not None:
                yield from self._views[side].account(path, lines, link=file.link, same=same)

    def _is_formatting(self, file: FileChange, hunk: Hunk) -> bool:
        """Whether the leaves that begin on the lines of a hunk are the same on both sides, in whatever order."""
        if hunk.base is None or hunk.head is None or file.base is None or file.head is None:
            return False
        base, head = self._views[SideName.BASE].text(file.base), self._views[SideName.HEAD].text(file.head)
        return base.parsed and head.parsed and base.leaves(hunk.base) == head.leaves(hunk.head)


class _View:
    """One side's lines."""

    def __init__(self, side: Side, name: SideName, changes: Changes, effects: Effects) -> None:
        self._side = side
        self._name = name
        self._changes = changes
        self._effects = effects
        self._texts: dict[str, Text] = {}

    def text(self, path: str) -> Text:
        if path not in self._texts:
            self._texts[path] = Text(self._side, path)
        return self._texts[path]

    def account(self, path: str, lines: Lines, *, link: bool, same: bool) -> Iterator[Accounted]:
        """The lines of one hunk, those together that have the same effect or reason."""
        if link:
            found = self._effects.of_file(self._name, path)
            yield Accounted(path, self._name, lines, reach(found) if found else None, None if found else self.why(path))
            return
        kinds = self._effective(path, lines)
        if not any(kinds):
            yield from self._idle(path, lines, same=same)
            return
        # Comments and blank lines belong to what they stand at.
        text = self.text(path)
        for index in range(1, len(kinds)):
            if not kinds[index] and text.is_bare(lines[0] + index):
                kinds[index] = kinds[index - 1]
        for index in range(len(kinds) - 2, -1, -1):
            if not kinds[index] and text.is_bare(lines[0] + index):
                kinds[index] = kinds[index + 1]
        for first, last in _runs(kinds):
            run = (lines[0] + first, lines[0] + last)
            if kinds[first]:
                yield Accounted(path, self._name, run, reach(kinds[first]), None)
            else:
                yield from self._idle(path, run, same=same)

    def _effective(self, path: str, lines: Lines) -> list[frozenset[Effect]]:
        """What each line does. A line that only opens a block has the effect of what is in it."""
        found = [self._effects.on(self._name, path, line) for line in range(lines[0], lines[1] + 1)]
        for index in range(len(found) - 1, -1, -1):
            block = self.text(path).block(lines[0] + index)
            if not found[index] and block is not None:
                below = range(index + 1, min(block - lines[0], len(found) - 1) + 1)
                found[index] = frozenset().union(*(found[line] for line in below))
        return found

    def _idle(self, path: str, lines: Lines, *, same: bool) -> Iterator[Accounted]:
        """Lines that do nothing, with the reason for each run of them."""
        numbers = range(lines[0], lines[1] + 1)
        text = self.text(path)
        if path.endswith(_MANIFESTS) and all(text.is_bare(line) for line in numbers):
            comment = any(text.is_comment(line) for line in numbers)
            yield Accounted(path, self._name, lines, None, _COMMENT if comment else _SPACE)
            return
        if same:
            yield Accounted(path, self._name, lines, None, _FORMAT)
            return
        reasons: list[_Idle | None] = [None if text.is_bare(line) else self._reason(path, line) for line in numbers]
        known = next(reason for reason in reasons if reason is not None) if any(reasons) else _Idle(self.why(path))
        filled = [reason or known for reason in reasons]
        for first, last in _runs(filled):
            run = (lines[0] + first, lines[0] + last)
            yield Accounted(path, self._name, run, None, filled[first].reason, filled[first].related)

    def _reason(self, path: str, line: int) -> _Idle:
        lost = self._past.get((path, line))
        if lost is not None:
            return lost
        winner = self._present.get((path, line))
        if winner is not None:
            return winner
        block = self.text(path).block(line)
        for below in range(line + 1, block + 1) if block is not None else ():
            found = self._past.get((path, below)) or self._present.get((path, below))
            if found is not None:
                return found
        return _Idle(self.why(path))

    # Histories of the rendered objects

    @cached_property
    def _past(self) -> dict[tuple[str, int], _Idle]:
        self._read_histories()
        return self._overridden

    @cached_property
    def _present(self) -> dict[tuple[str, int], _Idle]:
        self._read_histories()
        return self._winners

    def _read_histories(self) -> None:
        """What became of the texts on changed lines: which of them lost, and which set a value that is as it was."""
        self._overridden: dict[tuple[str, int], _Idle] = {}
        self._winners: dict[tuple[str, int], _Idle] = {}
        paths = self._changes.paths(self._name)
        for unit in self._side.detailed_units():
            for one in unit.objects:
                if one.tree is not None:
                    self._read(one.tree, one, paths)
                for each in one.contributions:
                    if each.role is Role.CONFIGURES and each.span.source.file in paths:
                        self._note(self._winners, each.span, f"{each.operation}: what it brings is the same as before")

    def _read(self, node: Node, one: RenderedObject, paths: frozenset[str]) -> None:
        for past in overridden(node):
            if past.source.file in paths and past.span is not None:
                by = node.span
                at = f" at {by.source.file}:{by.line}" if by is not None and by != past.span else ""
                how = f" by {node.op.name}" if node.op is not None else ""
                if by != past.span:
                    self._note(self._overridden, past.span, f"overridden{at}{how}", (by,) if by is not None else ())
        if isinstance(node, Mapping):
            for _, value in node.fields.values():
                self._read(value, one, paths)
        elif isinstance(node, List):
            for item in node.items:
                self._read(item, one, paths)
        elif node.source.file in paths:
            self._note(self._winners, node.span, f"{one.id.kind} {one.id.name} has the same value on both sides")
        for removal in node.gone if isinstance(node, Mapping | List) else ():
            if removal.node.source.file in paths:
                by = removal.at.span
                at = f" at {by.source.file}:{by.line}" if by is not None else ""
                self._note(
                    self._overridden, removal.node.span, f"removed{at} by {removal.op.name}", (by,) if by else ()
                )

    def _note(
        self, notes: dict[tuple[str, int], _Idle], span: Span | None, reason: str, related: tuple[Span, ...] = ()
    ) -> None:
        if span is not None and span.source.repository is None:
            for lines in self._changes.lines(self._name, span.source.file):
                for line in range(max(lines[0], span.line), min(lines[1], span.end_line) + 1):
                    notes.setdefault((span.source.file, line), _Idle(reason, related))

    # Files

    def why(self, path: str) -> str:
        """Why a file, or lines of it, deploy nothing."""
        return self._reasons.why(path, elsewhere=self._others(path))

    def _others(self, path: str) -> int:
        return self._uses.get(path, 0)

    @cached_property
    def _uses(self) -> dict[str, int]:
        """The number of objects in which a changed file has a part."""
        paths = self._changes.paths(self._name)
        found: dict[str, int] = defaultdict(int)
        for unit in self._side.detailed_units():
            for one in unit.objects:
                for file in {
                    each.span.source.file for each in one.contributions if each.span.source.repository is None
                }:
                    if file in paths:
                        found[file] += 1
        return found

    @cached_property
    def _reasons(self) -> Reasons:
        return Reasons(self._side.tree, self._readers, pinned=self._side.commit is not None)

    def _readers(self, path: str) -> Sequence[Reader]:
        return [
            Reader(unit.cluster, unit.id, unit.state, unit.reason, len(unit.objects))
            for unit in self._side.units.values()
            if path in unit.inputs.read
        ]


class Text:
    """A file's lines, and where the nodes of its documents begin and end."""

    def __init__(self, side: Side, path: str) -> None:
        self._lines: list[str] = []
        self._blocks: dict[int, int] = {}
        self._leaves: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        self._inside: set[int] = set()
        self.parsed = False
        """Whether it is YAML or JSON."""
        try:
            content = side.tree.read(path) if side.tree.kind(path) is EntryKind.FILE else b""
        except TreeError:
            return
        self._lines = content.decode("utf-8", "replace").split("\n")
        if posixpath.basename(path) == "Kustomization" or path.endswith(_MANIFESTS):
            self._parse(content, path)

    def _parse(self, content: bytes, path: str) -> None:
        try:
            documents = parse_stream(content, path)
            for document in documents:
                if document.node is not None:
                    self._visit(document.node, (), None)
        except ManifestError:
            return
        self.parsed = True

    def _visit(self, node: Node, path: tuple[str, ...], key: Scalar | None) -> None:
        first, _, last, end = unpack(node.pos)
        begin = unpack(key.pos)[0] if key is not None else first
        last = last if end else last - 1
        if last > begin:
            self._blocks[begin + 1] = max(self._blocks.get(begin + 1, 0), last + 1)
        if isinstance(node, Mapping) and node.fields:
            for text, (name, value) in node.fields.items():
                self._visit(value, (*path, text), name)
        elif isinstance(node, List) and node.items:
            for item in node.items:
                self._visit(item, (*path, "-"), None)
        else:
            self._leaves[begin + 1].append((path, to_data(node)))
            self._inside.update(range(begin + 2, last + 2))

    def is_bare(self, line: int) -> bool:
        """Whether a line holds nothing but space, a comment or the mark between documents."""
        text = self._line(line)
        return line not in self._inside and (not text or text.startswith(("#", "---", "...", "%")))

    def is_comment(self, line: int) -> bool:
        return self._line(line).startswith("#")

    def _line(self, line: int) -> str:
        return self._lines[line - 1].strip() if line <= len(self._lines) else ""

    def block(self, line: int) -> int | None:
        """The last line of what begins on a line, where that goes on below it."""
        return self._blocks.get(line)

    def leaves(self, lines: Lines) -> list[Any]:
        """The leaves that begin on some lines, sorted."""
        return sorted((leaf for line in range(lines[0], lines[1] + 1) for leaf in self._leaves.get(line, ())), key=repr)


def _runs(kinds: Sequence[object]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of equal things."""
    start = 0
    for index in range(1, len(kinds) + 1):
        if index == len(kinds) or kinds[index] != kinds[start]:
            yield start, index - 1
            start = index
