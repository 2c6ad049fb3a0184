"""Test that the compiled functions reject wrong frames and outputs, and then write nothing."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs import _core
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    KeyeVLError,
)
from support.core import COMPARE, PATCH, SPLIT, WRITTEN, noise, read_only, write

CALLS = {
    "resize": lambda frames: _core.resize(frames, 28, 28),
    "hsv_from_rgb": lambda frames: _core.hsv_from_rgb(frames),
    "slow_fast": lambda frames: _core.slow_fast(frames, 56, 56, **SPLIT),
    "write_patches": lambda frames: write(frames),
}
NO_ARRAYS = [None, 3, "frames", b"frames", [[[[1, 2, 3]]]], np.uint8(3), object()]
DTYPES = ["int8", "bool", "uint16", ">u2", "float32", "float64", "object", "S1", "complex64"]
SHAPES = [
    (),
    (3,),
    (28, 28),
    (28, 28, 3),
    (3, 28, 28),
    (2, 28, 28, 4),
    (2, 28, 28, 1),
    (2, 1, 28, 28),
    (2, 28, 3, 28),
    (1, 2, 28, 28, 3),
    (2, 0, 28, 3),
    (2, 28, 0, 3),
    (2, 3, 0, 28),
    (0,),
    (2, 28, 28, 0),
    (1,) * 20 + (3,),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("frames", NO_ARRAYS, ids=lambda value: type(value).__name__)
def test_frames_that_are_no_arrays(call, frames):
    with pytest.raises(FramesDtypeError, match=f"frames.*{type(frames).__name__}"):
        CALLS[call](frames)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_frames_of_other_dtypes(call, dtype):
    with pytest.raises(FramesDtypeError, match=r"frames has dtype .*: expected uint8"):
        CALLS[call](np.zeros((2, 28, 28, 3), dtype))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_frames_of_other_shapes(call, shape):
    with pytest.raises(FramesShapeError, match=r"frames.*shape.*expected \(N, H, W, 3\)"):
        CALLS[call](np.zeros(shape, np.uint8))


def test_frames_to_compare():
    frame = noise(56, 56, 3)
    for wrong in (None, frame.tolist(), frame.astype(float)):
        with pytest.raises(FramesDtypeError, match="frame2"):
            _core.frame_similarity(frame, wrong, **COMPARE)
    for wrong in (frame[None], frame[..., :2], frame[0], frame[..., 0]):
        with pytest.raises(FramesShapeError, match="frame1"):
            _core.frame_similarity(wrong, frame, **COMPARE)
    for wrong in (frame[:28], frame[:, :28]):
        with pytest.raises(InvalidArgumentError):
            _core.frame_similarity(frame, wrong, **COMPARE)
    assert _core.frame_similarity(frame, frame.transpose(2, 0, 1), **COMPARE) == 1.0


def unaligned():
    return np.frombuffer(bytearray(4 * WRITTEN + 1), np.float32, offset=1)


OUTPUTS = {
    "none": None,
    "list": [0.0] * WRITTEN,
    "float64": np.zeros(WRITTEN),
    "uint16": np.zeros(WRITTEN, np.uint16),
    "big-endian": np.zeros(WRITTEN, ">f4"),
    "object": np.zeros(WRITTEN, object),
    "short": np.zeros(WRITTEN - 1, np.float32),
    "long": np.zeros(WRITTEN + 1, np.float32),
    "empty": np.zeros(0, np.float32),
    "two dimensions": np.zeros((WRITTEN // 588, 588), np.float32),
    "strided": np.zeros(2 * WRITTEN, np.float32)[::2],
    "backwards": np.zeros(WRITTEN, np.float32)[::-1],
    "repeated": np.broadcast_to(np.zeros(1, np.float32), (WRITTEN,)),
    "read only": read_only(np.zeros(WRITTEN, np.float32)),
    "unaligned": unaligned(),
    "bytes": bytes(4 * WRITTEN),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_that_cannot_be_written(name):
    out = OUTPUTS[name]
    with pytest.raises(InvalidArgumentError, match="out "):
        _core.write_patches(noise(2, 56, 56, 3), None, (56, 56), (56, 56), out, **PATCH)
    if isinstance(out, np.ndarray):
        assert not out.any()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sixteen_bits_are_written_as_uint16(dtype):
    for wrong in (np.float32, np.float16, np.int16):
        with pytest.raises(InvalidArgumentError, match="uint16"):
            write(noise(2, 56, 56, 3), out=np.zeros(WRITTEN, wrong), dtype=dtype)


@pytest.mark.parametrize("place", [0, 588, 3 * 588])
def test_an_output_over_the_same_memory_by_another_way(place):
    """NumPy cannot tell that two arrays over one buffer overlap."""
    buffer = bytearray(4 * 588 * 4)
    out = np.frombuffer(buffer, np.float32, 4 * 588)
    frames = np.frombuffer(buffer, np.uint8, 3 * 28 * 28, place * 4).reshape(1, 28, 28, 3)
    for view in (frames, frames[:, ::-1, ::-1]):
        with pytest.raises(InvalidArgumentError, match="out overlaps frames"):
            write(view, slow=(28, 28), out=out)


def test_an_output_beside_the_frames_in_one_buffer():
    buffer = bytearray(4 * 588 * 4 + 28 * 28 * 3)
    out = np.frombuffer(buffer, np.float32, 4 * 588)
    frames = np.frombuffer(buffer, np.uint8, 28 * 28 * 3, 4 * 588 * 4).reshape(1, 28, 28, 3)
    frames[:] = noise(1, 28, 28, 3)
    expected = write(frames.copy(), slow=(28, 28), out=np.empty(4 * 588, np.float32))
    assert np.array_equal(write(frames, slow=(28, 28), out=out), expected)


def test_an_output_that_overlaps_the_frames():
    memory = np.zeros(4 * WRITTEN, np.uint8)
    frames = memory[: 2 * 56 * 56 * 3].reshape(2, 56, 56, 3)
    with pytest.raises(InvalidArgumentError, match="out is in use"):
        write(frames, out=memory.view(np.float32))


def test_an_output_beside_the_frames_in_one_array():
    memory = np.zeros(2 * 56 * 56 * 3 + 4 * WRITTEN, np.uint8)
    frames = memory[: 2 * 56 * 56 * 3].reshape(2, 56, 56, 3)
    frames[:] = noise(2, 56, 56, 3)
    expected = write(frames.copy())
    out = write(frames, out=memory[2 * 56 * 56 * 3 :].view(np.float32))
    np.testing.assert_array_equal(out, expected)


def test_an_error_leaves_the_output_and_the_arrays_free():
    frames, out = noise(2, 56, 56, 3), np.full(WRITTEN, 7, np.float32)
    for _ in range(3):
        with pytest.raises(KeyeVLError):
            write(frames, [0, 5], out=out)
        with pytest.raises(KeyeVLError):
            write(frames, [0, 1], out=out)
    assert (out == 7).all()
    frames[:] = 0
    out[:] = 0
    write(frames, out=out)
