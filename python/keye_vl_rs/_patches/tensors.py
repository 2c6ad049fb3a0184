"""Build the tensors that the model reads: patches, which the Rust core writes, and their layout."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any

from keye_vl_rs import _core
from keye_vl_rs._patches.dtypes import check_dtype, dtype_name, pixel_dtype
from keye_vl_rs._slow_fast.frames import frame_types_list, frames_array
from keye_vl_rs._slow_fast.sizes import (
    CHANNELS,
    PATCH_SIZE,
    Size,
    count_patches,
    frames_grid,
)
from keye_vl_rs._util.model import NORMALIZATION
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number
from keye_vl_rs.errors import (
    InvalidArgumentError,
    OutOfMemoryError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._slow_fast.frames import Frames, FrameTypes

__all__ = [
    "channel_values",
    "empty_patches",
    "grid_tensor",
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
    """Allocate a tensor for ``count`` patches, whose values are undefined.

    Args:
        count: number of patches, as ``count_patches`` computes it for a video.
        patch_size: side of a patch in pixels.
        dtype: float32 (also if None), bfloat16 or float16.

    Returns:
        (count, 3, patch_size, patch_size), on the CPU. Slices of it can be passed to
        :func:`video_patches` as ``out``.

    Raises:
        OutOfMemoryError: the system cannot allocate that much.
    """
    import numpy as np
    import torch

    dtype = pixel_dtype(dtype)
    check_dtype(dtype)
    shape = (count, CHANNELS, patch_size, patch_size)
    try:
        # NumPy asks for huge pages, which make the first write to new memory several times faster.
        memory = np.empty(shape, np.float32 if dtype == torch.float32 else np.uint16)
    except (MemoryError, ValueError) as error:
        raise OutOfMemoryError(f"could not allocate {count} patches: {error}") from None
    return torch.from_numpy(memory).view(dtype)


def video_patches(
    frames: Frames,
    frame_types: FrameTypes | None,
    slow_size: Size,
    fast_size: Size,
    *,
    dtype: torch.dtype | None = None,
    patch_size: int = PATCH_SIZE,
    rescale_factor: float = 1 / 255,
    image_mean: Sequence[float] = NORMALIZATION,
    image_std: Sequence[float] = NORMALIZATION,
    resample: str = "bilinear",
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Resize and normalise frames, and cut them into patches, in frame order.

    Args:
        frames: uint8 (N, H, W, 3) or (N, 3, H, W), with any strides; they are not copied.
        frame_types: (N,) 0 slow, 1 fast; None for all slow.
        slow_size: (height, width) of slow frames, in multiples of ``2 * patch_size`` pixels.
        fast_size: (height, width) of fast frames, likewise.
        dtype: float32, bfloat16 or float16; the latter two round the float32 result. The default
            is the dtype of ``out``, or float32.
        patch_size: side of a patch in pixels.
        rescale_factor: factor that bytes are multiplied by before they are normalised.
        image_mean: mean per channel.
        image_std: standard deviation per channel.
        resample: "bilinear", or "bicubic", which the model was not trained with.
        out: the tensor to write to and return, such as a slice of a larger one: contiguous
            (patches, 3, patch_size, patch_size) on the CPU, of ``dtype`` if that is given.

    Returns:
        (patches, 3, patch_size, patch_size), on the CPU.

    Raises:
        KeyeVLError: a subclass; the message says which argument is invalid and what is expected.
    """
    import torch

    array = frames_array(frames)
    types = frame_types_list(frame_types, len(array) if array.ndim else 0)
    patches = count_patches(types, slow_size, fast_size, patch_size)
    if dtype is None:
        dtype = pixel_dtype(None if out is None else out.dtype)
    name = dtype_name(dtype)
    if out is None:
        out = empty_patches(patches, patch_size, dtype)
    else:
        _check_out(out, (patches, CHANNELS, patch_size, patch_size), dtype)
    # NumPy has no bfloat16, so 16-bit types are passed as uint16.
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
        videos: for each its frame types, and the (height, width) of slow and of fast frames.
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
        "video_grid_thw": grid_tensor(runs),
        "num_frames": torch.tensor(counts, dtype=torch.int64, device="cpu"),
    }


def grid_tensor(grids: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return [frames, rows, columns] of patches, one row each, as int64 (rows, 3)."""
    import torch

    return torch.tensor(grids, dtype=torch.int64, device="cpu").reshape(-1, 3)


def grid_thw(
    frame_types: FrameTypes, slow_size: Size, fast_size: Size, patch_size: int = PATCH_SIZE
) -> torch.Tensor:
    """Return the ``video_grid_thw`` of one video, as :func:`video_layout` builds it."""
    return video_layout([(frame_types, slow_size, fast_size)], patch_size)["video_grid_thw"]


def to_numpy(tensor: Any) -> Any:
    """Return a tensor as an array that shares its memory, and anything else unchanged.

    Raises:
        InvalidArgumentError: the tensor is bfloat16, which NumPy does not have.
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
    """Move a tensor to a device, which is a ``torch.device``, a name, or None for no move.

    Raises:
        InvalidArgumentError: torch has no such device.
    """
    try:
        return tensor if device is None else tensor.to(device)
    # torch raises AssertionError if it was built without support for the device.
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
    """Return one number per channel, given as one for all or one each.

    Raises:
        InvalidArgumentError: ``values`` is anything else; the message calls it ``name``.
    """
    try:
        red, green, blue = channel_values(values, name)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{name} is {short_repr(values)}: expected {CHANNELS} numbers"
        ) from error
    return red, green, blue


def channel_values(values: Any, name: str) -> tuple[float, ...]:
    """Return the numbers of ``values``, however many, or one number as often as RGB needs it.

    Raises:
        InvalidArgumentError: a value is not a number; the message calls it ``name``.
    """
    # Tensors and arrays without dimensions have the method that makes them iterable, too.
    several = isinstance(values, Iterable) and getattr(values, "ndim", 1) > 0
    given = values if several else (values,) * CHANNELS
    return tuple(float(number(name, value)) for value in given)
