"""Test that a signal which arrives before a call fails is not lost to the call's own error."""

from __future__ import annotations

import ctypes
import signal
from functools import partial

import numpy as np
import pytest

from keye_vl_rs import _core
from support.core import PATCH, PLAN, SPLIT, WRITTEN, noise

pytestmark = pytest.mark.one_level

FRAMES = noise(2, 56, 56, 3)
OUT = np.zeros(WRITTEN, np.float32)
FAILING = {
    "an argument": partial(_core.resize, FRAMES, -1, 5),
    "a kernel": partial(_core.resize, FRAMES, 5, 5, kernel="none"),
    "memory": partial(_core.resize, FRAMES, 2**31, 2**31),
    "a shape": partial(_core.hsv_from_rgb, FRAMES[0, 0]),
    "a dtype": partial(_core.hsv_from_rgb, FRAMES.astype(np.int16)),
    "a size": partial(_core.slow_fast, FRAMES, 57, 56, **SPLIT),
    "two shapes": partial(
        _core.frame_similarity, FRAMES[0], FRAMES[0, 1:], patch_size=28, patch_similarity=0.7
    ),
    "types": partial(_core.write_patches, FRAMES, [2, 0], (56, 56), (28, 28), OUT, **PATCH),
    "an output": partial(_core.write_patches, FRAMES, None, (28, 28), (28, 28), OUT, **PATCH),
    "a plan": partial(_core.plan_sizes, 1, 900, 1, 1, **PLAN),
    "a ratio": partial(_core.smart_resize, 1, 900, 28, 1.0, 1e6),
    "a splitter": partial(_core.SlowFastSplitter, 0, 9, 28, 28, **SPLIT),
    "bands": partial(_core.ImageBands, (9, 9), (27, 28), patch_size=14, kernel="bilinear"),
    "a packet": partial(_core.describe_packet, "h264", 4, FRAMES),
}


class InterruptionError(Exception):
    """Raised by the handler instead of KeyboardInterrupt, which would end the test session."""


@pytest.mark.parametrize("name", FAILING)
def test_a_pending_signal_wins(name):
    def handler(number, frame):
        raise InterruptionError

    send = partial(ctypes.CDLL(None)["raise"], int(signal.SIGUSR1))
    # Signal and call share a line, because handlers run between lines.
    call = type(send).__call__
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        try:
            list(map(call, (send, FAILING[name])))
        except Exception as error:
            raised = error
    except InterruptionError as late:
        raised = RuntimeError(f"the handler ran after the call: {late!r}")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert type(raised) is InterruptionError
    assert raised.__context__ is None
