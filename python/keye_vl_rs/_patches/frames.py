"""Some frames of a video into patches of one size, on the fast path or the plain one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.prepared import prepare, write_prepared
from keye_vl_rs._patches.tensors import empty_patches, video_patches
from keye_vl_rs._slow_fast.sizes import SLOW, Size, count_patches
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
    """Some frames of a video, all at one size, into (patches, 3, patch, patch).

    Args:
        frames: (T, 3, H, W) if ``channels_first``, else (T, H, W, 3); uint8 or floats.
        indices: which of them, in which order; one at least.
        size: (height, width) that they come out at.
        given: whether the caller chose that size: the frames are resampled as tensors then, and
            otherwise as images, with Pillow, as in the published processor.
        channels_first: where the channels are.
        config: what is done to pixels.
        resample: "bilinear" or "bicubic", for a size that is given.
    """
    check_resized(size, "the video", frames=len(indices))
    fused = config.fused() if frames.dtype in (np.uint8, torch.uint8) else None
    if given and fused is not None:
        runs = _runs(indices)
        out = empty_patches(
            count_patches([SLOW] * len(indices), size, size, config.patch_size),
            config.patch_size,
            config.dtype,
        )
        each = len(out) // len(indices)
        for run, place in zip(runs, out.split([each * len(run) for run in runs]), strict=True):
            part = frames[run.start : run.stop]
            video_patches(part, None, size, size, out=place, resample=resample, **fused)
        return out
    if list(indices) != list(range(len(frames))):
        frames = frames[list(indices)]
    if given:
        frames = torch.as_tensor(frames, device="cpu")
        if frames.dtype in (torch.float16, torch.bfloat16):
            # Which torch does not resample; the processor goes on in float32 in any case.
            frames = frames.float()
        frames = frames if channels_first else frames.permute(0, 3, 1, 2)
        frames = functional.interpolate(frames, size, mode=resample, antialias=True)
        channels_first, config = True, replace(config, do_resize=False)
    if fused is None:
        frames = torch.as_tensor(frames, device="cpu").float()
    config = replace(config, channels_first=channels_first)
    return write_prepared([prepare(frames, config, "the video")], config)


def _runs(indices: Sequence[int]) -> list[range]:
    """The same indices as ranges: a slice of frames is a view of them."""
    runs: list[range] = []
    for index in indices:
        if runs and runs[-1].stop == index:
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return runs
