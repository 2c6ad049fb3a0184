"""Open images of messages and resize them to whole tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._media.image_warnings import exif_option
from keye_vl_rs._media.images import image_name, load_image
from keye_vl_rs._util.model import Size
from keye_vl_rs._util.validation import optional_number, positive_integer
from keye_vl_rs.limits import check_resized, check_resized_frames

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ImageRules", "open_resized"]


@dataclass(frozen=True)
class ImageRules:
    """Hold the rules by which images are opened and resized.

    Attributes:
        factor: both sides become multiples of it, in pixels.
        min_pixels: default for the minimum of an image's pixels.
        max_pixels: default for the maximum of an image's pixels.
        smart_resize: called like :func:`keye_vl_rs.smart_resize`. Its default limits apply to an
            explicitly given size, as in keye_vl_utils.
        on_white: paste images in mode RGBA on white, instead of dropping their alpha channel.
    """

    factor: int
    min_pixels: float
    max_pixels: float
    smart_resize: Callable[..., Size]
    on_white: bool = False

    def stated_size(self, ele: dict[str, Any]) -> Size | None:
        """Return the size that ``resized_height`` and ``resized_width`` ask for, or None.

        Raises:
            AspectRatioError, InvalidArgumentError: there is no such size.
        """
        if "resized_height" not in ele or "resized_width" not in ele:
            return None
        return self.smart_resize(
            positive_integer("resized_height", ele["resized_height"]),
            positive_integer("resized_width", ele["resized_width"]),
            factor=self.factor,
        )

    def size(self, ele: dict[str, Any], height: int, width: int) -> Size:
        """Return (height, width) in pixels for an image of this size with the options ``ele``.

        Raises:
            AspectRatioError, SizeError, InvalidArgumentError: there is no such size.
        """
        stated = self.stated_size(ele)
        if stated is not None:
            return stated
        return self.smart_resize(
            height,
            width,
            factor=self.factor,
            min_pixels=optional_number(ele, "min_pixels", self.min_pixels, zero=True),
            max_pixels=optional_number(ele, "max_pixels", self.max_pixels),
        )


def open_resized(ele: dict[str, Any], rules: ImageRules, frames: int = 1) -> Image.Image:
    """Open an image, or one frame of a list, and resize it according to its options.

    Args:
        ele: contains an ``image``, and optionally ``min_pixels`` and ``max_pixels``, or
            ``resized_height`` and ``resized_width``; and ``exif``.
        rules: the defaults for ``ele``.
        frames: number of frames of this size in the video; 1 for an image.

    Raises:
        MediaError: a subclass: the image cannot be read.
        LimitError: it would exceed ``resized_pixels`` or ``resized_video_pixels``.
        AspectRatioError, SizeError, InvalidArgumentError: its size is impossible.
    """
    image = load_image(ele["image"], on_white=rules.on_white, exif=exif_option(ele))
    size = rules.size(ele, image.height, image.width)
    check_resized(size, image_name(ele["image"]))
    check_resized_frames([], frames * size[0] * size[1], f"the video of {frames:,} frames")
    return image.resize((size[1], size[0]))
