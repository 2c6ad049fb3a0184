"""Opening one image.

The sources and the conversion are those of the published ``fetch_image``, and with them its two
habits: EXIF orientation is not applied, and transparency is dropped rather than blended. (That of
Keye-VL-8B-Preview lays transparent images over white.)
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

from keye_vl_rs._parallel import map_in_threads, map_in_turn
from keye_vl_rs._sources import MediaSource, describe_source, open_bytes
from keye_vl_rs.errors import (
    EmptyMediaError,
    InvalidArgumentError,
    KeyeVLError,
    LimitError,
    UnreadableMediaError,
)
from keye_vl_rs.limits import current_limits

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ImageSource", "load_image", "map_images"]

# What Pillow hands to Ghostscript, which runs it.
_PROGRAMS = frozenset({"EPS"})

Ele = TypeVar("Ele", bound=Mapping[str, Any])
Result = TypeVar("Result")

ImageSource: TypeAlias = Union[MediaSource, "Image.Image"]
"""A path, a ``file://``, http(s) or ``data:image`` address, the bytes of a file, or an image."""


def load_image(source: ImageSource, *, on_white: bool = False) -> Image.Image:
    """Open an image and convert it to RGB, at its own size.

    Args:
        source: a path, a ``file://`` or http(s) address, ``data:image...;base64,...``, the bytes of
            an image file, or an image of Pillow's.
        on_white: lay an image in mode RGBA over white, instead of dropping its transparency.

    Raises:
        MediaNotFoundError: there is no such file.
        EmptyMediaError: the file has no bytes.
        UnreadableMediaError: it is not an image, or it is damaged.
        LimitError: it has more pixels or bytes than :class:`keye_vl_rs.Limits` allow.
        MediaError: it is a directory, or cannot be read or fetched.
        InvalidArgumentError: the source is of another type.

    """
    from PIL import Image

    if isinstance(source, Image.Image):
        _check_pixels(source, "the image")
        return _rgb(source, on_white)
    if not isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)):
        raise InvalidArgumentError(
            "an image source is a path, a file://, http(s) or data:image address, bytes or a "
            f"PIL.Image, not {type(source).__name__}"
        )
    if isinstance(source, str) and source.startswith("data:image"):
        name, source = "<data:image>", _decode_data_url(source)
    else:
        name = describe_source(source)
    with open_bytes(source) as file:
        # Pillow's plug-ins raise what they like on damaged files: SyntaxError, struct.error, ...
        try:
            with Image.open(file) as image:
                if image.format in _PROGRAMS:
                    raise UnreadableMediaError(
                        f"{name}: is a program that draws ({image.format}), not an image"
                    )
                _check_pixels(image, name)
                return _rgb(image, on_white)
        except KeyeVLError:
            raise
        except Image.DecompressionBombError as error:
            raise LimitError(
                f"{name}: {error}: more than Pillow allows; for more, set "
                "PIL.Image.MAX_IMAGE_PIXELS and limits=Limits(image_pixels=...)"
            ) from error
        except Exception as error:
            raise UnreadableMediaError(
                f"{name}: is not an image, or damaged: {type(error).__name__}: {error}"
            ) from error


def map_images(fetch: Callable[[Ele], Result], eles: Sequence[Ele]) -> list[Result]:
    """``fetch`` of every image of messages, several at a time, in order.

    As many threads as ``_core.thread_count()`` says open and resize images; each holds one original
    at a time. Of several errors the first in order is raised.
    """
    sources = [ele.get("image", ele.get("image_url")) for ele in eles]
    files = [id(file) for source in sources if (file := getattr(source, "fp", None)) is not None]
    # Images of Pillow's that read from one file do so one after the other.
    share = len(set(files)) < len(files)
    return (map_in_turn if share else map_in_threads)(fetch, eles)


def _rgb(image: Image.Image, on_white: bool) -> Image.Image:
    if on_white and image.mode == "RGBA":
        from PIL import Image

        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        return white
    converted: Image.Image = image.convert("RGB")
    return converted


def _check_pixels(image: Image.Image, name: str) -> None:
    pixels = image.width * image.height
    size = f"is of {image.width}x{image.height} pixels"
    current_limits().check("image_pixels", pixels, name, size)


def _decode_data_url(url: str) -> bytes:
    header, comma, data = url.partition("base64,")
    if not comma:
        raise InvalidArgumentError(f"{header[:40]!r}: a data:image address must be base64")
    try:
        decoded = base64.b64decode(data)
    except (binascii.Error, ValueError) as error:
        raise UnreadableMediaError(f"<data:image>: damaged base64: {error}") from error
    if not decoded:
        raise EmptyMediaError("<data:image>: the address holds no bytes")
    return decoded
