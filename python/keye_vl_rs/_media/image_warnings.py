"""Warn about what the conversion of an image to RGB loses; each warning is logged once.

The conversion is that of keye_vl_utils 1.5.2: it ignores EXIF orientation, so that a phone's photo
may lie on its side; it drops transparency, which reveals the colour underneath, usually black; and
Pillow's conversion of 16-bit grey to RGB turns every value over 255 white.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keye_vl_rs._util.validation import check_flag
from keye_vl_rs._util.warn_once import warn_once_about

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["apply_orientation", "exif_option", "warn_about_losses", "without_orientation"]

# The EXIF tag, and its value for images that need no rotation.
_ORIENTATION = 0x0112
_UPRIGHT = 1
# Where Pillow finds the orientation.
_ORIENTATION_KEYS = ("exif", "xmp", "XML:com.adobe.xmp")


def exif_option(ele: Mapping[str, Any]) -> bool | None:
    """Return whether a content part asks to apply EXIF orientation; None if it does not say.

    Raises:
        InvalidArgumentError: ``exif`` is neither True nor False.
    """
    exif = ele.get("exif")
    return None if exif is None else check_flag("exif", exif)


def apply_orientation(image: Image.Image) -> Image.Image:
    """Apply an image's EXIF orientation; return a copy without that tag.

    Errors are Pillow's.
    """
    from PIL import ImageOps

    oriented: Image.Image = ImageOps.exif_transpose(image)
    return oriented


def warn_about_losses(image: Image.Image, *, drops_alpha: bool, orientation: bool = True) -> None:
    """Warn about what an image loses by its conversion to RGB.

    Args:
        image: the image as it was opened.
        drops_alpha: whether its transparency is dropped.
        orientation: whether to warn about an ignored orientation.
    """
    if orientation and _is_turned(image):
        warn_once_about(
            "exif",
            "an image has an EXIF orientation, which is ignored, as keye_vl_utils does; pass "
            "exif=True to apply it",
        )
    if drops_alpha and (image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info):
        warn_once_about(
            "transparency",
            f"an image (mode {image.mode}) is transparent; the colour underneath shows, usually "
            "black, as in keye_vl_utils; paste it on a background first if that is wrong",
        )
    if image.mode.startswith("I"):
        warn_once_about(
            "16-bit grey",
            f"an image has grey of 16 bits or more (mode {image.mode}); values over 255 become "
            "white, as in keye_vl_utils; scale it to 8 bits first if that is wrong",
        )


def without_orientation(image: Image.Image) -> Image.Image:
    """Return the image, which this package owns, without the metadata that says it is rotated."""
    for key in _ORIENTATION_KEYS:
        image.info.pop(key, None)
    return image


def _is_turned(image: Image.Image) -> bool:
    # Damaged EXIF data must not fail an image that is read without them.
    try:
        return bool(image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT)
    except Exception:
        return False
