"""Read what a video file says about itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from keye_vl_rs._util.shorten import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keye_vl_rs._decoding.video_file import VideoFile

__all__ = ["FileFacts", "read_facts"]

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


def read_facts(file: VideoFile) -> FileFacts:
    """Return what a file says about itself; it is opened once more for that.

    Raises:
        MediaError: a subclass, if it cannot be opened.
    """
    with file.opened() as (container, stream):
        context = stream.codec_context
        tags = [*container.metadata.items(), *stream.metadata.items()]
        return FileFacts(
            bytes=_size(file.media),
            container=container.format.name,
            codec=context.codec.canonical_name,
            pixel_format=context.pix_fmt or "",
            tags=tuple(_shortened(islice(dict.fromkeys(tags), _MAX_TAGS))),
        )


def _size(media: object) -> int:
    if isinstance(media, str):
        return os.stat(media).st_size
    position = media.tell()  # type: ignore[attr-defined]
    try:
        return int(media.seek(0, os.SEEK_END))  # type: ignore[attr-defined]
    finally:
        media.seek(position)  # type: ignore[attr-defined]


def _shortened(tags: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((shorten(name), shorten(value)) for name, value in tags)
