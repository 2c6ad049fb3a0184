"""What the published code does to pictures: kept, and said in the log once each.

It leaves EXIF orientation aside, so that a phone's photo may lie on its side; ``keye_vl_utils``
1.5.2 drops transparency, which shows the colour below it, black as a rule; and Pillow's conversion
of 16-bit grey to RGB makes every value over 255 white.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.warn_once import say_once_about
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["exif_option", "say_habits", "without_orientation"]

# The tag, and its value for pixels that stand as they are to be shown.
_ORIENTATION = 0x0112
_UPRIGHT = 1
# Where Pillow looks for the orientation.
_ORIENTATION_KEYS = ("exif", "xmp", "XML:com.adobe.xmp")


def exif_option(ele: Mapping[str, Any]) -> bool | None:
    """Whether a part of a message wants EXIF orientation applied; None if it does not say.

    Raises:
        InvalidArgumentError: ``exif`` is neither True nor False.
    """
    exif = ele.get("exif")
    if exif is None or isinstance(exif, bool):
        return exif
    raise InvalidArgumentError(f"exif is {short_repr(exif)}: expected True or False")


def say_habits(image: Image.Image, *, drops_alpha: bool, orientation: bool = True) -> None:
    """Log what is lost of a loaded image that becomes RGB as it stands.

    Args:
        image: as it was opened.
        drops_alpha: whether its transparency is dropped, not laid over a colour.
        orientation: whether nobody has said what becomes of its orientation.
    """
    if orientation and _is_turned(image):
        say_once_about(
            "exif",
            "an image has an EXIF orientation, which is not applied, as in the published code: "
            "exif=True applies it",
        )
    if drops_alpha and (image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info):
        say_once_about(
            "transparency",
            f"an image (mode {image.mode}) is transparent: what shows is the colour below, black "
            "as a rule, as in the published code; lay it over a colour before if that is wrong",
        )
    if image.mode.startswith("I"):
        say_once_about(
            "16-bit grey",
            f"an image has grey of 16 bits or more (mode {image.mode}): values over 255 become "
            "white, as in the published code; scale it to 8 bits before if that is wrong",
        )


def without_orientation(image: Image.Image) -> Image.Image:
    """The image, which is this package's own, with nothing left that says it is turned."""
    for key in _ORIENTATION_KEYS:
        image.info.pop(key, None)
    return image


def _is_turned(image: Image.Image) -> bool:
    # A damaged block of EXIF must not cost an image that is read without it.
    try:
        return bool(image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT)
    except Exception:
        return False
