"""Opening a container, and the packets of its video stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from keye_vl_rs._decoding.streams import choose_video
from keye_vl_rs._media.deadline import InterruptionError, Watch
from keye_vl_rs._media.kinds import head_of, is_found_inside, text_hint
from keye_vl_rs.errors import DecodeError, KeyeVLError, NoVideoStreamError, UnreadableMediaError

if TYPE_CHECKING:
    from keye_vl_rs.limits import Limits

__all__ = ["demux", "open_video", "reason"]

# FFmpeg shows a text file, known by its suffix, as a video of a terminal.
_TEXT_FORMATS = frozenset({"adf", "bin", "idf", "tty", "xbin"})
# Files that name others, or addresses, which FFmpeg would then read: a stranger's file is to show
# nothing but itself. (Devices are never found by a file's content.)
_LEADING_ELSEWHERE = frozenset(
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
# What FFmpeg can be told.
_MOST_PIXELS = 2**31
_AROUND = 1 << 16


@contextmanager
def open_video(
    media: str | IO[bytes], name: str, watch: Watch, limits: Limits
) -> Iterator[tuple[Any, Any]]:
    """Open a file at its start and give its container and its best video stream.

    A file that only leads to others (a playlist, a session description) is not opened.

    Args:
        media: a path, or an open file.
        name: what errors call it.
        watch: checked at each read of an open file.
        limits: those of frames' pixels.

    Raises:
        UnreadableMediaError: it is not a video, or damaged beyond opening.
        LimitError: its frames have more pixels than ``limits`` allow.
        NoVideoStreamError: it holds no video stream.
    """
    try:
        with _opened(media, name, watch, limits) as opened:
            yield opened
    except InterruptionError as interruption:
        raise interruption.raised from None


@contextmanager
def _opened(
    media: str | IO[bytes], name: str, watch: Watch, limits: Limits
) -> Iterator[tuple[Any, Any]]:
    # Before FFmpeg stands anywhere in it.
    head = head_of(media)
    with _open(media, name, watch, head) as container:
        if container.format.name in _TEXT_FORMATS:
            raise UnreadableMediaError(f"{name}: is a text, not a video")
        if is_found_inside(container.format.name, head):
            kind = text_hint(head) or (
                f"not a video: FFmpeg finds {container.format.name} inside of it, but it begins "
                "otherwise"
            )
            raise UnreadableMediaError(f"{name}: is {kind}")
        stream = choose_video(container)
        if stream is None:
            raise NoVideoStreamError(f"{name}: holds no video stream")
        if stream.codec_context is None:
            raise UnreadableMediaError(f"{name}: FFmpeg has no decoder for its video")
        size = f"has frames of {stream.width}x{stream.height} pixels"
        limits.check("frame_pixels", stream.width * stream.height, name, size)
        # For frames that turn out larger than the file says. Decoders count with what they add on
        # each side, to whole blocks.
        most = 2 * limits.frame_pixels + _AROUND
        if most < _MOST_PIXELS:
            stream.codec_context.options = {"max_pixels": str(int(most))}
        try:
            yield container, stream
        finally:
            # Freeing a decoder waits for its threads with the GIL held, for which they would wait
            # in turn if they logged; this waits for them without it.
            stream.codec_context.flush_buffers()


def _open(media: str | IO[bytes], name: str, watch: Watch, head: bytes) -> Any:
    import av

    # Without its protocol, a file whose name has a colon would be taken for an address.
    file: Any = f"file:{media}" if isinstance(media, str) else watch.reading(media)
    if not isinstance(media, str):
        media.seek(0)
    try:
        return av.open(file, metadata_errors="replace", options=_own_formats())
    except KeyeVLError:
        raise
    # FFmpeg's errors repeat the whole path: none is chained.
    except (av.FFmpegError, ValueError) as error:
        # What FFmpeg says of a format that it was told not to open, among other things.
        leads = "leads to other files, or is " if isinstance(error, av.ArgumentError) else ""
        kind = text_hint(head) or f"not a video, or {leads}damaged: {reason(error)}"
        raise UnreadableMediaError(f"{name}: is {kind}") from None


def demux(container: Any, stream: Any, name: str, watch: Watch) -> Iterator[Any]:
    """The packets of a stream that hold data, from where the container stands to its end.

    Raises:
        DecodeError: reading fails.
        MediaTimeoutError, CancelledError: as ``watch`` says, which is asked before each.
    """
    import av

    try:
        for packet in container.demux(stream):
            watch.check()
            if packet.size:
                yield packet
    except KeyeVLError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise DecodeError(f"{name}: reading failed: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What FFmpeg says of an error."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")


@cache
def _own_formats() -> dict[str, str]:
    """Every format of this FFmpeg whose files hold what they show."""
    import av

    names = (name for name in av.formats_available if "," not in name)
    return {"format_whitelist": ",".join(sorted(set(names) - _LEADING_ELSEWHERE))}
