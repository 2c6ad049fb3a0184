"""A few damaged files of each codec: no frame that FFmpeg reports is returned without a word."""

from __future__ import annotations

import av
import pytest

from damaged_frames import CODECS, Counts, try_file


@pytest.mark.parametrize("name", CODECS)
def test_no_wrong_frame_without_a_word(name):
    encoder = CODECS[name][0]
    try:
        av.codec.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this build of FFmpeg has no {encoder} encoder")
    counts = Counts()
    for seed in range(2):
        try_file(name, seed, 100, counts)
    assert counts.files == 2
    assert counts.silent == 0, counts.faults
    # What HEVC decoders make of damage that they do not notice depends on their threads.
    assert name == "HEVC mp4" or counts.unsteady == 0, counts.faults
