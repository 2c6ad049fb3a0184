"""Test which packets are decoded and when frames are presented, without any video."""

from __future__ import annotations

import logging
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.plan import can_run_in_parallel, plan_segments
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs.errors import InvalidArgumentError

pytestmark = pytest.mark.without_pixels


def table(pts, access=(0,), disposable=(), *, leading_needed=False):
    return PacketTable(
        list(pts),
        [1000] * len(pts),
        [True] * len(pts),
        [place in disposable for place in range(len(pts))],
        list(access),
        leading_needed,
    )


def plan(table, targets, min_saved=0):
    segments = plan_segments(table, targets, min_saved=min_saved)
    return [(list(s.indices), list(s.targets), s.since) for s in segments]


CLOSED = table(range(12), access=(0, 4, 8))
# I0 B B P, followed by an I with two leading pictures, which are presented before it.
OPEN = table([0, 3, 1, 2, 6, 4, 5, 9, 7, 8], access=(0, 4), disposable=(2, 3, 5, 6, 8, 9))


def test_a_group_is_decoded_up_to_the_last_target():
    assert plan(CLOSED, [1, 2]) == [([0, 1, 2], [1, 2], None)]


def test_groups_without_targets_are_left_out():
    assert plan(CLOSED, [9]) == [([8, 9], [9], 8)]
    assert plan(CLOSED, [1, 9]) == [([0, 1], [1], None), ([8, 9], [9], 8)]


def test_starting_anew_has_to_be_worth_it():
    # Packets 2 to 7 are skipped.
    for min_saved in range(7):
        assert len(plan(CLOSED, [1, 9], min_saved)) == 2
    assert plan(CLOSED, [1, 9], min_saved=7) == [(list(range(10)), [1, 9], None)]
    # Nothing stops the first time.
    assert plan(CLOSED, [9], min_saved=100) == [([8, 9], [9], 8)]


def test_pictures_that_no_other_needs_are_left_out():
    assert plan(OPEN, [0, 1]) == [([0, 1], [0, 1], None)]
    assert plan(OPEN, [0, 3]) == [([0, 1, 3], [0, 3], None)]


def test_a_leading_picture_needs_the_group_before():
    assert plan(OPEN, [5]) == [([0, 1, 4, 5], [5], None)]
    assert plan(OPEN, [7]) == [([4, 7], [7], 6)]
    # As does what is decoded with it.
    assert plan(OPEN, [5, 7]) == [([0, 1, 4, 5, 7], [5, 7], None)]


def test_leading_pictures_that_are_counted_on_are_decoded_after_a_start():
    pictures = table([0, 3, 6, 4, 5, 9], access=(0, 2), leading_needed=True)
    assert plan(pictures, [5]) == [([2, 3, 4, 5], [5], 6)]
    pictures.leading_needed = False
    assert plan(pictures, [5]) == [([2, 5], [5], 6)]


@st.composite
def tables(draw):
    count = draw(st.integers(1, 40))
    access = sorted({0, *draw(st.sets(st.integers(0, count - 1)))})
    disposable = draw(st.sets(st.integers(0, count - 1)))
    # Pictures swap with others nearby, and none is presented before a start that follows it.
    pts = sorted(range(count), key=lambda place: (place + draw(st.integers(0, 3)), place))
    access = [place for place in access if all(pts[place] > pts[at] for at in range(place))]
    targets = sorted(draw(st.sets(st.integers(0, count - 1), min_size=1)))
    return table(pts, access, disposable), targets, draw(st.integers(0, 10))


@given(tables())
def test_every_target_gets_what_it_needs(case):
    packets, targets, min_saved = case
    segments = plan_segments(packets, targets, min_saved=min_saved)
    assert [target for segment in segments for target in segment.targets] == targets
    last = -1
    for segment in segments:
        start = segment.indices[0] if segment.since is None else packets.pts.index(segment.since)
        assert start == 0 or start in packets.access or segment.since is None
        assert segment.indices[-1] == segment.targets[-1]
        assert segment.indices[0] > last
        last = segment.indices[-1]
        since = -1 if segment.since is None else segment.since
        assert all(packets.pts[target] >= since for target in segment.targets)
        # Everything between, except what is not needed.
        missing = set(range(start, last + 1)) - set(segment.indices)
        assert all(packets.disposable[at] or packets.pts[at] < since for at in missing)
        assert not missing & set(segment.targets)


def test_the_reorder_depth_is_how_many_frames_are_held_back():
    assert table(range(5)).reorder == 0
    assert table([0, 3, 1, 2]).reorder == 1
    assert table([0, 8, 4, 2, 1, 3, 6, 5, 7]).reorder == 3


def test_times_that_are_missing_or_shared_are_none():
    assert table([0, None, 2]).shown_times is None
    assert table([0, 2, 2]).shown_times is None
    assert table([]).shown_times is None
    assert table([2, 0, 1]).shown_times == [0, 1, 2]


def test_decoders_share_what_is_even_and_does_not_wait_long():
    segments = plan_segments(CLOSED, [1, 5, 9], min_saved=0)
    assert not can_run_in_parallel(segments, 2, buffer_size=10)
    even = plan_segments(
        table(range(24), access=range(0, 24, 3)), list(range(2, 24, 3)), min_saved=0
    )
    assert can_run_in_parallel(even, 2, buffer_size=10)
    dense = plan_segments(table(range(24), access=range(0, 24, 3)), list(range(24)), min_saved=0)
    assert can_run_in_parallel(dense, 2, buffer_size=3)
    assert not can_run_in_parallel(dense, 2, buffer_size=2)


def stream(rate=25, tick=Fraction(1, 1000), guessed=None):
    return SimpleNamespace(time_base=tick, average_rate=rate, guessed_rate=guessed)


def timeline(times, rate=25, last=40, **options):
    return Timeline.of(stream(rate, **options), "clip", len(times), times, last)


def test_the_rate_is_the_containers(caplog):
    with caplog.at_level(logging.WARNING):
        line = timeline(range(0, 1000, 40))
        irregular = timeline([0, 10, 50, 130, 170, 180], rate=30)
    assert (line.fps, line.duration) == (25.0, 1.0)
    assert irregular.fps == 30
    assert not caplog.records


@pytest.mark.parametrize("rate", [None, 0])
def test_a_missing_rate_is_that_of_the_packets(rate):
    assert timeline(range(0, 1000, 40), rate=rate).fps == 25.0
    assert timeline([0], rate=rate, guessed=10).fps == 10


@pytest.mark.parametrize("rate", [Fraction(1, 10), 12, 50, 90000])
def test_a_rate_that_cannot_be_is_that_of_the_packets(rate, caplog):
    with caplog.at_level(logging.WARNING):
        assert timeline(range(0, 1000, 40), rate=rate).fps == 25.0
    assert "25" in caplog.text


def test_without_times_there_is_the_rate():
    line = Timeline.of(stream(), "clip", 50, None, None)
    assert (line.duration, line.seconds(25)) == (2.0, 1.0)
    assert line.between(0.5, 1.0, "clip") == range(13, 26)


def test_bounds_include_frames_that_are_presented_at_them():
    thirds = timeline([0, 333, 667, 1000], rate=3, last=333)
    assert thirds.between(None, None, "clip") == range(4)
    assert thirds.between(0.333, 0.667, "clip") == range(1, 3)
    assert thirds.between(0.334, None, "clip") == range(2, 4)
    assert thirds.between(None, 0.9, "clip") == range(3)
    fine = timeline([0, 1, 2, 3], rate=3, last=1, tick=Fraction(1, 3))
    assert fine.between(1 / 3, 2 / 3, "clip") == range(1, 3)
    # From the first frame on, whatever its time.
    assert timeline([5000, 5040]).between(0, 0.01, "clip") == range(1)


def test_a_part_without_frames_is_an_error():
    with pytest.raises(InvalidArgumentError, match=r"video_start is 3.*clip.*from 0 to 0\.960 s"):
        timeline(range(0, 1000, 40)).between(3, None, "clip")
    with pytest.raises(InvalidArgumentError, match=r"video_start is 0\.01 and video_end is 0\.02"):
        timeline(range(0, 1000, 40)).between(0.01, 0.02, "clip")
