"""The proof of a claim: the text that a leaf claims is edited, and the real kustomize shows what that changes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edits import FRESH, edited

from indexer.git.directory import DirectoryTree
from indexer.kustomize.build import Options, Reorder, build
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.loader import LoadRestrictor
from indexer.kustomize.nodes import find
from indexer.manifest.compose import parse
from indexer.manifest.emit import emit
from indexer.manifest.node import NOWHERE, Mapping, Node, Role, Scalar, Sequence, leaves, overridden, pointer, unpack
from indexer.manifest.scalars import tag_of, to_data

Path_ = tuple[str, ...]
Values = dict[Path_, object]

_OFFLINE = {
    "PATH": os.devnull,
    "HOME": os.devnull,
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}
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
    "|is missing for replacement source"
    rf"|cannot be mapped to a field in the set of known resources|of object '?\S*{FRESH}"
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

    def __init__(self, root: Path, directories: Iterable[str], kustomize: str) -> None:
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
        printed = done.stdout.decode()
        if done.returncode:
            return _refused(leaf, done.stderr.decode())
        roots = self.built[leaf.directory]
        hashed = _hashed(roots)
        before = [_without_hashes(emit(to_data(root)), hashed) for root in roots]
        after = [_without_hashes(text, hashed) for text in _documents(printed)]
        old = {index: _values(text) for index, text in enumerate(before) if text not in after}
        new = _paired(old, [_values(text) for text in after if text not in before])
        if not _changed(leaf, old, new):
            # What refers to an object that is called otherwise now keeps the name, but without a hash.
            if leaf.operation in _DERIVED and isinstance(leaf.node, Scalar) and leaf.node.text not in printed:
                return Finding(leaf, Verdict.HOLDS, "a name with a hash is derived")
            return Finding(leaf, Verdict.WRONG, "the leaf does not change")
        strange = [] if _is_selected(leaf) else list(_strange(leaf, roots, old, new))
        if strange:
            return Finding(leaf, Verdict.WRONG, "others change: " + "; ".join(strange[:5]))
        return Finding(leaf, Verdict.HOLDS)


def _strange(leaf: Leaf, roots: list[Mapping], old: dict[int, Values], new: dict[int, Values]) -> Iterator[str]:
    """What changed though it does not claim what was edited."""
    for index, before in old.items():
        after = new.get(index)
        if after is None:
            yield f"#{index} is gone"
            continue
        for path in {**before, **after}:
            if (path in before, before.get(path)) == (path in after, after.get(path)):
                continue
            if not any(_overlap(claim, leaf.node) for claim in _claims(_nearest(roots[index], path))):
                yield f"#{index} {pointer(path)} from {before.get(path)!r} to {after.get(path)!r}"


def _claims(node: Node) -> Iterator[Node]:
    """A node; of a text whose pieces were replaced one after the other, what set the other pieces too."""
    yield node
    if node.op is not None and node.op.role is Role.REPLACES:
        yield from overridden(node)


def _nearest(root: Mapping, path: Path_) -> Node:
    """The node at a path, or the nearest above it."""
    node: Node = root
    for part in path:
        below: Node | None = None
        if isinstance(node, Mapping):
            below = node.get(part)
        elif isinstance(node, Sequence) and part.isdigit() and int(part) < len(node.items):
            below = node.items[int(part)]
        if below is None:
            return node
        node = below
    return node


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


def _changed(leaf: Leaf, old: dict[int, Values], new: dict[int, Values]) -> bool:
    """Whether the leaf is another one, or gone, or its object is called otherwise."""
    if leaf.index not in old:
        return False
    before, after = old[leaf.index], new.get(leaf.index)
    if after is None or before[leaf.path] != after.get(leaf.path):
        return True
    if _is_merge_key(leaf):
        return _siblings(leaf, before) != _siblings(leaf, after)
    return _is_selected(leaf) and _id(before) != _id(after)


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


def _documents(stream: str) -> list[str]:
    return [text if text.endswith("\n") else text + "\n" for text in stream.split("\n---\n")]


def _values(document: str) -> Values:
    """The leaves of an object."""
    (parsed,) = parse(document.encode(), "")
    assert parsed.node is not None
    return {path: _value(node) for path, node in leaves(parsed.node)}


def _value(node: Node) -> object:
    return (node.text, tag_of(node)) if isinstance(node, Scalar) else repr(node)


def _id(values: Values) -> tuple[object, ...]:
    return tuple(
        values.get(path) for path in (("apiVersion",), ("kind",), ("metadata", "namespace"), ("metadata", "name"))
    )


def _paired(before: dict[int, Values], after: list[Values]) -> dict[int, Values]:
    """What became of each object: the one of the same id, else the one that is most like it."""
    pairs: dict[int, Values] = {}
    left = list(after)
    for least in (4, 0):
        for index, old in before.items():
            if index in pairs:
                continue
            alike = [new for new in left if sum(a == b for a, b in zip(_id(old), _id(new), strict=True)) >= least]
            if alike:
                pairs[index] = max(alike, key=lambda new: len(new.items() & old.items()))
                left.remove(pairs[index])
    return pairs
