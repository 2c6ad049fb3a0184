"""Open one image.

Sources and conversion are those of keye_vl_utils 1.5.2's ``fetch_image``, with two of its
properties: EXIF orientation is not applied, and transparency is dropped instead of blended.
(Keye-VL-8B-Preview pastes transparent images on white.)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._media.encoded_sources import is_encoded
from keye_vl_rs._media.file_objects import is_file_object
from keye_vl_rs._media.image_warnings import (
    apply_orientation,
    warn_about_losses,
    without_orientation,
)
from keye_vl_rs._media.kinds import head_of, image_hint
from keye_vl_rs._media.sources import MediaSource, describe_source, open_bytes
from keye_vl_rs._util.shorten import shorten
from keye_vl_rs._util.threads import map_in_threads, map_in_turn
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    KeyeVLError,
    LimitError,
    UnreadableMediaError,
    naming,
)
from keye_vl_rs.limits import current_limits

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ImageSource", "image_name", "load_image", "map_images", "pillow_errors", "reason_of"]

# Formats that Pillow passes to Ghostscript, which executes them.
_PROGRAMS = frozenset({"EPS"})

Ele = TypeVar("Ele", bound=Mapping[str, Any])
Result = TypeVar("Result")

ImageSource: TypeAlias = Union[MediaSource, "Image.Image"]
"""The sources of :func:`load_image`, besides arrays and tensors."""


def load_image(
    source: ImageSource, *, on_white: bool = False, exif: bool | None = None
) -> Image.Image:
    """Open an image and convert it to RGB, at its original size.

    Args:
        source: a path, a ``file://``, http(s) or ``data:...;base64,`` address, base64, a dictionary
            ``{"base64": ...}``, the bytes of an image file, a binary file object, a uint8 array or
            tensor (3, H, W) or (H, W, 3), or a :class:`PIL.Image.Image`.
        on_white: whether to paste an image in mode RGBA on white, instead of dropping its
            transparency.
        exif: whether to apply the EXIF orientation, before anything else. keye_vl_utils does not,
            and neither do False and None; False also removes the orientation, so that later steps
            do not apply it.

    Raises:
        MediaNotFoundError: the file does not exist.
        EmptyMediaError: the file has no bytes.
        UnreadableMediaError: the file is not an image, or is damaged.
        LimitError: the image has more pixels or bytes than :class:`keye_vl_rs.Limits` allow.
        MediaError: the source is a directory, or cannot be read or fetched.
        InvalidArgumentError: the source has an unsupported type.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        _check_pixels(source, "the image")
        with pillow_errors():
            return _rgb(source, on_white, exif)
    if _is_array(source):
        return _from_array(source)
    if not _is_media_source(source):
        raise InvalidArgumentError(
            "an image source must be a path, a file://, http(s) or data: address, base64, bytes, "
            f"a binary file object, a uint8 array or a PIL.Image, not {type(source).__name__}"
        )
    name = describe_source(source)
    with open_bytes(source) as file:
        head = head_of(file)
        # Pillow's plug-ins raise all kinds of exceptions on damaged files: SyntaxError,
        # struct.error, ...
        try:
            with Image.open(file) as image:
                if image.format in _PROGRAMS:
                    raise UnreadableMediaError(
                        f"{name} is a program that draws ({image.format}), not an image"
                    )
                _check_pixels(image, name)
                return _rgb(image, on_white, exif)
        except (KeyeVLError, MemoryError):
            raise
        except Image.DecompressionBombError as error:
            raise LimitError(
                f"{name} exceeds Pillow's limit: {str(error).rstrip('.')}; to raise it, set "
                "PIL.Image.MAX_IMAGE_PIXELS, and KEYE_VL_RS_MAX_IMAGE_PIXELS or "
                "limits=Limits(image_pixels=...)"
            ) from error
        except Exception as error:
            kind = image_hint(head)
            if kind is not None:
                raise UnreadableMediaError(f"{name} is {kind}") from None
            raise UnreadableMediaError(
                f"{name} is not an image, or is damaged: {reason_of(error)}"
            ) from None


def map_images(
    fetch: Callable[[Ele], Result], eles: Sequence[Ele], names: Sequence[str]
) -> list[Result]:
    """Call ``fetch`` for every image of messages, in threads, and return the results in order.

    ``_core.thread_count()`` threads open and resize images; each holds one original at a time. If
    several fail, the first error in order is raised.

    Args:
        fetch: opens an image.
        eles: parts of messages in the plain form: each has its source under ``image``.
        names: the name of each image, which starts its errors.
    """
    sources = [ele["image"] for ele in eles]
    files = [id(file) for source in sources if (file := _file_of(source)) is not None]
    # Images that share a file are read one after the other.
    share = len(set(files)) < len(files)

    def fetch_named(task: tuple[str, Ele]) -> Result:
        name, ele = task
        # The call may have been cancelled since the first of many images.
        Deadline(name).check()
        with naming(name):
            return fetch(ele)

    tasks = list(zip(names, eles, strict=True))
    return (map_in_turn if share else map_in_threads)(fetch_named, tasks)


def _file_of(source: object) -> object | None:
    """Return the file whose position changes while the image is loaded, if any."""
    return source if is_file_object(source) else getattr(source, "fp", None)


def image_name(source: object) -> str:
    """Return the name of an image source of any kind for messages."""
    return describe_source(source) if _is_media_source(source) else "the image"  # type: ignore[arg-type]


@contextmanager
def pillow_errors() -> Iterator[None]:
    """Turn Pillow's errors for a PIL.Image that is closed or damaged into UnreadableMediaError.

    Pillow raises ValueError for a closed image, and any exception for a damaged one, whose pixels
    it reads only when they are needed.
    """
    try:
        yield
    except (KeyeVLError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableMediaError(
            f"the PIL.Image is closed or damaged: {reason_of(error)}; pass one that is open"
        ) from None


def reason_of(error: Exception) -> str:
    """Return Pillow's error with its type, which is all that some of its errors say."""
    if type(error).__name__ == "UnidentifiedImageError":
        # Its message has no more than the address of the open file.
        return "Pillow does not recognise its format"
    return shorten(f"{type(error).__name__}: {error}")


def _is_media_source(source: object) -> bool:
    kinds = (str, os.PathLike, bytes, bytearray, memoryview)
    return isinstance(source, kinds) or is_encoded(source) or is_file_object(source)


def _is_array(source: object) -> bool:
    return hasattr(source, "__array__") and hasattr(source, "ndim")


def _from_array(source: Any) -> Image.Image:
    """Return an image of an array (3, H, W) or (H, W, 3); the former if it could be either."""
    import numpy as np
    from PIL import Image

    array = np.asarray(source.detach().cpu() if hasattr(source, "detach") else source)
    if array.ndim != 3 or 3 not in (array.shape[0], array.shape[2]) or not array.size:
        raise FramesShapeError(
            f"the image array has shape {array.shape}: expected (3, H, W) or (H, W, 3)"
        )
    if array.dtype != np.uint8:
        raise FramesDtypeError(f"the image array has dtype {array.dtype}: expected uint8")
    current_limits().check(
        "image_pixels", array.size // 3, "the image", f"an array of shape {array.shape}"
    )
    if array.shape[0] == 3:
        array = array.transpose(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(array))


def _rgb(image: Image.Image, on_white: bool, exif: bool | None) -> Image.Image:
    if exif:
        image = apply_orientation(image)
    converted = _converted(image, on_white)
    # No warning about an orientation that the caller has decided on.
    warn_about_losses(
        image, drops_alpha=not (on_white and image.mode == "RGBA"), orientation=exif is None
    )
    return converted if exif is None else without_orientation(converted)


def _converted(image: Image.Image, on_white: bool) -> Image.Image:
    if on_white and image.mode == "RGBA":
        from PIL import Image

        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        return white
    converted: Image.Image = image.convert("RGB")
    return converted


def _check_pixels(image: Image.Image, name: str) -> None:
    pixels = image.width * image.height
    size = f"an image of {image.width}x{image.height} pixels"
    current_limits().check("image_pixels", pixels, name, size)
