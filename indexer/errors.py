"""The error every room may raise for bad input or a bad environment: one message for a person, and an exit code.

It stands outside the layers, so that any room can import it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of every command; documented and stable."""

    DONE = 0
    FINDINGS = 1
    ENVIRONMENT = 2
    """A mistake on the command line, or something about the machine: no repository, an unreadable file."""
    INDEX = 3
    """The index is missing, or older than the repository where building is not allowed."""
    INTERRUPTED = 130


class FluxidxError(Exception):
    """An expected failure. ``str()`` is the whole message: what is wrong, where, and what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.ENVIRONMENT


class NotFound(FluxidxError):
    """The question is sound and the answer is "nothing"; the message says what comes close."""

    exit_code = ExitCode.FINDINGS


class IndexMissing(FluxidxError):
    """There is no index, or it is stale, and ``--no-build`` forbids to make it."""

    exit_code = ExitCode.INDEX
