"""Test the search for messages about the orientation of frames."""

from __future__ import annotations

import pytest

from keye_vl_rs._decoding.orientation import has_orientation_message

pytestmark = pytest.mark.without_pixels

MESSAGE = bytes([47, 3, 1, 2, 3])
OTHER = bytes([5, 2, 8, 8])
LONG = bytes([255, 3, 255, 1]) + bytes([7] * 256)
SLICE = {"h264": b"\x65abc", "hevc": b"\x26\x01abc"}
SEI = {"h264": b"\x06", "hevc": b"\x4e\x01"}


def packet(codec, length_size, *units):
    if length_size == 0:
        return b"".join(b"\0\0\0\1" + unit for unit in units)
    return b"".join(len(unit).to_bytes(length_size, "big") + unit for unit in units)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("length_size", [0, 2, 4])
def test_messages_before_pictures(codec, length_size):
    sei, picture = SEI[codec], SLICE[codec]
    for messages, found in [
        (MESSAGE, True),
        (OTHER + MESSAGE, True),
        (LONG + MESSAGE, True),
        (OTHER, False),
        (LONG, False),
    ]:
        one = packet(codec, length_size, sei + messages + b"\x80", picture)
        assert has_orientation_message(codec, length_size, one) == found
        # Any part of it is no error.
        for end in range(len(one)):
            has_orientation_message(codec, length_size, one[:end])
    after = packet(codec, length_size, picture, sei + MESSAGE + b"\x80")
    assert not has_orientation_message(codec, length_size, after)


def test_other_codecs_have_none():
    assert not has_orientation_message("vp9", 0, packet("h264", 0, SEI["h264"] + MESSAGE))
