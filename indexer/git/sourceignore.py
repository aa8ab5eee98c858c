"""Which files Flux leaves out of a Git or OCI artifact: ``.sourceignore`` and its kin (flux-semantics.md §3.2).

The rules look like gitignore's and are not: every file is tested on its own, so that one below an excluded directory
can be included again, and the last pattern that matches decides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cached_property, partial
from operator import eq, methodcaller
from typing import Final

from indexer.deferred import NamedTuple, regex
from indexer.git.text import decoded, encoded
from indexer.git.tree import EntryKind, Tree, TreeError

IGNORE_FILE: Final = ".sourceignore"

VCS_PATTERNS: Final = (".git/", ".gitignore", ".gitmodules", ".gitattributes")
DEFAULT_PATTERNS: Final = (
    "*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip",
    ".github/", ".circleci/", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml",
    "codeship-services.yml", "codeship-steps.yml",
    "**/.goreleaser.yml", "**/.sops.yaml", "**/.flux.yaml",
)  # fmt: skip


class RuleOrigin(StrEnum):
    """Where a pattern comes from, lowest priority first."""

    VCS = "built in, always"
    DEFAULT = "built in, while a source has no patterns of its own"
    FILE = ".sourceignore"
    SPEC = "spec.ignore"


class IgnoreRule(NamedTuple):
    """One pattern and where it stands."""

    origin: RuleOrigin
    file: str | None
    """The ``.sourceignore``, as a path in the tree it was loaded from; None for any other origin."""
    line: int
    """From 1, in the file or in ``spec.ignore``; 0 for a built-in pattern."""
    pattern: str

    @property
    def place(self) -> str:
        """The rule for a message."""
        return f"{self.file}:{self.line}: {self.pattern}" if self.file else f"{self.origin}: {self.pattern}"


class _Pattern:
    """A parsed rule: its scope, and its elements with what tells whether a path component matches."""

    __slots__ = ("directory_only", "elements", "include", "path", "rule", "scope")

    def __init__(self, rule: IgnoreRule, scope: tuple[str, ...]) -> None:
        text = rule.pattern
        self.rule = rule
        self.scope = scope
        self.include = text.startswith("!")
        text = text.removeprefix("!")
        if not text.endswith("\\ "):
            text = text.rstrip(" ")
        self.directory_only = text.endswith("/")
        text = text.removesuffix("/")
        elements = text.split("/")
        if len(elements) == 2 and elements[0] == "**" and "**" not in elements[1]:
            # The same outcomes as for the bare name, which is faster to match.
            elements = elements[1:]
        self.path = len(elements) > 1
        """Whether it is matched from the scope on; else it is a name that any component may have."""
        self.elements = [(element, _matcher(element)) for element in elements]

    def matches(self, parts: tuple[str, ...], is_dir: bool) -> bool:
        depth = len(self.scope)
        if len(parts) <= depth or parts[:depth] != self.scope:
            return False
        parts = parts[depth:]
        return self._path(parts, is_dir) if self.path else self._name(parts, is_dir)

    def _name(self, parts: tuple[str, ...], is_dir: bool) -> bool:
        matcher = self.elements[0][1]
        if matcher is None:
            return False
        candidates = parts[:-1] if self.directory_only and not is_dir else parts
        return any(map(matcher, candidates))

    def _path(self, parts: tuple[str, ...], is_dir: bool) -> bool:
        """Element by element. ``**`` stops at the first component that the next element matches, and never retries."""
        at = 0
        anywhere = False
        for element, matcher in self.elements:
            if element == "":
                anywhere = False
            elif element == "**":
                anywhere = True
            elif matcher is None or "**" in element:
                return False
            else:
                limit = len(parts) if anywhere else min(at + 1, len(parts))
                found = next((i for i in range(at, limit) if matcher(parts[i])), None)
                if found is None:
                    return False
                at = found + 1
                anywhere = False
        return at > 0 and not (self.directory_only and not is_dir and at == len(parts))


def _matcher(glob: str) -> Callable[[str], object] | None:
    """Tells whether a component matches a shell glob; None for a malformed one, which no component does."""
    if not any(char in glob for char in "?[\\"):
        # A name, or all that ends so: most rules, and those that come with Flux. No expression has to be compiled.
        first, *rest = glob.split("*")
        if not rest:
            return partial(eq, glob)
        if not first and len(rest) == 1:
            return methodcaller("endswith", rest[0])
    expression = _expression(glob)
    return None if expression is None else expression.fullmatch


def _expression(glob: str) -> re.Pattern[str] | None:
    """A shell glob on one component, as Go's ``filepath.Match`` reads it. A malformed one, None, never matches."""
    pieces = [""]
    position = 0
    while position < len(glob):
        char = glob[position]
        position += 1
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "."
        elif char == "[":
            found = _CLASS.match(glob, position)
            if found is None:
                return None
            position = found.end()
            pieces[-1] += _character_class(found)
        else:
            if char == "\\":
                if position == len(glob):
                    return None
                char = glob[position]
                position += 1
            pieces[-1] += re.escape(char)
    if len(pieces) == 1:
        return re.compile(pieces[0], re.DOTALL)
    # Atomic groups: each star takes the first fit and keeps it, which is enough and takes linear time.
    first, *middle, last = pieces
    stars = "".join(f"(?>.*?{piece})" for piece in middle if piece)
    return re.compile(f"{first}{stars}.*{last}", re.DOTALL)


_MEMBER: Final = r"(?:\\.|[^\]\\-])"
_RANGE: Final = regex(rf"({_MEMBER})(?:-({_MEMBER}))?", re.DOTALL)
_CLASS: Final = regex(rf"(\^?+)((?:{_MEMBER}(?:-{_MEMBER})?)+)\]", re.DOTALL)


def _character_class(found: re.Match[str]) -> str:
    ranges = [(low[-1], (high or low)[-1]) for low, high in _RANGE.findall(found[2])]
    members = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
    if not members:
        return "." if found[1] else "(?!)"
    return f"[{found[1]}{members}]"


class Ignore:
    """The patterns of one source, lowest priority first."""

    def __init__(self, patterns: Iterable[_Pattern]) -> None:
        self._patterns = tuple(patterns)
        self._names = [(i, p) for i, p in enumerate(self._patterns) if not p.path and not p.scope]
        self._others = [(i, p) for i, p in enumerate(self._patterns) if p.path or p.scope][::-1]
        self._by_name: dict[str, list[tuple[int, bool]]] = {}

    @property
    def rules(self) -> tuple[IgnoreRule, ...]:
        return tuple(pattern.rule for pattern in self._patterns)

    @cached_property
    def digest(self) -> str:
        """Hex digest of all patterns in their order and scopes: equal digests, equal outcomes."""
        text = "\n".join("\0".join((*pattern.scope, pattern.rule.pattern)) for pattern in self._patterns)
        return hashlib.sha256(encoded(text)).hexdigest()

    def ignored(self, path: str, is_dir: bool = False) -> bool:
        """Whether the file or directory is left out, looked at alone: what is below a directory is not asked."""
        deciding = self._deciding(path, is_dir)
        return deciding is not None and not deciding.include

    def rule(self, path: str, is_dir: bool = False) -> IgnoreRule | None:
        """The rule that decided, an excluding or an including one; None where none matches."""
        deciding = self._deciding(path, is_dir)
        return deciding.rule if deciding is not None else None

    def _deciding(self, path: str, is_dir: bool) -> _Pattern | None:
        parts = tuple(path.split("/")) if path else ()
        last = len(parts) - 1
        best = -1
        for place, name in enumerate(parts):
            for index, directory_only in self._matching_names(name):
                if index > best and (place < last or is_dir or not directory_only):
                    best = index
        for index, pattern in self._others:
            if index < best:
                break
            if pattern.matches(parts, is_dir):
                best = index
                break
        return self._patterns[best] if best >= 0 else None

    def _matching_names(self, name: str) -> list[tuple[int, bool]]:
        """The unscoped name patterns that match a component: few names fill most paths, so each is matched once."""
        found = self._by_name.get(name)
        if found is None:
            found = [(i, p.directory_only) for i, p in self._names if p.matches((name,), is_dir=True)]
            self._by_name[name] = found
        return found


NOTHING: Final = Ignore(())
"""No patterns at all: not even the version control's."""


def load(tree: Tree, spec_ignore: str | None = None, base: str = "") -> Ignore:
    """The patterns of the source whose files are ``tree`` below ``base``, with its ``spec.ignore``.

    With ``spec.sparseCheckout``, ``tree`` has to be ``ArtifactTree(…, NOTHING, prefixes)``: only ``.sourceignore``
    files that are checked out count.
    """
    own = list(_files(tree, base, ()))
    own += _parse(spec_ignore or "", RuleOrigin.SPEC, None, ())
    patterns = _built_in(VCS_PATTERNS, RuleOrigin.VCS)
    if not own:
        patterns += _built_in(DEFAULT_PATTERNS, RuleOrigin.DEFAULT)
    return Ignore(patterns + own)


def load_bucket(tree: Tree, spec_ignore: str | None = None, base: str = "") -> Ignore:
    """The patterns of a Bucket: of the ``.sourceignore`` at its root and of ``spec.ignore``, and none beside (§3.4)."""
    path = f"{base}/{IGNORE_FILE}" if base else IGNORE_FILE
    try:
        text = decoded(tree.read(path))
    except TreeError:
        text = ""
    return Ignore([*_parse(text, RuleOrigin.FILE, path, ()), *_parse(spec_ignore or "", RuleOrigin.SPEC, None, ())])


def _built_in(patterns: Iterable[str], origin: RuleOrigin) -> list[_Pattern]:
    return [_Pattern(IgnoreRule(origin, None, 0, pattern), ()) for pattern in patterns]


def _files(tree: Tree, directory: str, scope: tuple[str, ...]) -> Iterator[_Pattern]:
    """The patterns of a directory's ``.sourceignore`` and of those below: parent first, in the order of names."""
    try:
        entries = tree.list(directory)
    except TreeError:
        return
    prefix = f"{directory}/" if directory else ""
    if any(entry.name == IGNORE_FILE for entry in entries):
        try:
            text = decoded(tree.read(prefix + IGNORE_FILE))
        except TreeError:
            text = ""
        yield from _parse(text, RuleOrigin.FILE, prefix + IGNORE_FILE, scope)
    for entry in entries:
        if entry.kind is EntryKind.DIRECTORY and entry.name != ".git":
            yield from _files(tree, prefix + entry.name, (*scope, entry.name))


def _parse(text: str, origin: RuleOrigin, file: str | None, scope: tuple[str, ...]) -> Iterator[_Pattern]:
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if line.strip() and not line.startswith("#"):
            yield _Pattern(IgnoreRule(origin, file, number, line), scope)
