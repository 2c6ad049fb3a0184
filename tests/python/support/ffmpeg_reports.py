"""Collect what FFmpeg reports about a video, without using the package."""

from __future__ import annotations

import io

import av


def reported_times(data: bytes) -> set[int]:
    """Return the times of frames that FFmpeg reports on, and of those after a reported restart.

    Independent of the package: it decodes every packet with one thread, and takes restarts from the
    marks of the container.
    """
    av.logging.set_level(av.logging.INFO)
    av.logging.set_skip_repeated(False)
    times: set[int] = set()
    packets: list[tuple[int, bool]] = []
    reports: set[int] = set()
    try:
        with av.logging.Capture(), av.open(io.BytesIO(data)) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            context.thread_count = 1
            context.copy_opaque = True
            for place, packet in enumerate(container.demux(stream)):
                packet.opaque = place
                end = packet.size == 0
                if not end:
                    packets.append((packet.pts, packet.is_keyframe))
                with av.logging.Capture() as lines:
                    try:
                        frames = context.decode(None if end else packet)
                    except av.FFmpegError:
                        frames = []
                        reports.add(place)
                if any(level <= av.logging.ERROR for level, _, _ in lines):
                    reports.add(place)
                reports.update(frame.opaque for frame in frames if frame.is_corrupt)
    finally:
        av.logging.set_level(None)
        av.logging.set_skip_repeated(True)
    active, restart = False, None
    for place, (time, key) in enumerate(packets):
        if key:
            active, restart = False, time
        # A picture that follows a key frame and is presented before it refers to pictures before
        # the key frame; no later picture refers to it.
        leading = time is not None and restart is not None and time < restart
        active = active or (place in reports and not leading)
        if time is not None and (active or place in reports):
            times.add(time)
    return times
