"""Test each limit with a source that meets it, set by a call and by the environment."""

from __future__ import annotations

import io
import math
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from keye_vl_rs._media.images import load_image
from keye_vl_rs._media.sources import open_bytes, open_media
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import DecodeError, LimitError
from keye_vl_rs.limits import Limits, applied
from support.clips import Clip
from support.http_server import BODY, serve

pytestmark = pytest.mark.one_level


def first(total, fps):
    return [0]


@pytest.fixture(scope="module")
def server():
    with serve(b"") as httpd:
        yield httpd


def fetch(server, name):
    with open_bytes(f"http://user:secret@127.0.0.1:{server.server_port}/{name}.mp4?a=b") as file:
        return file.read()


def meets(limit, value, call, message, monkeypatch):
    """Assert that ``value`` is accepted and that a lower limit refuses, set in both ways."""
    with applied(Limits(**{limit: value})):
        call()
    below = math.nextafter(value, 0) if limit == "duration" else value - 1
    with applied(Limits(**{limit: below})), pytest.raises(LimitError, match=message) as caught:
        call()
    assert f"limits=Limits({limit}=...)" in str(caught.value)
    variable = f"KEYE_VL_RS_MAX_{limit.upper()}"
    assert variable in str(caught.value)
    monkeypatch.setenv(variable, repr(below))
    with pytest.raises(LimitError, match=message):
        call()
    monkeypatch.setenv(variable, "inf")
    call()


def test_image_pixels(png, monkeypatch):
    message = r"image\.png: an image of 60x50 pixels exceeds image_pixels \(2,999\)"
    meets("image_pixels", 3000, lambda: load_image(png), message, monkeypatch)
    with (
        applied(Limits(image_pixels=2999)),
        pytest.raises(LimitError, match="the image: an image of 60x"),
    ):
        load_image(Image.open(png))


def test_pillows_own_limit(png, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(LimitError, match=r"image\.png exceeds .*set PIL\.Image\.MAX_IMAGE_PIXELS"):
        load_image(png)


def test_frame_pixels(h264, monkeypatch):
    with av.open(str(h264)) as container:
        pixels = container.streams.video[0].width * container.streams.video[0].height
    message = rf"plain\.mp4: a frame of .* pixels exceeds frame_pixels \({pixels - 1:,}\)"
    meets("frame_pixels", pixels, lambda: sample_video(h264, first), message, monkeypatch)


def test_frames_that_grow_behind_the_first(tmp_path):
    """The container declares 160x120; a later key frame declares more."""
    small = Clip("small.ts", count=10, width=160, height=120).write(tmp_path)
    large = Clip("large.ts", count=10, width=640, height=480).write(tmp_path)
    path = tmp_path / "grown.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    assert sample_video(small, first).frames.shape[2:] == (120, 160)
    with applied(Limits(frame_pixels=160 * 120)), pytest.raises(DecodeError, match=r"grown\.ts"):
        sample_video(path, lambda total, fps: range(total))


def test_sampled_pixels(short, monkeypatch):
    with av.open(str(short)) as container:
        pixels = container.streams.video[0].width * container.streams.video[0].height
    message = r"short\.mp4: a sample of 3 frames with .* pixels exceeds sampled_pixels"

    def call():
        sample_video(short, lambda total, fps: [0, 1, 2])

    meets("sampled_pixels", 3 * pixels, call, message, monkeypatch)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.h264"], ids=["by packets", "by count"])
def test_frames(name, tmp_path, monkeypatch):
    path = Clip(name, count=20).write(tmp_path)
    message = r"clip\..*: a video of at least 20 frames exceeds frames \(19\)"
    meets("frames", 20, lambda: sample_video(path, first), message, monkeypatch)


def test_duration(short, monkeypatch):
    seconds = sample_video(short, first).duration
    message = r"short\.mp4: a video of 2 seconds exceeds duration"
    meets("duration", seconds, lambda: sample_video(short, first), message, monkeypatch)


def test_a_header_that_lies_about_the_duration(tmp_path):
    """Two frames, a century apart."""
    path = tmp_path / "long.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, options={"x264-params": "bframes=0"})
        stream.width, stream.height, stream.time_base = 64, 48, Fraction(1, 25)
        for seconds in (0, 3_000_000_000):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = seconds * 25, stream.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(LimitError, match=r"long\.mkv: a video of 3,000,000,000 seconds"):
        sample_video(path, first)


class Pipe(io.RawIOBase):
    """Imitate a pipe, which cannot seek."""

    def __init__(self, data):
        self.data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.data.readinto(buffer)


@pytest.mark.parametrize("kind", ["path", "bytes", "file object", "pipe"])
def test_file_bytes(kind, tmp_path, monkeypatch):
    path = tmp_path / "file.mp4"
    path.write_bytes(b"x" * 1000)

    def call():
        data = path.read_bytes()
        source = {"path": path, "bytes": data, "file object": io.BytesIO(data), "pipe": Pipe(data)}
        with open_media(source[kind]):
            pass

    meets("file_bytes", 1000, call, r"1,000 bytes exceeds file_bytes \(999\)", monkeypatch)


@pytest.mark.parametrize("name", ["whole", "endless", "gzip", "chunked"])
def test_response_bytes(name, server, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    message = rf"^http://127\.0\.0\.1:\d+/{name}\.mp4: .*bytes exceeds response_bytes"
    meets("response_bytes", len(BODY), lambda: fetch(server, name), message, monkeypatch)


def test_response_seconds(server, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    message = r"trickle\.mp4: the download exceeds response_seconds \(0\.3\)"
    with applied(Limits(response_seconds=0.3)), pytest.raises(LimitError, match=message):
        fetch(server, "trickle")
    monkeypatch.setenv("KEYE_VL_RS_MAX_RESPONSE_SECONDS", "0.3")
    with pytest.raises(LimitError, match=message):
        fetch(server, "trickle")


def test_redirects(server, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    assert fetch(server, "moved") == BODY
    with applied(Limits(redirects=0)):
        with pytest.raises(
            LimitError, match=r"moved\.mp4: the number of redirects exceeds redirects"
        ):
            fetch(server, "moved")
        assert fetch(server, "whole") == BODY
