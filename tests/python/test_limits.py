"""What a source may ask for at most: each limit with what meets it, by call and by environment."""

from __future__ import annotations

import io
import math
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from keye_vl_rs import (
    KeyeVL1_5ImageProcessor,
    KeyeVL1_5VideoProcessor,
    preprocess_video,
    preview,
    process_vision_info,
    to_openai_messages,
    to_vllm_inputs,
    vision_process,
)
from keye_vl_rs._media.images import load_image
from keye_vl_rs._media.sources import open_bytes, open_media
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    DecodeError,
    InvalidArgumentError,
    LimitError,
    SourceNotAllowedError,
)
from keye_vl_rs.limits import Limits, applied, current_limits
from support.clips import Clip
from support.http_server import BODY, serve
from support.processor import PROCESSOR, TOKENIZER

pytestmark = pytest.mark.one_level


def first(total, fps):
    return [0]


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "image.png"
    Image.new("RGB", (60, 50)).save(path)
    return path


@pytest.fixture(scope="module")
def server():
    with serve(b"") as httpd:
        yield httpd


def fetch(server, name):
    with open_bytes(f"http://user:secret@127.0.0.1:{server.server_port}/{name}.mp4?a=b") as file:
        return file.read()


def meets(limit, value, call, message, monkeypatch):
    """The limit holds at ``value`` and not just above, in both ways of setting it."""
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
    message = r"image\.png: is of 60x50 pixels: more than image_pixels allows, 2,999"
    meets("image_pixels", 3000, lambda: load_image(png), message, monkeypatch)
    with (
        applied(Limits(image_pixels=2999)),
        pytest.raises(LimitError, match="the image: is of 60x"),
    ):
        load_image(Image.open(png))


def test_pillows_own_limit(png, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(LimitError, match=r"image\.png: .*set PIL\.Image\.MAX_IMAGE_PIXELS"):
        load_image(png)


def test_frame_pixels(h264, monkeypatch):
    with av.open(str(h264)) as container:
        pixels = container.streams.video[0].width * container.streams.video[0].height
    message = rf"plain\.mp4: has frames of .* pixels: more than frame_pixels allows, {pixels - 1:,}"
    meets("frame_pixels", pixels, lambda: sample_video(h264, first), message, monkeypatch)


def test_frames_that_grow_behind_the_first(tmp_path):
    """The container says 160x120; a later key frame says more."""
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
    message = r"short\.mp4: 3 sampled frames have .* pixels: more than sampled_pixels allows"

    def call():
        sample_video(short, lambda total, fps: [0, 1, 2])

    meets("sampled_pixels", 3 * pixels, call, message, monkeypatch)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.h264"], ids=["by packets", "by count"])
def test_frames(name, tmp_path, monkeypatch):
    path = Clip(name, count=20).write(tmp_path)
    message = r"clip\..*: holds 20 frames and more: more than frames allows, 19"
    meets("frames", 20, lambda: sample_video(path, first), message, monkeypatch)


def test_duration(short, monkeypatch):
    seconds = sample_video(short, first).duration
    message = r"short\.mp4: is of 2 seconds: more than duration allows"
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
    with pytest.raises(LimitError, match=r"long\.mkv: is of 3,000,000,000 seconds"):
        sample_video(path, first)


class Pipe(io.RawIOBase):
    """Reads and cannot go back."""

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

    meets("file_bytes", 1000, call, r"1,000 bytes.*: more than file_bytes allows, 999", monkeypatch)


@pytest.mark.parametrize("name", ["whole", "endless", "gzip", "chunked"])
def test_response_bytes(name, server, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    message = rf"^http://127\.0\.0\.1:\d+/{name}\.mp4: .*bytes.*: more than response_bytes"
    meets("response_bytes", len(BODY), lambda: fetch(server, name), message, monkeypatch)


def test_response_seconds(server, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    message = r"trickle\.mp4: is not received by then: more than response_seconds allows, 0\.3"
    with applied(Limits(response_seconds=0.3)), pytest.raises(LimitError, match=message):
        fetch(server, "trickle")
    monkeypatch.setenv("KEYE_VL_RS_MAX_RESPONSE_SECONDS", "0.3")
    with pytest.raises(LimitError, match=message):
        fetch(server, "trickle")


def test_redirects(server, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    assert fetch(server, "moved") == BODY
    with applied(Limits(redirects=0)):
        with pytest.raises(LimitError, match=r"moved\.mp4: is redirected more often.*redirects"):
            fetch(server, "moved")
        assert fetch(server, "whole") == BODY


@pytest.mark.parametrize("threads", ["1", "2"])
def test_limits_of_a_call(png, short, threads, monkeypatch):
    """Also where images are opened side by side; a message cannot set them."""
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", threads)
    small, large = Limits(image_pixels=2999), Limits(image_pixels=math.inf)
    images = [{"type": "image", "image": str(png), "limits": large}] * 4
    video = {"type": "video", "video": str(short), "limits": large}
    talk = [{"role": "user", "content": [*images, video]}]
    for process in (process_vision_info, preview.process_vision_info):
        process(talk)
        with pytest.raises(LimitError, match=r"image\.png: is of 60x50 pixels"):
            process(talk, limits=small)
        with pytest.raises(LimitError, match=r"short\.mp4: holds 11 frames and more"):
            process(talk, limits=Limits(frames=10))
    with pytest.raises(LimitError, match=r"image\.png: is of 60x50"):
        preprocess_video([str(png)] * 4, limits=small)
    with pytest.raises(LimitError, match=r"short\.mp4: is of 2 seconds"):
        preprocess_video(short, limits=Limits(duration=1.5))
    preprocess_video(short, limits=Limits(duration=2.5))


def test_limits_of_every_call_that_loads(png, short):
    loads = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
    of_preview = preview.KeyeProcessor(
        preview.SiglipImageProcessor(), TOKENIZER, chat_template=PROCESSOR.chat_template
    )
    image, video = {"type": "image", "image": str(png)}, {"type": "video", "video": str(short)}
    said = [{"role": "user", "content": [image, video]}]
    calls = {
        "apply_chat_template": lambda **k: PROCESSOR.apply_chat_template(said, **loads, **k),
        "preview's": lambda **k: of_preview.apply_chat_template(said, **loads, **k),
        "to_openai_messages": lambda **k: to_openai_messages(said, **k),
        "to_vllm_inputs": lambda **k: to_vllm_inputs(said, PROCESSOR, **k),
    }
    for call in calls.values():
        call(limits=Limits(image_pixels=3000, frames=50))
        with pytest.raises(LimitError, match=r"image\.png: is of 60x50 pixels"):
            call(limits=Limits(image_pixels=2999))
        with pytest.raises(LimitError, match=r"short\.mp4: holds 11 frames and more"):
            call(limits=Limits(frames=10))
        with pytest.raises(InvalidArgumentError, match="limits is of type dict"):
            call(limits={"frames": 5})
    for module in (vision_process, preview.vision_process):
        with pytest.raises(LimitError, match=r"image\.png: is of 60x50 pixels"):
            module.fetch_image(image, limits=Limits(image_pixels=2999))
        module.fetch_image(image, limits=Limits(image_pixels=3000))
        with pytest.raises(LimitError, match=r"short\.mp4: holds 11 frames and more"):
            module.fetch_video(video, limits=Limits(frames=10))
        module.fetch_video(video, limits=Limits(frames=50))


def test_defaults_and_mistakes(monkeypatch):
    assert current_limits() == Limits()
    for text in ("many", "-1", "nan"):
        monkeypatch.setenv("KEYE_VL_RS_MAX_FRAMES", text)
        with pytest.raises(InvalidArgumentError, match=r"KEYE_VL_RS_MAX_FRAMES is .*expected a"):
            current_limits()
    monkeypatch.setenv("KEYE_VL_RS_MAX_FRAMES", " 5 ")
    assert current_limits() == Limits(frames=5)
    with applied(Limits(frames=10_000_000)):
        assert current_limits().frames == 10_000_000
    for value in (-1, math.nan, "5", None):
        with pytest.raises(InvalidArgumentError, match="frames is"):
            Limits(frames=value)
    with (
        pytest.raises(InvalidArgumentError, match="limits is of type dict"),
        applied({"frames": 5}),
    ):
        pass


def test_limits_that_are_not_given_are_those_of_the_environment(short, monkeypatch):
    """A call that raises one limit must not take back the others that a server has set."""
    monkeypatch.setenv("KEYE_VL_RS_MAX_DURATION", "1")
    message = r"short\.mp4: is of 2 seconds: more than duration allows, 1;"
    talk = [{"role": "user", "content": [{"type": "video", "video": str(short)}]}]
    for limits in (None, Limits(), Limits(image_pixels=10**9), Limits.from_environment()):
        for process in (process_vision_info, preview.process_vision_info):
            with pytest.raises(LimitError, match=message):
                process(talk, limits=limits)
        with pytest.raises(LimitError, match=message):
            preprocess_video(short, limits=limits)
    assert preprocess_video(short, limits=Limits(duration=5)).duration == 2
    monkeypatch.setenv("KEYE_VL_RS_MAX_DURATION", "long")
    assert preprocess_video(short, limits=Limits(duration=5)).duration == 2
    with pytest.raises(InvalidArgumentError, match="KEYE_VL_RS_MAX_DURATION is 'long'"):
        Limits(image_pixels=10**9)
    monkeypatch.delenv("KEYE_VL_RS_MAX_DURATION")
    assert Limits(image_pixels=5).duration == 14 * 86400


def test_processors_open_files_within_limits(png, short, tmp_path, monkeypatch):
    """Their bases in transformers open what they are given the name of."""
    for processor in (KeyeVL1_5ImageProcessor(), KeyeVL1_5VideoProcessor()):
        assert processor.fetch_images([str(png)])[0].mode == "RGB"
        monkeypatch.setenv("KEYE_VL_RS_MAX_IMAGE_PIXELS", "10")
        with pytest.raises(LimitError, match="image_pixels"):
            processor.fetch_images(str(png))
        monkeypatch.delenv("KEYE_VL_RS_MAX_IMAGE_PIXELS")
        monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", str(tmp_path / "elsewhere"))
        with pytest.raises(SourceNotAllowedError):
            processor.fetch_images(str(png))
        monkeypatch.delenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH")
        with pytest.raises(InvalidArgumentError, match="process_vision_info"):
            processor.fetch_videos(str(short))
