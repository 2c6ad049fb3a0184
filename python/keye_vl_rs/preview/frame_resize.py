"""Frames to the size of the model, as torchvision resizes tensors.

``torchvision.transforms.functional.resize`` with bicubic and antialias turns bytes into float32,
lets torch resample those, clamps and rounds: not torch's own way with bytes, which is in fixed
point and differs in a sixth of them. Float32 sums depend on the order in which torch makes them, so
torch makes them here too; a frame at a time, of which a few are held rather than all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from keye_vl_rs._slow_fast.sizes import Size

__all__ = ["resize_frames"]


def resize_frames(frames: torch.Tensor, size: Size) -> torch.Tensor:
    """uint8 (T, 3, H, W) into float32 (T, 3, height, width) that holds whole numbers of 0..255."""
    import torch
    from torch.nn import functional

    if tuple(frames.shape[2:]) == tuple(size):
        return frames.float()
    resized = torch.empty((*frames.shape[:2], *size), dtype=torch.float32, device="cpu")
    for frame, place in zip(frames.split(1), resized.split(1), strict=True):
        made = functional.interpolate(
            frame.float(), size, mode="bicubic", align_corners=False, antialias=True
        )
        torch.round(made.clamp_(0, 255), out=place)
    return resized
