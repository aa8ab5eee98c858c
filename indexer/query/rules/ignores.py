"""What is told to be ignored: by a comment on the line, or by a table of ``.fluxidx.toml``; and what is in vain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from indexer.deferred import regex
from indexer.flux.config import Config, IgnoreConfig
from indexer.flux.model import ObjectId
from indexer.git.tree import Tree, TreeError
from indexer.query.findings import Finding
from indexer.query.places import files_below
from indexer.query.rules.catalogue import RULES, Rule
from indexer.query.rules.files import at_line

_MARK: Final = b"fluxidx:"
_COMMENT: Final = regex(r"#\s*fluxidx:\s*ignore\s+([\w-]+(?:\s*,\s*[\w-]+)*)[ \t]*(.*)")
_TEXTS: Final = (".yaml", ".yml", ".env", ".properties", ".sourceignore", "Kustomization")
_UNUSED: Final = RULES["unused-ignore"]


@dataclass(frozen=True, slots=True)
class Comment:
    """One ``# fluxidx: ignore RULE reason``."""

    file: str
    line: int
    """Where the comment stands."""
    target: int
    """The line that it is about: its own, or the next one that is more than a comment."""
    rules: tuple[str, ...]


@dataclass(slots=True)
class Ignores:
    """Tells findings that are meant from those that are news."""

    comments: Sequence[Comment]
    tables: Sequence[IgnoreConfig]
    used: set[tuple[object, str]] = field(default_factory=set)
    """(comment or table, rule) that held something back."""

    @classmethod
    def of(cls, tree: Tree, config: Config) -> Ignores:
        return cls(tuple(_comments(tree)), config.ignores)

    def hold(self, finding: Finding) -> bool:
        """Whether a finding is told to be ignored."""
        found = [
            one
            for one in self.comments
            if finding.rule in one.rules
            and finding.file == one.file
            and finding.span is not None
            and finding.span.line in (one.line, one.target)
        ]
        tables = [one for one in self.tables if finding.rule in one.rules and _fits(one, finding)]
        self.used |= {(one, finding.rule) for one in (*found, *tables)}
        return bool(found or tables)

    def unused(self, known: Collection[str], config: Config, *, judged: Iterable[Rule]) -> Iterator[Finding]:
        """What was told in vain. ``known`` are all rules there are, ``judged`` those that had their say."""
        asked = {rule.name for rule in judged}
        for one in self.comments:
            for rule in one.rules:
                if rule not in known:
                    yield _told_in_vain(f"There is no rule {rule} to ignore: correct its name", one.file, one.line)
                elif rule in asked and (one, rule) not in self.used:
                    message = f"{rule} finds nothing on this line: take the comment out"
                    yield _told_in_vain(message, one.file, one.line)
        name = config.path.name if config.path is not None else ""
        for table in self.tables:
            for rule in table.rules:
                if rule not in known:
                    yield _told_in_vain(f"There is no rule {rule} to ignore: correct its name", name, table.line)
                elif rule in asked and (table, rule) not in self.used:
                    message = f"{rule} finds nothing that this [[ignore]] is about: take it out"
                    yield _told_in_vain(message, name, table.line)


def _told_in_vain(message: str, file: str, line: int) -> Finding:
    return Finding(_UNUSED.name, _UNUSED.severity, message, None, at_line(file, line))


def _fits(table: IgnoreConfig, finding: Finding) -> bool:
    if table.cluster is not None and finding.cluster is not None and not fnmatchcase(finding.cluster, table.cluster):
        return False
    if table.path is not None and (finding.file is None or not _glob(table.path).fullmatch(finding.file)):
        return False
    return table.object is None or (finding.object is not None and _names(table.object, finding.object))


def _glob(pattern: str) -> re.Pattern[str]:
    """``*`` and ``?`` stay in a directory, ``**`` does not; a directory stands for all below it."""
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.rstrip("/"))
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(piece, re.escape(piece)) for piece in pieces) + "(?:/.*)?")


def _names(pattern: str, one: ObjectId) -> bool:
    texts = [f"{one.kind}/{one.name}"]
    if one.namespace is not None:
        texts.append(f"{one.kind}/{one.namespace}/{one.name}")
    return any(fnmatchcase(text.lower(), pattern.lower()) for text in texts)


def _comments(tree: Tree) -> Iterator[Comment]:
    for path in files_below(tree, ""):
        if not path.endswith(_TEXTS):
            continue
        try:
            text = tree.read(path)
        except TreeError:
            continue
        if _MARK in text:
            yield from _in_file(path, text.decode("utf-8", "replace").splitlines())


def _in_file(path: str, lines: list[str]) -> Iterator[Comment]:
    for number, line in enumerate(lines, 1):
        found = _COMMENT.search(line)
        if found is not None:
            target = number
            while target <= len(lines) and lines[target - 1].lstrip().startswith(("#", "---")):
                target += 1
            yield Comment(path, number, target, tuple(rule.strip() for rule in found[1].split(",")))
