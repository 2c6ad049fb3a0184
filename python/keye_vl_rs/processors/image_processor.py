"""Define the image processor of Keye-VL-1.5, for images and for frames of one size.

The processor of transformers pull request 41040 resizes images with Pillow, and
:mod:`keye_vl_rs._patches.images` gives the same bytes. What the Rust core does not support (floats,
other than three channels, neither rescaling nor normalising) takes the reference path, in NumPy
with transformers' own functions.
"""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from transformers.image_processing_utils import BaseImageProcessor, BatchFeature
from transformers.processing_utils import ImagesKwargs

from keye_vl_rs._patches.accepted_inputs import flatten_images, list_frames
from keye_vl_rs._patches.patch_plan import plan_patches, write_planned
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.tensors import grid_tensor, to_numpy
from keye_vl_rs._slow_fast.sizes import patches_per_frame
from keye_vl_rs._util.renamed_argument import renamed_argument
from keye_vl_rs.errors import FramesShapeError, InvalidArgumentError, memory_errors
from keye_vl_rs.processors.pixel_settings import PixelSettings
from keye_vl_rs.processors.videos import list_videos

__all__ = ["KeyeVL1_5ImageProcessor", "KeyeVL1_5ImagesKwargs"]


class KeyeVL1_5ImagesKwargs(ImagesKwargs, total=False):  # type: ignore[misc,call-arg]
    """List the keyword arguments for images: those of transformers, and this package's settings."""

    # Any: transformers would reject values that are valid here, such as a limit that is a float.
    min_pixels: Any
    max_pixels: Any
    patch_size: Any
    temporal_patch_size: Any
    merge_size: Any
    dtype: Any
    exif: Any
    # Defined by later releases of transformers only.
    do_convert_rgb: bool | None


class KeyeVL1_5ImageProcessor(PixelSettings, BaseImageProcessor):  # type: ignore[misc]
    """Resize and normalise images for Keye-VL-1.5, and cut them into patches.

    Sizes are rounded to whole tokens. The results are those of the class of this name in
    transformers pull request 41040. Its arguments are described in
    :class:`keye_vl_rs.processors.pixel_settings.PixelSettings`: the limits ``min_pixels`` (3,136)
    and ``max_pixels`` (1,003,520), ``image_mean`` and ``image_std`` (of values from 0 to 1; CLIP's
    by default), ``rescale_factor`` (1/255), ``dtype`` (float32), ``exif`` (False) and others. A
    call may also set ``size={"height": ..., "width": ...}``.
    """

    model_input_names = ["pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw"]
    valid_kwargs = KeyeVL1_5ImagesKwargs

    def __call__(self, images: Any = None, *args: Any, **kwargs: Any) -> BatchFeature:
        """Call :meth:`preprocess`."""
        return self.preprocess(images, *args, **kwargs)

    @memory_errors("the patches of images and videos")
    def preprocess(
        self, images: Any = None, videos: Any = None, *, return_tensors: Any = None, **kwargs: Any
    ) -> BatchFeature:
        """Resize and normalise images and videos, and cut them into patches.

        Args:
            images: one image or a (nested) list of images: ``PIL.Image``, or arrays or tensors in
                either channel order.
            videos: one video or a list of videos, each (T, 3, H, W), (T, H, W, 3) or a list of
                images of one size.
            return_tensors: "pt" for tensors; otherwise the results are NumPy arrays.
            kwargs: this class's settings, for this call. ``data_format`` has no effect: patches
                are channels-first.

        Returns:
            ``pixel_values`` (patches, 3, 14, 14) and ``image_grid_thw`` (images, 3) int64, and for
            videos ``pixel_values_videos`` and ``video_grid_thw``, likewise.

        Raises:
            FramesShapeError, SizeError, InvalidArgumentError: an input or a setting is invalid.
        """
        unknown = sorted(set(kwargs) - set(KeyeVL1_5ImagesKwargs.__annotations__))
        if unknown:
            raise InvalidArgumentError(
                f"{', '.join(unknown)}: not among the settings of {type(self).__name__}"
            )
        config = self.pixel_config(kwargs)
        data: dict[str, Any] = {}
        for kind, rows in (
            ("image", None if images is None else map(list_frames, flatten_images(images))),
            ("video", None if videos is None else map(list_frames, list_videos(videos))),
        ):
            if rows is None:
                continue
            plans = [
                plan_patches(frames, config, f"{kind} {index}") for index, frames in enumerate(rows)
            ]
            name = "pixel_values" if kind == "image" else "pixel_values_videos"
            if not plans:
                raise FramesShapeError(f"{kind}s is an empty list: expected at least one")
            data[name] = write_planned(plans, config)
            data[f"{kind}_grid_thw"] = grid_tensor([grid for _, grid in plans])
        if getattr(return_tensors, "value", return_tensors) != "pt":
            data = {name: to_numpy(tensor) for name, tensor in data.items()}
        return BatchFeature(data=data, tensor_type=return_tensors)

    @renamed_argument("recipe", "config")
    def patches(
        self, frames: list[Any] | NDArray[Any] | torch.Tensor, config: PixelConfig
    ) -> torch.Tensor:
        """Return the patches of frames of one size: (patches, 3, 14, 14).

        Nothing in this package calls it: it is public, for programs with frames of their own.

        Args:
            frames: (T, 3, H, W) or (T, H, W, 3), or a list of images.
            config: how pixels become values, as ``pixel_config`` returns it.
        """
        return write_planned([plan_patches(frames, config, "the video")], config)

    def get_number_of_image_patches(
        self, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None
    ) -> int:
        """Return the number of patches of an image of this size.

        Args:
            height: in pixels.
            width: in pixels.
            images_kwargs: settings of this class that a call overrides.
        """
        config = self.pixel_config(images_kwargs or {})
        return patches_per_frame(config.target_size(height, width), config.patch_size)
