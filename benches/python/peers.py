"""Compute patches with other libraries that a user might choose for resizing and normalising.

Each returns the patches of all frames in time order, at the same sizes. None returns the published
bits.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms
from transformers import Qwen2VLVideoProcessor

PATCH = 14


def torchvision(frames, frame_types, slow_size, fast_size):
    """Resize uint8 with torchvision, then use torch."""

    def pixels(chosen, size):
        resized = transforms.resize(chosen, list(size), InterpolationMode.BILINEAR, antialias=True)
        return cut(resized.float().mul_(1 / 255).sub_(0.5).div_(0.5), torch.Tensor.permute)

    return in_time_order(pixels, frames, frame_types, slow_size, fast_size)


def transformers(frames, frame_types, slow_size, fast_size):
    """Use transformers' fast video processor of Qwen2-VL, which has the same patches."""
    processor = Qwen2VLVideoProcessor(
        patch_size=PATCH,
        temporal_patch_size=1,
        merge_size=1,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        do_sample_frames=False,
    )

    def pixels(chosen, size):
        edges = {"shortest_edge": size[0] * size[1], "longest_edge": size[0] * size[1]}
        done = processor(videos=[chosen], size=edges, return_tensors="pt")
        return done["pixel_values_videos"].view(len(chosen), -1, 3, PATCH, PATCH)

    return in_time_order(pixels, frames, frame_types, slow_size, fast_size)


def opencv(frames, frame_types, slow_size, fast_size):
    """Resize with OpenCV's area interpolation, frame by frame, then use NumPy."""

    def pixels(chosen, size):
        height, width = size
        resized = np.stack(
            [
                cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
                for frame in chosen.permute(0, 2, 3, 1).numpy()
            ]
        )
        normalized = (resized.astype(np.float32) * np.float32(1 / 255) - 0.5) / 0.5
        return torch.from_numpy(
            np.ascontiguousarray(cut(normalized.transpose(0, 3, 1, 2), np.ndarray.transpose))
        )

    return in_time_order(pixels, frames, frame_types, slow_size, fast_size)


def cut(pixels, permute):
    """Cut frames (N, 3, H, W) into patches (N, patches, 3, 14, 14)."""
    count, channels, height, width = pixels.shape
    rows, columns = height // PATCH, width // PATCH
    grid = pixels.reshape(count, channels, rows, PATCH, columns, PATCH)
    return permute(grid, (0, 2, 4, 1, 3, 5)).reshape(count, -1, channels, PATCH, PATCH)


def in_time_order(pixels, frames, frame_types, slow_size, fast_size):
    """Process slow and fast frames separately, and return the patches in time order."""
    queues = {}
    for kind, size in enumerate((slow_size, fast_size)):
        chosen = frames[frame_types == kind]
        queues[kind] = iter(pixels(chosen, size) if len(chosen) else ())
    return torch.cat([next(queues[kind]) for kind in frame_types.tolist()])
