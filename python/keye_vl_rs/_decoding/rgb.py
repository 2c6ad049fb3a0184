"""Convert decoded frames to RGB, with decord's bytes wherever possible.

decord 0.6 converts with FFmpeg 4.1. Later releases can be made to return the same bytes for nearly
all videos: for 8-bit 4:2:0, and for 4:2:2, 4:4:4, grey and RGB of any bit depth. Frames of 8-bit
4:2:0 with an even width and an odd height first get the chroma lines that 4.1 used. Other formats
cannot be reproduced: 4:2:0 with more bits (such as HEVC Main 10), or with an odd width and height,
and rare formats. FFmpeg converts these at its best quality; the result is closer to the picture
than decord's, but has other bytes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.frame_filter import FrameFilter
from keye_vl_rs.errors import DecodeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RgbConverter"]

logger = logging.getLogger(__name__)

# 8-bit 4:2:0 formats; and, for those without alpha, the format with as many chroma as luma lines.
_EXACT_420 = ("yuv420p", "yuvj420p", "yuva420p")
_FULL_HEIGHT_CHROMA = {"yuv420p": "yuv422p", "yuvj420p": "yuvj422p"}


class RgbConverter:
    """Convert the frames of one video to RGB.

    The first frame determines size and orientation; later frames of other sizes are scaled to it.
    """

    def __init__(self, name: str) -> None:
        """Take the name of the video in messages."""
        from av.video.reformatter import VideoReformatter

        self._name = name
        self._size: tuple[int, int] | None = None
        self._orientation = (False, False, False)
        self._reformatter = VideoReformatter()
        # FFmpeg 8 converts each field of interlaced frames with that field's chroma lines; 4.1
        # never did.
        self._progressive = FrameFilter("setfield", "prog")

    def convert(self, frame: Any) -> NDArray[np.uint8]:
        """Return the frame as presented, uint8 (H, W, 3).

        The array is a view of memory that lives as long as the array.

        Raises:
            DecodeError: FFmpeg cannot convert the frame's pixel format.
        """
        import av
        from av.video.reformatter import Interpolation

        if self._size is None:
            self._size = (frame.width, frame.height)
            self._orientation = _orientation(frame, self._name)
        width, height = self._size
        try:
            flags = int(Interpolation.BICUBIC)
            if (frame.width, frame.height) == self._size:
                frame, flags = _prepare_chroma(frame)
            if frame.interlaced_frame:
                frame = self._progressive.apply(frame)
            # By default a conversion would use a thread per core.
            rgb = self._reformatter.reformat(
                frame, width, height, "rgb24", interpolation=flags, threads=1
            )
        except (av.FFmpegError, ValueError) as error:
            raise DecodeError(
                f"{self._name}: cannot convert {frame.format.name} frames to RGB: {error}"
            ) from error
        pixels = _plane(rgb.planes[0])[:height, : width * 3].reshape(height, width, 3)
        transposed, mirrored, upside_down = self._orientation
        if transposed:
            pixels = pixels.transpose(1, 0, 2)
        return pixels[:: -1 if upside_down else 1, :: -1 if mirrored else 1]


def _orientation(frame: Any, name: str) -> tuple[bool, bool, bool]:
    """Return how a frame is presented: whether it is transposed, then mirrored, then upside down.

    Its display matrix maps a pixel (x, y) to (a x + c y, b x + d y), with a, b, c, d at 0, 1, 3, 4
    (ISO/IEC 14496-12 6.2.2). Matrices that do not map rows to rows or columns are ignored.
    """
    import av
    import numpy as np
    from av.sidedata.sidedata import Type

    try:
        found = frame.side_data
    except ValueError:
        # PyAV 18 does not know all of FFmpeg's types, such as EXIF. From the orientation in EXIF,
        # FFmpeg makes a display matrix, which decord's FFmpeg did not; its rotation can be read.
        if frame.rotation:
            logger.warning(
                "%s: its frames have EXIF or other data that PyAV cannot read; the rotation by %d "
                "degrees that goes with them is not applied",
                *(name, frame.rotation),
            )
        return False, False, False
    matrix = found.get(Type.DISPLAYMATRIX)
    numbers = None if matrix is None else np.frombuffer(matrix, np.int32).tolist()
    # PyAV's side data and their frame refer to each other, so only the garbage collector would free
    # the frame; replace them by those of a frame without pixels.
    type(found).__init__(found, av.VideoFrame())
    if numbers is None:
        return False, False, False
    a, b, _, c, d, *_ = numbers
    if a and d and not b and not c:
        return False, a < 0, d < 0
    if b and c and not a and not d:
        return True, c < 0, b < 0
    return False, False, False


def _plane(plane: Any) -> np.ndarray:
    """Return a view of a plane of bytes, as lines with their padding."""
    import numpy as np

    lines: np.ndarray = np.frombuffer(plane, "u1")
    return lines.reshape(-1, plane.line_size)


def _prepare_chroma(frame: Any) -> tuple[Any, int]:
    """Return the frame and the flags for decord's bytes, or else the flags for the best quality."""
    from av.video.reformatter import Interpolation

    # FFmpeg 4.1 repeated half-width chroma across an even width. Later releases do so with
    # BILINEAR, unless the file states its chroma location.
    flags = int(Interpolation.BILINEAR if frame.width % 2 else Interpolation.POINT)
    form = frame.format
    full_height, half_width = form.chroma_height(2) == 2, form.chroma_width(4) >= 2
    if (full_height and half_width) or (form.name in _EXACT_420 and not frame.height % 2):
        return frame, flags
    if form.name in _FULL_HEIGHT_CHROMA and not frame.width % 2:
        return _widen_chroma(frame), flags
    best = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
    return frame, int(best)


def _widen_chroma(frame: Any) -> Any:
    """Convert 4:2:0 to 4:2:2 with the chroma lines that the scaler of FFmpeg 4.1 would use.

    That scaler spreads the chroma lines evenly over the height. A line beyond the midpoint between
    two chroma lines gets their mean, any other line gets the upper one.
    """
    import av

    wide = av.VideoFrame(frame.width, frame.height, _FULL_HEIGHT_CHROMA[frame.format.name])
    wide.colorspace, wide.color_range = frame.colorspace, frame.color_range
    upper, lower = _chroma_lines(frame.planes[1].height, frame.height)
    for index, (source, target) in enumerate(zip(frame.planes, wide.planes, strict=True)):
        lines = _plane(source)[: source.height, : source.width]
        if index:
            lines = (lines[upper].astype("u2") + lines[lower] + 1) >> 1
        _plane(target)[: target.height, : target.width] = lines
    return wide


def _chroma_lines(count: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the two of ``count`` chroma lines to average for each of ``height`` lines."""
    import numpy as np

    # Positions are multiples of 2**-17 of a line, from a step that FFmpeg rounds to 2**-16.
    step = ((count << 16) + height // 2) // height
    position = step - (1 << 16) + 2 * step * np.arange(height, dtype=np.int64)
    upper = position >> 17
    beyond = (position & ((1 << 17) - 1)) / (1 << 17)
    # FFmpeg drops weights of at most 0.002, and rounds the others to 12 bits.
    alone = beyond >= 1 - 0.002
    lower = upper + (alone | (beyond * 4096 > 2047.5))
    upper = upper + alone
    # At the end, the two lines are the last two, whatever their weights.
    past = upper >= count - 1
    return (
        np.where(past, count - 2, upper).clip(0),
        np.where(past, count - 1, lower).clip(0),
    )
