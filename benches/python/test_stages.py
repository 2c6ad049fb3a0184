"""Time the slow/fast stage and the processor stage, for the published code and for ours.

Each case first asserts that all outputs are equal, bit for bit.
"""

from __future__ import annotations

import keye_vl_utils.vision_process as published_utils
import pytest
import torch

import bench_clips
from keye_vl_rs import (
    BicubicVideoProcessor,
    KeyeVL1_5ImageProcessor,
    KeyeVL1_5Processor,
    vision_process,
)
from oracle.published_processor import published_call
from side_by_side import sample
from support.tokenizers import make_tokenizer

TOKENIZER = make_tokenizer()
# As in the checkpoint's configuration.
HALF = [0.5, 0.5, 0.5]
PROMPT = "<|vision_start|><|video_pad|><|vision_end|>What happens in this video?"
CASES = {
    "720p 60 s at fps=2": (bench_clips.clip_720p, {"fps": 2.0}),
    "720p 60 s, 64 frames": (bench_clips.clip_720p, {"fps": 2.0, "max_frames": 64}),
    "1080p 60 s at fps=2": (bench_clips.clip_1080p, {"fps": 2.0}),
    "portrait 20 s at fps=2": (bench_clips.clip_portrait, {"fps": 2.0}),
    "640x272 at fps=8": (lambda: bench_clips.source("bikes"), {"fps": 8.0}),
}


@pytest.fixture(scope="module", params=CASES, ids=str)
def sampled(request):
    clip, options = CASES[request.param]
    return sample(request.param, clip(), **options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_processor_stage(sampled, dtype, versus):
    processor = KeyeVL1_5Processor(
        KeyeVL1_5ImageProcessor(image_mean=HALF, image_std=HALF), TOKENIZER
    )

    def ours():
        return processor(
            text=[PROMPT],
            videos=[sampled.frames],
            return_tensors="pt",
            dtype=dtype,
            **sampled.processor_kwargs,
        )

    def published():
        return published_call(
            TOKENIZER,
            [PROMPT],
            [sampled.frames],
            image_mean=HALF,
            image_std=HALF,
            **sampled.processor_kwargs,
        )

    expected = published()
    expected["pixel_values_videos"] = expected["pixel_values_videos"].to(dtype)
    assert_equal(ours(), expected)
    del expected
    versus(ours, published)


def test_operator_in_the_published_processor(sampled, versus):
    """Measures the gain of ``enable()`` where a checkpoint's own processor stays in use."""
    about = {"image_mean": HALF, "image_std": HALF, **sampled.processor_kwargs}

    def ours():
        operator = BicubicVideoProcessor()
        return published_call(TOKENIZER, [PROMPT], [sampled.frames], operator=operator, **about)

    def published():
        return published_call(TOKENIZER, [PROMPT], [sampled.frames], **about)

    assert_equal(ours(), published())
    versus(ours, published)


def test_slow_fast_stage(sampled, versus):
    def ours():
        return vision_process.extract_slow_fast_frames(sampled.frames)

    def published():
        return published_utils.extract_slow_fast_frames(sampled.frames)

    assert torch.equal(ours(), published())
    versus(ours, published)


def assert_equal(ours, published):
    assert set(ours) == set(published)
    for name, expected in published.items():
        assert ours[name].dtype == expected.dtype, name
        assert torch.equal(ours[name], expected), name
