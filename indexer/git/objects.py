"""The object database, read through GitPython's long-lived ``git cat-file --batch``."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from indexer.git.command import ENVIRONMENT
from indexer.git.tree import OutOfReach

if TYPE_CHECKING:
    from git.cmd import Git


class ObjectDatabase:
    """The objects of one repository, by id. One git process serves all reads of a process; not for threads."""

    def __init__(self, git_dir: str) -> None:
        self._git_dir = git_dir
        # By process id: a forked worker must neither talk through its parent's stream nor close it.
        self._streams: dict[int, Git] = {}
        # Who asks and forgets leaves no process behind.
        weakref.finalize(self, _end, self._streams).atexit = False

    def read(self, object_id: str) -> tuple[str, bytes]:
        """The type (``blob``, ``tree`` …) and content of an object. Raises OutOfReach."""
        stream = self._streams.get(os.getpid())
        if stream is None:
            stream = self._open()
        try:
            _, kind, _, content = stream.get_object_data(object_id)
        except (ValueError, OSError):
            # A partial clone's process dies on what it may not fetch; the next read starts another.
            stream.clear_cache()
            raise OutOfReach(f"object {object_id} is not in this clone: it may be a partial or damaged one") from None
        # GitPython says str and gives bytes.
        return os.fsdecode(kind), content

    def _open(self) -> Git:
        from git.cmd import Git

        stream = Git(self._git_dir)
        stream.update_environment(**ENVIRONMENT, GIT_DIR=self._git_dir)
        self._streams[os.getpid()] = stream
        return stream

    def close(self) -> None:
        """Ends this process's git."""
        _end(self._streams)

    def __getstate__(self) -> dict[str, object]:
        return {"_git_dir": self._git_dir, "_streams": {}}


def _end(streams: dict[int, Git]) -> None:
    stream = streams.pop(os.getpid(), None)
    if stream is not None:
        stream.clear_cache()
