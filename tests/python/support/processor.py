"""Provide a processor and inputs for it, and compare with the published one's outputs."""

from __future__ import annotations

import numpy as np
import torch

from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.tokenizers import CHAT_TEMPLATE, make_tokenizer

TOKENIZER = make_tokenizer()
PROCESSOR = KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(), TOKENIZER, chat_template=CHAT_TEMPLATE)
MIXES = {"slow": [0, 0, 0], "slow_fast": [0, 1, 1, 0, 1], "one": [0], "late": [0, 0, 1]}
TEXT = "<|vision_start|><|video_pad|><|vision_end|>What happens?"


def clip(frames: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Return (T, 3, H, W), a view of channels-last memory: two still scenes, with some noise."""
    rng = np.random.default_rng(seed)
    scenes = rng.integers(0, 256, (2, height, width, 3), dtype=np.int16)
    shown = scenes[[int(2 * i >= frames) for i in range(frames)]]
    noisy = shown + rng.integers(-9, 9, shown.shape, dtype=np.int16)
    return torch.from_numpy(np.clip(noisy, 0, 255).astype(np.uint8)).permute(0, 3, 1, 2)


def video_kwargs(types, slow=(84, 112), fast=(56, 56), start=0.0):
    """Return the video arguments of ``process_vision_info`` for one video."""
    return {
        "frame_types": torch.tensor(types, dtype=torch.int32),
        "timestamps": start + torch.arange(len(types), dtype=torch.float32) / 2.997,
        "height": slow[0],
        "width": slow[1],
        "fast_height": fast[0],
        "fast_width": fast[1],
    }


def joined(*videos):
    return {name: [one[name] for one in videos] for name in videos[0]}


def assert_bits(actual, expected):
    assert list(actual) == list(expected)
    for name in expected:
        assert isinstance(actual[name], torch.Tensor), name
        assert actual[name].dtype == expected[name].dtype, name
        assert actual[name].shape == expected[name].shape, name
        assert torch.equal(actual[name], expected[name]), name
