"""Where the program begins and ends, before anything else is imported and after everything is done."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLUGINS = {"kubectl-fluxidx": "kubectl fluxidx", "flux-idx": "flux idx"}
"""What the program is called where kubectl or flux runs it as a plugin, by the name of its script."""

_INTERRUPTED = 130
"""As ExitCode has it, which is not imported yet."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line ``arguments`` (default: the process's own) and exits."""
    # Most of what a command imports and makes lasts as long as it does: looking for cycles would be a tenth of it.
    gc.set_threshold(100_000, 50, 50)
    try:
        from indexer.cli.main import run

        status = run(arguments, _PLUGINS.get(os.path.basename(sys.argv[0]), "fluxidx"))  # noqa: PTH119 - pathlib is slow
    except KeyboardInterrupt:
        # While the program is imported; later, click answers for it.
        status = _INTERRUPTED
    # As sys.exit does, but for giving back one by one all objects that were made: another tenth.
    atexit._run_exitfuncs()  # noqa: SLF001 - what the interpreter calls first when it ends
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)
