"""Work in copies of the process: all of it comes back, and none is lost without being missed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indexer.flux import forks
from indexer.flux.forks import MOST, can_fork, cores, spread


def children():
    """The processes that this thread has started, of other tests too: those may end at any time."""
    return set(Path("/proc/thread-self/children").read_text().split())


def doubled(piece):
    return str(2 * piece).encode()


@pytest.mark.parametrize(("pieces", "processes"), [(0, 2), (1, 2), (50, 1), (50, 2), (50, 3), (MOST, 2)])
def test_every_piece_is_done_once(pieces, processes):
    results = spread(pieces, doubled, processes)
    assert results.made == {piece: doubled(piece) for piece in range(pieces)}
    assert results.troubles == ()


def test_large_results_of_all_processes_fit_through():
    def large(piece):
        return bytes([piece]) * (3 << 20)

    made = spread(6, large, 3).made
    assert {piece: (len(data), set(data)) for piece, data in made.items()} == {n: (3 << 20, {n}) for n in range(6)}


@pytest.fixture
def together(tmp_path):
    """Work that this process begins when each of two others has taken a piece: what these do is given to it."""
    here = os.getpid()

    def work_of(theirs):
        def work(piece):
            if os.getpid() != here:
                (tmp_path / str(piece)).touch()
                return theirs(piece)
            while len(list(tmp_path.iterdir())) < 2:
                time.sleep(0.001)
            return doubled(piece)

        return work

    return work_of


def test_this_process_and_others_share_the_work(together):
    made = spread(60, together(lambda _: str(os.getpid()).encode()), 3).made
    others = {data for piece, data in made.items() if data != doubled(piece)}
    assert 1 <= len(others) <= 2
    assert str(os.getpid()).encode() not in others


def test_a_process_that_is_killed_leaves_its_pieces_to_be_missed(together):
    made, troubles = spread(20, together(lambda _: os.kill(os.getpid(), signal.SIGKILL)), 3)
    assert len(made) == 18
    assert all(data == doubled(piece) for piece, data in made.items())
    assert troubles == ("a process that helped was killed by signal 9: this one does its part",) * 2


def test_a_result_that_was_cut_off_is_missed(together, monkeypatch):
    def cut(stream, data):
        os.write(stream, data[:-1])
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(forks, "_send", cut)
    made = spread(20, together(lambda _: b"cut off"), 3).made
    assert len(made) <= 18
    assert all(data == doubled(piece) for piece, data in made.items())


def raising(error):
    def work(_piece):
        raise error

    return work


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit])
def test_what_is_raised_elsewhere_is_missed_and_told_by_nobody(together, error, capfd):
    sys.stdout.write("written before, and flushed once")
    made, troubles = spread(10, together(raising(error)), 3)
    sys.stdout.flush()
    assert len(made) == 8
    assert troubles == ()
    assert capfd.readouterr() == ("written before, and flushed once", "")


def test_what_is_raised_here_ends_the_others():
    here = os.getpid()

    def work(_piece):
        if os.getpid() == here:
            raise ZeroDivisionError
        time.sleep(600)

    others = children()
    with pytest.raises(ZeroDivisionError):
        spread(4, work, 3)
    assert children() <= others


def test_a_copy_does_first_what_it_is_told_to(together):
    told = []
    made = spread(10, together(lambda _: str(told).encode()), 3, lambda: told.append("enter")).made
    assert {data for piece, data in made.items() if data != doubled(piece)} == {b"['enter']"}
    assert told == []


def test_processes_that_cannot_be_started_are_done_without(monkeypatch):
    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    made, troubles = spread(10, doubled, 2)
    assert made == {piece: doubled(piece) for piece in range(10)}
    assert troubles == ("no further process can be started: Resource temporarily unavailable: lower --jobs",)


def test_whoever_interrupts_ends_all(tmp_path):
    here, begun = os.getpid(), tmp_path / "begun"

    def endless(_piece):
        if os.getpid() == here:
            begun.touch()
        else:
            while not begun.exists():
                time.sleep(0.001)
            os.kill(here, signal.SIGUSR1)
        time.sleep(600)

    def interrupt(*_):
        raise KeyboardInterrupt

    others = children()
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            spread(2, endless, 2)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert children() <= others


DESCRIPTORS = """
import os
from indexer.flux.forks import spread
before = os.listdir("/proc/self/fd")
made = spread(5, lambda piece: b"made", 2).made
print(len(made), os.listdir("/proc/self/fd") == before)
"""


def test_no_descriptor_is_left():
    """In a process of its own: what other tests forgot is closed at any time."""
    done = subprocess.run([sys.executable, "-c", DESCRIPTORS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "True"]


THREADS = """
import threading
from indexer.flux.forks import can_fork
print(can_fork())
done = threading.Event()
threading.Thread(target=done.wait).start()
print(can_fork())
done.set()
"""


def test_a_process_with_threads_is_not_copied():
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_without_fork_there_is_one_process(monkeypatch):
    monkeypatch.delattr(os, "fork")
    assert not can_fork()


@pytest.mark.parametrize(
    ("quota", "expected"), [("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1), ("x", 8), (None, 8)]
)
def test_a_container_has_the_processors_that_it_is_given(tmp_path, monkeypatch, quota, expected):
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(f"{quota}\n")
    monkeypatch.setattr(forks, "_QUOTA", str(file))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert cores() == expected


KILLED = """\
import os, signal
from indexer.flux.forks import spread

first = os.getpid()

def work(piece):
    if os.getpid() == first:
        signal.pause()
    os.kill(first, signal.SIGKILL)
    return bytes(1 << 20)

spread(3, work, 3)
"""


def test_copies_end_with_the_process_that_waits_for_them():
    # Whoever of them is left holds the standard output, which is read to its end.
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, b"", b"")
