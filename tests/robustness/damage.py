"""Damage small videos and images in numbered ways: a number always gives the same bytes.

A case damages a file one to three times: it flips bits, overwrites runs, removes or repeats pieces,
cuts the end, appends the end of another file, moves or removes boxes of an mp4, or writes absurd
numbers into a header.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import av
import numpy as np
from PIL import Image

from support.clips import picture

Random = np.random.Generator

# Names of video files, with their encoder, container and options.
_VIDEOS: dict[str, tuple[str, str, dict[str, str]]] = {
    "h264.mp4": ("libx264", "mp4", {"bf": "2", "g": "6"}),
    "fragmented.mp4": ("libx264", "mp4", {"g": "6", "movflags": "frag_keyframe+empty_moov"}),
    "h264.mkv": ("libx264", "matroska", {"bf": "2", "g": "6"}),
    "h264.ts": ("libx264", "mpegts", {"bf": "2", "g": "6"}),
    "h264.flv": ("libx264", "flv", {"g": "6"}),
    "h264.h264": ("libx264", "h264", {"g": "6"}),
    "hevc.mp4": ("libx265", "mp4", {"g": "6", "x265-params": "log-level=none"}),
    "vp8.webm": ("libvpx", "webm", {"g": "6"}),
    "vp9.webm": ("libvpx-vp9", "webm", {"cpu-used": "8", "g": "6"}),
    "mpeg4.avi": ("mpeg4", "avi", {"g": "6"}),
    "mpeg2.mpg": ("mpeg2video", "mpeg", {"bf": "2", "g": "6"}),
    "mjpeg.mov": ("mjpeg", "mov", {}),
    "prores.mov": ("prores_ks", "mov", {}),
    "ffv1.mkv": ("ffv1", "matroska", {}),
    "wmv2.asf": ("wmv2", "asf", {}),
    "gif.gif": ("gif", "gif", {}),
}
_PIXEL_FORMATS = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le", "gif": "rgb8"}
# Names of image formats, as Pillow calls them.
_IMAGES = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "JPEG2000", "ICO", "TGA", "PPM")

# 32-bit numbers that are unexpected in headers.
_ABSURD = (0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x0001_0000, 0xFFFF_0000, 0x4000_4000)
# Boxes of an mp4 that contain other boxes.
_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf"})


@dataclass(frozen=True)
class Case:
    """Describe a damaged file."""

    number: int
    name: str
    data: bytes = field(repr=False)
    is_image: bool

    def __str__(self) -> str:
        """Return a name that identifies the case."""
        return f"case {self.number} ({self.name})"


def case(number: int) -> Case:
    """Return the case of this number, the same on every run with the same encoders."""
    random = np.random.default_rng(number)
    files = originals()
    # Four of five cases are videos, which have more parts that can break.
    names = sorted(name for name in files if (name in _VIDEOS) == (random.random() < 0.8))
    name = str(random.choice(names))
    data = files[name]
    for _ in range(random.integers(1, 4)):
        damage = _DAMAGES[random.integers(len(_DAMAGES))]
        data = damage(data, random) or data[:1]
    return Case(number, name, data, name not in _VIDEOS)


@cache
def originals() -> dict[str, bytes]:
    """Return the undamaged files, by name."""
    return {name: _video(*recipe) for name, recipe in _VIDEOS.items()} | {
        f"image.{kind.lower()}": _image(kind) for kind in _IMAGES
    }


def _video(encoder: str, container: str, options: dict[str, str]) -> bytes:
    file = io.BytesIO()
    options = dict(options)
    movflags = options.pop("movflags", "")
    muxer = {"movflags": movflags} if movflags else {}
    with av.open(file, "w", format=container, options=muxer) as media:
        stream = media.add_stream(encoder, rate=Fraction(10), options=options)
        stream.width, stream.height = 96, 64
        stream.pix_fmt = _PIXEL_FORMATS.get(encoder, "yuv420p")
        stream.codec_context.thread_count = 1
        for number in range(16):
            frame = av.VideoFrame.from_ndarray(picture(96, 64, number))
            frame.pts, frame.time_base = number, Fraction(1, 10)
            media.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        media.mux(stream.encode())
    return file.getvalue()


def _image(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(80, 60, 3)).save(file, kind)
    return file.getvalue()


def _flip_bits(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for place in _places(len(data), random, int(random.choice([1, 4, 30, 200]))):
        changed[place] ^= 1 << random.integers(8)
    return bytes(changed)


def _overwrite(data: bytes, random: Random) -> bytes:
    start, end = _piece(len(data), random)
    filler = random.choice(3)
    new = random.bytes(end - start) if filler == 2 else bytes([255 * filler]) * (end - start)
    return data[:start] + new + data[end:]


def _lose(data: bytes, random: Random) -> bytes:
    start, end = _piece(len(data), random)
    return data[:start] + data[end:]


def _repeat(data: bytes, random: Random) -> bytes:
    start, end = _piece(len(data), random)
    return data[:end] + data[start:end] * int(random.integers(1, 4)) + data[end:]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.integers(1, len(data) + 1)]


def _splice(data: bytes, random: Random) -> bytes:
    names = sorted(originals())
    other = originals()[str(random.choice(names))]
    return data[: random.integers(1, len(data) + 1)] + other[random.integers(len(other)) :]


def _change_boxes(data: bytes, random: Random) -> bytes:
    """Swap two boxes of an mp4, or remove, double, nest or resize one."""
    boxes = list(_boxes(data, 0, len(data)))
    if len(boxes) < 2:
        return _absurd_number(data, random)
    (a, a_end), (b, b_end) = sorted(boxes[i] for i in random.choice(len(boxes), 2, replace=False))
    match random.integers(4):
        case 0 if a_end <= b:
            return data[:a] + data[b:b_end] + data[a_end:b] + data[a:a_end] + data[b_end:]
        case 1:
            return data[:a] + data[a_end:]
        case 2:
            return data[:b] + data[a:a_end] + data[b:]
        case _:
            size = struct.pack(">I", int(random.choice([*_ABSURD, b_end - b + 8, 8])))
            return data[:b] + size + data[b + 4 :]


def _absurd_number(data: bytes, random: Random) -> bytes:
    """Write an absurd number, mostly near the start or end, where most headers are."""
    (place,) = _places(max(1, len(data) - 4), random, 1)
    format = str(random.choice([">I", "<I"]))
    return data[:place] + struct.pack(format, int(random.choice(_ABSURD))) + data[place + 4 :]


_DAMAGES: list[Callable[[bytes, Random], bytes]] = [
    _flip_bits,
    _overwrite,
    _lose,
    _repeat,
    _cut,
    _splice,
    _change_boxes,
    _absurd_number,
]


def _places(length: int, random: Random, count: int) -> list[int]:
    """Pick places anywhere, near the start, or near the end, where headers and indices are."""
    near = int(random.choice([length, 64, 600]))
    places = random.integers(0, min(length, near), count)
    return [int(length - 1 - place if random.random() < 0.3 else place) for place in places]


def _piece(length: int, random: Random) -> tuple[int, int]:
    (start,) = _places(length, random, 1)
    return start, min(length, start + int(random.choice([1, 4, 16, 188, 1000])))


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Return the start and end of each box of an mp4, nested ones included."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            return
        yield start, start + size
        if kind in _PARENTS:
            yield from _boxes(data, start + 8, start + size)
        start += size
