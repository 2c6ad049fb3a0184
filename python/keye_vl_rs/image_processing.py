"""The image processor of Keye-VL-1.5: images, or frames of one size, into patches.

Images are resized with Pillow, whose bytes the published processor has. What follows the resize
(rescale, normalise, cut into patches) is one call of the Rust core, unless the core does not serve
the request (floats, other than three channels, neither rescale nor normalise): then the same steps
run in NumPy with transformers' own functions.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.image_processing_utils import BaseImageProcessor, BatchFeature
from transformers.image_transforms import normalize, rescale, resize
from transformers.image_utils import (
    ChannelDimension,
    infer_channel_dimension_format,
)
from transformers.processing_utils import ImagesKwargs

from keye_vl_rs.accepted_inputs import flatten_images, image_array, list_frames, list_videos
from keye_vl_rs.errors import FramesShapeError, InvalidArgumentError, SizeError
from keye_vl_rs.geometry import CHANNELS, MERGE_SIZE, Size
from keye_vl_rs.pixel_settings import PixelSettings
from keye_vl_rs.recipe import Recipe
from keye_vl_rs.say_once import say_once
from keye_vl_rs.tensors import empty_patches, to_numpy, video_patches

__all__ = ["KeyeVL1_5ImageProcessor", "KeyeVL1_5ImagesKwargs"]

logger = logging.getLogger(__name__)

Grid: TypeAlias = tuple[int, int, int]
"""(frames, rows, columns) of patches."""

Ready: TypeAlias = tuple[NDArray[np.uint8] | torch.Tensor, Grid]
"""Resized frames (N, H, W, 3) for the core, or patches that it cannot make; and their grid."""


class KeyeVL1_5ImagesKwargs(ImagesKwargs, total=False):  # type: ignore[misc,call-arg]
    """What a call may set beside transformers' own keyword arguments for images."""

    min_pixels: int | None
    max_pixels: int | None
    patch_size: int | None
    temporal_patch_size: int | None
    merge_size: int | None
    dtype: Any


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

    def preprocess(
        self, images: Any = None, videos: Any = None, *, return_tensors: Any = None, **kwargs: Any
    ) -> BatchFeature:
        """Images and videos into patches.

        ``images`` is one image or a (nested) list of images: ``PIL.Image``, or arrays or tensors in
        either channel order. ``videos`` is one video or a list of videos, each (T, 3, H, W),
        (T, H, W, 3) or a list of images of one size; all frames are resized to one size.

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
            ready = [self._ready(frames, recipe) for frames in rows]
            name = "pixel_values" if kind == "image" else "pixel_values_videos"
            if not ready:
                raise FramesShapeError(f"{kind}s is an empty list: expected one at least")
            data[name] = _patches(ready, recipe)
            data[f"{kind}_grid_thw"] = torch.tensor([grid for _, grid in ready], dtype=torch.int64)
        if getattr(return_tensors, "value", return_tensors) != "pt":
            data = {name: to_numpy(tensor) for name, tensor in data.items()}
        return BatchFeature(data=data, tensor_type=return_tensors)

    def patches(
        self, frames: list[Any] | NDArray[Any] | torch.Tensor, recipe: Recipe
    ) -> torch.Tensor:
        """Frames of one size into (patches, 3, 14, 14)."""
        return _patches([self._ready(frames, recipe)], recipe)

    def _ready(self, frames: list[Any] | NDArray[Any] | torch.Tensor, recipe: Recipe) -> Ready:
        """Frames of one size, resized."""
        if len(frames) == 0:
            raise FramesShapeError("a video or image list is empty")
        arrays = [image_array(frame, recipe.do_convert_rgb) for frame in frames]
        layout = recipe.input_data_format
        if isinstance(frames[0], Image.Image):
            layout = ChannelDimension.LAST
        elif layout is None:
            layout = infer_channel_dimension_format(arrays[0])
        if layout == ChannelDimension.FIRST:
            arrays = [array.transpose(1, 2, 0) for array in arrays]
        height, width, channels = arrays[0].shape
        if recipe.do_normalize and channels != len(recipe.image_mean):
            raise FramesShapeError(
                f"an image has {channels} channels, image_mean {len(recipe.image_mean)} values"
            )
        size = recipe.target_size(height, width)
        if not recipe.do_resize and any(array.shape != arrays[0].shape for array in arrays):
            raise FramesShapeError("frames differ in shape; they need one shape without do_resize")
        if any(side % recipe.patch_size or side == 0 for side in size):
            raise SizeError(
                f"size {size[0]}x{size[1]} is not a multiple of patch_size, {recipe.patch_size}"
            )
        grid = (len(arrays), size[0] // recipe.patch_size, size[1] // recipe.patch_size)
        reason = recipe.why_not_fused() or _why_not_fused(arrays, size, recipe)
        if reason is not None:
            say_once(logger, f"images and frames take the plain path, which is slower: {reason}")
            return _plain_patches(arrays, size, recipe), grid
        if recipe.do_resize:
            arrays = [_pillow_resize(array, size, recipe.resample) for array in arrays]
        return arrays[0][None] if len(arrays) == 1 else np.stack(arrays), grid

    def get_number_of_image_patches(
        self, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None
    ) -> int:
        """How many patches an image of this size becomes."""
        recipe = self.recipe(images_kwargs or {})
        rows, columns = (side // recipe.patch_size for side in recipe.target_size(height, width))
        return rows * columns


def _patches(ready: list[Ready], recipe: Recipe) -> torch.Tensor:
    """The patches of all images or videos, each written to its place in one tensor."""
    fused = recipe.fused()
    if fused is None or any(isinstance(made, torch.Tensor) for made, _ in ready):
        parts = [r[0] if isinstance(r[0], torch.Tensor) else _patches([r], recipe) for r in ready]
        return parts[0] if len(parts) == 1 else torch.cat(parts)
    counts = [math.prod(grid) for _, grid in ready]
    patches = empty_patches(sum(counts), recipe.patch_size, recipe.dtype)
    for (frames, _), place in zip(ready, patches.split(counts), strict=True):
        size = (frames.shape[1], frames.shape[2])
        video_patches(frames, None, size, size, out=place, **fused)
    return patches


def _pillow_resize(image: NDArray[np.uint8], size: Size, resample: int) -> NDArray[np.uint8]:
    if image.shape[:2] == size:
        return image
    source = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(source.resize((size[1], size[0]), resample=Image.Resampling(resample)))


def _why_not_fused(arrays: list[NDArray[Any]], size: Size, recipe: Recipe) -> str | None:
    unit = MERGE_SIZE * recipe.patch_size
    if any(side % unit for side in size):
        return f"the size {size[0]}x{size[1]} is no multiple of {unit}"
    for array in arrays:
        if array.dtype != np.uint8:
            return f"pixels are {array.dtype}, not uint8"
        if array.shape[2] != CHANNELS:
            return f"there are {array.shape[2]} channels"
    return None


def _plain_patches(arrays: list[NDArray[Any]], size: Size, recipe: Recipe) -> torch.Tensor:
    last, done = {"input_data_format": ChannelDimension.LAST}, []
    for image in arrays:
        if recipe.do_resize:
            image = resize(image, size, resample=Image.Resampling(recipe.resample), **last)
        if recipe.do_rescale:
            image = rescale(image, recipe.rescale_factor, **last)
        if recipe.do_normalize:
            image = normalize(image, recipe.image_mean, recipe.image_std, **last)
        done.append(image)
    frames, patch = np.array(done), recipe.patch_size
    n, height, width, channels = frames.shape
    grid = frames.reshape(n, height // patch, patch, width // patch, patch, channels)
    patches = grid.transpose(0, 1, 3, 5, 2, 4).reshape(-1, channels, patch, patch)
    pixels = torch.from_numpy(patches)
    return pixels if recipe.dtype is None else pixels.to(torch.float32).to(recipe.dtype)
