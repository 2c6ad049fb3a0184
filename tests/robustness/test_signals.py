"""Test that Ctrl-C ends a call within a second, whatever the call is doing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

import stages
from support.clips import Clip
from support.http_server import serve

SOON_S = 1.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    noise = np.random.default_rng(0).integers(0, 256, (5000, 6000, 3), np.uint8)
    Image.fromarray(noise).save(folder / stages.IMAGE)
    return str(Clip("clip.mp4", count=60).write(folder))


@pytest.fixture(scope="module")
def address():
    """Return the URL of a server that never finishes its answer."""
    with serve(b"") as httpd:
        yield f"http://127.0.0.1:{httpd.server_port}/trickle.mp4"


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("stage", stages.STAGES)
def test_ctrl_c_ends_every_stage(stage, threads, clip, address, clock):
    mine, theirs = multiprocessing.Pipe()
    environment = {"KEYE_VL_UTILS_PARALLEL_NUM": threads, "KEYE_VL_RS_SIMD": "scalar"}
    process = stages.start(stage, clip, address, environment, theirs)
    try:
        assert mine.poll(60), f"{stage} does not begin"
        assert mine.recv() == "begins"
        time.sleep(0.4)
        assert not mine.poll(), f"{stage} ends by itself: {mine.recv()}"
        os.kill(process.pid, signal.SIGINT)
        began = clock()
        assert mine.poll(20), f"{stage} goes on"
        seconds = clock() - began
        assert mine.recv() == "interrupted"
    finally:
        process.kill()
        process.join()
    assert seconds < SOON_S
