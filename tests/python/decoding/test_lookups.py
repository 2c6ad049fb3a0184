"""Test that looking up packets takes no longer in a video of many hours."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from keye_vl_rs._decoding.decoder import DecodeCounts, DecoderInput, PacketCursor
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._media.deadline import Deadline

pytestmark = pytest.mark.one_level


class Counted(Sequence):
    """Count how many items of a list are read."""

    def __init__(self, items):
        self.items, self.read = items, 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        found = self.items[place]
        self.read += len(found) if isinstance(place, slice) else 1
        return found

    def __iter__(self):
        for item in self.items:
            self.read += 1
            yield item


class Packet:
    def __init__(self, pts, size):
        self.pts, self.size = pts, size


class Container:
    """Imitate a container of key frames only, in which seeking is exact."""

    class format:  # noqa: N801 - as PyAV names it
        name = "mov,mp4,m4a,3gp,3g2,mj2"

    def __init__(self, table):
        self.table, self.place = table, 0

    def demux(self, stream):
        while self.place < len(self.table.pts.items):
            self.place += 1
            place = self.place - 1
            yield Packet(self.table.pts.items[place], self.table.sizes.items[place])

    def seek(self, time, stream):
        self.place = time


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_a_seek_reads_a_few_entries_of_the_table(count):
    table = PacketTable(pts=Counted(list(range(count))), sizes=Counted([8 << 20] * count))
    counts = DecodeCounts()
    video = DecoderInput(Container(table), None, table, "long", Deadline("long"), counts)
    cursor = PacketCursor(video)
    cursor.take(count // 10, start=True)
    before = table.pts.read + table.sizes.read
    for tenth in range(2, 10):
        assert cursor.take(count // 10 * tenth, start=True).pts == count // 10 * tenth
    assert counts.seeks == 9
    assert table.pts.read + table.sizes.read - before <= 8 * 4
