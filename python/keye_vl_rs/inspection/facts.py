"""Collect what a video file says about itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING

from keye_vl_rs._util.shorten import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keye_vl_rs._decoding.stream_info import StreamInfo

__all__ = ["FileFacts", "file_facts"]

# A file may hold any number of tags.
_MAX_TAGS = 24


@dataclass(frozen=True)
class FileFacts:
    """Hold what a video file says about itself.

    Attributes:
        bytes: size of the file.
        container: FFmpeg's name of the container format.
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of the pixel format; empty if it is unknown.
        tags: the container's and the stream's metadata, (name, value), as the file states them:
            text of strangers. Long values are shortened, and only the first 24 are kept.
    """

    bytes: int
    container: str
    codec: str
    pixel_format: str
    tags: tuple[tuple[str, str], ...] = ()


def file_facts(stream: StreamInfo, media: str | IO[bytes]) -> FileFacts:
    """Return what a file says about itself.

    Args:
        stream: its video stream.
        media: the path of the file, or the file itself.
    """
    return FileFacts(
        bytes=_size(media),
        container=stream.container,
        codec=stream.codec,
        pixel_format=stream.pixel_format or "",
        tags=tuple(_shortened(islice(dict.fromkeys(stream.tags), _MAX_TAGS))),
    )


def _size(media: str | IO[bytes]) -> int:
    if isinstance(media, str):
        return os.stat(media).st_size
    position = media.tell()
    try:
        return media.seek(0, os.SEEK_END)
    finally:
        media.seek(position)


def _shortened(tags: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((shorten(name), shorten(value)) for name, value in tags)
