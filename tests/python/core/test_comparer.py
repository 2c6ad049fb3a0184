"""Test that the comparison of two frames agrees with the splitter and with frame_similarity."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs import _core
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    SizeError,
)
from support.clips import picture
from support.core import COMPARE, SPLIT, assert_others_run_during, noise


def comparer(height=113, width=170, size=(56, 84), **options):
    return _core.FrameComparer(height, width, *size, **{**COMPARE, **options})


def frames(count=20):
    return np.stack([picture(170, 113, i // 2 + 40 * (i > 11)) for i in range(count)])


@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.9, 1.0, 2.0])
@pytest.mark.parametrize("size", [(56, 84), (28, 28), (112, 140)], ids=str)
def test_the_splitter_decides_by_this_similarity(size, threshold):
    splitter = _core.SlowFastSplitter(
        113, 170, *size, **{**SPLIT, "min_frame_similarity": threshold}
    )
    compare, last = comparer(size=size), None
    for frame in frames():
        prepared = compare.prepare(frame)
        slow = last is None or compare.compare(last, prepared)[0] < threshold
        assert splitter.push(frame) == int(not slow)
        last = prepared if slow else last


def test_similarity_is_that_of_two_frames_of_the_comparison_size():
    a, b = noise(2, 56, 84, 3)
    b[:28] = a[:28]
    compare = comparer(56, 84)
    similarity, changes = compare.compare(compare.prepare(a), compare.prepare(b))
    assert similarity == _core.frame_similarity(a, b, **COMPARE)
    assert changes[:3] == bytes(3)
    assert similarity == np.float32(changes.count(0)) / np.float32(6)


def test_changes_are_row_by_row():
    a = np.full((56, 84, 3), (255, 0, 0), np.uint8)
    b = a.copy()
    b[28:, 56:] = 0
    a[:28, 28:56] = b[:28, 28:56] = 0
    compare = comparer(56, 84)
    one, other = compare.prepare(a), compare.prepare(b)
    assert compare.compare(one, other)[1] == bytes([0, 2, 0, 0, 0, 1])
    assert compare.compare(other, one)[1] == bytes([0, 2, 0, 0, 0, 1])
    assert compare.compare(one, one)[0] == 1.0


def test_frames_that_are_black_are_not_comparable():
    compare = comparer(28, 28, (28, 28))
    black = compare.prepare(np.zeros((28, 28, 3), np.uint8))
    similarity, changes = compare.compare(black, black)
    assert np.isnan(similarity)
    assert changes == b"\2"


def test_a_prepared_frame_keeps_its_pixels():
    compare, buffer = comparer(56, 84), noise(56, 84, 3)
    before = compare.prepare(buffer)
    buffer[:] = 0
    assert compare.compare(before, compare.prepare(buffer))[0] == 0.0


def test_wrong_arguments():
    compare = comparer()
    good = compare.prepare(frames(1)[0])
    with pytest.raises(FramesShapeError, match=r"\[1, 113, 170\]"):
        compare.prepare(noise(112, 170, 3))
    with pytest.raises(FramesDtypeError):
        compare.prepare(np.zeros((113, 170, 3)))
    with pytest.raises(InvalidArgumentError, match="this comparer has prepared"):
        compare.compare(good, comparer(size=(28, 28)).prepare(frames(1)[0]))
    with pytest.raises(InvalidArgumentError, match="patch_similarity is NaN"):
        comparer(patch_similarity=float("nan"))
    with pytest.raises(SizeError, match="multiples of 28"):
        comparer(size=(55, 84))
    for wrong in (None, 3, frames(1)[0]):
        with pytest.raises(TypeError):
            compare.compare(good, wrong)
    with pytest.raises(TypeError):
        _core.ComparableFrame()


def test_other_threads_run_meanwhile():
    compare, frame = comparer(720, 1280, (560, 1008)), noise(720, 1280, 3)
    assert_others_run_during(lambda: compare.prepare(frame))
