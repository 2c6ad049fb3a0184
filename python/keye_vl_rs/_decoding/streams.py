"""Which of several video streams is read: the one that decord reads.

decord 0.6 asks FFmpeg 4.1 for the best stream (``av_find_best_stream``): not meant for people who
see or hear badly; with five frames or more in what FFmpeg probes; with the highest bit rate; with
the most frames in what FFmpeg probes; the first. Later releases ask the same, but first which
stream the file marks as the default: without its marks they choose as 4.1 did. Where decord can
decode no stream, the one with the largest picture is read, and of several the first with more than
one frame.
"""

from __future__ import annotations

from typing import Any

__all__ = ["choose_video"]

# Codecs that decord's FFmpeg does not decode, by FFmpeg's names.
_UNKNOWN_TO_DECORD = frozenset({"apv", "av1", "evc", "lcevc", "vvc"})


def choose_video(container: Any) -> Any:
    """Return the video stream to read, None if there is none; cover pictures are none."""
    from av.stream import Disposition

    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    videos = [one for one in container.streams.video if not one.disposition & pictures]
    if len(videos) < 2:
        return videos[0] if videos else None
    known = [one for one in videos if _codec(one) not in _UNKNOWN_TO_DECORD]
    if not known:
        # An animated AVIF shows its first picture again as a stream of its own, of one frame.
        return max(videos, key=lambda one: (one.width * one.height, one.frames > 1))
    before = [(one, one.disposition) for one in container.streams.video]
    try:
        for stream, disposition in before:
            # FFmpeg counts the two marks before bit rates: what decord cannot decode comes last.
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
