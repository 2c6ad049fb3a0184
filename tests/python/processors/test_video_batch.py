"""Compare the videos of a call with the published steps, bit for bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import _core
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    FrameTypesError,
    InvalidArgumentError,
    SizeError,
)
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from oracle.published_processor import published_call
from support.processor import (
    MIXES,
    PROCESSOR,
    TEXT,
    TOKENIZER,
    assert_bits,
    clip,
    joined,
    video_kwargs,
)

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("types", MIXES.values(), ids=MIXES.keys())
@pytest.mark.parametrize("size", [(60, 80), (101, 173), (84, 112), (31, 29)])
def test_one_video(types, size):
    video, kwargs = clip(len(types), *size), joined(video_kwargs(types))
    expected = published_call(TOKENIZER, TEXT, [video], **kwargs)
    actual = PROCESSOR(text=[TEXT], images=None, videos=[video], return_tensors="pt", **kwargs)
    assert_bits(actual, expected)
    assert actual["num_frames"].tolist() == [len(types)]


def test_slow_and_fast_of_one_size_are_one_run():
    kwargs = joined(video_kwargs([0, 1, 0], slow=(56, 84), fast=(56, 84)))
    video = clip(3, 60, 80)
    actual = PROCESSOR(text=TEXT, videos=[video], return_tensors="pt", **kwargs)
    assert actual["video_grid_thw"].tolist() == [[3, 4, 6]]
    assert_bits(actual, published_call(TOKENIZER, TEXT, [video], **kwargs))


@pytest.mark.parametrize("names", list(itertools.permutations(MIXES, 2)), ids="-".join)
def test_videos_in_any_order(names):
    """Also if the last video has no fast frames, where the original goes wrong."""
    videos = [clip(len(MIXES[n]), 50 + 9 * i, 90, seed=i) for i, n in enumerate(names)]
    about = [
        video_kwargs(MIXES[n], slow=(56 + 28 * i, 84), start=3.0 * i) for i, n in enumerate(names)
    ]
    texts = [f"first {TEXT}{TEXT} last"]
    for text in (texts, [TEXT, "no video here", TEXT]):
        kwargs = {"padding": True}
        expected = published_call(TOKENIZER, text, videos, text_kwargs=kwargs, **joined(*about))
        actual = PROCESSOR(
            text=text, videos=videos, return_tensors="pt", **kwargs, **joined(*about)
        )
        assert_bits(actual, expected)


MISSING = [
    ("height", "width"),
    ("fast_height", "fast_width"),
    ("height", "width", "fast_height", "fast_width"),
    ("timestamps",),
    ("frame_types",),
    ("height", "width", "fast_height", "fast_width", "timestamps", "frame_types"),
]


@pytest.mark.parametrize("missing", MISSING, ids=",".join)
@pytest.mark.parametrize("size", [(60, 80), (13, 300), (400, 700)])
def test_what_is_missing_is_chosen_as_published(missing, size):
    video = clip(5, *size)
    kwargs = joined(video_kwargs(MIXES["slow_fast"]))
    kwargs = {name: value for name, value in kwargs.items() if name not in missing}
    limits = {"min_pixels": 56 * 56, "max_pixels": 150 * 150}
    small = KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(**limits), TOKENIZER)
    expected = published_call(TOKENIZER, TEXT, [video], **kwargs, **limits)
    assert_bits(small(text=TEXT, videos=[video], return_tensors="pt", **kwargs), expected)
    asked = PROCESSOR(text=TEXT, videos=[video], return_tensors="pt", **kwargs, **limits)
    assert_bits(asked, expected)


@pytest.mark.parametrize("missing", [(), MISSING[0]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_float_frames(dtype, missing):
    video = clip(5, 60, 80).to(dtype)
    kwargs = joined(video_kwargs(MIXES["slow_fast"]))
    kwargs = {name: value for name, value in kwargs.items() if name not in missing}
    expected = published_call(TOKENIZER, TEXT, [video], **kwargs)
    assert_bits(PROCESSOR(text=TEXT, videos=[video], return_tensors="pt", **kwargs), expected)
    last = video.permute(0, 2, 3, 1).numpy()
    assert_bits(PROCESSOR(text=TEXT, videos=[last], return_tensors="pt", **kwargs), expected)


@pytest.mark.parametrize(
    "flags", [{"do_rescale": False}, {"do_normalize": False}, {"image_mean": [0.5] * 3}]
)
def test_settings_of_the_call_hold_for_videos(flags):
    video, kwargs = clip(3, 60, 80), joined(video_kwargs([0, 1, 0]))
    expected = published_call(TOKENIZER, TEXT, [video], **flags, **kwargs)
    actual = PROCESSOR(text=TEXT, videos=[video], return_tensors="pt", **flags, **kwargs)
    assert_bits(actual, expected)


def test_every_form_of_video_and_of_what_is_said_about_it():
    video = clip(5, 60, 80)
    one = video_kwargs(MIXES["slow_fast"])
    expected = published_call(TOKENIZER, TEXT, [video], **joined(one))
    last = video.permute(0, 2, 3, 1).numpy()
    forms = [video, [video], [[video]], video.numpy(), last, [last], last[None], list(last)]
    forms += [[list(last)], [Image.fromarray(frame) for frame in last], video.contiguous()]
    for form in forms:
        assert_bits(PROCESSOR(TEXT, None, form, return_tensors="pt", **joined(one)), expected)
    plain = {name: np.asarray(value).tolist() for name, value in one.items()}
    about = [
        one,
        plain,
        {name: np.asarray(value) for name, value in one.items()},
        {name: torch.as_tensor(value)[None] for name, value in one.items()},
        {name: tuple([value]) for name, value in one.items()} | {"fps": [2.0]},
        {"videos_kwargs": joined(one)},
    ]
    for kwargs in about:
        assert_bits(PROCESSOR(TEXT, videos=[video], return_tensors="pt", **kwargs), expected)


def test_one_call_of_the_core_for_each_video_and_no_copies(monkeypatch):
    calls = []
    write = _core.write_patches

    def spy(frames, types, slow, fast, out, **kwargs):
        calls.append((frames, out))
        write(frames, types, slow, fast, out, **kwargs)

    monkeypatch.setattr(_core, "write_patches", spy)
    videos = [clip(5, 60, 80), clip(3, 50, 90)]
    about = joined(video_kwargs([0, 1, 1, 0, 1]), video_kwargs([0, 0, 1], slow=(56, 84)))
    made = PROCESSOR(TEXT * 2, videos=videos, return_tensors="pt", **about)["pixel_values_videos"]
    assert [frames.__array_interface__["data"][0] for frames, _ in calls] == [
        video.data_ptr() for video in videos
    ]
    patches = 2 * 6 * 8 + 3 * 4 * 4
    assert [out.__array_interface__["data"][0] for _, out in calls] == [
        made.data_ptr(),
        made[patches:].data_ptr(),
    ]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"height": [84, 84]}, InvalidArgumentError, "height has 2 entries for 1 videos"),
        ({"frame_types": []}, InvalidArgumentError, "frame_types has 0 entries for 1 videos"),
        ({"frame_types": [[0, 1]]}, FrameTypesError, "of video 0 has 2 entries for 3"),
        ({"frame_types": [[0, 1, 2]]}, FrameTypesError, r"of video 0\[2\] is 2"),
        ({"timestamps": [[0.0]]}, InvalidArgumentError, "timestamps of video 0: 1 values for 3"),
        ({"height": [80]}, SizeError, "height of video 0 is 80"),
        ({"fast_width": [0]}, SizeError, "fast_width of video 0 is 0"),
        ({"width": None}, SizeError, "width of video 0 is None"),
        ({"width": ["x"]}, InvalidArgumentError, "width of video 0 is 'x': expected a number"),
        ({"width": [1e300]}, SizeError, r"width of video 0 is 1e\+300: expected a multiple of 28"),
        ({"timestamps": [[0, 1, "x"]]}, InvalidArgumentError, "timestamps of video 0 is 'x'"),
        ({"videos": np.zeros((60, 80, 3), np.uint8)}, FramesShapeError, r"\(60, 80, 3\)"),
        ({"videos": [np.zeros((3, 60, 80, 4), np.uint8)]}, FramesShapeError, "60, 80, 4"),
        ({"videos": [np.zeros((0, 60, 80, 3), np.uint8)]}, FramesShapeError, "0, 60"),
        ({"videos": [np.zeros((3, 60, 80, 3), np.int32)]}, FramesDtypeError, "int32"),
        ({"videos": ["clip.mp4"]}, FramesShapeError, "a video is clip.mp4: expected"),
    ],
)
def test_refusals_come_before_any_work(changes, error, words, monkeypatch):
    monkeypatch.setattr("keye_vl_rs.processors.processor.video_tensors", None)
    kwargs = {"videos": [clip(3, 60, 80)], **joined(video_kwargs([0, 1, 0]))}
    with pytest.raises(error, match=words):
        PROCESSOR(TEXT, return_tensors="pt", **{**kwargs, **changes})
