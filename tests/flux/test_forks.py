"""Work in copies of the process: all of it comes back, and none is lost without being missed."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from indexer.flux import forks
from indexer.flux.forks import MOST, can_fork, spread


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


def test_work_is_done_in_other_processes():
    pids = {int(data) for data in spread(40, lambda _: str(os.getpid()).encode(), 2).made.values()}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_a_process_that_is_killed_leaves_its_piece_to_be_missed():
    def mortal(piece):
        if piece == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return doubled(piece)

    made, troubles = spread(20, mortal, 2)
    assert made == {piece: doubled(piece) for piece in range(20) if piece != 3}
    assert troubles == ("a process that helped was killed by signal 9: its part is done by this one",)


def test_a_result_that_was_cut_off_is_missed(monkeypatch):
    send = forks._send

    def cut(stream, data):
        if data.endswith(doubled(3)):
            send(stream, data[:-1])
            os.kill(os.getpid(), signal.SIGKILL)
        send(stream, data)

    monkeypatch.setattr(forks, "_send", cut)
    assert spread(4, doubled, 1).made == {piece: doubled(piece) for piece in range(3)}


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit])
def test_what_is_raised_is_missed_and_told_by_nobody(error, capfd):
    def wrong(piece):
        if piece == 0:
            raise error
        return doubled(piece)

    sys.stdout.write("written before, and flushed once")
    made, troubles = spread(10, wrong, 2)
    sys.stdout.flush()
    assert made == {piece: doubled(piece) for piece in range(1, 10)}
    assert troubles == ()
    assert capfd.readouterr() == ("written before, and flushed once", "")


def test_processes_that_cannot_be_started_are_done_without(monkeypatch):
    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    made, troubles = spread(10, doubled, 2)
    assert made == {}
    assert troubles == ("no further process can be started: Resource temporarily unavailable: lower --jobs",)


def test_whoever_interrupts_ends_all():
    def endless(_piece):
        time.sleep(600)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1)
        with pytest.raises(KeyboardInterrupt):
            spread(2, endless, 2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_no_descriptor_is_left():
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    spread(5, doubled, 2)
    assert len(list(descriptors.iterdir())) == before


def test_a_process_with_threads_is_not_copied():
    assert can_fork()
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert not can_fork()
    finally:
        done.set()
        thread.join()


def test_without_fork_there_is_one_process(monkeypatch):
    monkeypatch.delattr(os, "fork")
    assert not can_fork()
