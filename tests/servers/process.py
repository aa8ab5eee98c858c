"""Servers as child processes that never outlive the tests."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

SECONDS = 300
"""How long a server may take until it is ready, on a busy machine."""
_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 10_000
_CHANCE = random.SystemRandom()  # what tests seed is the same in every process


class Failed(Exception):
    """A server ended, or did not become ready."""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on.

    None is one that the system gives away: any connection of any program could have it before a server does.
    """
    given = int(_GIVEN.read_text().split()[0]) if _GIVEN.exists() else 1 << 15
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            one = held.enter_context(socket.socket())
            port = _CHANCE.randrange(_FIRST, max(given, 1 << 15))
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    return ports


class Process:
    """A running program; what it says is in ``log``."""

    def __init__(self, command: list[str], directory: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = Path(command[0]).name
        self.log = directory / f"{self.name}.log"
        # If the tests are killed, so is what they started.
        tied = [setpriv, "--pdeathsig", "KILL"] if (setpriv := shutil.which("setpriv")) else []
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                [*tied, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=directory,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def until(self, ready: Callable[[], bool]) -> None:
        """Waits for ``ready``, which may raise OSError meanwhile. Raises Failed."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if self._child.poll() is not None:
                raise Failed(f"{self.name} ended: {self.tail()}")
            try:
                if ready():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise Failed(f"{self.name} is not ready after {SECONDS} seconds: {self.tail()}")

    def tail(self) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """Ends the program and what it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
                self._child.wait(20)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue
