"""Markdown for a comment on a pull request: what every report of it shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from indexer.deferred import regex
from indexer.git.text import storable

LIMIT: Final = 60_000
"""Characters of a comment. GitHub takes 65,536, GitLab a million, Gitea and Forgejo 65,535 by default."""
_SPECIAL: Final = regex(r"([\\`*_{}\[\]<>#|~])")
_CUT: Final = "_… {count} more cannot be shown here, where a comment has to end: `{command}` shows all._"


class Comment:
    """A comment that grows by blocks until it is full. What comes first is worth most."""

    def __init__(self, command: str, clusters: Sequence[str] = (), limit: int = LIMIT) -> None:
        """``clusters``: those that it is about, where it is not about all; each has a comment of its own then."""
        self._command = command
        # The marker is how CI finds its own comment again, so it must not change from one run to the next.
        about = f" of {', '.join(sorted(clusters))}" if clusters else ""
        marker = f"<!-- {command}{about.replace('--', '-')} -->"
        self._blocks = [marker]
        self._room = limit - len(marker) - _RESERVED

    def __str__(self) -> str:
        return "\n\n".join(self._blocks)

    def add(self, block: str) -> bool:
        """Adds a block; False where there is no room for it."""
        if len(block) + 2 > self._room:
            return False
        self._room -= len(block) + 2
        self._blocks.append(block)
        return True

    def section(self, title: str, lines: Iterable[str], *, folded: bool = False) -> None:
        """A title with as many lines below it as there is room for, and how many are left out."""
        lines = list(lines)
        if not lines:
            return
        head, tail = (f"<details><summary>{title}</summary>\n\n", "\n\n</details>") if folded else (f"{title}\n\n", "")
        room = self._room - len(head) - len(tail) - 2
        shown: list[str] = []
        for line in lines:
            room -= len(line) + 1
            if room < 0:
                break
            shown.append(line)
        if len(shown) < len(lines):
            shown += ["", self.cut(len(lines) - len(shown))]
        text = head + "\n".join(shown) + tail
        self._room -= len(text) + 2
        self._blocks.append(text)

    def end(self, left_out: int) -> None:
        """Says how many blocks there was no room for."""
        self._blocks.append(self.cut(left_out))

    def cut(self, count: int) -> str:
        """What stands in the place of what is left out."""
        return _CUT.format(count=count, command=self._command)


_RESERVED: Final = 2_000
"""Characters that are kept for saying what was cut."""


def plain(text: str) -> str:
    """``text`` as it is: nothing in it is markup, mentions somebody or links an issue."""
    escaped = _SPECIAL.sub(r"\\\1", " ".join(storable(text).split()))
    return escaped.replace("@", "&#64;").replace("://", ":&#47;/")


def code(text: str) -> str:
    """``text`` in the type of code, whatever backticks it holds."""
    text = storable(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(language: str, lines: Sequence[str]) -> str:
    """Lines as a block of code."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(longest + 1, 3)
    return "\n".join([f"{fence}{language}", *lines, fence])
