"""Test the compiled functions on arrays of every layout."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs import _core
from oracle import keye_oracle as oracle
from support.core import SPLIT, WRITTEN, noise, read_only, write

BIG = noise(9, 64, 96, 4)
PLAIN = noise(4, 41, 57, 3)


LAYOUTS = {
    "plain": PLAIN,
    "read only": read_only(PLAIN),
    "Fortran": np.asfortranarray(PLAIN),
    "channels first": np.ascontiguousarray(PLAIN.transpose(0, 3, 1, 2)),
    "channels first view": PLAIN.transpose(0, 3, 1, 2),
    "transposed": PLAIN.transpose(0, 2, 1, 3),
    "reversed frames": PLAIN[::-1],
    "flipped": PLAIN[:, ::-1, ::-1],
    "reversed channels": PLAIN[..., ::-1],
    "all reversed": PLAIN[::-1, ::-1, ::-1, ::-1],
    "strided": BIG[::2, 1:60:3, 5:90:4, 1:],
    "three of four channels": BIG[..., :3],
    "three of four channels, backwards": BIG[::-2, ::-1, :, 2::-1],
    "one frame repeated": np.broadcast_to(PLAIN[:1], PLAIN.shape),
    "one row repeated": np.broadcast_to(PLAIN[:, :1], PLAIN.shape),
    "one pixel repeated": np.broadcast_to(PLAIN[:1, :1, :1], PLAIN.shape),
    "grey": np.broadcast_to(PLAIN[..., :1], PLAIN.shape),
    "overlapping": np.lib.stride_tricks.as_strided(BIG, (3, 20, 30, 3), (7, 31, 2, 1)),
    "odd offset": noise(1 + 3 * 20 * 30 * 3)[1:].reshape(3, 20, 30, 3),
    "no frames": PLAIN[:0],
    "one frame": PLAIN[2:3],
    "masked": np.ma.array(PLAIN),
    "one pixel": PLAIN[:, :1, :1],
    "ambiguous": noise(4, 3, 5, 3),
}


def channels_last(frames):
    frames = np.array(frames)
    return frames.transpose(0, 2, 3, 1) if frames.shape[1] == 3 else frames


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(28, 84), (100, 33), (1, 1), (41, 57)])
def test_resize_of_every_layout(name, kernel, size):
    frames = LAYOUTS[name]
    before = np.array(frames)
    resized = _core.resize(frames, *size, kernel=kernel)
    assert resized.dtype == np.uint8
    assert resized.flags.c_contiguous
    assert resized.shape == (len(frames), *size, 3)
    if len(frames):
        expected = oracle.resize_u8(channels_last(frames), *size, kernel)
        np.testing.assert_array_equal(resized, expected)
    np.testing.assert_array_equal(frames, before)


@pytest.mark.parametrize("name", LAYOUTS)
def test_hsv_of_every_layout(name):
    import cv2

    frames = LAYOUTS[name]
    hsv = _core.hsv_from_rgb(frames)
    last = channels_last(frames)
    assert hsv.shape == last.shape
    for one, frame in zip(hsv, last, strict=True):
        expected = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2HSV)
        np.testing.assert_array_equal(one, expected)


def test_hsv_of_every_colour():
    import cv2

    axis = np.arange(256, dtype=np.uint8)
    for red in range(0, 256, 16):
        colours = np.stack(np.meshgrid(axis[red : red + 16], axis, axis, indexing="ij"), -1)
        colours = colours.reshape(1, 1024, 1024, 3)
        expected = cv2.cvtColor(colours[0], cv2.COLOR_RGB2HSV)
        np.testing.assert_array_equal(_core.hsv_from_rgb(colours)[0], expected)


@pytest.mark.parametrize("name", LAYOUTS)
def test_patches_of_every_layout(name):
    frames = LAYOUTS[name]
    types = [index % 2 for index in range(len(frames))]
    slow, fast = (56, 84), (28, 56)
    patches = sum((24, 8)[kind] for kind in types)
    out = np.full(patches * 588, np.nan, np.float32)
    write(frames, types, slow, fast, out)
    if len(frames):
        expected, _ = oracle.video_inputs(channels_last(frames), types, slow, fast)
        np.testing.assert_array_equal(out.view(np.uint32), expected.reshape(-1).view(np.uint32))


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"no frames"}))
def test_slow_and_fast_of_every_layout(name):
    frames = LAYOUTS[name]
    size = oracle.smart_resize(*channels_last(frames).shape[1:3], 28, 37632, 200704)
    types = _core.slow_fast(frames, *size, **SPLIT)
    assert types.dtype == np.int32
    np.testing.assert_array_equal(types, oracle.slow_fast(channels_last(frames)))


def test_slow_and_fast_of_no_frames():
    assert _core.slow_fast(PLAIN[:0], 56, 56, **SPLIT).shape == (0,)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_resize_is_torchs(kernel):
    import torch

    rng = np.random.default_rng(3)
    for _ in range(60):
        height, width, new_height, new_width = (int(v) for v in rng.integers(1, 200, 4))
        frames = noise(2, height, width, 3, seed=int(rng.integers(1 << 30)))
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(frames).permute(0, 3, 1, 2),
            [new_height, new_width],
            mode=kernel,
            antialias=True,
        )
        resized = _core.resize(frames, new_height, new_width, kernel=kernel)
        np.testing.assert_array_equal(resized, expected.permute(0, 2, 3, 1).numpy())


def test_sixteen_bits_are_the_rounded_float32():
    import torch

    frames = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    frames = np.ascontiguousarray(np.tile(frames, (2, 4, 4, 1))[:, :56, :56])
    options = {"image_mean": (0.48145466, 0.4578275, 0.0), "image_std": (0.2686295, 0.001, 1e-6)}
    full = torch.from_numpy(write(frames, **options))
    for dtype in ("bfloat16", "float16"):
        bits = write(frames, out=np.zeros(WRITTEN, np.uint16), dtype=dtype, **options)
        expected = full.to(getattr(torch, dtype)).view(torch.uint16).numpy()
        np.testing.assert_array_equal(bits, expected)


def test_frame_types_of_every_kind():
    frames = noise(2, 56, 56, 3)
    expected = write(frames, [0, 1], out=np.zeros(20 * 588, np.float32))
    for types in (
        (0, 1),
        np.array([0, 1]),
        np.array([0, 1], np.int32),
        np.array([0, 1], np.uint8),
        np.array([[0, 1], [1, 0]])[0],
        range(2),
    ):
        np.testing.assert_array_equal(
            write(frames, types, out=np.zeros(20 * 588, np.float32)), expected
        )


@pytest.mark.parametrize("patch", [1, 7, 16, 28])
def test_patches_of_other_sizes(patch):
    frames, side = noise(2, 40, 50, 3), 4 * patch
    out = write(
        frames, slow=(side, side), out=np.zeros(2 * side * side * 3, np.float32), patch_size=patch
    )
    resized = oracle.resize_u8(frames, side, side)
    pixels = np.stack([oracle.normalize_lut()[c][resized[..., c]] for c in range(3)], axis=1)
    expected = pixels.reshape(2, 3, 4, patch, 4, patch).transpose(0, 2, 4, 1, 3, 5)
    np.testing.assert_array_equal(out, expected.reshape(-1))
