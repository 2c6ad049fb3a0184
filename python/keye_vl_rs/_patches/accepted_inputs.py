"""Convert the images and decoded videos that a processor accepts to lists and arrays."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.image_transforms import convert_to_rgb

from keye_vl_rs._media.file_objects import is_file_object
from keye_vl_rs._media.image_warnings import apply_orientation, warn_about_losses
from keye_vl_rs._media.images import pillow_errors
from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._slow_fast.sizes import CHANNELS
from keye_vl_rs.errors import FramesShapeError, naming

__all__ = [
    "check_loaded",
    "flatten_images",
    "frame_pixels",
    "image_array",
    "is_rgb",
    "list_frames",
    "rgb_pixels",
    "shape_of",
    "video_array",
]


def flatten_images(images: Any) -> list[Any]:
    """Return one image, or images in lists nested to any depth, as a flat list."""
    if isinstance(images, (list, tuple)):
        return [image for part in images for image in flatten_images(part)]
    check_loaded(images, "an image", "a PIL.Image, an array or a tensor")
    return [images]


def check_loaded(value: Any, what: str, expected: str) -> None:
    """Raise if a value has not been loaded yet.

    Args:
        value: what a processor was given.
        what: what it should be, for the message.
        expected: the types that are accepted, for the message.

    Raises:
        FramesShapeError: ``value`` is a path, an address, bytes, a file or a part of a message; the
            message says what loads it.
    """
    if isinstance(value, Mapping):
        name = "a dictionary"
    elif isinstance(value, (str, os.PathLike, bytes, bytearray, memoryview)) or is_file_object(
        value
    ):
        # It also describes a memoryview, which is not a source, as bytes.
        name = describe_source(value)  # type: ignore[arg-type]
    else:
        return
    raise FramesShapeError(
        f"{what} is {name}: expected {expected}; process_vision_info and "
        "apply_chat_template(messages, tokenize=True) load it from messages"
    )


def list_frames(images: Any) -> Any:
    """Return an image, or frames, as a sequence of images."""
    if isinstance(images, (list, tuple)) or getattr(images, "ndim", 0) == 4:
        return images
    return [images]


def frame_pixels(image: Any, do_convert_rgb: bool, exif: bool = False) -> Any:
    """Return a ``PIL.Image`` that is or will become RGB unchanged, anything else as an array.

    The array is (H, W, C) or (C, H, W). With ``exif``, the EXIF orientation of a ``PIL.Image`` is
    applied first.
    """
    if isinstance(image, Image.Image):
        if exif:
            with pillow_errors():
                image = apply_orientation(image)
        # The EXIF data of a PNG may follow its pixels, which are read later, in threads. Pillow
        # applies the orientation of a TIFF itself when it reads the pixels.
        elif image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info):
            warn_about_losses(image, drops_alpha=False)
    if isinstance(image, Image.Image) and (do_convert_rgb or is_rgb(image)):
        return image
    return image_array(image, do_convert_rgb)


def video_array(frames: Any, name: str, exif: bool) -> NDArray[Any]:
    """Stack a list of frames, which are images or arrays, into one array.

    Args:
        frames: ``PIL.Image`` objects, which become RGB, or arrays.
        name: the video's name in error messages.
        exif: whether the EXIF orientation of images is applied.

    Raises:
        FramesShapeError: the frames differ in shape.
        UnreadableMediaError: an image is closed or damaged.
    """
    arrays: list[NDArray[Any]] = []
    for index, frame in enumerate(frames):
        with naming(f"{name}: frame {index}"):
            if isinstance(frame, Image.Image):
                with pillow_errors():
                    frame = apply_orientation(frame) if exif else frame
                    frame = frame.convert("RGB")
            arrays.append(np.asarray(frame))
        if arrays[index].shape != arrays[0].shape:
            raise FramesShapeError(
                f"{name}: frame {index} has shape {arrays[index].shape}, frame 0 "
                f"{arrays[0].shape}: expected frames of one size"
            )
    return np.stack(arrays)


def image_array(image: Any, do_convert_rgb: bool = True) -> NDArray[Any]:
    """Return an image as an array, (H, W, C) or (C, H, W).

    Args:
        image: a ``PIL.Image``, an array or a tensor.
        do_convert_rgb: whether a ``PIL.Image`` is converted to RGB.

    Raises:
        FramesShapeError: it is of another type, or does not have three dimensions.
        UnreadableMediaError: the image is closed or damaged.
    """
    if isinstance(image, Image.Image):
        with pillow_errors():
            image = np.asarray(rgb_pixels(image) if do_convert_rgb else image)
    elif isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    if not isinstance(image, np.ndarray):
        raise FramesShapeError(
            f"an image is of type {type(image).__name__}: expected a PIL.Image or an array"
        )
    if image.ndim != 3:
        raise FramesShapeError(f"an image has shape {image.shape}: expected (H, W, C) or (C, H, W)")
    return image


def shape_of(pixels: Any) -> tuple[int, int, int]:
    """Return (height, width, channels) of an image that is or will become RGB, or of an array."""
    if isinstance(pixels, Image.Image):
        return pixels.height, pixels.width, CHANNELS
    height, width, channels = pixels.shape
    return height, width, channels


def is_rgb(image: Image.Image) -> bool:
    """Return whether an image needs no conversion to RGB."""
    return image.mode == "RGB" and "transparency" not in image.info


def rgb_pixels(image: Image.Image) -> Any:
    """Convert an image to RGB unless it is: return an image, or an array (H, W, 3)."""
    return image if is_rgb(image) else convert_to_rgb(image, **_convert_arguments())


@cache
def _convert_arguments() -> dict[str, Any]:
    """Return arguments for ``convert_to_rgb``: newer releases warn unless asked for an array."""
    known = "return_numpy" in inspect.signature(convert_to_rgb).parameters
    return {"return_numpy": True} if known else {}
