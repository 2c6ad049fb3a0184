"""Test that calls which end early leave no decoder to the garbage collector."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import threading
from functools import partial

import pytest

from keye_vl_rs import preprocess_video
from keye_vl_rs._decoding.prefetch import prefetch
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs.errors import CancelledError, DecodeError, MediaTimeoutError
from support.clips import Clip

pytestmark = pytest.mark.one_level

HELD = ("InputContainer", "VideoCodecContext", "VideoFrame", "_Shared")


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held():
    """Return the decoders of this process, and their related objects."""
    return sum(type(one).__name__ in HELD for one in gc.get_objects())


def wait_for_decoder_threads():
    for thread in threading.enumerate():
        if thread.name.startswith("keye-vl-rs"):
            thread.join(10)


@pytest.fixture(scope="module")
def clips(folder):
    """Return a whole clip, and one that is damaged in the middle."""
    good = Clip("early.mp4", width=320, height=240, count=60).write(folder)
    damaged = good.with_name("early_damaged.mp4")
    data = bytearray(good.read_bytes())
    for place in (0.3, 0.4, 0.5):
        at = int(len(data) * place)
        data[at : at + 60] = bytes(60)
    damaged.write_bytes(data)
    return {"whole": good, "damaged": damaged}


class Flag:
    """Become set after a number of queries."""

    def __init__(self, allowed):
        self.asked = 0
        self.allowed = allowed

    def is_set(self):
        self.asked += 1
        return self.asked > self.allowed


@pytest.mark.parametrize("on_error", ["raise", "partial", "conceal"])
@pytest.mark.parametrize("name", ["whole", "damaged"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_calls_that_end_early_leave_nothing(name, on_error, clips, no_collector):
    options = {"fps": 25, "on_error": on_error, "min_pixels": 28 * 28, "max_pixels": 28 * 28 * 4}
    whole = Flag(math.inf)
    with contextlib.suppress(DecodeError):
        preprocess_video(clips[name], cancel=whole, **options)
    wait_for_decoder_threads()
    before, tasks = held(), len(os.listdir("/proc/self/task"))
    assert whole.asked > 20
    for allowed in range(0, whole.asked, max(1, whole.asked // 12)):
        with contextlib.suppress(CancelledError, DecodeError):
            preprocess_video(clips[name], cancel=Flag(allowed), **options)
    for seconds in (1e-6, 0.003, 0.009, 0.015, 0.021):
        with contextlib.suppress(MediaTimeoutError, DecodeError):
            preprocess_video(clips[name], timeout=seconds, **options)
    wait_for_decoder_threads()
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

    items = prefetch([0, 1], Worker, Deadline("late"), workers=2, buffer_size=2)
    assert next(items) == 0
    assert begun.wait(10)
    closing = threading.Thread(target=items.close)
    closing.start()
    # Only once it was told to stop.
    shared = items.gi_frame.f_locals["shared"]
    with shared._changed:
        assert shared._changed.wait_for(partial(getattr, shared, "_stopped"), 10)
    free.set()
    closing.join(10)
    wait_for_decoder_threads()
    del items, closing, shared
    assert not [one for one in gc.get_objects() if type(one) is LateError]
