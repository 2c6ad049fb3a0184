"""What a processor accepts as images and as decoded videos: every form into lists and arrays."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.image_transforms import convert_to_rgb

from keye_vl_rs.errors import FramesShapeError
from keye_vl_rs.video_inputs import VideoInputs

__all__ = ["flatten_images", "image_array", "list_frames", "list_videos"]


def flatten_images(images: Any) -> list[Any]:
    """One image, or a list of images nested to any depth, as a flat list."""
    if isinstance(images, (list, tuple)):
        return [image for part in images for image in flatten_images(part)]
    return [images]


def list_videos(videos: Any) -> list[Any]:
    """One video, or a list of videos nested to any depth, as a flat list."""
    if isinstance(videos, (list, tuple)):
        first = videos[0] if videos else None
        if isinstance(first, Image.Image) or getattr(first, "ndim", 0) == 3:
            return [videos]
        return [video for part in videos for video in list_videos(part)]
    if isinstance(videos, VideoInputs):
        return [videos]
    if getattr(videos, "ndim", 0) not in (4, 5):
        shape = getattr(videos, "shape", type(videos).__name__)
        raise FramesShapeError(f"a video is {shape}; it needs to be decoded, (T, 3, H, W)")
    return list(videos) if videos.ndim == 5 else [videos]


def list_frames(images: Any) -> Any:
    """An image or frames as something whose items are images."""
    if isinstance(images, (list, tuple)) or getattr(images, "ndim", 0) == 4:
        return images
    return [images]


def image_array(image: Any, do_convert_rgb: bool) -> NDArray[Any]:
    """An image as an array, (H, W, C) or (C, H, W); ``PIL.Image`` as RGB if that is asked for."""
    if isinstance(image, Image.Image):
        if do_convert_rgb and (image.mode != "RGB" or "transparency" in image.info):
            image = convert_to_rgb(image, **_convert_arguments())
        image = np.asarray(image)
    elif isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    if not isinstance(image, np.ndarray):
        raise FramesShapeError(f"an image is a {type(image).__name__}, not a PIL.Image or array")
    if image.ndim != 3:
        raise FramesShapeError(f"an image has shape {image.shape}, not (H, W, C) or (C, H, W)")
    return image


@cache
def _convert_arguments() -> dict[str, Any]:
    """Newer transformers warn unless asked for an array, older ones cannot return one."""
    known = "return_numpy" in inspect.signature(convert_to_rgb).parameters
    return {"return_numpy": True} if known else {}
