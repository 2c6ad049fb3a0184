"""Describe a video stream by what its file says about it, without decoding it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["StreamInfo"]

# How FFmpeg's description of a file shows the display matrix of a stream.
_STREAM = re.compile(r"^ +Stream #0:(\d+)")
_ROTATION = re.compile(r"^ +(?i:display ?matrix): rotation of (-?[\d.]+) degrees")


@dataclass(frozen=True)
class StreamInfo:
    """Hold what a file says about its video stream.

    Attributes:
        container: FFmpeg's name of the format of the file.
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of the format of decoded pixels; None if it is not stated.
        bit_depth: bits per component of a pixel; None if it is not stated.
        width: of decoded frames, before they are rotated.
        height: of decoded frames, before they are rotated.
        rotation: degrees clockwise by which frames are turned to present them, from 0 to below 360.
            FFmpeg does not tell mirrored pictures apart: one that is mirrored left to right shows
            as 180.
        stated_fps: frames per second as the container states it; None if it does not.
        has_audio: whether the file has an audio stream.
        tags: the metadata of the file, then of the stream, (name, value): text of strangers.
    """

    container: str
    codec: str
    pixel_format: str | None
    bit_depth: int | None
    width: int
    height: int
    rotation: float
    stated_fps: float | None
    has_audio: bool
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, container: Any, stream: Any) -> StreamInfo:
        """Describe a stream of an open container; FFmpeg's log must be captured meanwhile."""
        context = stream.codec_context
        form = context.format
        return cls(
            container=container.format.name,
            codec=context.codec.canonical_name,
            pixel_format=context.pix_fmt,
            bit_depth=max((one.bits for one in form.components), default=None) if form else None,
            width=stream.width,
            height=stream.height,
            rotation=_rotation(container, stream.index),
            stated_fps=float(stream.average_rate) if stream.average_rate else None,
            has_audio=len(container.streams.audio) > 0,
            tags=(*container.metadata.items(), *stream.metadata.items()),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Return the (height, width) of frames as they are presented.

        The sample aspect ratio has no effect, as in decord. Rotations by other angles than quarter
        turns are not applied.
        """
        turned = self.rotation in (90, 270)
        return (self.width, self.height) if turned else (self.height, self.width)


def _rotation(container: Any, index: int) -> float:
    """Return the rotation of a stream, which PyAV shows only in FFmpeg's description of a file."""
    # The name of the file may contain anything, so leave it out.
    description = container.dumps_format().replace(container.name or "\0", "")
    current = None
    for line in description.split("\n"):
        if found := _STREAM.match(line):
            current = int(found[1])
        elif current == index and (found := _ROTATION.match(line)):
            return -float(found[1]) % 360
    return 0.0
