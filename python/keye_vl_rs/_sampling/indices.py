"""Which frames are sampled, and the published times of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["frame_indices", "frame_times", "spaced_places"]


def frame_indices(total_frames: int, count: int) -> torch.Tensor:
    """Return evenly spaced places from the first frame to the last: (count,) int64, on the CPU.

    They are those of float32, as keye_vl_utils computes them where torch's default dtype is that.
    """
    return spaced_places(0, total_frames - 1, count)


def spaced_places(first: float, last: float, count: int) -> torch.Tensor:
    """Return evenly spaced numbers, computed in float32 and rounded: (count,) int64, on the CPU.

    Whatever the process's default dtype and device are: neither says which frames are meant.
    """
    import torch

    spaced = torch.linspace(first, last, count, dtype=torch.float32, device="cpu")
    return spaced.round().long()


def frame_times(indices: torch.Tensor | list[int], fps: float) -> torch.Tensor:
    """(T,) float32: seconds from the start of frames at a constant ``fps``."""
    import torch

    places = indices if isinstance(indices, list) else indices.tolist()
    seconds = [(1 / fps) * place for place in places]
    return torch.tensor(seconds, dtype=torch.float32, device="cpu")
