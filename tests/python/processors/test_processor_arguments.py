"""Test what hosts pass to the processor besides text and pixels, in all forms."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import FramesShapeError, FrameTypesError, InvalidArgumentError, PromptError
from oracle.published_processor import published_call
from support.processor import PROCESSOR, TEXT, TOKENIZER, assert_bits, clip, joined, video_kwargs

pytestmark = pytest.mark.one_level

TYPES = [0, 1, 1, 0, 1]
VIDEO, ABOUT = clip(5, 60, 80), joined(video_kwargs(TYPES))
CHOSEN = {name: ABOUT[name] for name in ("frame_types", "timestamps")}
EXPECTED = published_call(TOKENIZER, TEXT, [VIDEO], **ABOUT)


def call(video=VIDEO, **kwargs):
    return PROCESSOR(text=TEXT, videos=[video], return_tensors="pt", **{**ABOUT, **kwargs})


def pil_frames(video):
    return [Image.fromarray(frame) for frame in np.asarray(video.permute(0, 2, 3, 1))]


@pytest.mark.parametrize(
    "video",
    [
        VIDEO.numpy(),
        np.ascontiguousarray(VIDEO.permute(0, 2, 3, 1)),
        VIDEO.permute(0, 2, 3, 1),
        VIDEO.contiguous(),
        pil_frames(VIDEO),
        tuple(pil_frames(VIDEO)),
        list(VIDEO.numpy()),
        list(VIDEO),
    ],
    ids=["tchw", "thwc", "thwc tensor", "contiguous", "pil", "tuple", "arrays", "tensors"],
)
def test_forms_of_a_video(video):
    assert_bits(call(video), EXPECTED)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("V.mp4", "V.mp4"),
        (Path("V.mp4"), "V.mp4"),
        (b"1234", "<4 bytes>"),
        (io.BytesIO(), "<BytesIO object>"),
        ({"type": "video", "video": "V.mp4"}, "a dictionary"),
    ],
)
def test_files_are_for_others(given, name):
    for value in (given, [given]):
        with pytest.raises(FramesShapeError, match=f"a video is {name}: .*preprocess_video.*load"):
            PROCESSOR(text=TEXT, videos=value)
        with pytest.raises(FramesShapeError, match=f"an image is {name}: .*process_vision_info"):
            PROCESSOR(text="<|image_pad|>", images=value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_float_frames_are_converted_as_published(dtype):
    video = VIDEO.to(dtype)
    assert_bits(call(video), published_call(TOKENIZER, TEXT, [video], **ABOUT))
    chosen = PROCESSOR(text=TEXT, videos=[video], return_tensors="pt", **CHOSEN)
    assert_bits(chosen, published_call(TOKENIZER, TEXT, [video], **CHOSEN))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_frames_as_their_float32(dtype):
    """The published path cannot resample them."""
    video = VIDEO.to(dtype)
    assert_bits(call(video), dict(call(video.float())))


@pytest.mark.parametrize(
    "types",
    [
        [TYPES],
        TYPES,
        [torch.tensor(TYPES)],
        torch.tensor([TYPES]),
        [np.array(TYPES)],
        np.array(TYPES, np.int8),
    ],
    ids=["lists", "flat", "tensors", "tensor", "arrays", "array"],
)
def test_forms_of_what_is_said_about_it(types):
    times = [ABOUT["timestamps"][0].tolist()]
    sizes = {name: ABOUT[name][0] for name in ("height", "width", "fast_height", "fast_width")}
    assert_bits(call(frame_types=types, timestamps=times, **sizes), EXPECTED)


def test_sampled_frames_without_sizes():
    expected = published_call(TOKENIZER, TEXT, [VIDEO], **CHOSEN)
    for video in (VIDEO, pil_frames(VIDEO)):
        actual = PROCESSOR(text=TEXT, videos=[video], return_tensors="pt", **CHOSEN)
        assert_bits(actual, expected)


def test_arguments_without_an_effect():
    metadata = [{"fps": 25.0, "total_num_frames": 100, "frames_indices": list(range(5))}]
    assert_bits(call(video_metadata=metadata, do_sample_frames=False, fps=2.0), EXPECTED)
    assert_bits(call(device="cpu"), EXPECTED)


def test_device():
    image = np.zeros((40, 40, 3), np.uint8)
    about = {"text": f"<|image_pad|>{TEXT}", "images": [image], "videos": [VIDEO], **ABOUT}
    made = PROCESSOR(**about, device="meta", return_tensors="pt")
    places = {name: value.device.type for name, value in made.items()}
    assert {name for name, place in places.items() if place == "meta"} == {
        "pixel_values",
        "pixel_values_videos",
    }
    assert made["pixel_values_videos"].shape == EXPECTED["pixel_values_videos"].shape
    made = PROCESSOR(**about, videos_kwargs={"device": torch.device("meta")}, return_tensors="pt")
    assert (made["pixel_values"].is_meta, made["pixel_values_videos"].is_meta) == (False, True)
    arrays = PROCESSOR(**about, device="meta", return_tensors="np")
    assert isinstance(arrays["pixel_values"], np.ndarray)
    with pytest.raises(InvalidArgumentError, match="device is 'nowhere': expected one"):
        PROCESSOR(**about, device="nowhere", return_tensors="pt")


def test_return_tensors():
    nothing = PROCESSOR(text=TEXT, videos=[VIDEO], **ABOUT)
    assert isinstance(nothing["input_ids"], list)
    assert torch.equal(nothing["pixel_values_videos"], EXPECTED["pixel_values_videos"])
    arrays = PROCESSOR(text=TEXT, videos=[VIDEO], return_tensors="np", **ABOUT)
    for name, value in EXPECTED.items():
        assert isinstance(arrays[name], np.ndarray)
        assert np.array_equal(arrays[name], value.numpy())


@pytest.mark.parametrize(
    "changed",
    [
        {"do_rescale": False},
        {"do_normalize": False},
        {"resample": Image.Resampling.BICUBIC},
    ],
    ids=str,
)
@pytest.mark.parametrize("about", [ABOUT, CHOSEN], ids=["given", "chosen"])
def test_settings_of_the_image_processor(changed, about):
    expected = published_call(TOKENIZER, TEXT, [VIDEO], **changed, **about)
    actual = PROCESSOR(text=TEXT, videos=[VIDEO], return_tensors="pt", **changed, **about)
    assert_bits(actual, expected)


@pytest.mark.parametrize("about", [ABOUT, CHOSEN], ids=["given", "chosen"])
def test_bytes_as_they_are(about):
    """In float32 also where the published path keeps bytes: where Pillow resizes."""
    flags = {"do_rescale": False, "do_normalize": False}
    expected = published_call(TOKENIZER, TEXT, [VIDEO], **flags, **about)
    expected["pixel_values_videos"] = expected["pixel_values_videos"].float()
    actual = PROCESSOR(text=TEXT, videos=[VIDEO], return_tensors="pt", **flags, **about)
    assert_bits(actual, expected)


def test_a_size_and_no_resize():
    image = np.asarray(pil_frames(VIDEO)[0])
    limits = {"min_pixels": 28 * 28 * 20, "max_pixels": 28 * 28 * 30}
    expected = published_call(TOKENIZER, "<|image_pad|>", images=[image], **limits)
    for size in (limits, {"shortest_edge": 28 * 28 * 20, "longest_edge": 28 * 28 * 30}):
        made = PROCESSOR(text="<|image_pad|>", images=[image], size=size, return_tensors="pt")
        assert_bits(made, expected)
    whole = image[:56, :56]
    expected = published_call(TOKENIZER, "<|image_pad|>", images=[whole], do_resize=False)
    made = PROCESSOR(text="<|image_pad|>", images=[whole], do_resize=False, return_tensors="pt")
    assert_bits(made, expected)


def test_the_plain_path_is_said_once(caplog):
    caplog.set_level(logging.INFO)
    warn_once.cache_clear()
    for _ in range(2):
        call(VIDEO.float())
        call(do_rescale=False, do_normalize=False)
    said = [
        record.getMessage() for record in caplog.records if "reference path" in record.getMessage()
    ]
    assert len([message for message in said if "float" in message]) == 1
    assert len([message for message in said if "neither" in message]) == 1
    assert len(said) == 2


@pytest.mark.parametrize(
    ("about", "error", "message"),
    [
        ({"frame_types": [[0, 1, 0]]}, InvalidArgumentError, "frame_types has 1 entries for 2"),
        ({"frame_types": [[0, 1, 0], [0, 1]]}, FrameTypesError, "of video 1 has 2 entries for 3"),
        ({"height": [56], "width": [56, 56]}, InvalidArgumentError, "height has 1 entries for 2"),
        ({"timestamps": [[0.0, 1.0, 2.0]] * 3}, InvalidArgumentError, "timestamps has 3 entries"),
        ({"timestamps": [[0.0], [0.0]]}, InvalidArgumentError, "timestamps of video 0: 1 values"),
        ({"do_sample_frames": True}, InvalidArgumentError, "do_sample_frames is True"),
    ],
)
def test_lengths_that_do_not_match(about, error, message):
    videos = [clip(3, 60, 80), clip(3, 60, 80)]
    with pytest.raises(error, match=message):
        PROCESSOR(text=TEXT * 2, videos=videos, return_tensors="pt", **about)


@pytest.mark.parametrize(
    "more", [{}, {"return_tensors": "pt"}, {"return_overflowing_tokens": True}]
)
def test_truncation_that_cuts_vision_tokens_off(more):
    videos = [clip(6, 112, 168)]
    kwargs = joined(video_kwargs([0, 1, 1, 0, 1, 1]))
    whole = PROCESSOR(text=[TEXT], videos=videos, **kwargs)
    vision = whole["input_ids"][0].count(PROCESSOR.video_token_id)
    with pytest.raises(
        PromptError,
        match=rf"text 0 has {vision} <.video_pad.> tokens, of which max_length leaves \d+",
    ):
        PROCESSOR(text=[TEXT], videos=videos, truncation=True, max_length=30, **more, **kwargs)


def test_truncation_that_cuts_text_alone():
    videos = [clip(6, 112, 168)]
    kwargs = joined(video_kwargs([0, 1, 1, 0, 1, 1]))
    whole = PROCESSOR(text=[TEXT], videos=videos, **kwargs)["input_ids"][0]
    cut = PROCESSOR(
        text=[TEXT], videos=videos, truncation=True, max_length=len(whole) - 1, **kwargs
    )
    assert cut["input_ids"][0] == whole[:-1]


def test_truncation_that_cuts_an_image_off():
    image = Image.new("RGB", (112, 112))
    text = "Words. " * 20 + "<|vision_start|><|image_pad|><|vision_end|>"
    with pytest.raises(
        PromptError, match=r"text 0 has 16 <.image_pad.> tokens, of which max_length leaves 0"
    ):
        PROCESSOR(text=[text], images=[image], truncation=True, max_length=10)
