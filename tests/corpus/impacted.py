"""One scripted change after the other: what ``impact`` says of it against what the real flux builds."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fluxbuild import FluxBuild, Key, Truth
from scripted import EDITS, Script

from indexer.flux.config import Config
from indexer.flux.model import UnitId
from indexer.flux.store import Store
from indexer.git.changes import SideName
from indexer.git.repository import Repository
from indexer.query.impact import Cause, ChangeKind, Impact, Unexplained, impact

Changed = set[tuple[str, UnitId, str, Key]]
"""Cluster, unit, what happens, and to which object."""


@dataclass
class Tally:
    """What came of all changes."""

    changes: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    unrendered: int = 0
    """Units of which the real flux, or the program, cannot say all: not compared."""
    builds: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{sum(self.changes.values())} changes, {dict(self.objects)} objects equal, causes {dict(self.causes)}, "
            f"lines {dict(self.lines)}, {self.unrendered} units not compared, {self.builds} real builds"
        )


class Prover:
    """A checkout of a repository whose committed state is the base of every change."""

    def __init__(self, root: Path, flux: str) -> None:
        self.root = root
        self.repository = Repository.open(root)
        self.flux = FluxBuild(flux, 1)
        self.tally = Tally()
        base = self._impact().base
        self.read = {path for unit in base.units.values() for path in unit.inputs.read}
        self.before = self.flux.truth(root, base.clusters)

    def _impact(self) -> Impact:
        with Store.within(self.repository.git_dir) as store:
            return impact(self.repository, Config.load(None, self.root), "HEAD", store=store)

    def prove(self, count: int) -> Tally:
        for number in range(count):
            edit = EDITS[number % len(EDITS)]
            script = Script(self.root, self.read, f"{self.root.name} {number}")
            if script.change(edit):
                self.tally.changes[edit.__name__] += 1
                self.judge(f"{number} {edit.__name__}")
            self._git("checkout", "--quiet", ".")
            self._git("clean", "--quiet", "--force", "-d")
        self.tally.builds = self.flux.builds
        return self.tally

    def judge(self, name: str) -> None:
        said = self._impact()
        after = self.flux.truth(self.root, said.head.clusters)
        ours, theirs = set(_listed(said)), set(_differences(self.before, after))
        unknown = {(one.cluster, one.unit) for one in said.unrendered}
        every = self.before.units.keys() | after.units.keys()
        known = {key for key in every if key not in unknown and _is_known(self.before, after, key)}
        self.tally.unrendered += len(every - known)
        ours = {one for one in ours if one[:2] in known}
        theirs = {one for one in theirs if one[:2] in known}
        self.tally.objects.update(change for _, _, change, _ in ours & theirs)
        self.tally.wrong += [f"{name}: only impact: {one}" for one in sorted(ours - theirs, key=str)]
        self.tally.wrong += [f"{name}: only flux: {one}" for one in sorted(theirs - ours, key=str)]
        self._judge_causes(name, said)
        self._judge_lines(name, said)

    def _judge_causes(self, name: str, said: Impact) -> None:
        changed = _Hunks(self._git("diff", "--unified=0", "--no-renames", "HEAD"), self._new_files())
        for what, cause in _causes(said):
            if isinstance(cause, Unexplained):
                self.tally.causes["not told"] += 1
                self.tally.causes[f"not told by {name.split()[1]}"] += 1
                continue
            self.tally.causes["in the change"] += 1
            span = cause.span
            if not changed.hold(cause.side, span.source.file, span.line, span.end_line):
                self.tally.wrong.append(f"{name}: {what}: the cause {span} of the {cause.side} is not in the change")

    def _judge_lines(self, name: str, said: Impact) -> None:
        """Every changed line is accounted for exactly once."""
        every = Counter(
            (one.on(side), side, line)
            for one in said.changes.files
            for hunk in one.hunks
            for side in SideName
            if (lines := hunk.on(side)) is not None
            for line in range(lines[0], lines[1] + 1)
        )
        told = Counter(
            (one.file, one.side, line)
            for one in said.lines
            if one.lines is not None
            for line in range(one.lines[0], one.lines[1] + 1)
        )
        if every != told or any(count != 1 for count in told.values()):
            self.tally.wrong.append(f"{name}: lines: {sorted(((every - told) + (told - every)).items(), key=str)}")
        for one in said.lines:
            size = 1 if one.lines is None else one.lines[1] - one.lines[0] + 1
            self.tally.lines["with effect" if one.reach is not None else "without"] += size
            if (one.reach is None) == (one.reason is None):
                self.tally.wrong.append(f"{name}: {one} has no reason, or one too many")

    def _new_files(self) -> set[str]:
        return set(self._git("ls-files", "--others", "--exclude-standard").split())

    def _git(self, *arguments: str) -> str:
        return subprocess.run(["git", "-C", self.root, *arguments], capture_output=True, text=True, check=True).stdout


class _Hunks:
    """The lines of ``git diff``, read by itself."""

    def __init__(self, diff: str, new: set[str]) -> None:
        self._lines: set[tuple[SideName, str, int]] = set()
        self._new = new
        base = head = ""
        for line in diff.splitlines():
            if line.startswith("--- "):
                base = line[6:]
            elif line.startswith("+++ "):
                head = line[6:]
            elif line.startswith("@@"):
                for side, file, part in zip(SideName, (base, head), line.split()[1:3], strict=True):
                    first, _, count = part[1:].partition(",")
                    self._lines |= {(side, file, int(first) + step) for step in range(int(count or 1))}

    def hold(self, side: SideName, file: str, first: int, last: int) -> bool:
        if side is SideName.HEAD and file in self._new:
            return True
        return all((side, file, line) in self._lines for line in range(first, last + 1))


def _listed(said: Impact) -> Iterator[tuple[str, UnitId, str, Key]]:
    """What impact says, with a move as a removal here and an addition there."""
    for cluster in said.clusters:
        for one in cluster.objects:
            rendered = one.after or one.before
            assert rendered is not None
            key = rendered.id.key
            if one.change is ChangeKind.MOVED:
                assert one.before_unit is not None
                assert one.after_unit is not None
                yield cluster.cluster, one.before_unit, "removed", key
                yield cluster.cluster, one.after_unit, "added", key
            else:
                yield cluster.cluster, one.unit, str(one.change), key


def _differences(before: Truth, after: Truth) -> Iterator[tuple[str, UnitId, str, Key]]:
    for key in before.units.keys() | after.units.keys():
        old, new = before.units.get(key) or {}, after.units.get(key) or {}
        for one in old.keys() | new.keys():
            if old.get(one) != new.get(one):
                yield *key, "added" if one not in old else "removed" if one not in new else "changed", one


def _is_known(before: Truth, after: Truth, key: tuple[str, UnitId]) -> bool:
    """Whether the real flux builds the unit on both sides that have it, and with variables from the same objects."""
    if key in before.units and key in after.units and before.lacking.get(key) != after.lacking.get(key):
        return False
    return all(key not in side.units or side.units[key] is not None for side in (before, after))


def _causes(said: Impact) -> Iterator[tuple[str, Cause | Unexplained]]:
    for cluster in said.clusters:
        for unit in cluster.units:
            yield f"{unit.change} {unit.unit}", unit.cause
        for one in cluster.objects:
            yield f"{one.change} {one.object}", one.cause
            for each in one.fields:
                yield f"{one.object} {each.path}", each.cause
