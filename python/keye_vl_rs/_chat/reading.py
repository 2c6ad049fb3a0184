"""The functions that read the media of conversations for Keye-VL-1.5.

As in ``keye_vl_utils``, programs and servers replace functions and constants of
:mod:`keye_vl_rs.vision_process`, and a processor that loads the media of a conversation must use
the replacements. Processors do not import that module; it registers its functions here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._sampling.rules import VideoRules

__all__ = ["Readers", "readers", "set_readers"]


@dataclass(frozen=True)
class Readers:
    """The current functions and constants that read media.

    Attributes:
        fetch_image: opens and resizes an image, as :func:`keye_vl_rs.fetch_image`.
        fetch_video: samples a video, as :func:`keye_vl_rs.fetch_video`.
        rules: the numbers that apply where a video says nothing.
        are_replaced: whether the program has replaced a function that reads videos.
    """

    fetch_image: Callable[[dict[str, Any]], Any]
    fetch_video: Callable[[dict[str, Any]], tuple[Any, dict[str, Any]]]
    rules: VideoRules
    are_replaced: bool


_get: list[Callable[[], Readers]] = []


def set_readers(get: Callable[[], Readers]) -> None:
    """Register the function that :func:`readers` calls each time."""
    _get[:] = [get]


def readers() -> Readers:
    """Return the current readers."""
    return _get[0]()
