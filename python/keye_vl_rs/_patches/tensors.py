"""Frames into the tensors that the model reads: the only caller of the fused operator."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from keye_vl_rs import _core
from keye_vl_rs._patches.dtypes import check_dtype, dtype_name
from keye_vl_rs._slow_fast.frames import frame_types_list, frames_array
from keye_vl_rs._slow_fast.sizes import (
    CHANNELS,
    PATCH_SIZE,
    Size,
    count_patches,
    frames_grid,
)
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import (
    InvalidArgumentError,
    OutOfMemoryError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._slow_fast.frames import Frames, FrameTypes

__all__ = [
    "empty_patches",
    "grid_thw",
    "on_device",
    "per_channel",
    "to_numpy",
    "video_layout",
    "video_patches",
]


def empty_patches(
    count: int, patch_size: int = PATCH_SIZE, dtype: torch.dtype | None = None
) -> torch.Tensor:
    """Room for ``count`` patches, float32 unless ``dtype`` says otherwise.

    The values are undefined. How many a video has is what ``count_patches`` says; a slice of the
    room is what :func:`video_patches` takes as its ``out``.
    """
    import numpy as np
    import torch

    dtype = dtype or torch.float32
    check_dtype(dtype)
    shape = (count, CHANNELS, patch_size, patch_size)
    try:
        # NumPy asks for huge pages: the first write to fresh memory is several times faster then.
        room = np.empty(shape, np.float32 if dtype == torch.float32 else np.uint16)
    except (MemoryError, ValueError) as error:
        raise OutOfMemoryError(f"could not allocate {count} patches: {error}") from None
    return torch.from_numpy(room).view(dtype)


def video_patches(
    frames: Frames,
    frame_types: FrameTypes | None,
    slow_size: Size,
    fast_size: Size,
    *,
    dtype: torch.dtype | None = None,
    patch_size: int = PATCH_SIZE,
    rescale_factor: float = 1 / 255,
    image_mean: Sequence[float] = (0.5, 0.5, 0.5),
    image_std: Sequence[float] = (0.5, 0.5, 0.5),
    resample: str = "bilinear",
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Every frame resized, normalised and cut into patches, in frame order.

    Args:
        frames: uint8 (N, H, W, 3) or (N, 3, H, W), any strides; not copied whole.
        frame_types: (N,) 0 slow, 1 fast; None is all slow.
        slow_size: (height, width) of slow frames, in multiples of ``2 * patch_size`` pixels.
        fast_size: the same of fast frames.
        dtype: float32, bfloat16 or float16: the rounded float32. The default is that of ``out``, or
            float32.
        patch_size: side of a patch in pixels.
        rescale_factor: what bytes are multiplied by before they are normalised.
        image_mean: per channel.
        image_std: per channel.
        resample: "bilinear", or "bicubic", which is not what the model was trained with.
        out: what to write into and return: contiguous (patches, 3, patch_size, patch_size) on the
            CPU, of ``dtype`` if that is given; a slice of a larger tensor, say.

    Returns:
        (patches, 3, patch_size, patch_size), on the CPU.

    Raises:
        KeyeVLError: a subclass that names the argument and what would be right.
    """
    import torch

    array = frames_array(frames)
    types = frame_types_list(frame_types, len(array) if array.ndim else 0)
    patches = count_patches(types, slow_size, fast_size, patch_size)
    if dtype is None:
        dtype = torch.float32 if out is None else out.dtype
    name = dtype_name(dtype)
    if out is None:
        out = empty_patches(patches, patch_size, dtype)
    else:
        _check_out(out, (patches, CHANNELS, patch_size, patch_size), dtype)
    # NumPy has no bfloat16: 16-bit types go through as their bits.
    bits = out.detach() if dtype == torch.float32 else out.detach().view(torch.uint16)
    _core.write_patches(
        array,
        types,
        (slow_size[0], slow_size[1]),
        (fast_size[0], fast_size[1]),
        bits.view(-1).numpy(),
        dtype=name,
        kernel=resample,
        patch_size=patch_size,
        rescale_factor=rescale_factor,
        image_mean=per_channel(image_mean, "image_mean"),
        image_std=per_channel(image_std, "image_std"),
    )
    return out


def video_layout(
    videos: Sequence[tuple[FrameTypes, Size, Size]], patch_size: int = PATCH_SIZE
) -> dict[str, torch.Tensor]:
    """Return ``video_grid_thw`` and ``num_frames`` of videos.

    Args:
        videos: of each the frame types, and the (height, width) of slow and of fast frames.
        patch_size: side of a patch in pixels.

    Returns:
        ``video_grid_thw`` (runs, 3) int64: [frames, rows, columns] of patches for each run of
        consecutive frames of one size, video after video; and ``num_frames`` (videos,) int64.
    """
    import torch

    runs: list[list[int]] = []
    counts: list[int] = []
    for frame_types, slow_size, fast_size in videos:
        types = frame_types_list(frame_types, len(frame_types))
        counts.append(len(types))
        for grid, frames in groupby(frames_grid(types, slow_size, fast_size, patch_size)):
            runs.append([sum(1 for _ in frames), *grid])
    return {
        "video_grid_thw": torch.tensor(runs, dtype=torch.int64, device="cpu").reshape(-1, 3),
        "num_frames": torch.tensor(counts, dtype=torch.int64, device="cpu"),
    }


def grid_thw(
    frame_types: FrameTypes, slow_size: Size, fast_size: Size, patch_size: int = PATCH_SIZE
) -> torch.Tensor:
    """Return the ``video_grid_thw`` of one video, as :func:`video_layout` builds it."""
    return video_layout([(frame_types, slow_size, fast_size)], patch_size)["video_grid_thw"]


def to_numpy(tensor: Any) -> Any:
    """A tensor as an array that shares its memory; anything else as it is.

    Raises :class:`InvalidArgumentError` for bfloat16, which NumPy does not have.
    """
    import torch

    if not isinstance(tensor, torch.Tensor):
        return tensor
    if tensor.dtype == torch.bfloat16:
        raise InvalidArgumentError(
            "dtype bfloat16 needs return_tensors='pt': NumPy has no such dtype"
        )
    return tensor.numpy()


def on_device(tensor: torch.Tensor, device: Any) -> torch.Tensor:
    """A tensor on a device, a ``torch.device`` or the name of one; as it is if that is None.

    Raises :class:`InvalidArgumentError` if there is no such device.
    """
    try:
        return tensor if device is None else tensor.to(device)
    # torch says with an AssertionError that it was built without the device.
    except (AssertionError, RuntimeError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidArgumentError(
            f"device is {short_repr(device)}: expected one that this torch has ({reason})"
        ) from error


def _check_out(out: Any, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    import torch

    if not isinstance(out, torch.Tensor):
        raise InvalidArgumentError(f"out is of type {type(out).__name__}: expected a tensor")
    if tuple(out.shape) != shape:
        raise InvalidArgumentError(f"out has shape {tuple(out.shape)}: expected {shape}")
    if out.dtype != dtype:
        raise InvalidArgumentError(f"out has dtype {out.dtype}: expected {dtype}")
    if out.device.type != "cpu":
        raise InvalidArgumentError(f"out is on {out.device}: expected the CPU")
    if not out.is_contiguous():
        raise InvalidArgumentError(f"out has strides {out.stride()}: expected contiguous memory")


def per_channel(values: Any, name: str) -> tuple[float, float, float]:
    """One number per channel, of one for all or of one each.

    Raises :class:`InvalidArgumentError`, which calls them ``name``, for anything else.
    """
    try:
        given = (values,) * CHANNELS if isinstance(values, (int, float)) else tuple(values)
        red, green, blue = map(float, given)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{name} is {short_repr(values)}: expected {CHANNELS} numbers"
        ) from error
    return red, green, blue
