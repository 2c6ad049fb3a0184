"""Test that scanning a video is not disturbed by other users of PyAV in the same process."""

from __future__ import annotations

import av
import numpy as np
import pytest

from keye_vl_rs import preprocess_video
from keye_vl_rs._decoding import sequential_frames
from keye_vl_rs.errors import ConcealedDamageWarning
from support.clips import Clip

pytestmark = pytest.mark.one_level

GOP = {"x264-params": "keyint=20:min-keyint=20:scenecut=0:bframes=3:b-adapt=0"}


@pytest.fixture
def damaged(folder):
    """Write a bare H.264 stream, whose frames only decoding shows, with damage in its middle."""
    data = bytearray(Clip("bare.h264", options=GOP).write(folder).read_bytes())
    for place in range(len(data) * 2 // 5, len(data) // 2, 50):
        data[place] ^= 0xFF
    path = folder / "damaged.h264"
    path.write_bytes(data)
    return path


def conceal(path):
    with pytest.warns(ConcealedDamageWarning):
        return preprocess_video(path, fps=25, on_error="conceal")


def test_numbers_of_packets_that_others_use_too(damaged, monkeypatch):
    """Free packets of the same numbers in between, as a scan in another thread does."""
    expected = conceal(damaged)
    assert expected.damage.frames
    decode = sequential_frames.decode_with_reports

    def disturbed(*args):
        for number in range(100):
            other = av.Packet(b"other")
            other.opaque = number
            del other
        return decode(*args)

    monkeypatch.setattr(sequential_frames, "decode_with_reports", disturbed)
    found = conceal(damaged)
    assert found.damage == expected.damage
    np.testing.assert_array_equal(found.timestamps, expected.timestamps)
