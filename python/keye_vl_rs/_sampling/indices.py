"""Choose the indices of sampled frames, and compute their times at a constant frame rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["frame_indices", "frame_times", "spaced_indices"]


def frame_indices(total_frames: int, count: int) -> torch.Tensor:
    """Return evenly spaced indices from the first frame to the last: (count,) int64, on the CPU.

    They are computed in float32, as keye_vl_utils does unless torch's default dtype was changed.
    """
    return spaced_indices(0, total_frames - 1, count)


def spaced_indices(first: float, last: float, count: int) -> torch.Tensor:
    """Return evenly spaced numbers, computed in float32 and rounded: (count,) int64, on the CPU.

    torch's default dtype and device have no effect, so that they cannot change which frames are
    sampled.
    """
    import torch

    spaced = torch.linspace(first, last, count, dtype=torch.float32, device="cpu")
    return spaced.round().long()


def frame_times(indices: torch.Tensor | list[int], fps: float) -> torch.Tensor:
    """Return when frames begin at a constant ``fps``: (T,) float32, seconds from the start."""
    import torch

    plain = indices if isinstance(indices, list) else indices.tolist()
    seconds = [(1 / fps) * index for index in plain]
    return torch.tensor(seconds, dtype=torch.float32, device="cpu")
