"""Test Keye-VL-8B-Preview's processor, and its drop-in where no reference is needed."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs.errors import InvalidArgumentError, MediaNotFoundError, PromptError
from keye_vl_rs.preview import (
    KeyeProcessor,
    SiglipImageProcessor,
    fetch_image,
    fetch_video,
    process_vision_info,
)
from oracle.published_preview import published_call
from support.clips import Clip
from support.processor import TOKENIZER, assert_bits, clip
from support.tokenizers import CHAT_TEMPLATE
from support.vision_process import pictures

PROCESSOR = KeyeProcessor(SiglipImageProcessor(), TOKENIZER, chat_template=CHAT_TEMPLATE)
VIDEO = "<|vision_start|><|video_pad|><|vision_end|>What happens?"
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


def resized(frames, height, width, seed=0):
    """Return a video as ``process_vision_info`` does: floats with integral values."""
    return clip(frames, height, width, seed).float()


def call(text, **kwargs):
    return PROCESSOR(text=text, return_tensors="pt", **kwargs)


VIDEOS = {
    "floats": [resized(4, 112, 140)],
    "several": [resized(4, 112, 140), resized(2, 56, 84, 1)],
    "not whole tokens": [resized(2, 60, 90)],
    "bytes": [clip(4, 112, 140)],
    "images": [pictures(4, width=84, height=56)],
    "large": [resized(2, 1400, 1120)],
}


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize("fps", [2.0, 3, [2.5]], ids=str)
def test_videos(name, fps):
    videos = VIDEOS[name]
    fps = fps * len(videos) if isinstance(fps, list) else fps
    text = VIDEO * len(videos)
    expected = published_call(TOKENIZER, text, videos=videos, fps=fps)
    assert_bits(call(text, videos=videos, fps=fps), expected)


def test_fractions_take_the_plain_path():
    """Pillow accepts those between 0 and 1; others are not resized by either side."""
    video = torch.rand((2, 3, 56, 84), generator=torch.Generator().manual_seed(0))
    settings = {"do_rescale": False}
    expected = published_call(TOKENIZER, VIDEO, videos=[video], **settings)
    assert_bits(call(VIDEO, videos=[video], **settings), expected)


def test_images_and_videos():
    images, videos = pictures(2, width=300, height=200), [resized(2, 56, 84)]
    text = [PICTURE + VIDEO, PICTURE + "And this?"]
    expected = published_call(TOKENIZER, text[0] + text[1], images=images, videos=videos)
    assert_bits(call(text[0] + text[1], images=images, videos=videos), expected)
    batch = PROCESSOR(text=text, images=images, videos=videos, padding=True, return_tensors="np")
    assert isinstance(batch["second_per_grid_ts"], np.ndarray)
    assert np.array_equal(batch["pixel_values"], expected["pixel_values"].numpy())


def test_settings_and_text_alone():
    assert SiglipImageProcessor().pixel_config({}).image_mean == (0.5, 0.5, 0.5)
    assert SiglipImageProcessor().resample == Image.Resampling.BICUBIC
    image = pictures(1, width=300, height=200)
    settings = {"max_pixels": 28 * 28 * 9, "image_std": (0.2, 0.3, 0.4)}
    expected = published_call(TOKENIZER, PICTURE, images=image, **settings)
    assert_bits(call(PICTURE, images=image, **settings), expected)
    assert_bits(call(VIDEO), dict(TOKENIZER([VIDEO], return_tensors="pt")))


@pytest.mark.parametrize(
    ("text", "kwargs", "error", "message"),
    [
        (VIDEO, {"fps": [1.0, 2.0]}, InvalidArgumentError, "fps has 2 entries for 1 videos"),
        (VIDEO, {"fps": 0}, InvalidArgumentError, "fps is 0: expected a positive number"),
        (VIDEO * 2, {}, PromptError, "text holds 2 .* for 1 input"),
        (VIDEO + PICTURE, {}, PromptError, "text holds 1 <.image_pad.> for 0 inputs"),
    ],
)
def test_what_it_refuses(text, kwargs, error, message):
    with pytest.raises(error, match=message):
        call(text, videos=[resized(2, 56, 84)], **kwargs)


def test_save_and_load(tmp_path):
    made = KeyeProcessor(SiglipImageProcessor(max_pixels=28 * 28 * 50), TOKENIZER)
    made.save_pretrained(tmp_path)
    loaded = KeyeProcessor.from_pretrained(tmp_path)
    assert type(loaded.image_processor) is SiglipImageProcessor
    assert loaded.image_processor.pixel_config({}) == made.image_processor.pixel_config({})
    assert type(KeyeProcessor(None, TOKENIZER).image_processor) is SiglipImageProcessor


def test_from_messages_to_inputs(short):
    talk = [
        {
            "role": "user",
            "content": [
                {"type": "image", "image": pictures(1)[0]},
                {"type": "video", "video": str(short), "fps": 3.0},
                {"type": "text", "text": "What?"},
            ],
        }
    ]
    images, videos, about = process_vision_info(talk, return_video_kwargs=True)
    text = PROCESSOR.apply_chat_template(talk, add_generation_prompt=True)
    expected = call(text, images=images, videos=videos, **about)
    made = PROCESSOR.apply_chat_template(
        talk, tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True
    )
    assert_bits(made, dict(expected))
    assert made["second_per_grid_ts"].tolist() == pytest.approx([1 / about["fps"][0]])
    ids = PROCESSOR.apply_chat_template(talk, tokenize=True, add_generation_prompt=True)
    assert ids == expected["input_ids"].tolist()


def test_a_video_of_one_frame_gives_it_twice(tmp_path):
    path = Clip("one.mp4", count=1).write(tmp_path)
    video, fps = fetch_video({"video": str(path)}, return_video_sample_fps=True)
    assert len(video) == 2
    assert torch.equal(video[0], video[1])
    assert fps == 50.0


@pytest.mark.one_level
def test_frames_that_read_from_one_file(monkeypatch):
    """They take turns: two threads would move each other's file position."""
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "4")
    file = io.BytesIO()
    first, *others = pictures(3, width=600, height=450)
    first.save(file, "GIF", save_all=True, append_images=others)
    expected = fetch_image({"image": Image.open(file)}).tobytes()
    shared = [Image.open(file) for _ in range(8)]
    talk = [{"role": "user", "content": [{"image": image} for image in shared]}]
    for frames in (fetch_video({"video": shared}), process_vision_info(talk)[0]):
        assert [frame.tobytes() for frame in frames] == [expected] * 8


def test_errors_of_the_drop_in(short, tmp_path, monkeypatch):
    with pytest.raises(MediaNotFoundError, match=r"none\.mp4: no such file"):
        fetch_video({"video": str(tmp_path / "none.mp4")})
    with pytest.raises(InvalidArgumentError, match="video is an empty list"):
        fetch_video({"video": []})
    with pytest.raises(
        InvalidArgumentError, match=r"fps is 1 and nframes is 4: expected one of them"
    ):
        fetch_video({"video": str(short), "fps": 1, "nframes": 4})
    with pytest.raises(InvalidArgumentError, match="cannot sample 500 of 50 frames"):
        fetch_video({"video": str(short), "nframes": 500})
    with pytest.raises(InvalidArgumentError, match=r"video_start is 1\.5 and video_end is 1\.0"):
        fetch_video({"video": str(short), "video_start": 1.5, "video_end": 1.0})
    with pytest.raises(InvalidArgumentError, match="content of type 'image' has no image"):
        process_vision_info([{"role": "user", "content": [{"type": "image"}]}])
    monkeypatch.setenv("FORCE_KEYEVL_VIDEO_READER", "magic")
    with pytest.raises(InvalidArgumentError, match="FORCE_KEYEVL_VIDEO_READER is 'magic'"):
        fetch_video({"video": str(short)})


def test_the_import_is_quick():
    code = """
import sys
from keye_vl_rs.preview import process_vision_info
slow = {"torch", "transformers", "torchvision", "av", "PIL"} & set(sys.modules)
assert not slow, slow
"""
    subprocess.run([sys.executable, "-c", code], check=True)
