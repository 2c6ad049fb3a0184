"""Test that the compiled functions reject wrong numbers and names."""

from __future__ import annotations

import math

import numpy as np
import pytest

from keye_vl_rs import _core
from keye_vl_rs.errors import (
    AspectRatioError,
    FrameTypesError,
    InvalidArgumentError,
    SizeError,
)
from support.core import PLAN, SPLIT, noise, write


@pytest.mark.parametrize("value", [0, -1, -(2**63)])
def test_sides_below_one(value):
    frames = noise(2, 56, 56, 3)
    for height, width in ((value, 28), (28, value)):
        for call in (
            lambda h=height, w=width: _core.resize(frames, h, w),
            lambda h=height, w=width: _core.slow_fast(frames, h, w, **SPLIT),
            lambda h=height, w=width: write(frames, slow=(h, w)),
            lambda h=height, w=width: write(frames, [0, 1], fast=(h, w)),
            lambda h=height, w=width: _core.smart_resize(h, w, 28, 1.0, 1e6),
            lambda h=height, w=width: _core.plan_sizes(h, w, 1, 1, **PLAN),
        ):
            with pytest.raises(InvalidArgumentError, match=rf"{height}.*{width}"):
                call()


@pytest.mark.parametrize("value", [1.5, "28", None, [28], b"28", math.nan])
def test_sides_that_are_no_integers(value):
    frames = noise(2, 56, 56, 3)
    for call in (
        lambda: _core.resize(frames, value, 28),
        lambda: _core.slow_fast(frames, 28, value, **SPLIT),
        lambda: write(frames, slow=(value, 28)),
        lambda: write(frames, slow=value),
        lambda: _core.smart_resize(28, value, 28, 1.0, 1e6),
    ):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("size", [(28,), (28, 28, 28), [], "28"])
def test_sizes_that_are_no_pairs(size):
    with pytest.raises((TypeError, ValueError)):
        write(noise(2, 56, 56, 3), slow=size)


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**64), 10**30])
def test_numbers_that_no_integer_holds(value):
    frames = noise(2, 56, 56, 3)
    for call in (
        lambda: _core.resize(frames, value, 28),
        lambda: write(frames, fast=(28, value)),
        lambda: write(frames, [0, value]),
        lambda: _core.smart_resize(value, value, 28, 1.0, 1e6),
    ):
        with pytest.raises((OverflowError, TypeError)):
            call()


@pytest.mark.parametrize(
    ("height", "width"), [(57, 56), (56, 57), (42, 56), (56, 14), (27, 27), (29, 28)]
)
def test_sizes_that_are_no_multiples_of_a_token(height, width):
    frames = noise(2, 56, 56, 3)
    for sizes in ({"slow": (height, width)}, {"fast": (height, width)}):
        name = next(iter(sizes))
        with pytest.raises(SizeError, match=rf"{name}_size is {height}x{width}.*multiples of 28"):
            write(frames, [0, 1], **sizes)


@pytest.mark.parametrize("factor", [0, 2**62, 2**63])
def test_factors_that_cannot_be(factor):
    with pytest.raises(InvalidArgumentError, match="factor"):
        _core.smart_resize(100, 100, factor, 1.0, 1e6)
    with pytest.raises(InvalidArgumentError, match="factor"):
        _core.plan_sizes(100, 100, 1, 1, **{**PLAN, "factor": factor})


@pytest.mark.parametrize("patch", [0, 2**20, 2**62, 2**63])
def test_patch_sizes_that_cannot_be(patch):
    frames = noise(2, 56, 56, 3)
    for call in (
        lambda: write(frames, patch_size=patch),
        lambda: _core.slow_fast(frames, 56, 56, **{**SPLIT, "patch_size": patch}),
        lambda: _core.frame_similarity(
            frames[0], frames[1], patch_size=patch, patch_similarity=0.7
        ),
    ):
        with pytest.raises(InvalidArgumentError):
            call()


@pytest.mark.parametrize("patch", [-1, 2**64])
def test_patch_sizes_out_of_range(patch):
    with pytest.raises(OverflowError):
        write(noise(2, 56, 56, 3), patch_size=patch)


@pytest.mark.parametrize("name", [name for name in PLAN if name != "factor"])
@pytest.mark.parametrize("value", [math.nan, -1.0, -math.inf])
def test_limits_that_cannot_be(name, value):
    with pytest.raises(InvalidArgumentError, match=rf"(?i){name}.*{value:g}"):
        _core.plan_sizes(100, 100, 1, 1, **{**PLAN, name: value})


@pytest.mark.parametrize("side", [2**31, 2**53, 2**62, 2**63 - 1])
def test_large_frames_have_the_size_of_their_aspect_ratio(side):
    # sqrt(1e6) is 35.7 times 28, and sqrt(2e6) is 50.5 times 28; the planned sides are 27.7 and
    # 39.2 times.
    square, tall = (side, side), (side, side // 2)
    assert _core.smart_resize(*square, 28, 1.0, 1e6) == (980, 980)
    assert _core.smart_resize(*tall, 28, 1.0, 1e6) == (1400, 700)
    assert _core.plan_sizes(*square, 1, 1, **PLAN) == ((756, 756), (392, 392))
    assert _core.plan_sizes(*tall, 1, 1, **PLAN) == ((1092, 532), (588, 280))
    with pytest.raises(AspectRatioError, match=rf"height {side} and width 1 "):
        _core.smart_resize(side, 1, 28, 1.0, 1e6)
    with pytest.raises(AspectRatioError, match=rf"height 1 and width {side} "):
        _core.plan_sizes(1, side, 1, 1, **PLAN)


def test_an_aspect_ratio_over_200():
    for height, width in ((1, 201), (201, 1)):
        with pytest.raises(AspectRatioError, match="200"):
            _core.smart_resize(height, width, 28, 1.0, 1e6)
        with pytest.raises(AspectRatioError, match="200"):
            _core.plan_sizes(height, width, 1, 1, **PLAN)


@pytest.mark.parametrize("kernel", ["", "nearest", "Bilinear", "bilinear ", "\0", "é"])
def test_kernels_by_other_names(kernel):
    frames = noise(2, 56, 56, 3)
    for call in (
        lambda: _core.resize(frames, 28, 28, kernel=kernel),
        lambda: write(frames, kernel=kernel),
    ):
        with pytest.raises(InvalidArgumentError, match="kernel"):
            call()


@pytest.mark.parametrize("dtype", ["", "float64", "Float32", "f4", "uint8", "bf16"])
def test_dtypes_by_other_names(dtype):
    with pytest.raises(InvalidArgumentError, match=r"dtype.*float32.*bfloat16.*float16"):
        write(noise(2, 56, 56, 3), dtype=dtype)


@pytest.mark.parametrize("name", ["kernel", "dtype"])
@pytest.mark.parametrize("value", [None, 1, b"bilinear", np.float32, ["bilinear"]])
def test_names_that_are_no_strings(name, value):
    with pytest.raises(TypeError):
        write(noise(2, 56, 56, 3), **{name: value})


def test_a_string_that_is_no_unicode():
    with pytest.raises((TypeError, UnicodeEncodeError)):
        write(noise(2, 56, 56, 3), kernel="\ud800")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"rescale_factor": math.nan}, "rescale_factor"),
        ({"rescale_factor": math.inf}, "rescale_factor"),
        ({"image_mean": (0.5, math.nan, 0.5)}, "image_mean"),
        ({"image_mean": (0.5, 0.5, -math.inf)}, "image_mean"),
        ({"image_std": (0.0, 1.0, 1.0)}, "image_std"),
        ({"image_std": (1.0, 1.0, math.nan)}, "image_std"),
        ({"image_std": (1.0, 1.0, 1e-60)}, "image_std"),
        ({"image_mean": (1e300, 0.0, 0.0)}, "image_mean"),
    ],
    ids=str,
)
def test_numbers_that_pixels_cannot_be_normalised_with(options, name):
    with pytest.raises(InvalidArgumentError, match=name):
        write(noise(2, 56, 56, 3), **options)


@pytest.mark.parametrize("value", [(1.0, 1.0), (1.0,) * 4, 1.0, None, "abc", (1.0, "a", 1.0)])
def test_means_that_are_no_three_numbers(value):
    with pytest.raises((TypeError, ValueError)):
        write(noise(2, 56, 56, 3), image_mean=value)


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ([], "0 entries for 2 frames"),
        ([0], "1 entries for 2 frames"),
        ([0, 1, 0], "3 entries for 2 frames"),
        ([0, 2], r"frame_types\[1\] is 2"),
        ([-1, 0], r"frame_types\[0\] is -1"),
        (np.array([7, 7]), r"frame_types\[0\] is 7"),
    ],
    ids=str,
)
def test_frame_types_that_do_not_fit(types, message):
    with pytest.raises(FrameTypesError, match=message):
        write(noise(2, 56, 56, 3), types)


@pytest.mark.parametrize("types", [[0, 0.5], ["a", "b"], 3, "01", [None, 0], [[0], [1]]], ids=str)
def test_frame_types_that_are_no_integers(types):
    with pytest.raises(TypeError):
        write(noise(2, 56, 56, 3), types)
