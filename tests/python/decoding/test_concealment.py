"""Test that frames affected by damage are marked, and that every call returns the same frames."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import ConcealedDamageWarning, DecodeError
from support.clips import every, pixels
from support.damaged_clips import COUNT, H264, REPORTED, conceal, spoil

pytestmark = pytest.mark.one_level


def test_concealed_frames_are_marked(damaged):
    path, place, whole = damaged
    with pytest.warns(
        ConcealedDamageWarning, match=rf"{path.name} is .* of 80 sampled frames are damaged"
    ):
        sampled = sample_video(path, every, on_error="conceal")
    assert sampled.total_frames == COUNT
    different = [n for n in range(COUNT) if not np.array_equal(pixels(sampled)[n], whole[n])]
    assert place in different
    assert set(different) <= set(sampled.damage.frames)
    # Either from the damage to the next key frame or only the one frame; never a frame outside its
    # group.
    assert min(sampled.damage.frames) >= place - 3
    assert max(sampled.damage.frames) < 60


def test_the_result_is_the_same_in_every_call_and_with_any_number_of_threads(damaged):
    path, _, _ = damaged
    first = conceal(path, threads=1)
    for threads in (2, 3, 8):
        for source in (path, path.read_bytes()):
            again = conceal(source, threads=threads)
            assert again.frames.equal(first.frames)
            assert again.damage.frames == first.damage.frames


@pytest.mark.filterwarnings("ignore::keye_vl_rs.errors.ConcealedDamageWarning")
@pytest.mark.parametrize(
    "clip",
    [one for one in REPORTED if one.name in ("d_mjpeg.avi", "d_prores.mov")],
    ids=lambda clip: clip.name,
)
def test_what_was_decoded_before_does_not_show(clip, folder, tmp_path):
    """Below a picture that is not fully decoded, memory is blank."""
    place = spoil(clip.write(folder), tmp_path / clip.name)
    among_all = pixels(conceal(tmp_path / clip.name, threads=1))[place]
    # Decoding starts with the first packet here, and continues with the damaged one.
    alone = sample_video(tmp_path / clip.name, lambda total, fps: [place], on_error="conceal")
    np.testing.assert_array_equal(pixels(alone)[0], among_all)


def test_frames_that_are_not_spoilt_cost_nothing(damaged):
    path, _, whole = damaged
    good = [0, 10, 39, 60, 79]
    sampled = sample_video(path, lambda total, fps: good)
    assert sampled.damage is None
    np.testing.assert_array_equal(pixels(sampled), whole[good])


def test_a_report_between_the_sampled_frames_counts(folder, tmp_path):
    path = H264.write(folder)
    # A frame that others refer to: the first of its group after the key frame.
    place = spoil(path, tmp_path / path.name, 41)
    after = [0, place + 4]
    with pytest.raises(DecodeError, match="is damaged from"):
        sample_video(tmp_path / path.name, lambda total, fps: after)
    sampled = conceal(tmp_path / path.name, lambda total, fps: after)
    assert sampled.damage.frames == (1,)
