"""Test that a bad video raises an exception that names it."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import preprocess_video
from keye_vl_rs.errors import (
    AspectRatioError,
    DecodeError,
    EmptyMediaError,
    InvalidArgumentError,
    KeyeVLError,
    MediaError,
    MediaNotFoundError,
    NoFramesError,
    NoVideoStreamError,
    UnreadableMediaError,
)
from support.clips import Clip

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")


def png_without_pixels():
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


def sound(path):
    """Create a file with only an audio stream."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def zeroed_packets(path, folder):
    """Return a clip's container with all coded bytes set to zero."""
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat")
    (size,) = struct.unpack_from(">I", data, at - 4)
    data[at + 4 : at - 4 + size] = bytes(size - 8)
    target = folder / "zeroed.mp4"
    target.write_bytes(data)
    return target


@pytest.fixture
def bad(tmp_path, short):
    files = {
        "empty.mp4": b"",
        "text.mp4": b"this is not a video\n" * 50,
        "page.mp4": b"<html><body>404</body></html>",
        "noise.mp4": np.random.default_rng(0).bytes(5000),
        "head.mp4": short.read_bytes()[:40],
        "no_index.mp4": short.read_bytes()[: short.stat().st_size // 2],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.mp4").mkdir()
    sound(tmp_path / "sound.wav")
    zeroed_packets(short, tmp_path)
    (tmp_path / "hollow.png").write_bytes(png_without_pixels())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.mp4", MediaNotFoundError),
        ("empty.mp4", EmptyMediaError),
        ("text.mp4", UnreadableMediaError),
        ("page.mp4", UnreadableMediaError),
        ("noise.mp4", UnreadableMediaError),
        ("head.mp4", UnreadableMediaError),
        ("no_index.mp4", UnreadableMediaError),
        ("folder.mp4", MediaError),
        ("sound.wav", NoVideoStreamError),
        ("zeroed.mp4", (NoFramesError, DecodeError)),
        ("hollow.png", (NoFramesError, DecodeError, UnreadableMediaError)),
    ],
)
def test_bad_files_are_named(name, error, bad):
    with pytest.raises(error, match=name.replace(".", r"\.")) as caught:
        preprocess_video(bad / name)
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, KeyeVLError)
    assert "\n" not in str(caught.value)


def test_bad_bytes():
    with pytest.raises(EmptyMediaError):
        preprocess_video(b"")
    with pytest.raises(UnreadableMediaError, match="9 bytes"):
        preprocess_video(b"no video.")


@pytest.mark.parametrize("source", [None, 3, 2.5, {}, object(), torch.zeros(2, 3, 28, 28).byte()])
def test_sources_of_other_types(source):
    with pytest.raises(InvalidArgumentError, match=type(source).__name__):
        preprocess_video(source)


def test_bad_lists():
    with pytest.raises(InvalidArgumentError, match="empty list"):
        preprocess_video([])
    with pytest.raises(MediaNotFoundError, match="nowhere"):
        preprocess_video(["/nowhere.png"])
    with pytest.raises(InvalidArgumentError, match="int"):
        preprocess_video([1, 2])


def test_frames_that_are_too_thin(folder):
    path = Clip("thin.mp4", width=1000, height=4, count=3).write(folder)
    with pytest.raises(AspectRatioError, match=r"4.*1000.*250.*200"):
        preprocess_video(path)
    with pytest.raises(AspectRatioError, match="200"):
        preprocess_video([Image.new("RGB", (300, 1))])
