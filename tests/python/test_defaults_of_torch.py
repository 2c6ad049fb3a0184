"""Test that the process's default dtype and device change no result."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from keye_vl_rs import preprocess_video, preview, process_vision_info
from keye_vl_rs.vision_process import extract_slow_fast_frames, fetch_video
from support.clips import Clip
from support.processor import PROCESSOR, TEXT

pytestmark = pytest.mark.one_level


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


DEFAULTS = {
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "float16": lambda: default_dtype(torch.float16),
    "float64": lambda: default_dtype(torch.float64),
    "meta": lambda: torch.device("meta"),
    "inference": torch.inference_mode,
}


@pytest.fixture(scope="module")
def long_clip(folder):
    """Return a clip with more frames than bfloat16 and float16 can number."""
    options = {"preset": "ultrafast"}
    clip = Clip("defaults.mp4", width=64, height=64, count=2500, options=options)
    return str(clip.write(folder))


def tensors(value):
    """Return all tensors of a result, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = value.values()
    elif hasattr(value, "model_inputs"):
        value = [value.model_inputs(), value.frame_types, value.timestamps]
    elif not isinstance(value, (list, tuple)):
        return []
    return [tensor for one in value for tensor in tensors(one)]


SMALL = {"min_pixels": 28 * 28, "max_pixels": 28 * 28 * 2}


def processed(clip):
    message = {"type": "video", "video": clip, "max_frames": 40, **SMALL}
    _, videos, kwargs = process_vision_info([{"role": "user", "content": [message]}])
    return PROCESSOR(text=[TEXT], videos=videos, return_tensors="pt", **kwargs)


def of_preview(clip):
    message = {"type": "video", "video": clip, "nframes": 40, **SMALL}
    return preview.process_vision_info([{"role": "user", "content": [message]}])


PICTURES = [np.full((56, 56, 3), 12 * number, np.uint8) for number in range(9)]
CALLS = {
    "preprocess_video": lambda clip: preprocess_video(clip, max_frames=333, **SMALL),
    "fetch_video": lambda clip: fetch_video({"video": clip, "max_frames": 333, **SMALL}),
    "processor": processed,
    "plain steps": lambda clip: PROCESSOR(
        text=[TEXT], videos=[np.stack(PICTURES)], do_rescale=False, return_tensors="pt"
    ),
    "text alone": lambda clip: PROCESSOR(text=["What happens?"], return_tensors="pt"),
    "images": lambda clip: PROCESSOR.image_processor(PICTURES, return_tensors="pt"),
    "preview": of_preview,
    "slow and fast": lambda clip: extract_slow_fast_frames(
        torch.from_numpy(np.stack(PICTURES)).permute(0, 3, 1, 2)
    ),
}


@pytest.fixture(scope="module", params=CALLS)
def called(request, long_clip):
    """Return a call, and its result with torch's own defaults."""
    call = CALLS[request.param]
    return call, tensors(call(long_clip))


@pytest.mark.parametrize("default", DEFAULTS)
def test_defaults_change_nothing(called, default, long_clip):
    call, expected = called
    with DEFAULTS[default]():
        found = tensors(call(long_clip))
    assert expected
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.device.type == "cpu"
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
