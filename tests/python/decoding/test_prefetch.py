"""Test decoding ahead: order, buffer size, and early ends that leave nothing behind."""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager

import pytest

from keye_vl_rs._decoding.prefetch import prefetch
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import CancelledError, InvalidArgumentError, MediaTimeoutError
from support.clips import Clip, every

pytestmark = pytest.mark.one_level

DEADLINE = Deadline("work")


def decoder_threads():
    return [thread for thread in threading.enumerate() if "keye-vl-rs" in thread.name]


@pytest.fixture(autouse=True)
def nothing_stays():
    yield
    until = time.monotonic() + 5
    while decoder_threads() and time.monotonic() < until:
        time.sleep(0.01)
    assert decoder_threads() == []


def worker(make, opened=None, closed=None):
    @contextmanager
    def open_worker():
        if opened is not None:
            opened.append(threading.get_ident())
        try:
            yield make
        finally:
            if closed is not None:
                closed.append(threading.get_ident())

    return open_worker


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_items_come_in_the_order_of_tasks(workers, ahead):
    opened, closed = [], []

    def make(task):
        for item in range(task % 4):
            time.sleep(0.001 * (task % 3))
            yield task, item

    found = list(
        prefetch(
            range(12), worker(make, opened, closed), DEADLINE, workers=workers, buffer_size=ahead
        )
    )
    assert found == [(task, item) for task in range(12) for item in range(task % 4)]
    assert sorted(opened) == sorted(closed)
    assert len(opened) == workers


def test_tasks_are_done_side_by_side():
    barrier = threading.Barrier(2, timeout=5)

    def make(task):
        barrier.wait()
        yield task

    assert list(prefetch([0, 1], worker(make), DEADLINE, workers=2, buffer_size=2)) == [0, 1]


def test_no_more_is_made_than_may_wait():
    made = []

    def make(_):
        for item in range(50):
            made.append(item)
            yield item

    items = prefetch([None], worker(make), DEADLINE, workers=1, buffer_size=3)
    assert next(items) == 0
    time.sleep(0.1)
    # Three in the buffer, and one in the worker.
    assert len(made) == 5
    assert list(items) == list(range(1, 50))


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_user_who_leaves_ends_the_work(taken):
    closed = []

    def make(_):
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    items = prefetch([0, 1], worker(make), DEADLINE, workers=2, buffer_size=2)
    for _ in range(taken):
        next(items)
    items.close()
    assert len(closed) == (2 if taken else 0)


@pytest.mark.parametrize("place", [0, 2])
def test_what_is_raised_comes_to_the_user(place):
    def make(task):
        yield task
        if task == place:
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        list(prefetch(range(4), worker(make), DEADLINE, workers=2, buffer_size=1))


def test_a_worker_that_cannot_open():
    @contextmanager
    def open_worker():
        raise OSError("closed")
        yield

    with pytest.raises(OSError, match="closed"):
        list(prefetch([0], open_worker, DEADLINE, workers=1, buffer_size=1))


def test_a_stall_ends_with_the_deadline(clock):
    free = threading.Event()

    def make(_):
        free.wait(10)
        yield 1

    began = clock()
    with pytest.raises(MediaTimeoutError, match=r"work: timed out after 0\.2 s"):
        list(prefetch([0], worker(make), Deadline("work", 0.2), workers=1, buffer_size=1))
    assert clock() - began < 2
    free.set()


@pytest.fixture(scope="module")
def long_clip(folder):
    options = {"preset": "ultrafast", "x264-params": "keyint=50"}
    return Clip("long.mp4", width=320, height=240, count=600, options=options).write(folder)


@pytest.mark.parametrize("source", ["path", "bytes"])
def test_a_flag_that_is_set_while_frames_are_decoded(source, long_clip):
    flag = threading.Event()
    media = long_clip if source == "path" else long_clip.read_bytes()

    class Late:
        """Become set after some checks, so that it stops the decoding."""

        checks = 0

        def is_set(self):
            self.checks += 1
            return self.checks > 1000

    with pytest.raises(CancelledError, match="cancelled"):
        sample_video(media, every, cancel=Late())
    assert sample_video(long_clip, lambda total, fps: [0], cancel=flag).total_frames == 600


@pytest.mark.parametrize("source", ["path", "bytes"])
def test_a_deadline_that_passes(source, long_clip, clock):
    media = long_clip if source == "path" else long_clip.read_bytes()
    began = clock()
    with pytest.raises(MediaTimeoutError, match=r"timed out after 0\.02 s"):
        sample_video(media, every, timeout=0.02)
    assert clock() - began < 2


def test_a_file_that_stalls_after_its_header(long_clip):
    free = threading.Event()

    class Stalling(io.BytesIO):
        reads = 0

        def read(self, size=-1):
            self.reads += 1
            if self.reads > 20:
                free.wait(0.3)
            return super().read(size)

    file = Stalling(long_clip.read_bytes())
    with pytest.raises(MediaTimeoutError):
        sample_video(file, every, timeout=0.2)
    free.set()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "soon"])
def test_a_deadline_that_is_none(timeout, long_clip):
    with pytest.raises(InvalidArgumentError, match="timeout"):
        sample_video(long_clip, every, timeout=timeout)


def test_a_worker_that_closes_its_own_consumer():
    """The garbage collector may run in a worker, and close a generator that was abandoned."""
    received, closed = threading.Event(), threading.Event()
    failures = []

    def items(task):
        yield task
        received.wait(10)
        try:
            found.close()
        except BaseException as error:
            failures.append(error)
        closed.set()

    found = prefetch([0], worker(items), DEADLINE, workers=1, buffer_size=1)
    next(found)
    received.set()
    assert closed.wait(10)
    assert not failures
