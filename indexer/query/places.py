"""How a person names a file, some of its lines, or a directory: ``PATH``, ``PATH:LINE``, ``PATH:FIRST-LAST``."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Final

from indexer.deferred import NamedTuple, regex
from indexer.errors import FluxidxError
from indexer.git.tree import EntryKind, Tree

# A column, as compilers and editors write it, is understood and left out.
_LINES: Final = regex(r"(?P<path>.+?):(?P<first>[0-9]+)(?:-(?P<last>[0-9]+)|:[0-9]+)?:?", re.DOTALL)


class Place(NamedTuple):
    """A file of the repository, some of its lines, or a directory."""

    path: str
    """From the repository's root; ``""`` is the root."""
    lines: tuple[int, int] | None = None

    def __str__(self) -> str:
        if self.lines is None:
            return self.path or "."
        first, last = self.lines
        return f"{self.path}:{first}" if first == last else f"{self.path}:{first}-{last}"


def parse(text: str, tree: Tree, root: Path | None, current: Path) -> Place:
    """The place that ``text`` names: from ``current`` if there is such a file, else from the repository's root.

    Raises FluxidxError for lines that cannot be, and for a path outside the repository.
    """
    whole = _locate(text, root, current, tree)
    if whole is not None and tree.kind(whole) is not None:
        return Place(whole)
    found = _LINES.fullmatch(text)
    if found is None:
        return Place(_inside(whole, text))
    path = _inside(_locate(found["path"], root, current, tree), text)
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if not 1 <= first <= last:
        raise FluxidxError(f"{text}: lines count from 1, and the first comes first: write PATH:FIRST-LAST")
    if tree.kind(path) is EntryKind.DIRECTORY:
        raise FluxidxError(f"{text}: {found['path']} is a directory and has no lines")
    return Place(path, (first, last))


def _locate(text: str, root: Path | None, current: Path, tree: Tree) -> str | None:
    """The path from the root, or None where it leads out of the repository."""
    from_root = _normal(PurePosixPath(text))
    if root is None:
        return from_root
    from_here = _below(root, current / text)
    if from_here is not None and tree.kind(from_here) is not None:
        return from_here
    if from_root is not None and tree.kind(from_root) is not None:
        return from_root
    return from_here


def _below(root: Path, path: Path) -> str | None:
    """``path`` from ``root``; links on the way to it are followed, but not the file itself."""
    real = (
        Path(os.path.realpath(path.parent)) / path.name if path.name not in {"", ".."} else Path(os.path.realpath(path))
    )
    return _normal(PurePosixPath(real.relative_to(root).as_posix())) if real.is_relative_to(root) else None


def _normal(path: PurePosixPath) -> str | None:
    """The path without dots; None where it leads above its start."""
    text = os.path.normpath(path)
    if text.startswith(("/", "../")) or text == "..":
        return None
    return "" if text == "." else text


def _inside(path: str | None, text: str) -> str:
    if path is None:
        raise FluxidxError(f"{text}: not in this repository")
    return path


def files_below(tree: Tree, directory: str) -> list[str]:
    """The files of a directory and of those in it; links are not followed."""
    found: list[str] = []
    for entry in tree.list(directory):
        path = f"{directory}/{entry.name}" if directory else entry.name
        if entry.kind is EntryKind.DIRECTORY:
            found += files_below(tree, path)
        elif entry.kind is EntryKind.FILE:
            found.append(path)
    return found
