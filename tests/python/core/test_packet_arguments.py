"""Test packets about which nothing is known, and arguments that are not packets."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs import _core
from keye_vl_rs.errors import InvalidArgumentError
from support.packet_streams import NAL_CODECS, WITH_DISPOSABLE, Stream

pytestmark = pytest.mark.without_pixels

NOTHING = (False, False, 0, False, False, False)
UNREADABLE = (*NOTHING[:5], True)
CODECS = (*NAL_CODECS, "mpeg1video", "mpeg2video", "vp8", "vp9", "av1")


@pytest.mark.parametrize("clip", [WITH_DISPOSABLE[0], WITH_DISPOSABLE[8]], ids=["h264", "hevc"])
def test_nothing_is_known_of_packets_that_are_cut_short(clip, folder):
    stream = Stream.read(clip.write(folder))
    for packet in stream.packets:
        data = np.frombuffer(packet, np.uint8)
        for length in (*range(1, 9), len(data) // 2, len(data) - 1):
            assert _core.describe_packet(stream.codec, 4, data[:length]) == UNREADABLE


@pytest.mark.parametrize("codec", ["", "h265", "H264", "libx264", "mjpeg", "prores", "h264\0"])
def test_nothing_is_known_of_other_codecs(codec):
    key = np.frombuffer(b"\0\0\0\3\x65\x88\x84", np.uint8)
    assert _core.describe_packet("h264", 4, key) != NOTHING
    assert _core.describe_packet(codec, 4, key) == NOTHING
    assert _core.nal_length_size(codec, b"\1d\0\x1f\xff\xe1\0") == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [-(2**63), -1, 0, 4, 5, 2**63 - 1])
def test_nothing_is_known_of_empty_packets_and_of_noise(codec, size):
    random = np.random.default_rng(0)
    for data in (np.zeros(0, np.uint8), np.zeros(50, np.uint8), np.full(50, 255, np.uint8)):
        assert _core.describe_packet(codec, size, data)[:5] == NOTHING[:5]
    assert _core.describe_packet(codec, size, np.zeros(0, np.uint8)) == NOTHING
    for length in range(1, 50):
        data = random.integers(0, 256, length, dtype=np.uint8)
        assert not _core.describe_packet(codec, size, data)[1]


def test_nothing_is_known_where_the_record_of_lengths_is_cut_short():
    assert _core.nal_length_size("h264", b"\1d\0\x1f") == 5
    assert _core.nal_length_size("hevc", b"\1" * 22) == 5
    disposable = np.frombuffer(b"\0\0\0\4\1\xa8\1\1", np.uint8)
    assert _core.describe_packet("h264", 4, disposable) == (False, True, 0, False, False, False)
    assert _core.describe_packet("h264", 5, disposable) == NOTHING


NO_PACKETS = {
    "none": None,
    "bytes": b"\0\0\0\1",
    "list": [0, 0, 0, 1],
    "two dimensions": np.zeros((2, 4), np.uint8),
    "none at all": np.zeros((), np.uint8),
    "signed": np.zeros(8, np.int8),
    "wide": np.zeros(8, np.uint16),
    "strided": np.zeros(16, np.uint8)[::2],
    "backwards": np.zeros(8, np.uint8)[::-1],
}


@pytest.mark.parametrize("name", NO_PACKETS)
@pytest.mark.parametrize("codec", ["h264", "unknown"])
def test_packets_that_are_no_bytes(name, codec):
    with pytest.raises(InvalidArgumentError, match="packet is not a contiguous 1-D NumPy array"):
        _core.describe_packet(codec, 4, NO_PACKETS[name])


def test_a_packet_that_cannot_be_written_is_read():
    data = np.frombuffer(b"\0\0\1\x65\x88\x84", np.uint8)
    assert not data.flags.writeable
    assert _core.describe_packet("h264", 0, data) == (True, False, 0, False, False, False)


def test_other_arguments_of_other_types():
    packet = np.zeros(8, np.uint8)
    for codec in (None, 7, b"h264"):
        with pytest.raises(TypeError, match="codec"):
            _core.describe_packet(codec, 4, packet)
        with pytest.raises(TypeError, match="codec"):
            _core.nal_length_size(codec, b"")
    for size in (None, 4.0, "4"):
        with pytest.raises(TypeError, match="nal_length_size"):
            _core.describe_packet("h264", size, packet)
    with pytest.raises(OverflowError):
        _core.describe_packet("h264", 2**63, packet)
    for extradata in (None, "extradata", packet):
        with pytest.raises(TypeError, match="extradata"):
            _core.nal_length_size("h264", extradata)
