"""Compute the similarity of two frames: ``get_frame_sim`` of keye_vl_utils 1.5.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keye_vl_rs import _core
from keye_vl_rs._slow_fast.frames import frames_array
from keye_vl_rs._slow_fast.sizes import FACTOR
from keye_vl_rs.errors import FramesShapeError

if TYPE_CHECKING:
    import torch

__all__ = ["PATCH_SIMILARITY", "get_frame_sim"]

# A patch is unchanged if its cosine similarity exceeds this.
PATCH_SIMILARITY = 0.7


def get_frame_sim(
    frame1: torch.Tensor,
    frame2: torch.Tensor,
    patch_size: int = FACTOR,
    threshold: float = PATCH_SIMILARITY,
    epsilon: float = 1e-8,
) -> float:
    """Return the share of patches that are unchanged between two frames, compared in HSV.

    A patch is unchanged if the cosine similarity of its pixels exceeds ``threshold``.

    Args:
        frame1: RGB (3, H, W), uint8 or floats from 0 to 255.
        frame2: like ``frame1``.
        patch_size: side of a patch in pixels; H and W must be multiples of it.
        threshold: for the cosine similarity, from 0 to 1; 0.7 in keye_vl_utils 1.5.2.
        epsilon: ignored: similarities are computed in exact integers, without dividing by a norm
            that could be zero.

    Returns:
        A number from 0.0 to 1.0, rounded to float32; NaN if all patches are black in both frames.

    Raises:
        FramesShapeError: a frame is not (3, H, W).
        FramesDtypeError: a frame has another dtype.
        SizeError: H or W is not a multiple of ``patch_size``.
        InvalidArgumentError: the frames differ in size, or ``patch_size`` is below 1.
    """
    return _core.frame_similarity(
        frames_array(_as_bytes(frame1, "frame1"), "frame1"),
        frames_array(_as_bytes(frame2, "frame2"), "frame2"),
        patch_size=patch_size,
        patch_similarity=threshold,
    )


def _as_bytes(frame: torch.Tensor, name: str) -> torch.Tensor:
    import torch

    if not isinstance(frame, torch.Tensor) or frame.dim() != 3:
        shape = tuple(getattr(frame, "shape", ()))
        raise FramesShapeError(f"{name} has shape {shape}: expected a tensor (3, H, W)")
    if frame.dtype in (torch.float32, torch.float64):
        # Truncate like keye_vl_utils.
        return frame.to(torch.uint8)
    return frame
