"""Which version a semver range picks, as Flux does with the tags of a repository (section 3.1 of the Flux rules).

Versions may have a ``v``, leading zeros, and a pre-release or build part. Ranges have the syntax of the Go library
that Flux uses, Masterminds/semver: ``>=1.2 <2 || ~3.1, !=3.1.4``, ``1.x``, ``^0.2``, ``1.0 - 2.0``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from indexer.deferred import NamedTuple, dataclass, regex

_TAIL: Final = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_VERSION: Final = regex(rf"v?(\d+)\.(\d+)\.(\d+){_TAIL}", re.ASCII)
_PART: Final = r"[0-9|xX*]+"
_PARTIAL: Final = rf"v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?{_TAIL}"
_OPERATORS: Final = r"!=|>=|=>|<=|=<|~>|=|>|<|~|\^|"
_TERM: Final = regex(rf"({_OPERATORS})\s*{_PARTIAL}", re.ASCII)
_SEPARATOR: Final = regex(r"\s*,\s*|\s+")
_HYPHEN: Final = regex(r"(\S+)\s+-\s+(\S+)")
_ANY: Final = frozenset({"x", "X", "*"})
_LEADING_ZERO: Final = regex(r"0\d+")


class BadRange(ValueError):
    """A text that is no range of versions."""


class Version(NamedTuple):
    """A version; the order is semver's, build metadata left out."""

    major: int
    minor: int
    patch: int
    release: bool
    """False for a pre-release, which comes before its release."""
    pre: tuple[tuple[bool, int, str], ...]
    """Identifiers of a pre-release: numbers, by value, come before words."""


def parse(text: str) -> Version | None:
    """The version that a tag names; None for any other text. All three numbers have to be there."""
    found = _VERSION.fullmatch(text)
    if found is None or any(map(_LEADING_ZERO.fullmatch, (found[4] or "").split("."))):
        return None
    return _version(found[1], found[2], found[3], found[4])


def best(constraint: str, tags: Mapping[str, int]) -> str | None:
    """The tag that Flux checks out: the highest in range; of equal ones, that of the youngest commit.

    ``tags`` gives the commit's time of each. None where none is in range. Raises BadRange.
    """
    wanted = Range.parse(constraint)
    known = ((version, time, tag) for tag, time in tags.items() if (version := parse(tag)) and version in wanted)
    return max(known, default=(None, 0, None))[2]


def _version(major: str, minor: str, patch: str, pre: str | None) -> Version:
    parts = pre.split(".") if pre else []
    return Version(
        int(major),
        int(minor),
        int(patch),
        not parts,
        tuple((False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts),
    )


@dataclass(frozen=True, slots=True)
class _Term:
    """One comparison; ``given`` counts the numbers that are there (``1.2`` has 2, ``*`` has 0)."""

    operator: str
    version: Version
    given: int

    @classmethod
    def parse(cls, text: str) -> _Term:
        found = _TERM.fullmatch(text)
        if found is None:
            raise BadRange(text)
        operator, *numbers, pre = found.groups()
        given = next((n for n, number in enumerate(numbers) if number is None or number in _ANY), 3)
        major, minor, patch = [*numbers[:given], "0", "0", "0"][:3]
        if not (major + minor + patch).isdecimal():
            raise BadRange(text)
        return cls(operator, _version(major, minor, patch, pre), given)

    def holds(self, version: Version) -> bool:
        """Whether a version passes, as the Go library has it for numbers that are left out."""
        wanted, same = self.version, _agreement(self.version, version)
        match self.operator:
            case "" | "=":
                return self._tilde(version, same) if self.given < 3 else version == wanted
            case "!=":
                return self._differs(version, same)
            case ">":
                return self._greater(version, same)
            case "<":
                return version < wanted
            case ">=" | "=>":
                return version >= wanted
            case "<=" | "=<":
                return self._at_most(version)
            case "~" | "~>":
                return self._tilde(version, same)
        return self._caret(version, same)

    def _tilde(self, version: Version, same: int) -> bool:
        everything = self.version[:3] == (0, 0, 0) and self.given in (0, 3)
        return version >= self.version and (everything or same >= min(self.given, 2))

    def _caret(self, version: Version, same: int) -> bool:
        if version < self.version:
            return False
        if self.version.major > 0 or self.given == 1:
            return same >= 1
        return same >= (2 if self.version.minor > 0 or self.given == 2 else 3)

    def _differs(self, version: Version, same: int) -> bool:
        if self.given not in (1, 2) or same < self.given:
            return version != self.version
        return self.given == 2 and version.pre != self.version.pre

    def _greater(self, version: Version, same: int) -> bool:
        return version > self.version and (self.given not in (1, 2) or same < self.given)

    def _at_most(self, version: Version) -> bool:
        if self.given == 3:
            return version <= self.version
        numbers = 1 if self.given == 1 else 2
        return version[:numbers] <= self.version[:numbers]


def _agreement(one: Version, other: Version) -> int:
    """How many of the three numbers agree, from the first on."""
    return next((n for n in range(3) if one[n] != other[n]), 3)


@dataclass(frozen=True, slots=True)
class Range:
    """Alternatives, each of terms that all have to hold."""

    alternatives: tuple[tuple[_Term, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Range:
        """Raises BadRange."""
        ranged = _HYPHEN.sub(r">= \1, <= \2", text)
        return cls(tuple(tuple(_terms(part)) for part in ranged.split("||")))

    def __contains__(self, version: Version) -> bool:
        """A pre-release only ever matches an alternative that names one itself."""
        return any(
            (version.release or any(not term.version.release for term in terms))
            and all(term.holds(version) for term in terms)
            for terms in self.alternatives
        )


def _terms(text: str) -> Iterable[_Term]:
    # An operator may stand apart from its version.
    joined = re.sub(r"([=<>~^])\s+", r"\1", text.strip())
    for part in _SEPARATOR.split(joined):
        yield _Term.parse(part)
