"""Test concurrent callers: threads beside constant garbage collection, and an event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import torch

import keye_vl_rs
from keye_vl_rs.errors import CancelledError, LimitError
from support.clips import BUNNY, Clip
from support.processor import PROCESSOR, TEXT, assert_bits, clip, video_kwargs

CALLERS = 16


@contextmanager
def collecting():
    """Collect garbage all the time in a thread, and at nearly every allocation elsewhere."""
    thresholds, stop = gc.get_threshold(), threading.Event()
    # Exempt imported modules, which need not be scanned each time.
    gc.freeze()

    def collect():
        while not stop.is_set():
            gc.collect()

    thread = threading.Thread(target=collect)
    gc.set_threshold(10, 2, 2)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@pytest.fixture
def short(tmp_path):
    return str(Clip("short.mp4", count=20, width=96, height=64).write(tmp_path))


def processed(number):
    types = [[0, 1, 1], [0, 0], [0, 1, 0, 1]][number % 3]
    frames = clip(len(types), 90 + number % 3, 120, seed=number % 3)
    return PROCESSOR(
        text=[TEXT], videos=[frames], return_tensors="pt", **_lists(video_kwargs(types))
    )


def _lists(options):
    return {name: [value] for name, value in options.items()}


def test_a_shared_processor_and_a_busy_collector(short, monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "3")
    expected = [processed(number) for number in range(3)]
    video = keye_vl_rs.preprocess_video(short).pixel_values_videos
    together = threading.Barrier(CALLERS)

    def work(caller):
        together.wait(60)
        for number in range(6):
            assert_bits(processed(caller + number), expected[(caller + number) % 3])
            assert torch.equal(keye_vl_rs.preprocess_video(short).pixel_values_videos, video)
        return caller

    with collecting(), ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(work, range(CALLERS))) == list(range(CALLERS))


def test_each_call_has_its_own_limits(short):
    """Limits do not leak into the calls of other threads."""
    together = threading.Barrier(CALLERS)

    def work(caller):
        together.wait(60)
        for _ in range(5):
            if caller % 2:
                with pytest.raises(LimitError):
                    keye_vl_rs.preprocess_video(short, limits=keye_vl_rs.Limits(frames=5))
            else:
                keye_vl_rs.preprocess_video(short)

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(work, range(CALLERS)))


def test_an_event_loop_goes_on(clock):
    """Calls that run in the loop's threads never hold the GIL for longer than a server can bear."""

    async def serve():
        gaps, done = [], asyncio.Event()

        async def tick():
            while not done.is_set():
                began = clock()
                await asyncio.sleep(0.005)
                gaps.append(clock() - began)

        ticking = asyncio.create_task(tick())
        calls = [asyncio.to_thread(keye_vl_rs.preprocess_video, BUNNY, fps=4) for _ in range(8)]
        results = await asyncio.gather(*calls)
        done.set()
        await ticking
        return results, gaps

    expected = keye_vl_rs.preprocess_video(BUNNY, fps=4)
    results, gaps = asyncio.run(serve())
    for result in results:
        assert torch.equal(result.pixel_values_videos, expected.pixel_values_videos)
        assert result.counts == expected.counts
    assert len(gaps) > 20
    assert sorted(gaps)[len(gaps) // 2] < 0.1
    assert max(gaps) < 1.0


def test_a_request_that_is_given_up(clock):
    """The thread of an abandoned request ends soon once the server sets the call's cancel flag."""

    async def serve():
        flag = threading.Event()
        call = asyncio.to_thread(
            keye_vl_rs.preprocess_video, BUNNY, fps=1000, max_frames=768, cancel=flag
        )
        task = asyncio.create_task(call)
        await asyncio.sleep(0.02)
        flag.set()
        began = clock()
        with pytest.raises(CancelledError, match=r"bunny_360p\.mp4: cancelled"):
            await task
        return clock() - began

    assert asyncio.run(serve()) < 1.0
