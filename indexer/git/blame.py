"""Who wrote which line: ``git blame --porcelain`` as data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from indexer.deferred import NamedTuple


class Commit(NamedTuple):
    """A commit as answers show it."""

    sha: str
    author: str
    """The name, without the address."""
    date: str
    """When it was written: ISO 8601, in the author's time zone."""
    subject: str
    committed: int
    """When it was committed, in seconds since 1970 UTC: what "newest" is measured by."""
    boundary: bool = False
    """History ends with it: in a shallow clone an older commit may be the one that wrote the line."""


class Uncommitted:
    """Lines that no commit holds yet."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uncommitted)

    def __hash__(self) -> int:
        return hash(Uncommitted)


class BlameLine(NamedTuple):
    """One line of a file and the commit that wrote it."""

    line: int
    commit: Commit | Uncommitted

    @property
    def sha(self) -> str | None:
        """None for a line that is not committed."""
        return self.commit.sha if isinstance(self.commit, Commit) else None

    @property
    def author(self) -> str | None:
        return self.commit.author if isinstance(self.commit, Commit) else None

    @property
    def date(self) -> str | None:
        return self.commit.date if isinstance(self.commit, Commit) else None

    @property
    def subject(self) -> str | None:
        return self.commit.subject if isinstance(self.commit, Commit) else None


def parse(porcelain: bytes) -> Iterator[BlameLine]:
    """The lines of ``git blame --porcelain`` (git-blame(1), THE PORCELAIN FORMAT), which tells of each commit once."""
    commits: dict[str, Commit | Uncommitted] = {}
    header: list[str] = []
    facts: dict[str, str] = {}
    for raw in porcelain.split(b"\n"):
        text = raw.decode("utf-8", "replace")
        if not header:
            header, facts = text.split(" "), {}
        elif raw.startswith(b"\t"):
            sha = header[0]
            if sha not in commits:
                commits[sha] = _commit(sha, facts)
            yield BlameLine(int(header[2]), commits[sha])
            header = []
        else:
            key, _, value = text.partition(" ")
            facts[key] = value
        if header == [""]:
            header = []


def _commit(sha: str, facts: dict[str, str]) -> Commit | Uncommitted:
    if not sha.strip("0"):
        return Uncommitted()
    date = _date(int(facts["author-time"]), facts["author-tz"])
    return Commit(sha, facts["author"], date, facts["summary"], int(facts["committer-time"]), "boundary" in facts)


def _date(seconds: int, zone: str) -> str:
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    try:
        return datetime.fromtimestamp(seconds, timezone(-offset if zone[0] == "-" else offset)).isoformat()
    except (ValueError, OverflowError):
        # Commits may name zones and years that no calendar has.
        return datetime.fromtimestamp(min(max(seconds, 0), 253402300799), UTC).isoformat()
