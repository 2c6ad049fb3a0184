"""The image processor of Keye-VL-1.5: images, or frames of one size, into patches.

The published processor resizes images with Pillow, and :mod:`keye_vl_rs._patches.images` gives the
same bytes. What the Rust core does not serve (floats, other than three channels, neither rescale
nor normalise) runs the published steps, in NumPy with transformers' own functions.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.image_processing_utils import BaseImageProcessor, BatchFeature
from transformers.image_utils import (
    ChannelDimension,
    infer_channel_dimension_format,
)
from transformers.processing_utils import ImagesKwargs

from keye_vl_rs._patches.accepted_inputs import (
    flatten_images,
    frame_pixels,
    image_array,
    list_frames,
    list_videos,
    shape_of,
)
from keye_vl_rs._patches.images import Picture, write_pictures
from keye_vl_rs._patches.pixel_config import Recipe
from keye_vl_rs._patches.reference import plain_patches, why_plain
from keye_vl_rs._patches.tensors import empty_patches, to_numpy
from keye_vl_rs._util.shorten import short_number
from keye_vl_rs._util.warn_once import say_once
from keye_vl_rs.errors import (
    FramesShapeError,
    InvalidArgumentError,
    SizeError,
    memory_errors,
    naming,
)
from keye_vl_rs.limits import check_resized
from keye_vl_rs.processors.pixel_settings import PixelSettings

__all__ = ["KeyeVL1_5ImageProcessor", "KeyeVL1_5ImagesKwargs"]

logger = logging.getLogger(__name__)

Grid: TypeAlias = tuple[int, int, int]
"""(frames, rows, columns) of patches."""

Ready: TypeAlias = tuple[list[Picture] | torch.Tensor, Grid]
"""Frames of one grid for the core, or patches that it cannot make; and their grid."""


class KeyeVL1_5ImagesKwargs(ImagesKwargs, total=False):  # type: ignore[misc,call-arg]
    """What a call may set beside transformers' own keyword arguments for images."""

    # Not their types, which transformers would check in a way of its own: a limit may be a float.
    min_pixels: Any
    max_pixels: Any
    patch_size: Any
    temporal_patch_size: Any
    merge_size: Any
    dtype: Any
    exif: Any
    # Of later releases; here all of them take it.
    do_convert_rgb: bool | None


class KeyeVL1_5ImageProcessor(PixelSettings, BaseImageProcessor):  # type: ignore[misc]
    """Resizes images to whole tokens near their own size, normalises and cuts them into patches.

    The arguments, their defaults and the results are those of the published class of this name
    (transformers pull request 41040). ``size`` may be given as ``{"min_pixels": ..., "max_pixels":
    ...}``; a call may also set ``{"height": ..., "width": ...}``.
    """

    model_input_names = ["pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw"]
    valid_kwargs = KeyeVL1_5ImagesKwargs

    def __call__(self, images: Any = None, *args: Any, **kwargs: Any) -> BatchFeature:
        """:meth:`preprocess`."""
        return self.preprocess(images, *args, **kwargs)

    @memory_errors("the patches of images and videos")
    def preprocess(
        self, images: Any = None, videos: Any = None, *, return_tensors: Any = None, **kwargs: Any
    ) -> BatchFeature:
        """Images and videos into patches.

        ``images`` is one image or a (nested) list of images: ``PIL.Image``, or arrays or tensors in
        either channel order. ``videos`` is one video or a list of videos, each (T, 3, H, W),
        (T, H, W, 3) or a list of images of one size.

        Keyword arguments are this class's settings, for this call. ``data_format`` has no effect:
        patches are channels-first.

        Returns ``pixel_values`` (patches, 3, 14, 14) and ``image_grid_thw`` (images, 3) int64, and
        ``pixel_values_videos`` and ``video_grid_thw`` for videos; without ``return_tensors`` they
        are NumPy arrays.
        """
        unknown = sorted(set(kwargs) - set(KeyeVL1_5ImagesKwargs.__annotations__))
        if unknown:
            raise InvalidArgumentError(f"{', '.join(unknown)}: not among this class's settings")
        recipe = self.recipe(kwargs)
        data: dict[str, Any] = {}
        for kind, rows in (
            ("image", None if images is None else map(list_frames, flatten_images(images))),
            ("video", None if videos is None else map(list_frames, list_videos(videos))),
        ):
            if rows is None:
                continue
            ready = [
                self._ready(frames, recipe, f"{kind} {index}") for index, frames in enumerate(rows)
            ]
            name = "pixel_values" if kind == "image" else "pixel_values_videos"
            if not ready:
                raise FramesShapeError(f"{kind}s is an empty list: expected one at least")
            data[name] = _patches(ready, recipe)
            grids = [grid for _, grid in ready]
            data[f"{kind}_grid_thw"] = torch.tensor(grids, dtype=torch.int64, device="cpu")
        if getattr(return_tensors, "value", return_tensors) != "pt":
            data = {name: to_numpy(tensor) for name, tensor in data.items()}
        return BatchFeature(data=data, tensor_type=return_tensors)

    def patches(
        self, frames: list[Any] | NDArray[Any] | torch.Tensor, recipe: Recipe
    ) -> torch.Tensor:
        """Frames of one size into (patches, 3, 14, 14)."""
        return _patches([self._ready(frames, recipe, "the video")], recipe)

    def _ready(
        self, frames: list[Any] | NDArray[Any] | torch.Tensor, recipe: Recipe, name: str
    ) -> Ready:
        """Frames of one size, checked; messages begin with ``name``."""
        with naming(name):
            return self._checked(frames, recipe, name)

    def _checked(
        self, frames: list[Any] | NDArray[Any] | torch.Tensor, recipe: Recipe, name: str
    ) -> Ready:
        if len(frames) == 0:
            raise FramesShapeError("a video or image list is empty")
        pixels = [frame_pixels(frame, recipe.do_convert_rgb, recipe.exif) for frame in frames]
        layout = recipe.input_data_format
        if isinstance(frames[0], Image.Image):
            layout = ChannelDimension.LAST
        elif layout is None:
            layout = _layout_of(pixels[0])
        if layout == ChannelDimension.FIRST:
            pixels = [image_array(one).transpose(1, 2, 0) for one in pixels]
        shapes = [shape_of(one) for one in pixels]
        height, width, channels = shapes[0]
        if recipe.do_normalize and channels != len(recipe.image_mean):
            raise FramesShapeError(
                f"an image has {channels} channels, image_mean {len(recipe.image_mean)} values"
            )
        size = recipe.target_size(height, width)
        for place, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise FramesShapeError(
                    f"frame {place} is of {_shown(shape)}, frame 0 of {_shown(shapes[0])}: "
                    "expected frames of one size"
                )
        if any(side % recipe.patch_size or side == 0 for side in size):
            raise SizeError(
                f"size {short_number(size[0])}x{short_number(size[1])} is not a multiple of "
                f"patch_size, {recipe.patch_size}"
            )
        if recipe.do_resize:
            check_resized(size, "the pixels", frames=len(pixels))
        grid = (len(pixels), size[0] // recipe.patch_size, size[1] // recipe.patch_size)
        reason = why_plain(pixels, size, recipe)
        if reason is not None:
            say_once(logger, f"images and frames take the plain path, which is slower: {reason}")
            return plain_patches([image_array(one) for one in pixels], size, recipe), grid
        pictures = zip(pixels, shapes, strict=True)
        return [Picture(name, one, (shape[0], shape[1]), size) for one, shape in pictures], grid

    def get_number_of_image_patches(
        self, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None
    ) -> int:
        """How many patches an image of this size becomes."""
        recipe = self.recipe(images_kwargs or {})
        rows, columns = (side // recipe.patch_size for side in recipe.target_size(height, width))
        return rows * columns


def _shown(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width}x{height} pixels with {channels} channels"


def _layout_of(image: Any) -> ChannelDimension:
    """Return where an array has its channels.

    Raises:
        FramesShapeError: it has neither one nor three of them.
    """
    try:
        return infer_channel_dimension_format(image)
    except ValueError:
        raise FramesShapeError(
            f"an image has shape {tuple(image.shape)}: expected 1 or 3 channels, first or last"
        ) from None


def _patches(ready: list[Ready], recipe: Recipe) -> torch.Tensor:
    """The patches of all images or videos, each written to its place in one tensor."""
    if recipe.fused() is None or any(isinstance(made, torch.Tensor) for made, _ in ready):
        parts = [r[0] if isinstance(r[0], torch.Tensor) else _patches([r], recipe) for r in ready]
        return parts[0] if len(parts) == 1 else torch.cat(parts)
    counts = [math.prod(grid) for _, grid in ready]
    patches = empty_patches(sum(counts), recipe.patch_size, recipe.dtype)
    pictures = [(one, rows * columns) for made, (_, rows, columns) in ready for one in made]
    places = patches.split([count for _, count in pictures])
    write_pictures([one for one, _ in pictures], recipe, places)
    return patches
