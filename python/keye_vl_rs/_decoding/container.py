"""Open containers, and read the packets of their video stream."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from keye_vl_rs._decoding.streams import choose_video
from keye_vl_rs._media.deadline import Deadline, InterruptionError
from keye_vl_rs._media.kinds import head_of, is_found_inside, text_hint
from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import DecodeError, KeyeVLError, NoVideoStreamError, UnreadableMediaError

if TYPE_CHECKING:
    from keye_vl_rs.limits import Limits

__all__ = ["demux", "open_video", "reason"]

logger = logging.getLogger(__name__)

# FFmpeg renders text files, which it recognises by their suffix, as videos of a terminal.
_TEXT_FORMATS = frozenset({"adf", "bin", "idf", "tty", "xbin"})
# Formats whose files refer to other files or addresses, which FFmpeg would then read. An untrusted
# file must show nothing but its own content. (Devices are never detected by content.)
_REFERENCING_FORMATS = frozenset(
    {
        "avisynth",
        "concat",
        "dash",
        "dvdvideo",
        "hls",
        "image2",
        "imf",
        "rtp",
        "rtsp",
        "sap",
        "sdp",
        "vapoursynth",
        "vobsub",
        "webm_dash_manifest",
    }
)
# How FFmpeg names the formats of single images, such as png_pipe.
_IMAGE_SUFFIX = "_pipe"
# The largest value of FFmpeg's max_pixels, and what decoders add to it for padding.
_MAX_PIXELS = 2**31
_PADDING_PIXELS = 1 << 16


@contextmanager
def open_video(
    media: str | IO[bytes], name: str, deadline: Deadline, limits: Limits
) -> Iterator[tuple[Any, Any]]:
    """Open a file at its start and yield its container and its best video stream.

    A file that only refers to others (a playlist, a session description) is not opened.

    Args:
        media: a path, or an open file.
        name: the name of the video in messages.
        deadline: checked at each read of an open file.
        limits: of which ``frame_pixels`` is checked.

    Raises:
        UnreadableMediaError: the file is not a video, or is damaged beyond opening.
        LimitError: frames have more pixels than ``limits`` allow.
        NoVideoStreamError: the file has no video stream.
    """
    try:
        with _opened(media, name, deadline, limits) as opened:
            yield opened
    except InterruptionError as interruption:
        raise interruption.raised from None


@contextmanager
def _opened(
    media: str | IO[bytes], name: str, deadline: Deadline, limits: Limits
) -> Iterator[tuple[Any, Any]]:
    # Read before FFmpeg moves the file position.
    head = head_of(media)
    with _open(media, name, deadline, head) as container:
        if container.format.name in _TEXT_FORMATS:
            raise UnreadableMediaError(f"{name} is a text file, not a video")
        if container.format.name.endswith(_IMAGE_SUFFIX):
            warn_once(
                logger,
                f"{name} is an image, and is read as a video; to read it as an image, use "
                "fetch_image or KeyeVL1_5ImageProcessor",
            )
        if is_found_inside(container.format.name, head):
            kind = text_hint(head) or (
                f"not a video: FFmpeg finds {container.format.name} data inside it, but it starts "
                "with something else"
            )
            raise UnreadableMediaError(f"{name} is {kind}")
        stream = choose_video(container)
        if stream is None:
            raise NoVideoStreamError(f"{name} has no video stream")
        if stream.codec_context is None:
            raise UnreadableMediaError(f"{name}: FFmpeg has no decoder for its video stream")
        size = f"a frame of {stream.width}x{stream.height} pixels"
        limits.check("frame_pixels", stream.width * stream.height, name, size)
        # Also guard against frames that turn out larger than the header says. Decoders include the
        # padding to whole blocks in their count.
        max_pixels = 2 * limits.frame_pixels + _PADDING_PIXELS
        if max_pixels < _MAX_PIXELS:
            stream.codec_context.options = {"max_pixels": str(int(max_pixels))}
        try:
            yield container, stream
        finally:
            # Freeing a decoder joins its threads while holding the GIL, which deadlocks if they are
            # waiting for the GIL to log. Flushing joins them without holding it.
            stream.codec_context.flush_buffers()


def _open(media: str | IO[bytes], name: str, deadline: Deadline, head: bytes) -> Any:
    import av

    # Without the "file:" protocol, FFmpeg takes a name with a colon for an address.
    file: Any = f"file:{media}" if isinstance(media, str) else deadline.reading(media)
    if not isinstance(media, str):
        media.seek(0)
    try:
        return av.open(file, metadata_errors="replace", options=_self_contained_formats())
    except KeyeVLError:
        raise
    # FFmpeg's errors repeat the whole path, so they are not chained.
    except (av.FFmpegError, ValueError) as error:
        # FFmpeg raises ArgumentError for formats outside the allow-list, among other things.
        refers = "refers to other files, or " if isinstance(error, av.ArgumentError) else ""
        kind = text_hint(head) or f"not a video, or {refers}is damaged (FFmpeg: {reason(error)})"
        raise UnreadableMediaError(f"{name} is {kind}") from None


def demux(container: Any, stream: Any, name: str, deadline: Deadline) -> Iterator[Any]:
    """Yield the non-empty packets of a stream, from the container's position to its end.

    Raises:
        DecodeError: reading fails.
        MediaTimeoutError, CancelledError: the deadline passed, or the call was cancelled; checked
            before each packet.
    """
    import av

    try:
        for packet in container.demux(stream):
            deadline.check()
            if packet.size:
                yield packet
    except KeyeVLError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise DecodeError(f"{name}: reading failed: {reason(error)}") from error
    except IndexError as error:
        # PyAV lists the streams when it opens a file.
        raise DecodeError(f"{name}: reading failed: a stream begins midway") from error


def reason(error: Exception) -> str:
    """Return FFmpeg's description of an error."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")


@cache
def _self_contained_formats() -> dict[str, str]:
    """Return an allow-list of the formats whose files do not refer to others."""
    import av

    names = (name for name in av.formats_available if "," not in name)
    return {"format_whitelist": ",".join(sorted(set(names) - _REFERENCING_FORMATS))}
