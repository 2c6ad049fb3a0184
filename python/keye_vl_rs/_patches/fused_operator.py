"""Define the fused operator that processors of Keye-VL-1.5 look for in ``keye_vl_utils``.

Those processors, of transformers pull request 41040 and of checkpoints, import
``BicubicVideoProcessor`` (a later form ``BicubicVideoFusionOpProcessor``) from there and, unless
``ENABLE_FUSION_PROCESSOR_OP=0``, pass it a video's frames instead of resizing, normalising and
cutting them themselves. The original was never released; it resamples bicubically, which changes
results (VideoMME 74.7 to 74.4). This one is bilinear, and its results equal those of the processors
without an operator, to the last bit. The two forms compute in different ways, and each name gives
the bits of the form that imports it. :func:`keye_vl_rs.enable` installs it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keye_vl_rs._slow_fast.sizes import CHANNELS, FACTOR, PATCH_SIZE, SLOW, Size
from keye_vl_rs._util.model import NORMALIZATION
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number, number_from_zero, positive_number
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    SizeError,
    memory_errors,
)

if TYPE_CHECKING:
    import torch

    from keye_vl_rs._slow_fast.frames import Frames

__all__ = ["BicubicVideoFusionOpProcessor", "BicubicVideoProcessor", "check_resample"]


def check_resample(resample: str) -> str:
    """Return ``resample``; raise :class:`InvalidArgumentError` unless it is a known filter."""
    if not isinstance(resample, str) or resample not in ("bilinear", "bicubic"):
        raise InvalidArgumentError(
            f"resample is {short_repr(resample)}: expected 'bilinear' or 'bicubic'"
        )
    return resample


class BicubicVideoProcessor:
    """Resize, normalise and cut frames, as the earlier form of the processor expects it.

    Args:
        resample: "bilinear" (the default) for the results of the processor without an operator, or
            "bicubic" for the filter of the original (in torch's fixed point).
    """

    # Whether bytes are rescaled and normalised in one step, and frames always resampled as tensors.
    _later_form = False

    def __init__(self, resample: str = "bilinear") -> None:
        """Check and store the filter."""
        self.resample = check_resample(resample)

    @memory_errors("the patches of a video")
    def interp(
        self,
        frames: Frames,
        nframes: int,
        indices: Sequence[int] | torch.Tensor,
        ori_height: int,
        ori_width: int,
        height: int,
        width: int,
        patch: int = PATCH_SIZE,
        factor: int = FACTOR,
        min_pixels: int = 4 * FACTOR * FACTOR,
        max_pixels: int = 1280 * FACTOR * FACTOR,
        scale: float = 255,
        image_mean: float | Sequence[float] = NORMALIZATION,
        image_std: float | Sequence[float] = NORMALIZATION,
    ) -> dict[str, torch.Tensor] | None:
        """Resample, normalise and cut some frames of a video into patches.

        Args:
            frames: (T, 3, H, W) or (T, H, W, 3), uint8 or floats from 0 to 255. The processors
                always assume the former: for the latter, they pass W and 3 as the sides.
            nframes: T.
            indices: the indices of the slow or of the fast frames.
            ori_height: H.
            ori_width: W.
            height: the height to resample to. If height and width are 0, frames are resized to the
                nearest size in whole tokens between ``min_pixels`` and ``max_pixels``, as Pillow
                does (:class:`BicubicVideoFusionOpProcessor` resizes as torch does).
            width: the width to resample to.
            patch: side of a patch in pixels.
            factor: side of a token in pixels, a multiple of ``patch``; height and width are
                multiples of it.
            min_pixels: minimum number of pixels of a frame whose size is chosen here.
            max_pixels: maximum number of pixels of such a frame.
            scale: divisor that is applied to bytes before they are normalised.
            image_mean: one value, or one per channel.
            image_std: one value, or one per channel.

        Returns:
            ``pixel_values_videos`` (patches, 3, patch, patch) float32 and ``video_grid_thw`` (1, 3)
            int64, [frames, rows, columns]; None if there are no indices.

        Raises:
            FramesShapeError, FramesDtypeError, SizeError, InvalidArgumentError: an argument is
                invalid; the message says which.
        """
        nframes = _whole("nframes", nframes)
        checked = _check_indices(indices, nframes)
        if not checked:
            return None
        from keye_vl_rs._patches.frames import frame_patches
        from keye_vl_rs._patches.pixel_config import PixelConfig
        from keye_vl_rs._patches.tensors import grid_thw, per_channel

        height, width = _whole("height", height), _whole("width", width)
        patch, factor = _whole("patch", patch), _whole("factor", factor)
        expected = nframes, _whole("ori_height", ori_height), _whole("ori_width", ori_width)
        first, sides = _check_frames(frames, expected)
        if patch < 1 or factor < 1 or factor % patch:
            raise InvalidArgumentError(
                f"factor is {factor} and patch {patch}: expected a multiple of the patch"
            )
        factor_of_bytes = 1 / positive_number("scale", scale)
        mean = per_channel(image_mean, "image_mean")
        std = per_channel(image_std, "image_std")
        if self._later_form:
            factor_of_bytes, mean, std = _in_one_step(factor_of_bytes, mean, std)
        config = PixelConfig(
            # Pillow's numbers of the filters.
            resample={"bilinear": 2, "bicubic": 3}[self.resample],
            rescale_factor=factor_of_bytes,
            image_mean=mean,
            image_std=std,
            min_pixels=number_from_zero("min_pixels", min_pixels),
            max_pixels=positive_number("max_pixels", max_pixels),
            patch_size=patch,
            merge_size=factor // patch,
        )
        given = bool(height or width)
        size = _given_size(height, width, factor) if given else config.target_size(*sides)
        patches = frame_patches(
            frames,
            checked,
            size,
            given=given or self._later_form,
            channels_first=first,
            config=config,
            resample=self.resample,
        )
        grid = grid_thw([SLOW] * len(checked), size, size, patch)
        return {"pixel_values_videos": patches, "video_grid_thw": grid}


class BicubicVideoFusionOpProcessor(BicubicVideoProcessor):
    """Resize, normalise and cut frames, as the later form of the processor expects it.

    Its results have the bits of that form, which computes ``(byte - mean / rescale_factor) / (std /
    rescale_factor)`` in float32, as transformers' ``rescale_and_normalize`` does; they differ from
    the earlier form's by up to 6e-8. Frames whose size it chooses are resampled as torch does.
    """

    _later_form = True


Channels = tuple[float, float, float]


def _in_one_step(
    rescale_factor: float, mean: Channels, std: Channels
) -> tuple[float, Channels, Channels]:
    """Return the factors with which the Rust core computes what ``rescale_and_normalize`` does.

    That function multiplies the mean and the deviation by the inverse factor, in float32.
    """
    import numpy as np

    unscale = np.float32(1.0 / rescale_factor)

    def product(value: float) -> float:
        return float(np.float32(value) * unscale)

    mean_of_bytes = product(mean[0]), product(mean[1]), product(mean[2])
    std_of_bytes = product(std[0]), product(std[1]), product(std[2])
    return 1.0, mean_of_bytes, std_of_bytes


def _check_indices(indices: Any, nframes: int) -> list[int]:
    given = indices.tolist() if hasattr(indices, "tolist") else indices
    try:
        checked = [operator.index(index) for index in given]
    except TypeError as error:
        raise InvalidArgumentError(
            f"indices is {short_repr(given)}: expected a list of whole numbers"
        ) from error
    for index in checked:
        if not 0 <= index < nframes:
            raise InvalidArgumentError(
                f"indices holds {index}: expected 0 to {nframes - 1}, since there are {nframes} "
                "frames"
            )
    return checked


def _whole(name: str, value: Any) -> int:
    """Return ``value`` as an int; raise :class:`InvalidArgumentError` unless it is whole."""
    found = number(name, value)
    if not math.isfinite(found) or found != int(found):
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected a whole number")
    return int(found)


def _check_frames(frames: Any, expected: tuple[int, int, int]) -> tuple[bool, Size]:
    """Return whether the channels come first, and (height, width)."""
    shape = tuple(getattr(frames, "shape", ()))
    count, height, width = expected
    first = shape == (count, CHANNELS, height, width)
    last = shape == (count, height, width, CHANNELS)
    # A caller that always assumes channels-first frames passes this.
    misread = shape[:1] == (count,) and shape[2:] == (height, width) and width == CHANNELS
    if not first and not last and not misread:
        raise FramesShapeError(
            f"frames has shape {shape}: expected {(count, CHANNELS, height, width)}, "
            "as nframes, ori_height and ori_width say, or with channels last"
        )
    kind = str(frames.dtype).removeprefix("torch.")
    if kind != "uint8" and "float" not in kind:
        raise FramesDtypeError(f"frames has dtype {kind}: expected uint8, or floats from 0 to 255")
    return first, (height, width) if first else (shape[1], shape[2])


def _given_size(height: int, width: int, factor: int) -> Size:
    for name, side in (("height", height), ("width", width)):
        if side <= 0 or side % factor:
            raise SizeError(
                f"{name} is {short_repr(side)}: expected a multiple of {factor}, or 0 for both"
            )
    return int(height), int(width)
