"""Build a PixelConfig from a processor's settings and a call's arguments, and check them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image
from transformers.image_utils import ChannelDimension

from keye_vl_rs._patches.dtypes import float_dtype
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.tensors import channel_values
from keye_vl_rs._slow_fast.sizes import Size
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import (
    check_flag,
    number,
    number_from_zero,
    positive_integer,
    positive_number,
)
from keye_vl_rs.errors import InvalidArgumentError

__all__ = ["make_pixel_config", "pixel_limits"]

_SIDES = ("height", "width")


def make_pixel_config(settings: Any, overrides: Mapping[str, Any]) -> PixelConfig:
    """Return a processor's settings, with those of a call in their place.

    Args:
        settings: an object whose attributes are the settings.
        overrides: the settings of the call; None, or a missing one, has no effect.

    Raises:
        InvalidArgumentError: a setting is invalid, or two do not fit together.
    """

    def value(name: str) -> Any:
        given = overrides.get(name)
        return getattr(settings, name) if given is None else given

    size = overrides.get("size")
    low, high = pixel_limits(size) or (settings.min_pixels, settings.max_pixels)
    low = low if overrides.get("min_pixels") is None else overrides["min_pixels"]
    high = high if overrides.get("max_pixels") is None else overrides["max_pixels"]
    mean, std = (channel_values(value(name), name) for name in ("image_mean", "image_std"))
    if len(mean) != len(std):
        raise InvalidArgumentError(f"image_mean has {len(mean)} values, image_std {len(std)}")
    if value("temporal_patch_size") != 1:
        raise InvalidArgumentError(
            f"temporal_patch_size is {value('temporal_patch_size')}: expected 1"
        )
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
        channels_first=_channels_first(overrides.get("input_data_format")),
        dtype=float_dtype(value("dtype")),
        exif=check_flag("exif", value("exif")),
    )


def pixel_limits(size: Any) -> tuple[int, int] | None:
    """Return the (min_pixels, max_pixels) of a ``size`` dictionary, or None if it is a fixed size.

    Raises:
        InvalidArgumentError: it is not a dictionary with limits or a fixed size.
    """
    if size is None:
        return None
    # transformers has its own class for it, which is not a Mapping.
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


def _filter(value: Any) -> int:
    """Return the number of a filter of Pillow."""
    try:
        return int(Image.Resampling(value))
    except ValueError:
        names = ", ".join(f"{one.value} ({one.name.lower()})" for one in Image.Resampling)
        raise InvalidArgumentError(
            f"resample is {short_repr(value)}: expected one of Pillow's filters, {names}"
        ) from None


def _channels_first(layout: Any) -> bool | None:
    """Return whether ``input_data_format`` says channels first, or None if it is not given."""
    if layout is None:
        return None
    try:
        return bool(ChannelDimension(layout) == ChannelDimension.FIRST)
    except ValueError:
        raise InvalidArgumentError(
            f"input_data_format is {short_repr(layout)}: expected 'channels_first' or "
            "'channels_last'"
        ) from None
