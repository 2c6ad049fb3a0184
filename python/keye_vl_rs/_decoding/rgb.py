"""Decoded frames into RGB, with the bytes that decord gives wherever they can be had.

decord 0.6 converts with FFmpeg 4.1. Later releases can be told to give the same bytes for nearly
all videos: 4:2:0 with 8 bits, and 4:2:2, 4:4:4, grey and RGB with any number of them. Frames with
8-bit 4:2:0, an even width and an odd height first get the lines of chroma that 4.1 used. For the
rest there is no such way: 4:2:0 with more bits (HEVC Main 10, say) or with both sides odd, and rare
formats. Those go through FFmpeg's converter at its best, and come out nearer to the picture than
from decord, but with other bytes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from keye_vl_rs.errors import DecodeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RgbConverter"]

# 8 bits and 4:2:0; of those without alpha, the format with a line of chroma for every line.
_EXACT_420 = ("yuv420p", "yuvj420p", "yuva420p")
_FULL_HEIGHT_CHROMA = {"yuv420p": "yuv422p", "yuvj420p": "yuvj422p"}


class RgbConverter:
    """Converts the frames of one video to RGB.

    The first frame fixes the size and the orientation; a later one of another size is scaled to it.
    """

    def __init__(self, name: str) -> None:
        """Errors call the video ``name``."""
        from av.video.reformatter import VideoReformatter

        self._name = name
        self._size: tuple[int, int] | None = None
        self._orientation = (False, False, False)
        self._reformatter = VideoReformatter()
        self._progressive = _Progressive()

    def convert(self, frame: Any) -> NDArray[np.uint8]:
        """Return the frame as presented, (H, W, 3), a view that lives as long as the result.

        Raises:
            DecodeError: FFmpeg cannot convert the frame's pixel format.
        """
        import av
        from av.video.reformatter import Interpolation

        if self._size is None:
            self._size = (frame.width, frame.height)
            self._orientation = _orientation(frame)
        width, height = self._size
        try:
            flags = int(Interpolation.BICUBIC)
            if (frame.width, frame.height) == self._size:
                frame, flags = _prepare_chroma(frame)
            if frame.interlaced_frame:
                frame = self._progressive.mark(frame)
            # Of itself a conversion would take a thread per core.
            rgb = self._reformatter.reformat(
                frame, width, height, "rgb24", interpolation=flags, threads=1
            )
        except (av.FFmpegError, ValueError) as error:
            raise DecodeError(
                f"{self._name}: {frame.format.name} frames cannot be converted to RGB: {error}"
            ) from error
        pixels = _plane(rgb.planes[0])[:height, : width * 3].reshape(height, width, 3)
        transposed, mirrored, upside_down = self._orientation
        if transposed:
            pixels = pixels.transpose(1, 0, 2)
        return pixels[:: -1 if upside_down else 1, :: -1 if mirrored else 1]


def _orientation(frame: Any) -> tuple[bool, bool, bool]:
    """Return how a frame is presented: transposed first, then mirrored, then upside down.

    Its display matrix maps a pixel (x, y) to (a x + c y, b x + d y), with a, b, c, d at 0, 1, 3, 4
    (ISO/IEC 14496-12 6.2.2). One that does not map rows to rows or columns is not applied.
    """
    import av
    import numpy as np
    from av.sidedata.sidedata import Type

    found = frame.side_data
    matrix = found.get(Type.DISPLAYMATRIX)
    numbers = None if matrix is None else np.frombuffer(matrix, np.int32).tolist()
    # PyAV's side data and their frame refer to each other, which would leave the frame to the
    # garbage collector; those of a frame without pixels take their place.
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
    """View a plane of bytes as its lines, padding included."""
    import numpy as np

    lines: np.ndarray = np.frombuffer(plane, "u1")
    return lines.reshape(-1, plane.line_size)


def _prepare_chroma(frame: Any) -> tuple[Any, int]:
    """The frame, and the flags, with which FFmpeg gives decord's bytes; else the best flags."""
    from av.video.reformatter import Interpolation

    # Where chroma is half as wide, 4.1 repeated it across an even width. With BILINEAR later
    # releases do so as well, unless the file says where its chroma lies.
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
    """Turn 4:2:0 into 4:2:2 with the chroma lines that the scaler of FFmpeg 4.1 would use.

    It spreads the chroma lines evenly over the height; where a line's place falls in the further
    half of the way between two of them it takes their mean, and otherwise the upper one.
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
    """Choose the two of ``count`` chroma lines whose mean each of ``height`` lines shows."""
    import numpy as np

    # Places are in steps of 2**-17 of a line, from a step that FFmpeg rounds to 2**-16.
    step = ((count << 16) + height // 2) // height
    place = step - (1 << 16) + 2 * step * np.arange(height, dtype=np.int64)
    upper = place >> 17
    beyond = (place & ((1 << 17) - 1)) / (1 << 17)
    # A weight of at most 0.002 is dropped; the others are rounded to 12 bits.
    alone = beyond >= 1 - 0.002
    lower = upper + (alone | (beyond * 4096 > 2047.5))
    upper = upper + alone
    # At the end the two lines are the last two, whatever their weights.
    past = upper >= count - 1
    return (
        np.where(past, count - 2, upper).clip(0),
        np.where(past, count - 1, lower).clip(0),
    )


class _Progressive:
    """Takes the interlaced mark off frames, leaving their pixels.

    With it, FFmpeg 8 converts each field with the field's own chroma lines; 4.1 never did.
    """

    def __init__(self) -> None:
        self._graph: Any = None
        self._layout: tuple[int, int, str] | None = None

    def mark(self, frame: Any) -> Any:
        """Return the frame marked as progressive."""
        layout = (frame.width, frame.height, frame.format.name)
        if layout != self._layout:
            self._graph, self._layout = self._build(frame), layout
        self._graph.push(frame)
        return self._graph.pull()

    @staticmethod
    def _build(frame: Any) -> Any:
        import av

        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or Fraction(1, 1000),
        )
        mark = graph.add("setfield", "prog")
        sink = graph.add("buffersink")
        source.link_to(mark)
        mark.link_to(sink)
        graph.configure()
        return graph
