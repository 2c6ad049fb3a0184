"""The fused operator that the published processors look for in ``keye_vl_utils``.

Those processors import ``BicubicVideoProcessor`` (a later form ``BicubicVideoFusionOpProcessor``)
from there and, unless ``ENABLE_FUSION_PROCESSOR_OP=0``, hand it a video's frames instead of
resizing, normalising and cutting them themselves. The original was never published; it resamples
bicubically, which changes results (VideoMME 74.7 to 74.4). This one is bilinear and gives what the
processors compute without it, to the last bit. The two forms compute differently, and each name
gives the bits of the form that imports it. :func:`keye_vl_rs.enable` puts it into its place.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keye_vl_rs._slow_fast.sizes import CHANNELS, FACTOR, PATCH_SIZE, SLOW, Size
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

_HALVES = (0.5, 0.5, 0.5)


def check_resample(resample: str) -> str:
    """``resample``; raises :class:`InvalidArgumentError` unless it is bilinear or bicubic."""
    if resample not in ("bilinear", "bicubic"):
        raise InvalidArgumentError(
            f"resample is {short_repr(resample)}: expected 'bilinear' or 'bicubic'"
        )
    return resample


class BicubicVideoProcessor:
    """The operator, under the name that the earlier form of the published processor imports.

    Args:
        resample: "bilinear", with the results of the processor without an operator; or "bicubic",
            the filter of the original (in torch's fixed point).
    """

    # Whether bytes are rescaled and normalised in one step, and all frames resampled as tensors.
    _later_form = False

    def __init__(self, resample: str = "bilinear") -> None:
        """See the class."""
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
        image_mean: float | Sequence[float] = _HALVES,
        image_std: float | Sequence[float] = _HALVES,
    ) -> dict[str, torch.Tensor] | None:
        """Resample, normalise and cut some frames of a video into patches.

        Args:
            frames: (T, 3, H, W) or (T, H, W, 3), uint8 or floats that hold 0..255. The processors
                take any frames for the former: of the latter they give W and 3 for the sides.
            nframes: T.
            indices: which frames: the slow or the fast ones.
            ori_height: H.
            ori_width: W.
            height: what they are resampled to; 0 with ``width`` 0 is the nearest size in whole
                tokens between ``min_pixels`` and ``max_pixels``, for which Pillow resizes
                (:class:`BicubicVideoFusionOpProcessor` resizes as torch does).
            width: see ``height``.
            patch: side of a patch in pixels.
            factor: side of a token in pixels, a multiple of ``patch``; height and width are
                multiples of it.
            min_pixels: the fewest pixels of a frame whose size is chosen here.
            max_pixels: the most.
            scale: what bytes are divided by before they are normalised.
            image_mean: per channel, or one for all.
            image_std: per channel, or one for all.

        Returns:
            ``pixel_values_videos`` (patches, 3, patch, patch) float32 and ``video_grid_thw`` (1, 3)
            int64, [frames, rows, columns]; None if there are no indices.

        Raises:
            FramesShapeError, FramesDtypeError, SizeError, InvalidArgumentError: an argument is
                impossible; the message names it.
        """
        nframes = _whole("nframes", nframes)
        places = _places(indices, nframes)
        if not places:
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
            # Of Pillow's filters.
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
            places,
            size,
            given=given or self._later_form,
            channels_first=first,
            config=config,
            resample=self.resample,
        )
        grid = grid_thw([SLOW] * len(places), size, size, patch)
        return {"pixel_values_videos": patches, "video_grid_thw": grid}


class BicubicVideoFusionOpProcessor(BicubicVideoProcessor):
    """The operator, under the name that the later form of the published processor imports.

    It gives that form's bits: ``(byte - mean / rescale_factor) / (std / rescale_factor)`` in
    float32, as transformers' ``rescale_and_normalize`` computes, which differs from the earlier
    form's by up to 6e-8; and frames whose size it chooses are resampled as torch does.
    """

    _later_form = True


Channels = tuple[float, float, float]


def _in_one_step(
    rescale_factor: float, mean: Channels, std: Channels
) -> tuple[float, Channels, Channels]:
    """The factors with which the core computes what ``rescale_and_normalize`` does.

    That takes the factor into the mean and the deviation, as products in float32.
    """
    import numpy as np

    unscale = np.float32(1.0 / rescale_factor)

    def product(value: float) -> float:
        return float(np.float32(value) * unscale)

    mean_of_bytes = product(mean[0]), product(mean[1]), product(mean[2])
    std_of_bytes = product(std[0]), product(std[1]), product(std[2])
    return 1.0, mean_of_bytes, std_of_bytes


def _places(indices: Any, nframes: int) -> list[int]:
    given = indices.tolist() if hasattr(indices, "tolist") else indices
    try:
        places = [operator.index(place) for place in given]
    except TypeError as error:
        raise InvalidArgumentError(
            f"indices is {short_repr(given)}: expected a list of whole numbers"
        ) from error
    for place in places:
        if not 0 <= place < nframes:
            raise InvalidArgumentError(
                f"indices holds {place}: expected places of {nframes} frames, from 0 on"
            )
    return places


def _whole(name: str, value: Any) -> int:
    """``value`` as an int; raises :class:`InvalidArgumentError` unless it is a whole number."""
    found = number(name, value)
    if not math.isfinite(found) or found != int(found):
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected a whole number")
    return int(found)


def _check_frames(frames: Any, expected: tuple[int, int, int]) -> tuple[bool, Size]:
    """Whether the channels come first, and (height, width)."""
    shape = tuple(getattr(frames, "shape", ()))
    count, height, width = expected
    first = shape == (count, CHANNELS, height, width)
    last = shape == (count, height, width, CHANNELS)
    # What a caller says who takes all frames for channels-first.
    misread = shape[:1] == (count,) and shape[2:] == (height, width) and width == CHANNELS
    if not first and not last and not misread:
        raise FramesShapeError(
            f"frames has shape {shape}: expected {(count, CHANNELS, height, width)}, "
            "as nframes, ori_height and ori_width say, or the channels last"
        )
    kind = str(frames.dtype).removeprefix("torch.")
    if kind != "uint8" and "float" not in kind:
        raise FramesDtypeError(f"frames has dtype {kind}: expected uint8, or floats of 0..255")
    return first, (height, width) if first else (shape[1], shape[2])


def _given_size(height: int, width: int, factor: int) -> Size:
    for name, side in (("height", height), ("width", width)):
        if side <= 0 or side % factor:
            raise SizeError(
                f"{name} is {short_repr(side)}: expected a multiple of {factor}, or 0 for both"
            )
    return int(height), int(width)
