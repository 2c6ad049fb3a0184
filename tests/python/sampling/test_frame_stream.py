"""Test that a stream of frames whose method of decoding fails late goes on, or says so."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs import iter_frames
from keye_vl_rs._decoding import reader as reader_module
from keye_vl_rs._decoding.decoder import UnexpectedFramesError
from keye_vl_rs._decoding.indexed_frames import IndexedFrames
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs.errors import DecodeError
from support.clips import decode_all_as_rgb

pytestmark = pytest.mark.one_level

RIGHT = IndexedFrames.read_tracking_damage
FAILS_AT = 20


def failing(change=lambda number, frame: frame):
    """Return a method that fails after some frames, of which ``change`` may make wrong ones."""

    def read(self, wanted):
        for number, (frame, why) in enumerate(RIGHT(self, wanted)):
            if number == FAILS_AT:
                raise UnexpectedFramesError
            yield change(number, frame), why

    return read


def blackened(number, frame):
    if number == 5:
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    return frame


def test_the_same_frames_again_are_not_seen(short, monkeypatch):
    monkeypatch.setattr(IndexedFrames, "read_fast", failing())
    found = list(iter_frames(short, fps=None))
    assert [frame.index for frame in found] == list(range(50))
    np.testing.assert_array_equal(
        np.stack([frame.pixels for frame in found]), decode_all_as_rgb(short)
    )


def test_two_methods_that_fail(short, monkeypatch):
    """The second one fails before it has come as far as the first one."""
    monkeypatch.setattr(IndexedFrames, "read_fast", failing())

    def read(self, wanted):
        for number, one in enumerate(RIGHT(self, wanted)):
            if number == FAILS_AT // 2:
                raise UnexpectedFramesError
            yield one

    monkeypatch.setattr(IndexedFrames, "read_tracking_damage", read)
    found = [frame.pixels for frame in iter_frames(short, fps=None)]
    np.testing.assert_array_equal(np.stack(found), decode_all_as_rgb(short))


def test_other_frames_are_an_error(short, monkeypatch):
    monkeypatch.setattr(IndexedFrames, "read_fast", failing(blackened))
    found = []
    with pytest.raises(DecodeError, match="some of the 20 frames that were already returned"):
        found.extend(frame.index for frame in iter_frames(short, fps=None))
    assert found == list(range(20))


@pytest.mark.parametrize("on_error", ["raise", "partial"])
@pytest.mark.parametrize("change", ["count", "times"])
def test_another_timeline_is_an_error(change, on_error, short, monkeypatch):
    for name in ("read_fast", "read_tracking_damage"):
        monkeypatch.setattr(IndexedFrames, name, failing())
    scan = reader_module.scan_frames

    def other_scan(*args, **kwargs):
        scanned = scan(*args, **kwargs)
        if change == "count":
            scanned.timeline = scanned.timeline.first(45)
        else:
            one = scanned.timeline
            later = [time + (index >= 3) for index, time in enumerate(one.times)]
            scanned.timeline = Timeline(one.count, later, one.tick, one.fps, one.duration)
        return scanned

    monkeypatch.setattr(reader_module, "scan_frames", other_scan)
    options = {"num_frames": 40, "timestamps": "presentation", "on_error": on_error}
    # Nothing was returned yet: the sample is made anew.
    monkeypatch.setattr(f"{__name__}.FAILS_AT", 0)
    anew = [frame.index for frame in iter_frames(short, **options)]
    assert anew[-1] == (44 if change == "count" else 49)
    monkeypatch.setattr(f"{__name__}.FAILS_AT", 20)
    with pytest.raises(DecodeError, match=r"20 frames that were already returned are wrong"):
        list(iter_frames(short, **options))
