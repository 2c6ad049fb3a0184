"""Time the patches alone: ours and those of other libraries, each against the published steps."""

from __future__ import annotations

import pytest
import torch

import bench_clips
import peers
from keye_vl_rs._patches.tensors import video_patches
from keye_vl_rs._slow_fast import sizes
from keye_vl_rs.cli import bench
from side_by_side import sample


@pytest.fixture(scope="module")
def clip():
    return sample("720p 60 s at fps=2", bench_clips.clip_720p())


@pytest.fixture(scope="module")
def call(clip):
    """Return the arguments of every library: frames, frame types, slow size, fast size."""
    sizes = [(clip.kwargs[h], clip.kwargs[w]) for h, w in (("height", "width"), FAST)]
    return clip.frames, clip.kwargs["frame_types"], *sizes


FAST = ("fast_height", "fast_width")
CONTESTANTS = {
    "ours, float32": video_patches,
    "ours, bfloat16": lambda *call: video_patches(*call, dtype=torch.bfloat16),
    "torchvision": peers.torchvision,
    "transformers fast": peers.transformers,
    "OpenCV + NumPy": peers.opencv,
}


@pytest.mark.parametrize("name", CONTESTANTS)
def test_pixels(name, call, versus):
    result = CONTESTANTS[name](*call)
    expected = bench.published_patches(*call)
    if name.startswith("ours"):
        assert torch.equal(result, expected.to(result.dtype))
    elif result.shape == expected.shape:
        # Close, but not equal: they use another kernel, or round elsewhere.
        assert (result - expected).abs().mean() < 0.05
    else:
        # Its own size rule may differ by a row of patches.
        assert abs(len(result) / len(expected) - 1) < 0.1
    assert sizes.count_patches(call[1].tolist(), *call[2:]) == len(expected)
    del result, expected
    versus(lambda: CONTESTANTS[name](*call), lambda: bench.published_patches(*call), rounds=5)
