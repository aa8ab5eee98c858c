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
from indexer.kustomize.nodes import find, text_at
from indexer.manifest.compose import parse
from indexer.manifest.emit import emit
from indexer.manifest.node import NOWHERE, Mapping, Node, Scalar, leaves, overridden, pointer, unpack
from indexer.manifest.scalars import to_data

Path_ = tuple[str, ...]
Values = dict[Path_, object]

_OFFLINE = {"PATH": os.devnull, "HOME": os.devnull, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
_HASH = "name suffix hash"
_SELECTED = re.compile(
    r"/(apiVersion|kind|metadata/(name|namespace|labels/.*|annotations/.*|generateName))"
    r"|.*/(labels|matchLabels|selector|annotations|matchExpressions)/.*"
)
"""Where rules of kustomize select: an object's identity, labels and annotations."""
_MERGE_KEYS = frozenset(("name", "containerPort", "port", "mountPath", "devicePath", "ip", "key", "type", "topologyKey"))
_MERGE_KEYS |= {"uid", "protocol", "conditionType", "hostname", "host", "fieldPath", "whenUnsatisfiable"}


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
        finding = Finding(leaf, Verdict.WRONG, "no edit")
        try:
            for new in edited(text, node.pos):
                file.write_bytes(new.encode(errors="surrogateescape"))
                finding = self._judge(leaf)
                if finding.verdict is Verdict.HOLDS:
                    break
        finally:
            file.write_bytes(content)
        return finding

    def _judge(self, leaf: Leaf) -> Finding:
        command = [self.kustomize, "build", "--load-restrictor", "LoadRestrictionsNone", self.root / leaf.directory]
        done = subprocess.run(command, env=_OFFLINE, capture_output=True, check=False)
        if done.returncode:
            return Finding(leaf, Verdict.WRONG, f"kustomize refuses the edit: {done.stderr.decode()[-400:]}")
        roots = self.built[leaf.directory]
        hashed = _hashed(roots)
        before = _read("---\n".join(emit(to_data(root)) for root in roots), hashed)
        after = _read(done.stdout.decode(), hashed)
        pairs = _paired(before, after)
        mine = pairs[leaf.index]
        old = before[leaf.index]
        renamed = _is_selected(leaf) and mine is not None and _id(mine) != _id(old)
        if mine is not None and mine.get(leaf.path) == old[leaf.path] and not renamed:
            return Finding(leaf, Verdict.WRONG, "the leaf does not change")
        if _is_selected(leaf):
            return Finding(leaf, Verdict.HOLDS)
        strange = list(self._strange(leaf, before, pairs))
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


def _is_selected(leaf: Leaf) -> bool:
    return _SELECTED.fullmatch(pointer(leaf.path)) is not None or (
        leaf.path[-1] in _MERGE_KEYS and len(leaf.path) > 1 and leaf.path[-2].isdigit()
    )


def _hashed(roots: list[Mapping]) -> list[str]:
    """Names that end in a hash of the content, without it: they are derived."""
    found = set()
    for root in roots:
        name = find(root, "metadata", "name")
        if isinstance(name, Scalar) and name.op is not None and name.op.name == _HASH:
            found.add(name.text.rpartition("-")[0])
    return sorted(found, key=len, reverse=True)


def _read(text: str, hashed: list[str]) -> list[Values]:
    """Every object of a stream as its leaves, without hashes in names."""
    if hashed:
        names = "|".join(map(re.escape, hashed))
        text = re.sub(rf"(?<![A-Za-z0-9-])({names})-[a-z0-9]{{10}}(?![A-Za-z0-9-])", r"\1", text)
    result = []
    for document in parse(text.encode(), ""):
        assert document.node is not None
        result.append(
            {path: (node.text, node.tag, node.style == "") if isinstance(node, Scalar) else repr(node) for path, node in leaves(document.node)}
        )
    return result


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
