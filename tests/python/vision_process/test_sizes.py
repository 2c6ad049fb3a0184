"""Compare names, sizes and numbers of frames with keye_vl_utils 1.5.2 itself."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    AspectRatioError,
    InvalidArgumentError,
    SizeError,
)
from support.vision_process import (
    TOKEN,
    assert_fetches_alike,
    assert_same,
    pictures,
    reference,
)

pytestmark = [pytest.mark.without_pixels, pytest.mark.usefixtures("one_thread_of_torch")]


def test_every_public_name_has_the_published_arguments():
    for name in ours.__all__:
        theirs = inspect.signature(getattr(reference, name)).parameters.values()
        mine = list(inspect.signature(getattr(ours, name)).parameters.values())
        if name in ("fetch_image", "fetch_video", "process_vision_info"):
            added = mine.pop()
            assert (added.name, added.kind) == ("limits", inspect.Parameter.KEYWORD_ONLY)
        assert [(p.name, p.kind) for p in mine] == [(p.name, p.kind) for p in theirs], name
        assert [p.default for p in mine] == [p.default for p in theirs], name


def test_every_published_function_is_there():
    theirs = {
        name
        for name, value in vars(reference).items()
        if inspect.isfunction(value) and value.__module__ == reference.__name__
    }
    assert theirs <= set(ours.__all__) | {"_read_video_decord"}
    assert callable(ours._read_video_decord)


@pytest.mark.parametrize("name", ["round_by_factor", "ceil_by_factor", "floor_by_factor"])
def test_multiples_are_the_published_ones(name):
    for number in (0, 1, 13, 14, 15, 42, 70, 98.0, 126.5, 1000, -5):
        for factor in (1, 2, 28):
            assert getattr(ours, name)(number, factor) == getattr(reference, name)(number, factor)


def test_constants_are_the_published_ones():
    published = {
        name: value
        for name, value in vars(reference).items()
        if name.isupper() and isinstance(value, (int, float))
    }
    assert len(published) >= 14
    assert {name: getattr(ours, name) for name in published} == published


def test_smart_resize_of_many_sizes():
    rng = np.random.default_rng(0)
    for _ in range(4000):
        height, width = (int(v) for v in np.exp(rng.uniform(0, 9, 2)))
        if max(height, width) > 200 * min(height, width):
            continue
        factor = int(rng.choice([1, 14, 28, 32, 56]))
        low = float(rng.choice([0, 1, 3136, 37632, 401408.5]))
        high = low + float(rng.integers(0, 2_000_000))
        for limits in ({}, {"min_pixels": low, "max_pixels": max(high, 1.0)}):
            args = (height, width, factor)
            assert_same(ours.smart_resize(*args, **limits), reference.smart_resize(*args, **limits))


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(14, 28 * 9, (28, 252)), (42, 28, (56, 28)), (70, 98, (56, 112)), (126, 154, (112, 168))],
)
def test_halves_round_to_the_even_multiple(height, width, size):
    assert ours.smart_resize(height, width, 28, 1, 10**9) == size
    assert reference.smart_resize(height, width, 28, 1, 10**9) == size


@pytest.mark.parametrize("size", [(1, 200), (200, 1), (3, 600), (8000, 40)])
def test_an_aspect_ratio_of_200_is_served(size):
    assert_same(ours.smart_resize(*size), reference.smart_resize(*size))


@pytest.mark.parametrize("size", [(1, 201), (201, 1), (3, 601), (10**6, 1)])
def test_an_aspect_ratio_over_200_is_refused(size):
    with pytest.raises(ValueError, match="aspect ratio"):
        reference.smart_resize(*size)
    with pytest.raises(AspectRatioError, match=rf"{size[0]}.*{size[1]}.*aspect ratio.*200"):
        ours.smart_resize(*size)


def test_a_side_that_no_number_holds_is_refused():
    with pytest.raises(SizeError, match=r"expected less than 2\*\*63"):
        ours.smart_resize(2**64, 28)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0), (-28, 28)])
def test_a_side_of_nothing_is_refused(size):
    with pytest.raises(InvalidArgumentError):
        ours.smart_resize(*size)


@pytest.mark.parametrize(
    "limits",
    [(math.nan, 1e6), (1.0, math.nan), (-1.0, 1e6), (1.0, -1e6), (math.inf, math.inf)],
)
def test_impossible_limits_are_refused(limits):
    with pytest.raises(InvalidArgumentError, match="pixels"):
        ours.smart_resize(100, 100, 28, *limits)


def test_smart_nframes_of_numbers_near_nothing():
    """The quotients are infinite."""
    assert ours.smart_nframes({}, 100, 1e-310) == 100
    assert ours.smart_nframes({"min_pixels": 1e-310}, 100, 25.0) == 8


def test_smart_nframes_of_many_videos():
    rng = np.random.default_rng(1)
    for _ in range(4000):
        total, rate = int(rng.integers(1, 5000)), float(rng.choice([1, 12.5, 23.976, 25, 30, 60]))
        ele = {
            "fps": rng.choice([0.1, 0.5, 1, 2, 3.7, 30, 100]).item(),
            "max_frames": int(rng.integers(1, 900)),
            "min_pixels": int(rng.integers(1000, 900000)),
            "video_total_pixels": float(rng.integers(10**6, 10**8)),
        }
        ele = {key: value for key, value in ele.items() if rng.random() < 0.6}
        expected = reference.smart_nframes(ele, total, rate)
        actual = ours.smart_nframes(ele, total, rate)
        assert actual == max(1, expected), (ele, total, rate)
        assert type(actual) is int


@pytest.mark.parametrize("key", ["fps", "max_frames", "min_pixels", "video_total_pixels"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "2", [2], True])
def test_impossible_numbers_are_named(key, value, short_name):
    for call in (
        lambda: ours.smart_nframes({key: value}, 100, 25.0),
        lambda: ours.fetch_video({"video": short_name, key: value}),
        lambda: ours.fetch_video({"video": pictures(4), key: value}),
    ):
        with pytest.raises(InvalidArgumentError, match=key):
            call()


@pytest.mark.parametrize("rate", [0, -25.0, math.nan])
def test_an_impossible_frame_rate_of_the_video_is_refused(rate):
    with pytest.raises(InvalidArgumentError, match="frame rate"):
        ours.smart_nframes({}, 100, rate)


def replace_reader(monkeypatch, frames, types):
    """Replace the reader, like a host that reads videos itself."""
    types = torch.tensor(types, dtype=torch.int32)
    times = torch.arange(len(types), dtype=torch.float32)
    for module in (reference, ours):
        monkeypatch.setattr(module, "_read_video_decord", lambda ele: (frames, times, types))


@pytest.mark.parametrize(
    "size", [(1080, 1920), (1920, 1080), (97, 31), (28, 5600), (9, 7), (4000, 3000), (360, 640)]
)
@pytest.mark.parametrize("slow", [1, 2, 77, 1365])
def test_sizes_under_the_token_budget(size, slow, monkeypatch):
    frames = torch.zeros(1, 3, 1, 1, dtype=torch.uint8).expand(1365, 3, *size)
    replace_reader(monkeypatch, frames, [0] * slow + [1] * (1365 - slow))
    for options in (
        {},
        {"max_pixels": 5000 * TOKEN},
        {"max_pixels": 33.5 * TOKEN},
        {"min_pixels": 100 * TOKEN, "video_total_pixels": 10**8},
        {"min_pixels": 49.3 * TOKEN + 7},
        {"video_total_pixels": 1},
    ):
        assert_fetches_alike({"video": "any", **options})


def test_sizes_of_random_budgets(monkeypatch):
    rng = np.random.default_rng(2)
    for _ in range(150):
        height, width = (int(v) for v in rng.integers(20, 2000, 2))
        count = int(rng.integers(1, 900))
        types = (rng.random(count) < rng.random()).astype(int).tolist()
        frames = torch.zeros(1, 3, 1, 1, dtype=torch.uint8).expand(count, 3, height, width)
        replace_reader(monkeypatch, frames, types)
        ele = {
            "min_pixels": rng.choice([1, TOKEN * 30, TOKEN * 60, 123456, 77777.7]).item(),
            "max_pixels": rng.choice([40 * TOKEN, 300 * TOKEN, 1e6 / 3, 12345678]).item(),
            "video_total_pixels": rng.integers(10**5, 10**8).item(),
        }
        ele = {key: value for key, value in ele.items() if rng.random() < 0.7}
        assert_fetches_alike({"video": "any", **ele})
