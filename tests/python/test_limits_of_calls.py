"""Test limits set by calls, by the environment and by default, and invalid values."""

from __future__ import annotations

import math

import pytest

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
from keye_vl_rs.errors import InvalidArgumentError, LimitError, SourceNotAllowedError
from keye_vl_rs.limits import Limits, applied, current_limits
from support.processor import PROCESSOR, TOKENIZER

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("threads", ["1", "2"])
def test_limits_of_a_call(png, short, threads, monkeypatch):
    """Also if images are opened concurrently; a message cannot set limits."""
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", threads)
    small, large = Limits(image_pixels=2999), Limits(image_pixels=math.inf)
    images = [{"type": "image", "image": str(png), "limits": large}] * 4
    video = {"type": "video", "video": str(short), "limits": large}
    talk = [{"role": "user", "content": [*images, video]}]
    for process in (process_vision_info, preview.process_vision_info):
        process(talk)
        with pytest.raises(LimitError, match=r"image\.png: an image of 60x50 pixels"):
            process(talk, limits=small)
        with pytest.raises(LimitError, match=r"short\.mp4: a video of at least 11 frames"):
            process(talk, limits=Limits(frames=10))
    with pytest.raises(LimitError, match=r"image\.png: an image of 60x50"):
        preprocess_video([str(png)] * 4, limits=small)
    with pytest.raises(LimitError, match=r"short\.mp4: a video of 2 seconds"):
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
        with pytest.raises(LimitError, match=r"image\.png: an image of 60x50 pixels"):
            call(limits=Limits(image_pixels=2999))
        with pytest.raises(LimitError, match=r"short\.mp4: a video of at least 11 frames"):
            call(limits=Limits(frames=10))
        with pytest.raises(InvalidArgumentError, match="limits is of type dict"):
            call(limits={"frames": 5})
    for module in (vision_process, preview.vision_process):
        with pytest.raises(LimitError, match=r"image\.png: an image of 60x50 pixels"):
            module.fetch_image(image, limits=Limits(image_pixels=2999))
        module.fetch_image(image, limits=Limits(image_pixels=3000))
        with pytest.raises(LimitError, match=r"short\.mp4: a video of at least 11 frames"):
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
    """A call that raises one limit must not reset the others, which a server has set."""
    monkeypatch.setenv("KEYE_VL_RS_MAX_DURATION", "1")
    message = r"short\.mp4: a video of 2 seconds exceeds duration \(1\);"
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
    """Their base classes in transformers open files by name."""
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
