"""Select one of several video streams: the one that decord reads.

decord 0.6 asks FFmpeg 4.1 for the best stream (``av_find_best_stream``), which prefers, in this
order: streams that are not marked as being for visually or hearing impaired people; streams with
five frames or more in the part that FFmpeg probes; the highest bit rate; the most frames in the
probed part; the first stream. Later releases of FFmpeg first prefer the stream that the file marks
as the default; without these marks they choose as 4.1 did. Where decord can decode none of the
streams, the one with the largest picture is read, and of several, the first with more than one
frame.
"""

from __future__ import annotations

from typing import Any

__all__ = ["choose_video"]

# Codecs that decord's FFmpeg cannot decode, by FFmpeg's names.
_UNKNOWN_TO_DECORD = frozenset({"apv", "av1", "evc", "lcevc", "vvc"})


def choose_video(container: Any) -> Any:
    """Return the video stream to read, or None. Cover pictures do not count as videos."""
    from av.stream import Disposition

    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    videos = [one for one in container.streams.video if not one.disposition & pictures]
    if len(videos) < 2:
        return videos[0] if videos else None
    known = [one for one in videos if _codec(one) not in _UNKNOWN_TO_DECORD]
    if not known:
        # An animated AVIF repeats its first picture as a stream of its own, with one frame.
        return max(videos, key=lambda one: (one.width * one.height, one.frames > 1))
    before = [(one, one.disposition) for one in container.streams.video]
    try:
        for stream, disposition in before:
            # FFmpeg ranks both marks above bit rates: streams that decord cannot decode come last.
            decodes = _codec(stream) not in _UNKNOWN_TO_DECORD
            stream.disposition = disposition & ~Disposition.default | (
                Disposition(0) if decodes else Disposition.hearing_impaired
            )
        best = container.streams.best("video")
    finally:
        for stream, disposition in before:
            stream.disposition = disposition
    return best if best in known else known[0]


def _codec(stream: Any) -> str | None:
    return stream.codec_context.codec.canonical_name if stream.codec_context else None
