"""Run keye_vl_utils and the published processor on a video, and compare ``preprocess_video``."""

from __future__ import annotations

import torch

from keye_vl_rs import preprocess_video
from oracle import published_processor as published
from support.tensors import assert_bits
from support.vision_process import reference

HALF = (0.5, 0.5, 0.5)


def published_inputs(video, kwargs, mean=HALF, std=HALF):
    """Return the published processor's tensors and prompt text for a fetched video."""
    kwargs = {name: [value] for name, value in kwargs.items()}
    types, times = kwargs.pop("frame_types"), kwargs.pop("timestamps", [None])
    stage = published.video_stage([video], types, **kwargs, image_mean=mean, image_std=std)
    text = [published.VIDEO]
    pixels, rows = published.fill_videos(text, stage, types, times)
    return torch.cat(pixels), published.merge_grids(rows, [len(video)]), text[0]


def assert_published(source, mean=HALF, std=HALF, fetched=None, **options):
    """Assert equality with the published pipeline, and return the latter's result."""
    ele = {"video": source if isinstance(source, (list, bytes)) else str(source), **options}
    # The published name.
    if "total_pixels" in ele:
        ele["video_total_pixels"] = ele.pop("total_pixels")
    video, kwargs = fetched or reference.fetch_video(ele)
    pixels, grids, text = published_inputs(video, kwargs, mean, std)
    inputs = preprocess_video(source, image_mean=mean, image_std=std, **options)
    assert_bits(inputs.pixel_values_videos, pixels)
    assert torch.equal(inputs.video_grid_thw, grids)
    assert inputs.video_grid_thw.dtype == torch.int64
    assert torch.equal(inputs.num_frames, torch.tensor([len(video)]))
    assert torch.equal(inputs.frame_types, kwargs["frame_types"])
    assert inputs.frame_types.dtype == torch.int32
    assert inputs.timestamps.dtype == torch.float32
    assert inputs.slow_size == (kwargs["height"], kwargs["width"])
    assert inputs.fast_size == (kwargs["fast_height"], kwargs["fast_width"])
    assert inputs.size == tuple(video.shape[2:])
    if "timestamps" in kwargs:
        assert_bits(inputs.timestamps, kwargs["timestamps"])
    assert inputs.prompt() == text
    assert inputs.tokens == text.count(published.VIDEO)
    assert inputs.tokens == int(inputs.video_grid_thw.prod(1).sum()) // 4
    assert inputs.slow_frames == int((kwargs["frame_types"] == 0).sum())
    return inputs
