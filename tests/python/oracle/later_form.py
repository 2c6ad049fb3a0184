"""Compute what the later form of the published processor makes of frames.

It is the form that imports ``BicubicVideoFusionOpProcessor``; the oracle covers the earlier one. It
rescales and normalises in one step, as transformers' ``rescale_and_normalize`` does, and resamples
frames as tensors even where it chooses their size itself.
"""

from __future__ import annotations

import numpy as np
import torch

from oracle import keye_oracle as oracle
from oracle import published_processor as published


def later_lut(mean, std, rescale_factor=1 / 255):
    """Return (3, 256) float32: ``(x - mean / scale) / (std / scale)``, each step in float32."""
    unscale = np.float32(1.0 / rescale_factor)
    mean, std = (np.asarray(values, np.float32) * unscale for values in (mean, std))
    byte = np.arange(256, dtype=np.float32)
    return np.stack([(byte - m) / s for m, s in zip(mean, std, strict=True)])


class LaterForm:
    """Offer the form's own path through the interface of the fused operator."""

    def interp(
        self, frames, nframes, indices, ori_height, ori_width, height, width, *, scale,
        image_mean, image_std, min_pixels, max_pixels, patch, factor,
    ):  # fmt: skip
        """Take the operator's arguments and return its result."""
        assert (patch, factor) == (oracle.PATCH, oracle.FACTOR)
        if not indices:
            return None
        if not height:
            height, width = published.smart_resize(ori_height, ori_width, min_pixels, max_pixels)
        chosen = np.asarray(frames)[list(indices)].transpose(0, 2, 3, 1)
        resized = oracle.resize_u8(chosen, height, width)
        patches = oracle.patchify(resized, later_lut(image_mean, image_std, 1 / scale))
        grid = [[len(indices), height // patch, width // patch]]
        return {
            "pixel_values_videos": torch.from_numpy(patches),
            "video_grid_thw": torch.tensor(grid),
        }
