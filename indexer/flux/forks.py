"""Work that copies of this process share with it: each takes the next piece out of a pipe, as this one does.

A copy shares nothing that it must not use (``os.fork`` without threads), and ends without any of the ends of Python.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NoReturn

from indexer.deferred import NamedTuple

MOST: Final = 4_096
"""How many pieces fit into the pipe."""
_PIECE: Final = struct.Struct("=I")
_SENT: Final = struct.Struct("=IQ")
"""The number of a piece, and the length of what was made of it."""
_CHUNK: Final = 1 << 20
_QUOTA: Final = "/sys/fs/cgroup/cpu.max"
"""Where a container with a limit finds it."""


class Results(NamedTuple):
    """What became of some pieces."""

    made: dict[int, bytes]
    """By the number of the piece; those are missing that nobody finished."""
    troubles: tuple[str, ...]
    """What went wrong with processes, for a person."""


def cores() -> int:
    """The processors that this process may use; 1 where the system does not say, as on macOS."""
    return max(1, min(len(os.sched_getaffinity(0)), _granted())) if hasattr(os, "sched_getaffinity") else 1


def _granted() -> int:
    """How many of them a container gets the time of."""
    try:
        with open(_QUOTA) as file:  # noqa: PTH123 - pathlib is not imported for this
            time, period = file.read().split()
        return sys.maxsize if time == "max" else int(time) // int(period)
    except (OSError, ValueError):
        return sys.maxsize


def can_fork() -> bool:
    """Whether this process can be copied safely."""
    if not hasattr(os, "fork"):
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - pathlib is not imported for this
    except OSError:
        threading = sys.modules.get("threading")
        return threading is None or threading.active_count() == 1


def spread(
    pieces: int, work: Callable[[int], bytes], processes: int, enter: Callable[[], None] = lambda: None
) -> Results:
    """What ``work`` makes of the numbers below ``pieces`` (``MOST`` at most), here and in copies of this process.

    A copy calls ``enter`` first. One that is killed, or in which ``work`` raises, leaves all that it had taken undone.
    """
    numbers, fill = os.pipe()
    os.write(fill, b"".join(map(_PIECE.pack, range(pieces))))
    os.close(fill)
    workers: dict[int, int] = {}
    troubles: list[str] = []
    try:
        try:
            for _ in range(min(processes, pieces) - 1):
                pid, stream = _start(numbers, work, enter, workers.values())
                workers[pid] = stream
        except OSError as error:
            troubles.append(f"no further process can be started: {error.strerror}: lower --jobs")
        made = dict(_done(numbers, work)) | _received(list(workers.values()))
    except BaseException:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(numbers)
        ends = [_end(pid, stream) for pid, stream in workers.items()]
    return Results(made, (*troubles, *filter(None, ends)))


def _done(numbers: int, work: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    """Takes pieces until there are no more, with what is made of them."""
    while taken := os.read(numbers, _PIECE.size):
        (piece,) = _PIECE.unpack(taken)
        yield piece, work(piece)


def _start(
    numbers: int, work: Callable[[int], bytes], enter: Callable[[], None], others: Iterable[int]
) -> tuple[int, int]:
    """A copy of this process: its id, and where its results come from. Raises OSError.

    ``others`` is where those of other copies come from.
    """
    stream, end = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(stream)
        os.close(end)
        raise
    if pid == 0:
        # Nobody but the other process reads: when it is killed, copies that still have to tell something end as well,
        # and with them the lock on the index that all of them hold.
        for one in (stream, *others):
            os.close(one)
        _live(numbers, end, work, enter)
    os.close(end)
    return pid, stream


def _live(numbers: int, stream: int, work: Callable[[int], bytes], enter: Callable[[], None]) -> NoReturn:
    """The life of a copy. Nothing of the process it was copied from is told or closed in the end."""
    status = 1
    try:
        # Ctrl-C reaches every process of a terminal; the one that waits for the others says so.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        enter()
        # All at once: the other process is at work itself, and reads when nothing is left to be taken.
        made = list(_done(numbers, work))
        for piece, data in made:
            _send(stream, _SENT.pack(piece, len(data)) + data)
        status = 0
    finally:
        # Whatever was raised: the other process does what is missing, and meets the same.
        os._exit(status)


def _send(stream: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(stream, rest) :]


def _received(streams: list[int]) -> dict[int, bytes]:
    """What all of them send, until each is closed. All are read at once: none waits for another."""
    data = {stream: bytearray() for stream in streams}
    poll = select.poll()
    for stream in streams:
        poll.register(stream, select.POLLIN)
    left = len(streams)
    while left:
        for stream, _ in poll.poll():
            chunk = os.read(stream, _CHUNK)
            data[stream] += chunk
            if not chunk:
                poll.unregister(stream)
                left -= 1
    return {piece: made for sent in data.values() for piece, made in _pieces(bytes(sent))}


def _pieces(sent: bytes) -> list[tuple[int, bytes]]:
    """The pieces that came whole."""
    found = []
    at = 0
    while at + _SENT.size <= len(sent):
        piece, length = _SENT.unpack_from(sent, at)
        at += _SENT.size
        if at + length <= len(sent):
            found.append((piece, sent[at : at + length]))
        at += length
    return found


def _end(pid: int, stream: int) -> str | None:
    """Waits for the end of a process; what killed it, if anything did."""
    os.close(stream)
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return None
    return f"a process that helped was killed by signal {-code}: this one does its part" if code < 0 else None
