"""Test packets that were not listed when the file was opened."""

from __future__ import annotations

import pytest

from keye_vl_rs._decoding.container import demux
from keye_vl_rs._decoding.damage import DamageMap, PacketReport
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs.errors import DecodeError

pytestmark = pytest.mark.without_pixels


class _GrowingContainer:
    """A recording whose damaged tables announce another stream midway."""

    def demux(self, stream):
        yield from ()
        raise IndexError("list index out of range")


def test_a_stream_that_begins_midway():
    with pytest.raises(DecodeError, match="clip: reading failed: a stream begins midway"):
        list(demux(_GrowingContainer(), None, "clip", Deadline("clip")))


def test_damage_before_a_packet_that_was_cut_off():
    damage = DamageMap([0, 2], [0, 40, 80])
    report = PacketReport(2, "noise")
    damage.add(report)
    assert damage.find(3) == report
    assert damage.find(1) is None
