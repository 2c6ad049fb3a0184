"""Check frames and frame types that callers pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from keye_vl_rs._util.model import FAST, SLOW
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import FramesDtypeError, FrameTypesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    Frames: TypeAlias = torch.Tensor | NDArray[np.uint8]
    FrameTypes: TypeAlias = torch.Tensor | NDArray[np.integer[Any]] | Sequence[int]

__all__ = ["frame_types_list", "frames_array"]


def frames_array(frames: Frames, name: str = "frames") -> NDArray[np.uint8]:
    """Return a uint8 tensor or array as an array that shares its memory.

    Raises:
        FramesDtypeError: it is anything else.
    """
    import numpy as np
    import torch

    if isinstance(frames, torch.Tensor):
        if frames.dtype != torch.uint8:
            raise FramesDtypeError(f"{name} has dtype {frames.dtype}: expected torch.uint8")
        frames = frames.detach().cpu().numpy()
    if not isinstance(frames, np.ndarray):
        kind = type(frames).__name__
        raise FramesDtypeError(f"{name} is of type {kind}: expected a uint8 tensor or NumPy array")
    if frames.dtype != np.uint8:
        raise FramesDtypeError(f"{name} has dtype {frames.dtype}: expected uint8")
    return frames


def frame_types_list(
    frame_types: FrameTypes | None, frames: int, name: str = "frame_types"
) -> list[int]:
    """Return ``frame_types`` as a list of 0 (slow) and 1 (fast), one per frame.

    None means that all frames are slow.

    Raises:
        FrameTypesError: it has another length or other values.
    """
    if frame_types is None:
        return [SLOW] * frames
    to_list = getattr(frame_types, "tolist", None)
    types = to_list() if to_list is not None else list(frame_types)
    if not isinstance(types, list) or len(types) != frames:
        length = len(types) if isinstance(types, list) else "no"
        raise FrameTypesError(
            f"{name} has {length} entries for {frames} frames: expected one per frame"
        )
    for index, value in enumerate(types):
        if value not in (SLOW, FAST):
            raise FrameTypesError(
                f"{name}[{index}] is {short_repr(value)}: expected 0 (slow) or 1 (fast)"
            )
    return [int(value) for value in types]
