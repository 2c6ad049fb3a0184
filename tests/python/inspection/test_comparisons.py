"""Test that the comparisons of a report answer for every threshold as the splitter decides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from keye_vl_rs import _core
from keye_vl_rs.inspection import comparisons
from keye_vl_rs.inspection.comparisons import ThresholdComparisons
from support.clips import picture
from support.core import COMPARE, SPLIT, noise

HEIGHT, WIDTH = 112, 140


def drifting(count=40):
    """Return frames of a pattern that drifts slowly, with cuts."""
    return [picture(WIDTH, HEIGHT, i // 3 + 40 * (i // 15)) for i in range(count)]


def blocks(count=40, black=7):
    """Return red frames in which a patch turns black or red each time, and a black frame."""
    rng = np.random.default_rng(3)
    frame, frames = np.zeros((HEIGHT, WIDTH, 3), np.uint8), []
    frame[..., 0] = 255
    for i in range(count):
        frame = frame.copy()
        y, x = 28 * rng.integers(0, 4), 28 * rng.integers(0, 5)
        frame[y : y + 28, x : x + 28, 0] ^= 255
        frames.append(frame * 0 if i == black else frame)
    return frames


CONTENT = {"drifting": drifting, "blocks": blocks, "black": lambda: [noise(112, 140, 3) * 0] * 4}


def compare(frames, threshold=0.9):
    comparer = _core.FrameComparer(HEIGHT, WIDTH, HEIGHT, WIDTH, **COMPARE)
    found = ThresholdComparisons(comparer, threshold, len(frames))
    return found, [found.add(frame) for frame in frames]


def split(frames, threshold):
    options = {**SPLIT, "min_frame_similarity": threshold}
    splitter = _core.SlowFastSplitter(HEIGHT, WIDTH, HEIGHT, WIDTH, **options)
    return [splitter.push(frame) for frame in frames]


def walk(pairs, threshold):
    """Return the types that the comparisons imply for a threshold."""
    types, reference = [0], 0
    for number, some in enumerate(pairs[1:], 1):
        (pair,) = (one for one in some if one.reference == reference)
        slow = pair.similarity < threshold
        types.append(int(not slow))
        reference = number if slow else reference
    return types


@pytest.mark.parametrize("content", CONTENT)
def test_every_threshold_is_answered_as_the_splitter_decides(content):
    frames = CONTENT[content]()
    found, pairs = compare(frames)
    assert found.thresholds is None
    shares = {pair.similarity for some in pairs for pair in some if not math.isnan(pair.similarity)}
    around = {math.nextafter(one, side) for one in shares for side in (-math.inf, math.inf)}
    for threshold in {*np.linspace(-0.1, 1.1, 49), *shares, *around, math.inf, -math.inf}:
        assert walk(pairs, threshold) == split(frames, threshold), threshold


@pytest.mark.parametrize("threshold", [0.37, 0.9, 1.5])
def test_of_too_many_frames_only_some_thresholds_are_followed(monkeypatch, threshold):
    monkeypatch.setattr(comparisons, "_MAX_HELD", 6)
    frames = blocks(80, black=None)
    found, pairs = compare(frames, threshold)
    assert threshold in found.thresholds
    assert 3 <= len(found.thresholds) <= 6
    assert max(map(len, pairs)) <= 7
    for one in found.thresholds:
        assert walk(pairs, one) == split(frames, one), one


def test_few_frames_are_held():
    frames = blocks(60, black=None)
    comparer = _core.FrameComparer(HEIGHT, WIDTH, HEIGHT, WIDTH, **COMPARE)
    found = ThresholdComparisons(comparer, 0.9, len(frames))
    for frame in frames:
        found.add(frame)
        # There are 20 patches, and so 21 similarities at most that can tell frames apart.
        assert len(found._held) <= 22


def test_similarity_follows_from_the_counts():
    _, pairs = compare(blocks())
    for pair in (one for some in pairs for one in some):
        assert pair.unchanged == pair.changes.count(0)
        assert pair.counted == len(pair.changes) - pair.changes.count(2)
        with np.errstate(invalid="ignore"):
            share = np.float32(pair.unchanged) / np.float32(pair.counted)
        np.testing.assert_equal(pair.similarity, float(share))
