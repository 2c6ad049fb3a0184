"""Provide options and arrays for the compiled functions."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np

from keye_vl_rs import _core

PATCH = {
    "patch_size": 14,
    "rescale_factor": 1 / 255,
    "image_mean": (0.5, 0.5, 0.5),
    "image_std": (0.5, 0.5, 0.5),
}
COMPARE = {"patch_size": 28, "patch_similarity": 0.7}
SPLIT = {**COMPARE, "min_frame_similarity": 0.9}
PLAN = {
    "factor": 28,
    "min_pixels": 37632.0,
    "max_pixels": 602112.0,
    "total_pixels": 51380224.0,
    "video_min_pixels": 37632.0,
    "fast_token_ratio": 0.3,
}
WRITTEN = 2 * 16 * 588  # elements of two frames of 56x56


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write(frames, types=None, slow=(56, 56), fast=(28, 28), out=None, **options):
    out = np.zeros(WRITTEN, np.float32) if out is None else out
    _core.write_patches(frames, types, slow, fast, out, **{**PATCH, **options})
    return out


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def assert_others_run_during(work):
    """Assert that another thread can run during ``work``, which therefore releases the GIL."""
    # As long as the call holds the GIL, the main thread cannot run between the two events.
    switch = sys.getswitchinterval()
    sys.setswitchinterval(100)
    started, enough, ended = threading.Event(), threading.Event(), threading.Event()
    during = 0

    def run():
        started.set()
        # On a busy machine the main thread may have to wait for long, but not for all of this time.
        until = time.monotonic() + 90
        while time.monotonic() < until:
            work()
            if enough.is_set():
                break
        ended.set()

    thread = threading.Thread(target=run)
    try:
        thread.start()
        started.wait()
        while not ended.is_set():
            during += 1
            if during > 2:
                enough.set()
            ended.wait(0.0005)
    finally:
        sys.setswitchinterval(switch)
        thread.join()
    assert during > 2
