"""One call's settings of the image processor: complete, checked, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from transformers.image_utils import ChannelDimension

from keye_vl_rs._slow_fast.sizes import (
    CHANNELS,
    MERGE_SIZE,
    PATCH_SIZE,
    TOKEN_PIXELS,
    Size,
    smart_resize,
)
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number, number_from_zero, positive_integer, positive_number
from keye_vl_rs.errors import InvalidArgumentError

__all__ = ["MAX_PIXELS", "MIN_PIXELS", "PixelConfig", "make_pixel_config", "pixel_limits"]

# Of one image: 4 to 1280 tokens.
MIN_PIXELS, MAX_PIXELS = 4 * TOKEN_PIXELS, 1280 * TOKEN_PIXELS
_SIDES = ("height", "width")
_DTYPES = {torch.float32, torch.bfloat16, torch.float16}


@dataclass(frozen=True)
class PixelConfig:
    """What is done to the images of one call."""

    min_pixels: float
    max_pixels: float
    do_resize: bool = True
    fixed_size: Size | None = None
    resample: int = Image.Resampling.BILINEAR
    do_rescale: bool = True
    rescale_factor: float = 1 / 255
    do_normalize: bool = True
    image_mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    image_std: tuple[float, ...] = (0.5, 0.5, 0.5)
    do_convert_rgb: bool = True
    patch_size: int = PATCH_SIZE
    merge_size: int = MERGE_SIZE
    input_data_format: ChannelDimension | None = None
    dtype: torch.dtype | None = None
    exif: bool = False

    def target_size(self, height: int, width: int) -> Size:
        """(height, width) that an image of this size is resized to."""
        if not self.do_resize:
            return height, width
        if self.fixed_size is not None:
            return self.fixed_size
        factor = self.patch_size * self.merge_size
        sides = (height, width)
        size = smart_resize(height, width, factor, self.min_pixels, self.max_pixels)
        if min(round(side / factor) for side in sides) == 0:
            # A side under half a token rounds to nothing here, which makes the image too small and
            # has it grown; in the videos' rule it rounds to one token.
            grow = math.sqrt(self.min_pixels / (height * width))
            height, width = (math.ceil(side * grow / factor) * factor for side in sides)
            return height, width
        return size

    def fused(self) -> dict[str, Any] | None:
        """Arguments with which the core does what follows the resize, None if it does not."""
        if self.why_not_fused() is not None:
            return None
        return {
            "dtype": self.dtype or torch.float32,
            "patch_size": self.patch_size,
            "rescale_factor": self.rescale_factor if self.do_rescale else 1.0,
            "image_mean": self.image_mean if self.do_normalize else (0.0, 0.0, 0.0),
            "image_std": self.image_std if self.do_normalize else (1.0, 1.0, 1.0),
        }

    def why_not_fused(self) -> str | None:
        """What the core does not serve, None if it serves it."""
        if len(self.image_mean) != CHANNELS:
            return f"image_mean has {len(self.image_mean)} values"
        if not (self.do_rescale or self.do_normalize):
            return "neither do_rescale nor do_normalize is set"
        return None


def make_pixel_config(settings: Any, overrides: Mapping[str, Any]) -> PixelConfig:
    """An image processor's ``settings`` with a call's own ones on top; None leaves one as it is.

    Raises :class:`InvalidArgumentError` for settings that do not go together.
    """

    def value(name: str) -> Any:
        given = overrides.get(name)
        return getattr(settings, name) if given is None else given

    size = overrides.get("size")
    low, high = pixel_limits(size) or (settings.min_pixels, settings.max_pixels)
    low = low if overrides.get("min_pixels") is None else overrides["min_pixels"]
    high = high if overrides.get("max_pixels") is None else overrides["max_pixels"]
    mean, std = (_per_channel(name, value(name)) for name in ("image_mean", "image_std"))
    if len(mean) != len(std):
        raise InvalidArgumentError(f"image_mean has {len(mean)} values, image_std {len(std)}")
    if value("temporal_patch_size") != 1:
        raise InvalidArgumentError(
            f"temporal_patch_size is {value('temporal_patch_size')}; Keye-VL-1.5 has 1"
        )
    layout = overrides.get("input_data_format")
    return PixelConfig(
        do_resize=bool(value("do_resize")),
        fixed_size=_fixed_size(size),
        min_pixels=number_from_zero("min_pixels", low),
        max_pixels=positive_number("max_pixels", high),
        resample=_filter(value("resample")),
        do_rescale=bool(value("do_rescale")),
        rescale_factor=float(number("rescale_factor", value("rescale_factor"))),
        do_normalize=bool(value("do_normalize")),
        image_mean=mean,
        image_std=std,
        do_convert_rgb=bool(value("do_convert_rgb")),
        patch_size=positive_integer("patch_size", value("patch_size")),
        merge_size=positive_integer("merge_size", value("merge_size")),
        input_data_format=None if layout is None else ChannelDimension(layout),
        dtype=_float_dtype(value("dtype")),
        exif=_flag("exif", value("exif")),
    )


def pixel_limits(size: Any) -> tuple[int, int] | None:
    """(min_pixels, max_pixels) of a ``size`` dictionary; None if it holds no limits."""
    if size is None:
        return None
    # transformers has a class of its own for it, which is no Mapping.
    if not callable(getattr(size, "get", None)):
        raise InvalidArgumentError(
            f"size is {short_repr(size)}: expected a dictionary with min_pixels and max_pixels"
        )
    for low, high in (("min_pixels", "max_pixels"), ("shortest_edge", "longest_edge")):
        if size.get(low) is not None and size.get(high) is not None:
            return size[low], size[high]
    if _fixed_size(size) is None:
        raise InvalidArgumentError(
            f"size is {short_repr(size)}: expected min_pixels and max_pixels in it"
        )
    return None


def _fixed_size(size: Any) -> Size | None:
    if size is None or size.get("height") is None or size.get("width") is None:
        return None
    height, width = (positive_integer(f"{side} of size", size[side]) for side in _SIDES)
    return height, width


def _per_channel(name: str, values: Any) -> tuple[float, ...]:
    given = values if isinstance(values, Iterable) else (values,) * CHANNELS
    return tuple(float(number(name, value)) for value in given)


def _filter(value: Any) -> int:
    """The number of one of Pillow's filters."""
    try:
        return int(Image.Resampling(value))
    except ValueError:
        names = ", ".join(f"{one.value} ({one.name.lower()})" for one in Image.Resampling)
        raise InvalidArgumentError(
            f"resample is {short_repr(value)}: expected one of Pillow's filters, {names}"
        ) from None


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected True or False")
    return value


def _float_dtype(dtype: Any) -> torch.dtype | None:
    if dtype is None:
        return None
    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if found not in _DTYPES:
        raise InvalidArgumentError(
            f"dtype is {short_repr(dtype)}; float32, bfloat16 and float16 are possible"
        )
    return found
