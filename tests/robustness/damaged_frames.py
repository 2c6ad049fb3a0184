"""Count damaged frames that are returned without being marked as damaged.

    PYTHONPATH=tests/python python tests/robustness/damaged_frames.py --files 12

Videos of 500 frames are damaged inside: three times, 60 bytes between the first and the last
quarter of the file are overwritten. Each is read with ``on_error="conceal"``, all frames and two
per second, with one and with three threads, and compared with the undamaged video. A frame that
differs and is not marked counts as a fault if FFmpeg, decoding every packet with one thread,
reports anything between the preceding restart and the frame. Where FFmpeg reports nothing, the
damage cannot be detected.
"""

from __future__ import annotations

import argparse
import io
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np

from keye_vl_rs._sampling.video import SampledVideo, sample_video
from keye_vl_rs.errors import DecodeError, KeyeVLError
from support.clips import picture
from support.ffmpeg_reports import reported_times

# By name: encoder, container, options and pixel format.
CODECS: dict[str, tuple[str, str, dict[str, str], str]] = {
    "H.264 mp4": ("libx264", "mp4", {"g": "50", "bf": "2"}, "yuv420p"),
    "H.264 ts": ("libx264", "mpegts", {"g": "50", "bf": "2"}, "yuv420p"),
    "H.264 mkv": ("libx264", "matroska", {"g": "50", "bf": "2"}, "yuv420p"),
    "HEVC mp4": ("libx265", "mp4", {"g": "50", "x265-params": "log-level=none"}, "yuv420p"),
    "VP8 webm": ("libvpx", "webm", {"g": "50"}, "yuv420p"),
    "VP9 webm": ("libvpx-vp9", "webm", {"g": "50", "cpu-used": "8"}, "yuv420p"),
    "AV1 mp4": ("libsvtav1", "mp4", {"g": "50", "preset": "10"}, "yuv420p"),
    "MPEG-4 mp4": ("mpeg4", "mp4", {"g": "50", "bf": "2"}, "yuv420p"),
    "MPEG-2 ts": ("mpeg2video", "mpegts", {"g": "50", "bf": "2"}, "yuv420p"),
    "MPEG-2 mpg": ("mpeg2video", "mpeg", {"g": "50", "bf": "2"}, "yuv420p"),
    "WMV2 asf": ("wmv2", "asf", {"g": "50"}, "yuv420p"),
    "Motion JPEG avi": ("mjpeg", "avi", {}, "yuvj420p"),
    "ProRes mov": ("prores_ks", "mov", {}, "yuv422p10le"),
    "FFV1 mkv": ("ffv1", "matroska", {}, "yuv420p"),
}
SIZE = (160, 120)
RATE = 25


@dataclass
class Counts:
    """Count the outcomes for the damaged files of a codec.

    Attributes:
        files: files that could be opened.
        wrong: files with a sampled frame that differs from the undamaged video.
        reported: those of them where FFmpeg reports something on every frame that differs.
        raised: files that ``on_error="raise"`` refuses.
        silent: files with a frame that differs and is reported by FFmpeg, but not marked.
        unsteady: files whose result depends on the call or the number of threads.
    """

    files: int = 0
    wrong: int = 0
    reported: int = 0
    raised: int = 0
    silent: int = 0
    unsteady: int = 0
    faults: list[str] = field(default_factory=list)


@cache
def encoded(name: str, count: int) -> bytes:
    """Return an undamaged video of a codec."""
    encoder, container, options, pixel_format = CODECS[name]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as media:
        stream = media.add_stream(encoder, rate=Fraction(RATE), options=dict(options))
        stream.width, stream.height = SIZE
        stream.pix_fmt = pixel_format
        stream.codec_context.thread_count = 1
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(*SIZE, number))
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            media.mux(stream.encode(frame.reformat(format=pixel_format)))
        media.mux(stream.encode())
    return file.getvalue()


def overwritten(data: bytes, seed: int, runs: int = 3, length: int = 60) -> bytes:
    """Return the bytes with runs of noise between the first and the last quarter."""
    random = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(runs):
        at = int(random.integers(len(data) // 4, len(data) * 3 // 4))
        changed[at : at + length] = random.bytes(length)
    return bytes(changed)


def read(data: bytes, choose: Any, threads: int, on_error: str = "conceal") -> SampledVideo:
    """Sample frames, and ignore the warnings of damage, which are expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sample_video(data, choose, threads=threads, on_error=on_error)


def every(total: int, fps: float) -> Sequence[int]:
    """Choose all frames."""
    return range(total)


def twice_a_second(total: int, fps: float) -> Sequence[int]:
    """Choose frames evenly, two per second."""
    return np.linspace(0, total - 1, max(1, int(total / fps * 2))).round().astype(int).tolist()


def try_file(name: str, seed: int, count: int, counts: Counts) -> None:
    """Damage a video and read it in several ways."""
    whole = encoded(name, count)
    data = overwritten(whole, seed)
    pixels = {
        index: frame.numpy().tobytes() for index, frame in enumerate(read(whole, every, 1).frames)
    }
    try:
        results = [read(data, every, threads) for threads in (1, 3, 3)]
    except KeyeVLError:
        counts.files += 1
        counts.raised += 1
        return
    counts.files += 1
    times = reported_times(data)
    first = results[0]
    if any(not equal(first, other) for other in results[1:]):
        counts.unsteady += 1
        counts.faults.append(f"{name} {seed}: results differ between calls")
    sparse = [read(data, twice_a_second, threads) for threads in (1, 3)]
    if not equal(*sparse):
        counts.unsteady += 1
        counts.faults.append(f"{name} {seed}: results at two a second differ between calls")
    wrong = silent = False
    unreported = False
    for result in (first, sparse[0]):
        # A container that lost packets has fewer frames, which cannot be matched with the original
        # ones.
        if result.total_frames != count:
            wrong = True
            silent |= result is first and result.damage is None and bool(times)
            continue
        marked = set(result.damage.frames) if result.damage is not None else set()
        stamps = presented(data)
        for place, (index, frame) in enumerate(
            zip(result.indices.tolist(), result.frames, strict=True)
        ):
            if frame.numpy().tobytes() != pixels[index]:
                wrong = True
                reported = stamps[index] in times
                unreported |= not reported
                if reported and place not in marked:
                    silent = True
    counts.wrong += wrong
    counts.reported += wrong and not unreported
    counts.silent += silent
    if silent:
        counts.faults.append(f"{name} {seed}: a wrong frame that FFmpeg reports is not marked")
    try:
        read(data, every, 3, "raise")
    except DecodeError:
        counts.raised += 1


def presented(data: bytes) -> list[int]:
    """Return the times of the frames in presentation order, in ticks."""
    with av.open(io.BytesIO(data)) as container:
        packets = container.demux(container.streams.video[0])
        return sorted(packet.pts for packet in packets if packet.size and packet.pts is not None)


def equal(one: SampledVideo, other: SampledVideo) -> bool:
    """Return whether two results are equal, marks included."""
    return (
        one.indices.equal(other.indices)
        and one.frames.equal(other.frames)
        and one.damage == other.damage
    )


def run(names: Sequence[str], files: int, count: int = 500) -> dict[str, Counts]:
    """Try a number of files of each codec."""
    results = {}
    for name in names:
        counts = results[name] = Counts()
        for seed in range(files):
            try_file(name, seed, count, counts)
        print(
            f"{name:16} {counts.files:5} {counts.wrong:5} {counts.reported:5} {counts.raised:5} "
            f"{counts.silent:5} {counts.unsteady:5}",
            flush=True,
        )
    return results


def main() -> int:
    """Run the program; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=12, help="damaged files of each codec")
    parser.add_argument("--frames", type=int, default=500, help="of each file")
    parser.add_argument("codecs", nargs="*", default=list(CODECS))
    options = parser.parse_args()
    print(f"{'':16} files wrong  said raised silent unsteady")
    results = run(options.codecs, options.files, options.frames)
    faults = [fault for counts in results.values() for fault in counts.faults]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
