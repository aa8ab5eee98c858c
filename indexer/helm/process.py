"""The renderer's process: started with the first chart, kept for the next ones, replaced where a chart kills it."""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final

from indexer.deferred import NamedTuple
from indexer.helm.chart import ChartError, NotAtHand

_SCRIPT: Final = Path(__file__).with_name("worker.py")


class EngineMissing(NotAtHand):
    """The package that renders charts is not installed, or does not fit the machine."""


class ChartTooLarge(ChartError):
    """A chart that takes more time or memory, or gives more text, than any chart should."""


class Limits(NamedTuple):
    """What the rendering of one chart may take."""

    seconds: int = 20
    """Of processor time. The largest charts in public use take less than one."""
    memory: int = 2 << 30
    """Bytes of the process's data."""
    text: int = 64 << 20
    """Bytes of the answer."""


class Worker:
    """One process; a request waits until the one before is answered."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None
        """What the process says beside its answers; a pipe would stop it when full."""
        self._parent = os.getpid()
        self._lock = Lock()
        atexit.register(self.close)

    def ask(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """The answer to a request. Raises EngineMissing, ChartTooLarge."""
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps({**request, **limits._asdict()}) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            except BaseException:
                # The answer that still comes is none to the next request.
                self.close()
                raise
            if not line:
                raise self._death(limits)
        answer: dict[str, Any] = json.loads(line)
        if "excess" in answer:
            raise ChartTooLarge(f"the chart gives more than {limits.text >> 20} MiB of manifests")
        return answer

    def _running(self) -> subprocess.Popen[str]:
        # A child that was forked has its parent's handles, and must not speak between its lines.
        if self._process is None or self._parent != os.getpid():
            if find_spec("helm_python") is None:
                raise EngineMissing("rendering charts needs helm-python-sdk: pip install 'fluxidx[helm]'")
            self._parent = os.getpid()
            import tempfile

            self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # as long as the process
            # -P: the current directory may be a repository that holds modules of its own.
            self._process = subprocess.Popen(
                [sys.executable, "-P", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
            )
        return self._process

    def _death(self, limits: Limits) -> ChartError:
        """Why the process ended."""
        code, said = self._end()
        if code == -signal.SIGXCPU:
            return ChartTooLarge(f"the chart takes more than {limits.seconds} seconds of processor time")
        if "out of memory" in said or "MemoryError" in said or code == -signal.SIGKILL:
            return ChartTooLarge(f"the chart takes more than {limits.memory >> 20} MiB of memory")
        fatal = re.search(r"^fatal error: (.+)$", said, re.MULTILINE)
        if fatal is not None:
            return ChartTooLarge(f"the chart takes more than Helm can give it: {fatal[1]}")
        why = said.strip().splitlines()[-1:] or [f"it ended with {code}"]
        return EngineMissing(f"helm-python-sdk cannot render ({why[0]}): reinstall fluxidx[helm]")

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._process is not None and self._parent == os.getpid():
            # It would end with its input, which a forked child may still hold open.
            self._process.kill()
            self._end()

    def _end(self) -> tuple[int, str]:
        """Its exit code, and what it said."""
        assert self._process is not None
        assert self._errors is not None
        with self._errors as errors:
            self._process.communicate()
            errors.seek(0)
            said = errors.read()
        code, self._process, self._errors = self._process.returncode, None, None
        return code, said


WORKER: Final = Worker()
"""The process of this program."""
