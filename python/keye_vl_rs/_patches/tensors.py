"""Frames into the tensors that the model reads: the only caller of the fused operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs import _core
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
    "dtype_name",
    "empty_patches",
    "float_dtype",
    "grid_thw",
    "on_device",
    "per_channel",
    "to_numpy",
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
    dtype_name(dtype)
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


def grid_thw(
    frame_types: FrameTypes, slow_size: Size, fast_size: Size, patch_size: int = PATCH_SIZE
) -> torch.Tensor:
    """(runs, 3) int64: [frames, rows, columns] of patches for each run of frames of one size."""
    import torch

    types = frame_types_list(frame_types, len(frame_types))
    runs: list[list[int]] = []
    for rows, columns in frames_grid(types, slow_size, fast_size, patch_size):
        if runs and runs[-1][1:] == [rows, columns]:
            runs[-1][0] += 1
        else:
            runs.append([1, rows, columns])
    return torch.tensor(runs, dtype=torch.int64, device="cpu").reshape(-1, 3)


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


def float_dtype(dtype: Any) -> Any:
    """The torch.dtype that a string names ("bfloat16", "torch.bfloat16"); others as they are."""
    import torch

    if not isinstance(dtype, str):
        return dtype
    found = getattr(torch, dtype.removeprefix("torch."), None)
    return found if isinstance(found, torch.dtype) else dtype


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a dtype that pixels can have; raises InvalidArgumentError for any other."""
    import torch

    names = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}
    if not isinstance(dtype, torch.dtype) or dtype not in names:
        raise InvalidArgumentError(
            f"dtype is {short_repr(dtype)}: expected torch.float32, torch.bfloat16 or torch.float16"
        )
    return names[dtype]


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
