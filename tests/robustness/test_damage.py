"""Check on a few damaged files per codec that frames which FFmpeg reports are marked or refused."""

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
    # With damage that HEVC decoders do not notice, their frames depend on the number of threads.
    assert name == "HEVC mp4" or counts.unsteady == 0, counts.faults
