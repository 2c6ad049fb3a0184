"""How much of a frame is as it was: the published ``get_frame_sim``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keye_vl_rs import _core
from keye_vl_rs._slow_fast.frames import frames_array
from keye_vl_rs._slow_fast.sizes import FACTOR
from keye_vl_rs.errors import FramesShapeError

if TYPE_CHECKING:
    import torch

__all__ = ["PATCH_SIMILARITY", "get_frame_sim"]

# A patch whose cosine exceeds this did not change.
PATCH_SIMILARITY = 0.7


def get_frame_sim(
    frame1: torch.Tensor,
    frame2: torch.Tensor,
    patch_size: int = FACTOR,
    threshold: float = PATCH_SIMILARITY,
    epsilon: float = 1e-8,
) -> float:
    """Share of the patches, in HSV, whose cosine exceeds ``threshold``: those that did not change.

    Args:
        frame1: (3, H, W) RGB, uint8 or floats that hold 0..255.
        frame2: the same.
        patch_size: side of a patch; H and W are multiples of it.
        threshold: of the cosine.
        epsilon: accepted and not used: cosines are computed in exact integers, so that nothing is
            divided by a norm of zero.

    Returns:
        0.0..1.0, rounded to float32; NaN when every patch is black in both.

    Raises:
        KeyeVLError: a subclass, when shapes, dtypes or ``patch_size`` do not fit.
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
        # As the published code does: the fraction is cut off.
        return frame.to(torch.uint8)
    return frame
