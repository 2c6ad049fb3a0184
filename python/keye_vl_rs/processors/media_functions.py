"""Hold the functions and constants with which processors read the media of conversations.

This is the one place where a lower module calls back into a higher one. Programs and servers
replace functions and constants of :mod:`keye_vl_rs.vision_process`, as they do in
``keye_vl_utils``, and ``apply_chat_template`` must use the replacements. So that module registers
here what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._sampling.rules import VideoRules

__all__ = ["MediaFunctions", "media_functions", "register_media_functions"]


@dataclass(frozen=True)
class MediaFunctions:
    """Hold the current functions and constants that read media.

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


_get: list[Callable[[], MediaFunctions]] = []


def register_media_functions(get: Callable[[], MediaFunctions]) -> None:
    """Register the function that :func:`media_functions` calls each time."""
    _get[:] = [get]


def media_functions() -> MediaFunctions:
    """Return the current functions and constants."""
    return _get[0]()
