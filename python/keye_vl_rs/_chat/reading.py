"""The functions that read the media of conversations for Keye-VL-1.5.

Programs and servers replace functions and constants of :mod:`keye_vl_rs.vision_process`, as they do
in ``keye_vl_utils``; a processor that loads the media of a conversation is to obey that. It knows
nothing of that module, which says here what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Readers", "readers", "set_readers"]


@dataclass(frozen=True)
class Readers:
    """What reads media.

    Attributes:
        fetch_images: opens and resizes images, as ``keye_vl_rs.vision_process.fetch_images``.
        fetch_video: samples a video, as :func:`keye_vl_rs.fetch_video`.
        fps: frames per second to sample where a video does not say it.
        are_replaced: whether the program has replaced a function that reads videos.
    """

    fetch_images: Callable[..., list[Any]]
    fetch_video: Callable[[dict[str, Any]], tuple[Any, dict[str, Any]]]
    fps: float
    are_replaced: bool


_get: list[Callable[[], Readers]] = []


def set_readers(get: Callable[[], Readers]) -> None:
    """Have :func:`readers` call ``get``, each time."""
    _get[:] = [get]


def readers() -> Readers:
    """Return what reads media now."""
    return _get[0]()
