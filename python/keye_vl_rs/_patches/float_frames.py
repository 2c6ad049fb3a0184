"""Resize the frames of Keye-VL-8B-Preview: whole numbers from 0 to 255, stored as float32.

``torchvision.transforms.functional.resize`` with bicubic and antialias turns bytes into float32,
has torch resample those, clamps and rounds. The result differs from torch's own resampling of
bytes, in fixed point, in a sixth of them. Float32 sums depend on the order in which torch adds, so
torch resamples here too: one frame at a time, which needs less memory than all at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from keye_vl_rs._util.model import Size

__all__ = ["resize_frames", "whole_floats_to_uint8"]


def resize_frames(frames: torch.Tensor, size: Size) -> torch.Tensor:
    """Resize frames as torchvision does, bicubically with antialias.

    Args:
        frames: uint8 (T, 3, H, W).
        size: (height, width) in pixels.

    Returns:
        float32 (T, 3, height, width), whole numbers from 0 to 255.
    """
    import torch
    from torch.nn import functional

    if tuple(frames.shape[2:]) == tuple(size):
        return frames.float()
    resized = torch.empty((*frames.shape[:2], *size), dtype=torch.float32, device="cpu")
    for frame, out in zip(frames.split(1), resized.split(1), strict=True):
        floats = functional.interpolate(
            frame.float(), size, mode="bicubic", align_corners=False, antialias=True
        )
        torch.round(floats.clamp_(0, 255), out=out)
    return resized


def whole_floats_to_uint8(video: Any) -> Any:
    """Convert float32 frames of whole numbers from 0 to 255 to uint8; return others unchanged.

    The processor of Keye-VL-8B-Preview converts such frames to bytes too, for Pillow, and then does
    not resize them because they have the right size.

    Args:
        video: (T, 3, H, W), or anything else that a processor accepts as a video.
    """
    import torch

    if not isinstance(video, torch.Tensor) or video.dtype != torch.float32:
        return video
    frames = []
    for frame in video:
        as_bytes = frame.clamp(0, 255).to(torch.uint8)
        if not torch.equal(as_bytes.float(), frame):
            return video
        frames.append(as_bytes)
    return torch.stack(frames)
