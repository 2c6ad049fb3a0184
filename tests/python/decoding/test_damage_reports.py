"""Test how FFmpeg's reports of damage are read, and which frames they affect."""

from __future__ import annotations

import io

import av
import pytest

from keye_vl_rs._decoding.damage import DamageMap, PacketReport
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog
from support.clips import Clip
from support.damaged_clips import COUNT, conceal, spoil

pytestmark = pytest.mark.one_level


def test_a_report_ends_without_a_full_stop():
    raw = [(16, "h264", "No frame decoded.\n"), (16, "h264", "concealing 7 errors\n")]
    lines = CapturedLog(raw).take()
    assert [line.text for line in lines] == ["No frame decoded", "concealing 7 errors"]


def test_ffmpegs_log_is_left_as_it_was(folder, tmp_path):
    path = Clip("d_mjpeg.avi", codec="mjpeg", count=COUNT, pix_fmt="yuvj420p").write(folder)
    spoil(path, tmp_path / path.name)
    for level in (None, av.logging.ERROR):
        av.logging.set_level(level)
        try:
            conceal(io.BytesIO((tmp_path / path.name).read_bytes()))
            assert av.logging.get_level() == level
            assert av.logging.get_skip_repeated()
        finally:
            av.logging.set_level(None)


def test_a_report_spoils_what_follows_up_to_the_next_restart():
    damage = DamageMap([0, 10, 20], list(range(30)))
    assert not damage
    damage.add(PacketReport(13, "noise"))
    assert [place for place in range(30) if damage.find(place)] == list(range(13, 20))
    assert damage.begins(damage.find(15)) == 13


def test_leading_pictures_may_refer_to_what_came_before_the_restart():
    # Packets 11 and 12 are presented before 10, the restart.
    times = [*range(10), 12, 10, 11, *range(13, 30)]
    damage = DamageMap([0, 10, 20], times)
    damage.add(PacketReport(8, "noise"))
    assert [place for place in range(30) if damage.find(place)] == [8, 9, 11, 12]
    # A report on a leading picture does not affect frames presented after the restart.
    damage = DamageMap([0, 10, 20], times)
    damage.add(PacketReport(11, "missing reference"))
    assert [place for place in range(30) if damage.find(place)] == [11, 12]
