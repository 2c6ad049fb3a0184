"""Compute patches of some of a video's frames, by the fused operator or the reference path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from keye_vl_rs._patches.patch_plan import plan_patches, write_planned
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.tensors import empty_patches, video_patches
from keye_vl_rs._slow_fast.sizes import Size, patches_per_frame
from keye_vl_rs.limits import check_resized

__all__ = ["frame_patches"]


def frame_patches(
    frames: NDArray[Any] | torch.Tensor,
    indices: Sequence[int],
    size: Size,
    *,
    given: bool,
    channels_first: bool,
    config: PixelConfig,
    resample: str = "bilinear",
) -> torch.Tensor:
    """Resize frames of a video to one size, normalise them and cut them into patches.

    Args:
        frames: (T, 3, H, W) if ``channels_first``, else (T, H, W, 3); uint8 or floats.
        indices: the indices of the frames, in the order of the patches; at least one.
        size: (height, width) to resize to.
        given: whether the caller specified that size. If so, frames are resampled as tensors,
            otherwise as images, with Pillow; the processor of transformers pull request 41040
            makes the same distinction.
        channels_first: whether the channels come before height and width.
        config: how pixels become values.
        resample: "bilinear" or "bicubic", for a size that was given.

    Returns:
        (patches, 3, patch, patch).

    Raises:
        LimitError: the resized frames exceed the limits.
        KeyeVLError: another subclass, if frames and settings do not fit together.
    """
    check_resized(size, "the video", frames=len(indices))
    fused = config.fused() if frames.dtype in (np.uint8, torch.uint8) else None
    if given and fused is not None:
        runs = _runs(indices)
        each = patches_per_frame(size, config.patch_size)
        out = empty_patches(
            len(indices) * each,
            config.patch_size,
            config.dtype,
        )
        for run, part in zip(runs, out.split([each * len(run) for run in runs]), strict=True):
            some = frames[run.start : run.stop]
            video_patches(some, None, size, size, out=part, resample=resample, **fused)
        return out
    if list(indices) != list(range(len(frames))):
        frames = frames[list(indices)]
    if given:
        frames = torch.as_tensor(frames, device="cpu")
        if frames.dtype in (torch.float16, torch.bfloat16):
            # torch cannot resample these; later steps are in float32 anyway.
            frames = frames.float()
        frames = frames if channels_first else frames.permute(0, 3, 1, 2)
        frames = functional.interpolate(frames, size, mode=resample, antialias=True)
        channels_first, config = True, replace(config, do_resize=False)
    if fused is None:
        frames = torch.as_tensor(frames, device="cpu").float()
    config = replace(config, channels_first=channels_first)
    return write_planned([plan_patches(frames, config, "the video")], config)


def _runs(indices: Sequence[int]) -> list[range]:
    """Return the same indices as ranges, since slicing frames does not copy them."""
    runs: list[range] = []
    for index in indices:
        if runs and runs[-1].stop == index:
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return runs
