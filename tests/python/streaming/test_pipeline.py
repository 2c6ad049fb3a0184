"""Test turning frames into patches one by one: on every path the result equals that of a batch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.tensors import video_patches
from keye_vl_rs._slow_fast.sizes import FAST, SLOW, count_patches
from keye_vl_rs._streaming.pipeline import PatchPipeline
from keye_vl_rs._streaming.size_choices import SizeChoices, Window
from support.tensors import assert_bits

HALF = (0.5, 0.5, 0.5)
SIDES = (28, 56, 84, 112)


class Frame:
    """Imitate a decoded frame whose planes take half the memory of its RGB, as in 4:2:0."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.planes = [SimpleNamespace(buffer_size=pixels.nbytes // 2)]


class Types:
    """Imitate a splitter with a fixed result."""

    def __init__(self, types):
        self._types = iter(types)

    def push(self, pixels):
        return next(self._types)


def plan(breaks):
    """Return sizes that shrink at certain numbers of slow frames."""

    def sizes(slow_frames):
        step = sum(slow_frames >= at for at in breaks)
        slow, fast = SIDES[max(0, 3 - step)], SIDES[max(0, 1 - step // 2)]
        return (slow, 28), (fast, 28)

    return sizes


def run(frames, types, sizes, buffer_bytes, dtype=torch.float32):
    """Run the pipeline; return it, its patches, and the peak size of its frame buffer."""
    config = PixelConfig(dtype=dtype, image_mean=HALF, image_std=HALF)
    pipeline = PatchPipeline(
        SizeChoices.of(len(frames), sizes),
        Types(types),
        lambda frame: frame.pixels,
        config,
        buffer_bytes,
    )
    most = 0
    for pixels in frames:
        pipeline.compare(pixels)
        pipeline.write(Frame(pixels), pixels)
        pipeline.trim()
        most = max(most, pipeline._buffer.nbytes)
    for number in pipeline.missing:
        pipeline.write_missing(number, frames[number])
    return pipeline, pipeline.finish(), most


def expected(frames, types, sizes, dtype=torch.float32):
    return video_patches(
        frames, types, *sizes(types.count(SLOW)), image_mean=HALF, image_std=HALF, dtype=dtype
    )


def noise(count, height=60, width=50):
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), np.uint8)


@st.composite
def videos(draw):
    count = draw(st.integers(1, 24))
    types = [
        SLOW,
        *draw(st.lists(st.sampled_from([SLOW, FAST]), min_size=count - 1, max_size=count - 1)),
    ]
    breaks = draw(st.lists(st.integers(1, count + 1), max_size=4))
    # From a buffer for no frame to one for all frames.
    return types, plan(breaks), draw(st.integers(0, 30)) * 4000


@settings(max_examples=300, deadline=None)
@given(videos())
def test_every_way_gives_the_same_patches(video):
    types, sizes, buffer_bytes = video
    frames = noise(len(types))
    pipeline, patches, most = run(frames, types, sizes, buffer_bytes)
    assert_bits(patches, expected(frames, types, sizes))
    assert most <= buffer_bytes
    assert pipeline.sizes == sizes(types.count(SLOW))
    assert pipeline.frame_types == types


ALL_SLOW = [SLOW] * 12
ONE_SLOW = [SLOW] + [FAST] * 11
MIXED = [SLOW, FAST, FAST, SLOW] * 3
WHOLE = 60 * 50 * 3 // 2


def counted(monkeypatch):
    """Count the frames that are resized before their size is known."""
    from keye_vl_rs import _core

    calls = []
    resize = _core.resize
    monkeypatch.setattr(_core, "resize", lambda *args: calls.append(args[1:]) or resize(*args))
    return calls


@pytest.mark.parametrize("types", [ALL_SLOW, ONE_SLOW, MIXED])
def test_frames_of_known_size_are_written_at_once(types, monkeypatch):
    calls = counted(monkeypatch)
    frames, sizes = noise(12), plan([])
    pipeline, patches, most = run(frames, types, sizes, 0)
    assert_bits(patches, expected(frames, types, sizes))
    assert (calls, most, pipeline.missing) == ([], 0, [])


def test_frames_stay_decoded_while_the_buffer_has_space(monkeypatch):
    calls = counted(monkeypatch)
    frames, sizes = noise(12), plan([5, 9])
    _, patches, most = run(frames, MIXED, sizes, 100 * WHOLE)
    assert_bits(patches, expected(frames, MIXED, sizes))
    assert most >= 3 * WHOLE
    # One, once so few frames can still be slow that fast frames have one size.
    assert {size[0] for size in calls} <= {56}


def test_frames_that_do_not_fit_are_resized_to_their_likely_sizes(monkeypatch):
    calls = counted(monkeypatch)
    types = [SLOW, SLOW, FAST, FAST] * 3
    frames, sizes = noise(12, 200, 100), plan([10])
    pipeline, patches, most = run(frames, types, sizes, 60_000)
    assert_bits(patches, expected(frames, types, sizes))
    assert 0 < most <= 60_000
    assert calls
    assert pipeline.missing == []


def test_frames_that_are_dropped_come_again():
    frames, sizes = noise(12), plan([10])
    pipeline, patches, most = run(frames, MIXED, sizes, 0)
    assert_bits(patches, expected(frames, MIXED, sizes))
    assert most == 0
    assert pipeline.missing
    assert pipeline.missing == list(range(len(pipeline.missing)))


def test_a_frame_whose_size_was_unlikely_is_missing():
    # Half of the frames are slow until the rest turns out to be.
    types = [SLOW, FAST] * 6 + [SLOW] * 12
    frames, sizes = noise(24, 200, 100), plan([17])
    pipeline, patches, _ = run(frames, types, sizes, 30_000)
    assert_bits(patches, expected(frames, types, sizes))
    assert 0 < len(pipeline.missing) < 24


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    frames, sizes = noise(12), plan([5, 9])
    _, patches, _ = run(frames, MIXED, sizes, 3 * WHOLE, dtype)
    assert_bits(patches, expected(frames, MIXED, sizes, dtype))


def test_the_result_holds_no_more_memory_than_it_shows():
    # The buffer had room for more slow frames than came.
    frames, sizes = noise(12), plan([])
    _, patches, _ = run(frames, ONE_SLOW, sizes, 0)
    assert len(patches) == count_patches(ONE_SLOW, *sizes(1))
    assert patches.untyped_storage().nbytes() == patches.numel() * 4


def test_choices_know_what_is_possible_and_likely():
    choices = SizeChoices.of(10, plan([4, 8]))
    assert len(choices.runs) == 3
    assert choices.possible(1, 1) == Window(0, 2)
    assert choices.possible(4, 5) == Window(1, 2)
    assert choices.possible(4, 7) == Window(1, 1)
    assert choices.possible(4, 7).decided
    assert choices.likely(2, 4, 0) == Window(1, 1)
    assert choices.likely(2, 5, 0.9) == Window(0, 1)
    assert choices.sizes(SLOW, Window(0, 2)) == [(112, 28), (84, 28), (56, 28)]
    assert choices.sizes(FAST, Window(0, 1)) == [(56, 28)]
