"""Calls that end early leave no decoder to the garbage collector."""

from __future__ import annotations

import gc
import os
import threading
import time

import pytest

from clips import Clip
from keye_vl_rs import preprocess_video
from keye_vl_rs.decoding.ahead import run_ahead
from keye_vl_rs.errors import KeyeVLError
from keye_vl_rs.watch import Watch

HELD = ("InputContainer", "VideoCodecContext", "VideoFrame", "_Shared")


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held():
    """Decoders and what belongs to them, of this process."""
    return sum(type(one).__name__ in HELD for one in gc.get_objects())


def wait_for_decoder_threads():
    for thread in threading.enumerate():
        if thread.name.startswith("keye-vl-rs"):
            thread.join(10)


def test_calls_that_end_early_leave_nothing(folder, no_collector):
    clip = Clip("early.mp4", width=320, height=240, count=60).write(folder)
    started = time.perf_counter()
    preprocess_video(clip, fps=25)
    seconds = time.perf_counter() - started
    wait_for_decoder_threads()
    before, tasks = held(), len(os.listdir("/proc/self/task"))
    ended = 0
    for number in range(100):
        try:
            preprocess_video(clip, fps=25, timeout=seconds * (number + 1) / 100)
        except KeyeVLError:
            ended += 1
    wait_for_decoder_threads()
    assert ended > 50
    assert held() == before
    assert len(os.listdir("/proc/self/task")) <= tasks


def test_an_error_that_comes_after_the_end_is_not_kept(no_collector):
    begun, free = threading.Event(), threading.Event()

    class LateError(Exception):
        pass

    class Worker:
        def __enter__(self):
            return self.items

        def __exit__(self, *exc_info):
            pass

        def items(self, task):
            if task == 0:
                yield 0
            begun.set()
            free.wait(10)
            raise LateError

    items = run_ahead([0, 1], Worker, Watch("late"), workers=2, ahead=2)
    assert next(items) == 0
    assert begun.wait(10)
    closing = threading.Thread(target=items.close)
    closing.start()
    # Only once it was told to stop.
    while not items.gi_frame.f_locals["shared"]._stopped:
        time.sleep(0.001)
    free.set()
    closing.join(10)
    wait_for_decoder_threads()
    del items, closing
    assert not [one for one in gc.get_objects() if type(one) is LateError]
