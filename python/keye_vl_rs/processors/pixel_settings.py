"""Define the settings that image and video processors share, and store in checkpoint files."""

# No `from __future__ import annotations` here: transformers reads some of the annotations below.

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import transformers
from PIL import Image
from transformers.image_processing_utils import BaseImageProcessor
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from keye_vl_rs._media.images import load_image
from keye_vl_rs._patches.pixel_config import MAX_PIXELS, MIN_PIXELS, PixelConfig
from keye_vl_rs._slow_fast.sizes import MERGE_SIZE, PATCH_SIZE
from keye_vl_rs._util.tested_hosts import check_host
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.processors.pixel_arguments import make_pixel_config, pixel_limits

__all__ = ["PixelSettings"]

check_host("transformers", transformers.__version__)


class PixelSettings:
    """Add settings, as a mixin for processors that are derived from :class:`BaseImageProcessor`.

    The arguments and their defaults are those of the image processor of transformers pull request
    41040, except ``dtype`` and ``exif``.

    Args:
        do_resize: resize to whole tokens between ``min_pixels`` and ``max_pixels``.
        resample: the filter, by Pillow's number: 2 is bilinear, 3 bicubic.
        do_rescale: multiply values by ``rescale_factor``.
        rescale_factor: 1/255 by default.
        do_normalize: subtract ``image_mean`` and divide by ``image_std``.
        image_mean: one value, or one per channel, of values from 0 to 1; None for CLIP's.
        image_std: likewise.
        do_convert_rgb: convert each ``PIL.Image`` to RGB.
        min_pixels: minimum number of pixels of an image; None for 3,136 (4 tokens).
        max_pixels: maximum number of pixels of an image; None for 1,003,520 (1,280 tokens).
        patch_size: side of a patch in pixels.
        temporal_patch_size: must be 1.
        merge_size: side of a token in patches.
        size: ``{"min_pixels": ..., "max_pixels": ...}``, instead of these two.
        dtype: of the patches: float32 (None), bfloat16 or float16, or their names.
        exif: apply the EXIF orientation of each ``PIL.Image`` first.
        kwargs: passed on to transformers' base class.

    Raises:
        InvalidArgumentError: a setting is impossible; the message names it.
    """

    def __init__(
        self,
        do_resize: bool = True,
        resample: int = Image.Resampling.BILINEAR,
        do_rescale: bool = True,
        rescale_factor: float = 1 / 255,
        do_normalize: bool = True,
        image_mean: float | Iterable[float] | None = None,
        image_std: float | Iterable[float] | None = None,
        do_convert_rgb: bool = True,
        min_pixels: int | None = None,
        max_pixels: int | None = None,
        patch_size: int = PATCH_SIZE,
        temporal_patch_size: int = 1,
        merge_size: int = MERGE_SIZE,
        size: Mapping[str, int] | None = None,
        dtype: torch.dtype | str | None = None,
        exif: bool = False,
        **kwargs: Any,
    ) -> None:
        """Store and check the settings."""
        # Skip the base class of video processors, which treats ``size`` differently.
        BaseImageProcessor.__init__(self, **kwargs)
        self.do_resize = do_resize
        self.resample = int(resample) if isinstance(resample, int) else resample
        self.do_rescale = do_rescale
        self.rescale_factor = rescale_factor
        self.do_normalize = do_normalize
        self.image_mean = OPENAI_CLIP_MEAN if image_mean is None else image_mean
        self.image_std = OPENAI_CLIP_STD if image_std is None else image_std
        self.do_convert_rgb = do_convert_rgb
        self.patch_size = patch_size
        self.temporal_patch_size = temporal_patch_size
        self.merge_size = merge_size
        low, high = pixel_limits(size) or (MIN_PIXELS, MAX_PIXELS)
        self.min_pixels = low if min_pixels is None else min_pixels
        self.max_pixels = high if max_pixels is None else max_pixels
        self.dtype = None if dtype is None else str(dtype).removeprefix("torch.")
        self.exif = exif
        self.pixel_config({})

    @property
    def size(self) -> dict[str, int]:
        """Return the limits under the names that transformers uses."""
        return {"min_pixels": self.min_pixels, "max_pixels": self.max_pixels}

    @size.setter
    def size(self, size: Mapping[str, int]) -> None:
        self.min_pixels, self.max_pixels = pixel_limits(size) or (self.min_pixels, self.max_pixels)

    @classmethod
    def from_dict(cls, image_processor_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Create a processor as in the base class; limits in ``kwargs`` take precedence."""
        overridden = {"min_pixels", "max_pixels"} if kwargs.get("size") is not None else set()
        config = {k: v for k, v in image_processor_dict.items() if k not in overridden}
        return super().from_dict(config, **kwargs)  # type: ignore[misc]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as in the base class, and ``size``."""
        return {**super().to_dict(), "size": self.size}  # type: ignore[misc]

    def fetch_images(self, image_url_or_urls: Any) -> Any:
        """Open images, within the same limits and allow-lists as images in messages.

        Args:
            image_url_or_urls: a path, an address or base64, or a (nested) list of them. Images and
                arrays are returned unchanged.

        Raises:
            MediaError: a subclass, as for :func:`keye_vl_rs.fetch_image`.
        """
        given = image_url_or_urls
        if isinstance(given, (list, tuple)):
            return [self.fetch_images(one) for one in given]
        return load_image(given, exif=self.exif or None) if isinstance(given, str) else given

    def fetch_videos(self, video_url_or_urls: Any, *args: Any, **kwargs: Any) -> Any:
        """Raise :class:`InvalidArgumentError`: transformers would read videos without limits."""
        raise InvalidArgumentError(
            "processors do not open videos: pass the result of process_vision_info or "
            "preprocess_video, or call apply_chat_template"
        )

    def pixel_config(self, overrides: Mapping[str, Any]) -> PixelConfig:
        """Return the configuration of a call that overrides some settings; None does not."""
        return make_pixel_config(self, overrides)
