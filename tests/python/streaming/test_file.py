"""Test streaming files into patches: equal to holding the video in memory, with less memory."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
import torch

from keye_vl_rs import preprocess_video, vision_process
from keye_vl_rs._patches.tensors import video_patches
from keye_vl_rs.errors import CancelledError, InvalidArgumentError
from support.clips import Clip, add_stream, open_output
from support.memory import peak_memory
from support.tensors import assert_bits
from support.vision_process import TOKEN

pytestmark = pytest.mark.one_level

# Under this budget the sizes of 40 frames depend on how many are slow.
TIGHT = {"fps": 25.0, "total_pixels": 40 * 60 * TOKEN, "max_pixels": 200 * TOKEN}


@pytest.fixture(scope="module")
def clip(folder):
    return Clip("streamed.mp4", width=320, height=240, options={"x264-params": "keyint=15"}).write(
        folder
    )


def at_once(path, **options):
    """Return the result of holding the whole video in memory."""
    frames, kwargs = vision_process.fetch_video({"video": str(path), **options})
    sizes = (kwargs["height"], kwargs["width"]), (kwargs["fast_height"], kwargs["fast_width"])
    return kwargs, video_patches(frames, kwargs["frame_types"], *sizes)


@pytest.mark.parametrize("similarity", [-1.0, 0.5, 0.8, 0.9, 1.1])
@pytest.mark.parametrize("buffer_bytes", [0, 300_000, 2_000_000, 1 << 28])
def test_every_buffer_gives_what_the_whole_video_gives(similarity, buffer_bytes, clip):
    options = {**TIGHT, "min_frame_similarity": similarity}
    kwargs, expected = at_once(clip, **options)
    inputs = preprocess_video(clip, buffer_bytes=buffer_bytes, **options)
    assert_bits(inputs.pixel_values_videos, expected)
    assert torch.equal(inputs.frame_types, kwargs["frame_types"])
    assert_bits(inputs.timestamps, kwargs["timestamps"])


def test_what_does_not_fit_is_decoded_twice(clip):
    options = {**TIGHT, "min_frame_similarity": 0.9}
    once = preprocess_video(clip, **options)
    twice = preprocess_video(clip, buffer_bytes=0, **options)
    assert once.counts.decoded == once.counts.packets == 40
    assert 40 < twice.counts.decoded <= 80


def test_sizes_that_are_sure_need_no_buffer(clip):
    inputs = preprocess_video(clip, fps=25, buffer_bytes=0)
    assert inputs.counts.decoded == 40


@pytest.mark.parametrize("buffer_bytes", [-1, float("nan"), "lots"])
def test_a_buffer_that_cannot_be(buffer_bytes, clip):
    with pytest.raises(InvalidArgumentError, match="buffer_bytes"):
        preprocess_video(clip, buffer_bytes=buffer_bytes)


def test_repeated_frames(clip, monkeypatch):
    # As if float32 could not distinguish the indices of many frames.
    monkeypatch.setattr(
        "keye_vl_rs._sampling.open_video.frame_indices",
        lambda total, count: torch.tensor([0, 0, 7, 7, 7, 39]),
    )
    for buffer_bytes in (0, 1 << 28):
        inputs = preprocess_video(clip, buffer_bytes=buffer_bytes, **TIGHT)
        assert inputs.frame_types.tolist()[1::2] == [1, 1, inputs.frame_types[5]]
        assert int(inputs.num_frames) == 6
        patches = inputs.pixel_values_videos
        grid = inputs.video_grid_thw
        assert len(patches) == int(grid.prod(1).sum())


def test_times_count_from_the_start_of_the_file(clip):
    whole = preprocess_video(clip, fps=25)
    part = preprocess_video(clip, fps=25, video_start=0.4, video_end=0.8)
    assert_bits(part.timestamps, whole.timestamps[10:21])
    assert part.total_frames == whole.total_frames == 40
    _, expected = at_once(clip, fps=25, video_start=0.4, video_end=0.8)
    assert_bits(part.pixel_values_videos, expected)


@pytest.mark.parametrize("bounds", [{"video_start": 1.0}, {"video_end": 1.0}])
def test_a_list_of_frames_is_not_cut(bounds):
    frame = np.zeros((28, 28, 3), np.uint8)
    with pytest.raises(InvalidArgumentError, match=next(iter(bounds))):
        preprocess_video([frame], **bounds)


def test_stages_add_up_to_the_call(clip):
    inputs = preprocess_video(clip, fps=25)
    assert set(inputs.stage_seconds) == {"decode", "slow_fast", "patches"}
    assert all(seconds >= 0 for seconds in inputs.stage_seconds.values())
    assert inputs.stage_seconds["decode"] > 0


def test_a_call_can_be_cancelled(clip):
    flag = threading.Event()
    flag.set()
    with pytest.raises(CancelledError, match=r"streamed\.mp4"):
        preprocess_video(clip, cancel=flag)


@pytest.mark.one_level
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_video(folder, clip):
    # All frames together would take 750 MB.
    options = {"preset": "ultrafast", "x264-params": "keyint=30"}
    large = Clip("large_1080p.mp4", width=1920, height=1080, options=options)
    path = folder / large.name
    pictures = [large.frame(index) for index in range(6)]
    with open_output(path) as container:
        stream = add_stream(container, large)
        for index in range(120):
            picture = pictures[index % len(pictures)]
            picture.pts = index
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    megabytes, frames = peak_memory(clip, path, fps=30)
    assert frames == 120
    assert megabytes < 512
