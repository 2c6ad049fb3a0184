"""What a processor accepts as images and as decoded videos: every form into lists and arrays."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb

from keye_vl_rs._media.file_objects import is_file_object
from keye_vl_rs._media.image_warnings import warn_about_losses
from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._slow_fast.sizes import CHANNELS
from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import FramesShapeError, KeyeVLError, UnreadableMediaError, naming

__all__ = [
    "check_loaded",
    "flatten_images",
    "frame_pixels",
    "image_array",
    "is_rgb",
    "list_frames",
    "reading_picture",
    "rgb_pixels",
    "shape_of",
    "upright",
    "video_array",
]


def flatten_images(images: Any) -> list[Any]:
    """One image, or a list of images nested to any depth, as a flat list."""
    if isinstance(images, (list, tuple)):
        return [image for part in images for image in flatten_images(part)]
    check_loaded(images, "an image", "a PIL.Image, an array or a tensor")
    return [images]


def check_loaded(value: Any, what: str, expected: str) -> None:
    """Raise for what has still to be read: a path, an address, bytes, a file or a message's part.

    Raises:
        FramesShapeError: ``value`` is one of these; the message says what reads it.
    """
    if isinstance(value, Mapping):
        name = "a dictionary"
    elif isinstance(value, (str, os.PathLike, bytes, bytearray, memoryview)) or is_file_object(
        value
    ):
        # What is no source, such as a memoryview, is described as bytes are.
        name = describe_source(value)  # type: ignore[arg-type]
    else:
        return
    raise FramesShapeError(
        f"{what} is {name}: expected {expected}; process_vision_info and "
        "apply_chat_template(messages, tokenize=True) read it out of messages"
    )


def list_frames(images: Any) -> Any:
    """An image or frames as something whose items are images."""
    if isinstance(images, (list, tuple)) or getattr(images, "ndim", 0) == 4:
        return images
    return [images]


def frame_pixels(image: Any, do_convert_rgb: bool, exif: bool = False) -> Any:
    """An image as it is given if it is RGB or is to become it, else as an array.

    The array is (H, W, C) or (C, H, W). With ``exif``, a picture of Pillow's is turned first.
    """
    if isinstance(image, Image.Image):
        if exif:
            image = upright(image)
        # A PNG may have its EXIF behind its pixels, which are read later, in threads; and of a TIFF
        # Pillow itself applies the orientation when it reads the pixels.
        elif image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info):
            warn_about_losses(image, drops_alpha=False)
    if isinstance(image, Image.Image) and (do_convert_rgb or is_rgb(image)):
        return image
    return image_array(image, do_convert_rgb)


def video_array(frames: Any, name: str, exif: bool) -> NDArray[Any]:
    """A list of frames, images or arrays, as one array; errors call the video ``name``.

    Raises:
        FramesShapeError: the frames differ in shape.
        UnreadableMediaError: a picture is closed or damaged.
    """
    arrays: list[NDArray[Any]] = []
    for place, frame in enumerate(frames):
        with naming(f"{name}: frame {place}"):
            if isinstance(frame, Image.Image):
                frame = upright(frame) if exif else frame
                with reading_picture():
                    frame = frame.convert("RGB")
            arrays.append(np.asarray(frame))
        if arrays[place].shape != arrays[0].shape:
            raise FramesShapeError(
                f"{name}: frame {place} has shape {arrays[place].shape}, frame 0 "
                f"{arrays[0].shape}: expected frames of one size"
            )
    return np.stack(arrays)


def image_array(image: Any, do_convert_rgb: bool = True) -> NDArray[Any]:
    """An image as an array, (H, W, C) or (C, H, W); ``PIL.Image`` as RGB if that is asked for."""
    if isinstance(image, Image.Image):
        with reading_picture():
            image = np.asarray(rgb_pixels(image) if do_convert_rgb else image)
    elif isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    if not isinstance(image, np.ndarray):
        raise FramesShapeError(f"an image is a {type(image).__name__}, not a PIL.Image or array")
    if image.ndim != 3:
        raise FramesShapeError(f"an image has shape {image.shape}, not (H, W, C) or (C, H, W)")
    return image


def upright(image: Image.Image) -> Image.Image:
    """A picture as its EXIF orientation says; another one without that tag if it is turned.

    Raises :class:`UnreadableMediaError` for a picture that is closed or damaged.
    """
    with reading_picture():
        turned: Image.Image = ImageOps.exif_transpose(image)
    return turned


@contextmanager
def reading_picture() -> Iterator[None]:
    """Turn what Pillow raises for a picture that is closed or damaged into this package's error."""
    try:
        yield
    except (KeyeVLError, MemoryError):
        raise
    # Pillow's plug-ins raise what they like on damaged files.
    except Exception as error:
        raise UnreadableMediaError(
            f"the PIL.Image is closed or damaged: {shorten(f'{type(error).__name__}: {error}')}: "
            "give one that is open"
        ) from None


def shape_of(pixels: Any) -> tuple[int, int, int]:
    """(height, width, channels) of an image that is or becomes RGB, or of an array like that."""
    if isinstance(pixels, Image.Image):
        return pixels.height, pixels.width, CHANNELS
    height, width, channels = pixels.shape
    return height, width, channels


def is_rgb(image: Image.Image) -> bool:
    """Whether an image needs no conversion to RGB."""
    return image.mode == "RGB" and "transparency" not in image.info


def rgb_pixels(image: Image.Image) -> Any:
    """An image as it is if :func:`is_rgb`, else converted: as an image, or an array (H, W, 3)."""
    return image if is_rgb(image) else convert_to_rgb(image, **_convert_arguments())


@cache
def _convert_arguments() -> dict[str, Any]:
    """Newer transformers warn unless asked for an array, older ones cannot return one."""
    known = "return_numpy" in inspect.signature(convert_to_rgb).parameters
    return {"return_numpy": True} if known else {}
