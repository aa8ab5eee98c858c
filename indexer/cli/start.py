"""Where the program begins and ends, before anything else is imported and after everything is done."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.git.repository import Repository

_PLUGINS = {"kubectl-fluxidx": "kubectl fluxidx", "flux-idx": "flux idx"}
"""What the program is called where kubectl or flux runs it as a plugin, by the name of its script."""

_INTERRUPTED = 130
"""As ExitCode has it, which is not imported yet."""

_LOOKING = frozenset({"blame", "build", "ls", "units", "what", "where"})
"""Commands whose first question is what the working tree holds."""
_ELSEWHERE = ("--repo", "--at", "--rev", "--help", "-h")
"""Options with which it is not, or not here."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line ``arguments`` (default: the process's own) and exits."""
    # Most of what a command imports and makes lasts as long as it does: looking for cycles would be a tenth of it.
    gc.set_threshold(100_000, 50, 50)
    if sys.stdout is None or sys.stderr is None:
        _open_streams()
    script = os.path.basename(sys.argv[0])  # noqa: PTH119 - pathlib is slow
    try:
        here = _look_ahead(sys.argv[1:] if arguments is None else arguments)
        from indexer.cli.main import run

        status = run(arguments, _PLUGINS.get(script, "fluxidx"), here)
    except KeyboardInterrupt:
        # While the program is imported; later, click answers for it.
        status = _INTERRUPTED
    # As sys.exit does, but for giving back one by one all objects that were made: another tenth.
    atexit._run_exitfuncs()  # noqa: SLF001 - what the interpreter calls first when it ends
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)


def _look_ahead(arguments: Sequence[str]) -> Repository | None:
    """The repository here, at whose working tree git looks while the command line is imported, which takes longer.

    This is a guess at what the arguments mean, before there is anything to read them with: if it is wrong, git looks
    in vain, or later. What is wrong with the repository is for the command to find and to say.
    """
    if not arguments or arguments[0] not in _LOOKING or any(one.startswith(_ELSEWHERE) for one in arguments):
        return None
    from indexer.errors import FluxidxError
    from indexer.git.place import Search

    try:
        search = Search(".")
        import indexer.index.freshness  # noqa: F401 - all these commands need it, and git takes a while
        from indexer.git.repository import Repository

        repository = Repository(search.found())
        repository.look()
    except (FluxidxError, OSError):
        return None
    return repository


def _open_streams() -> None:
    """Has streams that the caller closed lead nowhere, rather than into the next file that is opened."""
    while os.open(os.devnull, os.O_RDWR) < _STREAMS - 1:
        pass
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


_STREAMS: Final = 3
"""Standard input, output and error are the descriptors below."""
