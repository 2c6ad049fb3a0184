"""Test a preprocessed video in a processor with other settings than those it was computed with."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch
from PIL import Image

from keye_vl_rs import (
    KeyeVL1_5ImageProcessor,
    KeyeVL1_5Processor,
    KeyeVL1_5VideoProcessor,
    VideoSettings,
    preprocess_video,
    process_vision_info,
)
from keye_vl_rs.errors import InvalidArgumentError
from support.clips import Clip
from support.processor import CHAT_TEMPLATE, TOKENIZER

pytestmark = pytest.mark.one_level

HALVES = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
TOKEN = 28 * 28  # pixels


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(Clip("a.mp4", width=320, height=240).write(tmp_path_factory.mktemp("settings")))


@pytest.fixture(scope="module")
def video(path):
    return preprocess_video(path)


def call(video, settings=HALVES, **overrides):
    processor = KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(**settings), TOKENIZER)
    return processor(text="<|video_pad|>", videos=[video], return_tensors="pt", **overrides)


OTHER = {
    "image_mean": (
        {"image_mean": [0.4, 0.5, 0.6]},
        r"image_mean \(0.5, 0.5, 0.5\), but .* has \(0.4, 0.5, 0.6\)",
    ),
    "image_std": ({"image_std": [0.3] * 3}, r"image_std \(0.5.*\), but .* has \(0.3, "),
    "rescale_factor": ({"rescale_factor": 1 / 127.5}, "rescale_factor 0.00392.* has 0.00784"),
    "do_rescale": ({"do_rescale": False}, "rescale_factor 0.00392.* has 1.0"),
    "do_normalize": ({"do_normalize": False}, r"image_mean .* has \(0.0, "),
    "resample": ({"resample": 3}, "resample 2, but the processor has 3"),
    "do_resize": ({"do_resize": False}, "do_resize True, but the processor has False"),
    "max_pixels": (
        {"max_pixels": 20 * TOKEN},
        r"max_pixels 602112 \(\d+ pixels a frame\), but .* has 15680",
    ),
    "min_pixels": (
        {"min_pixels": 500 * TOKEN},
        r"min_pixels 37632 \(\d+ pixels a frame\), but .* has 392000",
    ),
    "patch_size": ({"patch_size": 28}, "patch_size 14, but the processor has 28"),
    "merge_size": ({"merge_size": 1}, "merge_size 2, but the processor has 1"),
}


@pytest.mark.parametrize("name", OTHER)
def test_other_settings_are_refused(name, video):
    changed, message = OTHER[name]
    with pytest.raises(InvalidArgumentError, match=f"^video 0 was preprocessed with .*{message}"):
        call(video, {**HALVES, **changed})
    with pytest.raises(InvalidArgumentError, match=message):
        call(video, **changed)
    with pytest.raises(InvalidArgumentError, match=message):
        KeyeVL1_5VideoProcessor(**{**HALVES, **changed})(video)


def test_the_default_processor_has_other_settings(video):
    with pytest.raises(InvalidArgumentError, match=r"image_mean .*; image_std "):
        call(video, {})


def test_a_size_for_a_call_is_refused(video):
    with pytest.raises(InvalidArgumentError, match=r"size .* has \(56, 84\)"):
        call(video, size={"height": 56, "width": 84})


def test_a_dtype_that_is_not_that_of_the_call(path, video):
    half = preprocess_video(path, dtype="float16")
    for dtype, expected in (
        (None, "torch.float16: expected torch.float32"),
        (torch.bfloat16, "expected torch.bfloat16, the processor's dtype, or torch.float32"),
    ):
        with pytest.raises(InvalidArgumentError, match=rf"{expected}$"):
            call(half, **({} if dtype is None else {"dtype": dtype}))


def test_the_second_of_two_videos_is_named(path, video):
    other = preprocess_video(path, image_mean=[0.1, 0.2, 0.3])
    processor = KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(**HALVES), TOKENIZER)
    with pytest.raises(InvalidArgumentError, match=r"^video 1 was"):
        processor(text="<|video_pad|>" * 2, videos=[video, other])


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"image_mean": 0.5, "image_std": 0.5},
        {"image_mean": torch.tensor([0.5] * 3).tolist()},
        {"min_pixels": 8 * TOKEN, "max_pixels": 700 * TOKEN},  # which allow its sizes too
    ],
)
def test_equal_settings_give_the_same_tensors(same, path, video):
    messages = [{"role": "user", "content": [{"type": "video", "video": path}]}]
    _, frames, about = process_vision_info(messages)
    settings = {**HALVES, **same}
    processor = KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(**settings), TOKENIZER)
    expected = processor(text="<|video_pad|>", videos=frames, return_tensors="pt", **about)
    made = call(video, settings)
    assert made.keys() == expected.keys()
    for name in expected:
        assert torch.equal(made[name], expected[name]), name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_float32_is_rounded_as_if_made_so(dtype, path, video):
    expected = preprocess_video(path, dtype=dtype).pixel_values_videos
    made = call(video, dtype=dtype)["pixel_values_videos"]
    assert made.dtype == dtype
    assert torch.equal(made, expected)


def test_what_is_recorded(path, video):
    assert video.made_with == VideoSettings(min_pixels=48 * TOKEN, max_pixels=768 * TOKEN)
    asked = preprocess_video(path, image_mean=0.25, min_pixels=60 * TOKEN, max_pixels=90 * TOKEN)
    assert asked.made_with == VideoSettings(
        image_mean=(0.25,) * 3, min_pixels=60 * TOKEN, max_pixels=90 * TOKEN
    )
    assert pickle.loads(pickle.dumps(asked)).made_with == asked.made_with


def test_frames_are_recorded_too():
    frames = [torch.zeros(56, 84, 3, dtype=torch.uint8).numpy()] * 2
    video = preprocess_video([Image.fromarray(frame) for frame in frames])
    with pytest.raises(InvalidArgumentError, match="image_mean"):
        call(video, {})
    assert call(video)["num_frames"].tolist() == [2]


def test_unknown_settings_are_refused(video):
    with pytest.raises(InvalidArgumentError, match="made_with of video 0 is None"):
        call(replace(video, made_with=None))


@pytest.mark.parametrize(
    "settings", [{"max_pixels": 8 * TOKEN}, {"resample": 3}, {"do_resize": False}, {}]
)
def test_messages_choose_their_sizes_whatever_the_settings(settings, path):
    """As in ``process_vision_info``, whose sizes the published processor uses."""
    processor = KeyeVL1_5Processor(
        KeyeVL1_5ImageProcessor(**{**HALVES, **settings}), TOKENIZER, chat_template=CHAT_TEMPLATE
    )
    messages = [{"role": "user", "content": [{"type": "video", "video": path}]}]
    made = processor.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt"
    )
    _, frames, about = process_vision_info(messages)
    text = processor.apply_chat_template(messages)
    expected = processor(text=text, videos=frames, return_tensors="pt", **about)
    for name in expected:
        assert torch.equal(made[name], expected[name]), name
