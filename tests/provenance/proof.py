"""The proof of a claim: the text that a leaf claims is edited, and the real kustomize shows what that changes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edits import edited

from indexer.git.directory import DirectoryTree
from indexer.kustomize.build import Options, Reorder, build
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.loader import LoadRestrictor
from indexer.kustomize.nodes import find
from indexer.manifest.compose import parse
from indexer.manifest.emit import emit
from indexer.manifest.node import NOWHERE, Mapping, Node, Scalar, leaves, Role, overridden, pointer, unpack
from indexer.manifest.scalars import tag_of, to_data

Path_ = tuple[str, ...]
Values = dict[Path_, object]

_OFFLINE = {"PATH": os.devnull, "HOME": os.devnull, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
_HASH = "name suffix hash"
_DERIVED = (_HASH, "name reference")
_SELECTED = re.compile(
    r"/(apiVersion|kind|metadata/(name|namespace))|(/.*)?/(labels|matchLabels|selector|annotations)/.*"
)
"""Where rules of kustomize select: an object's identity, labels and annotations."""
_MERGE_KEYS = frozenset(
    "name containerPort port mountPath devicePath ip key type topologyKey uid protocol".split()  # noqa: SIM905
)
"""What tells the items of a list apart: a rule selects on it too."""
_REFUSALS = re.compile(
    "no matches for Id|does not exist; cannot merge or replace|nothing selected by|does not match a config with"
    "|cannot be mapped to a field in the set of known resources"
)
"""What kustomize says when a rule selects an object that is called otherwise since the edit."""


class Verdict(StrEnum):
    HOLDS = "holds"
    UNRESOLVED = "unresolved"
    WRONG = "wrong"


@dataclass(frozen=True)
class Leaf:
    """A leaf of a build."""

    directory: str
    index: int
    """The object's place in the output."""
    path: Path_
    node: Node

    @property
    def operation(self) -> str:
        return self.node.op.name if self.node.op is not None else "resource"

    def __str__(self) -> str:
        return f"{self.directory} #{self.index} {pointer(self.path)} at {self.node.span} by {self.operation}"


@dataclass(frozen=True)
class Finding:
    """What came of the proof of one leaf."""

    leaf: Leaf
    verdict: Verdict
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.verdict}: {self.leaf}: {self.reason}"


class Repository:
    """A copy of some files, all of whose directories are built once, and which may be edited."""

    def __init__(self, root: Path, directories: Sequence[str], kustomize: str) -> None:
        self.root = root
        self.kustomize = kustomize
        self.built: dict[str, list[Mapping]] = {}
        cache = BuildCache()
        tree = DirectoryTree(root)
        for directory in directories:
            try:
                made = build(tree, directory, Options(LoadRestrictor.NONE, Reorder.LEGACY), cache=cache)
            except KustomizeError:
                continue
            self.built[directory] = [res.root for res in made.resources]

    def leaves(self) -> Iterator[Leaf]:
        for directory, roots in self.built.items():
            for index, root in enumerate(roots):
                for path, node in leaves(root):
                    yield Leaf(directory, index, path, node)

    def prove(self, leaf: Leaf) -> Finding:
        """Edits what the leaf claims, until that changes it; the copy is left as it was."""
        node = leaf.node
        if node.source is NOWHERE:
            return Finding(leaf, Verdict.UNRESOLVED, "no text made it")
        file = self.root / node.source.file
        content = file.read_bytes()
        text = content.decode(errors="surrogateescape")
        findings = []
        try:
            for new in edited(text, node.pos):
                file.write_bytes(new.encode(errors="surrogateescape"))
                findings.append(self._judge(leaf))
                if findings[-1].verdict is Verdict.HOLDS:
                    return findings[-1]
        finally:
            file.write_bytes(content)
        return findings[0]

    def _judge(self, leaf: Leaf) -> Finding:
        command = [self.kustomize, "build", "--load-restrictor", "LoadRestrictionsNone", self.root / leaf.directory]
        done = subprocess.run(command, env=_OFFLINE, capture_output=True, check=False)
        if done.returncode:
            return _refused(leaf, done.stderr.decode())
        roots = self.built[leaf.directory]
        hashed = _hashed(roots)
        printed = "---\n".join(emit(to_data(root)) for root in roots)
        before, after = _read(_without_hashes(printed, hashed)), _read(_without_hashes(done.stdout.decode(), hashed))
        pairs = _paired(before, after)
        mine = pairs[leaf.index]
        if mine is not None and not _changed(leaf, before[leaf.index], mine):
            if leaf.operation not in _DERIVED:
                return Finding(leaf, Verdict.WRONG, "the leaf does not change")
            # Its object is called otherwise now, so what referred to it keeps the name without a hash.
            gone = _read(printed)[leaf.index][leaf.path] not in _read(done.stdout.decode())[after.index(mine)].values()
            return Finding(leaf, Verdict.HOLDS if gone else Verdict.WRONG, "the name does not change")
        strange = [] if _is_selected(leaf) else list(self._strange(leaf, before, pairs))
        if strange:
            return Finding(leaf, Verdict.WRONG, "others change: " + "; ".join(strange[:5]))
        return Finding(leaf, Verdict.HOLDS)

    def _strange(self, leaf: Leaf, before: list[Values], pairs: list[Values | None]) -> Iterator[str]:
        """What changed though it does not claim what was edited."""
        for index, (old, new) in enumerate(zip(before, pairs, strict=True)):
            if new is None:
                yield f"#{index} is gone"
                continue
            changed = [path for path in {**old, **new} if old.get(path, pairs) != new.get(path, pairs)]
            for path in changed:
                if not any(_overlap(node, leaf.node) for node in _claims(self.built[leaf.directory][index], path)):
                    yield f"#{index} {pointer(path)} from {old.get(path)!r} to {new.get(path)!r}"


def _claims(root: Mapping, path: Path_) -> Iterator[Node]:
    """The leaf at a path (or the nearest above it) and what it replaced and may have kept a part of."""
    node: Node = root
    for part in path:
        if isinstance(node, Mapping):
            below = node.get(part)
        else:
            items = getattr(node, "items", [])
            below = items[int(part)] if part.isdigit() and int(part) < len(items) else None
        if below is None:
            break
        node = below
    yield node
    yield from overridden(node)


def _overlap(one: Node, other: Node) -> bool:
    if (one.source.file, one.source.repository) != (other.source.file, other.source.repository):
        return False
    line, column, end_line, end_column = unpack(one.pos)
    line2, column2, end_line2, end_column2 = unpack(other.pos)
    return (line, column) <= (end_line2, end_column2) and (line2, column2) <= (end_line, end_column)


def _refused(leaf: Leaf, message: str) -> Finding:
    """A refusal proves that the text is what a rule selects by, if it is the rule's complaint."""
    if _REFUSALS.search(message):
        return Finding(leaf, Verdict.HOLDS, "a rule selects by it")
    return Finding(leaf, Verdict.WRONG, f"kustomize refuses the edit: {message[-400:]}")


def _changed(leaf: Leaf, old: Values, new: Values) -> bool:
    if old[leaf.path] != new.get(leaf.path):
        return True
    if _is_merge_key(leaf):
        return _siblings(leaf, old) != _siblings(leaf, new)
    return _is_selected(leaf) and _id(old) != _id(new)


def _siblings(leaf: Leaf, values: Values) -> set[object]:
    """The values of a merge key in all items of its list."""
    *above, _, key = leaf.path
    return {value for path, value in values.items() if path[: len(above)] == tuple(above) and path[-1] == key}


def _is_merge_key(leaf: Leaf) -> bool:
    return leaf.path[-1] in _MERGE_KEYS and len(leaf.path) > 1 and leaf.path[-2].isdigit()


def _is_selected(leaf: Leaf) -> bool:
    """Whether more may change with a leaf than what claims the same text, because rules select on it."""
    op = leaf.node.op
    generated = op is not None and op.role is Role.GENERATES and len(leaf.path) == 1
    return generated or _is_merge_key(leaf) or _SELECTED.fullmatch(pointer(leaf.path)) is not None


def _hashed(roots: list[Mapping]) -> list[str]:
    """Names that end in a hash of the content, without it: they are derived."""
    found = set()
    for root in roots:
        name = find(root, "metadata", "name")
        if isinstance(name, Scalar) and name.op is not None and name.op.name == _HASH:
            found.add(name.text.rpartition("-")[0])
    return sorted(found, key=len, reverse=True)


def _without_hashes(text: str, hashed: list[str]) -> str:
    names = "|".join(map(re.escape, hashed))
    return re.sub(rf"(?<![A-Za-z0-9-])({names})-[a-z0-9]{{10}}(?![A-Za-z0-9-])", r"\1", text) if hashed else text


def _read(text: str) -> list[Values]:
    """Every object of a stream as its leaves."""
    roots = [document.node for document in parse(text.encode(), "") if document.node is not None]
    return [{path: _value(node) for path, node in leaves(root)} for root in roots]


def _value(node: Node) -> object:
    return (node.text, tag_of(node)) if isinstance(node, Scalar) else repr(node)


def _id(values: Values) -> tuple[object, ...]:
    return tuple(
        values.get(path) for path in (("apiVersion",), ("kind",), ("metadata", "namespace"), ("metadata", "name"))
    )


def _paired(before: list[Values], after: list[Values]) -> list[Values | None]:
    """What became of each object: the one of the same id, else the one that is most alike."""
    left = list(after)
    pairs: list[Values | None] = [None] * len(before)
    for same in (lambda a, b: _id(a) == _id(b), _alike):
        for index, old in enumerate(before):
            if pairs[index] is None:
                found = next((new for new in left if same(old, new)), None)
                if found is not None:
                    left.remove(found)
                    pairs[index] = found
    return pairs


def _alike(one: Values, other: Values) -> bool:
    return sum(a == b for a, b in zip(_id(one), _id(other), strict=True)) >= 2 and len(one.items() - other.items()) <= 2 + len(one) // 3
