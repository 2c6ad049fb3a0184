"""Test that damage inside a video is an error, and that the frames before it can be read."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
import torch

from keye_vl_rs import Damage, preprocess_video, process_vision_info
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    ConcealedDamageWarning,
    DecodeError,
    InvalidArgumentError,
    PartialVideoWarning,
)
from support.clips import Clip, every, pixels
from support.damaged_clips import COUNT, H264, conceal, spoil

pytestmark = pytest.mark.one_level


def test_damage_is_an_error(damaged):
    path, _, _ = damaged
    with pytest.raises(DecodeError, match=rf"{path.name} is damaged from [0-9.]+ s on: \w+"):
        sample_video(path, every)


def test_the_error_names_what_can_be_had_instead(damaged):
    path, _, _ = damaged
    choices = (
        'to use the frames before the damage, set on_error="partial"; to use '
        'the damaged frames as the decoder conceals them, set on_error="conceal"'
    )
    with pytest.raises(DecodeError, match=re.escape(choices) + "$"):
        sample_video(path, every)


@pytest.mark.parametrize("step", [1, 7])
def test_all_state_when_the_damage_begins(step, damaged):
    """Also if the first damaged frame that is sampled comes later, and there are more."""
    path, _, _ = damaged
    frames = conceal(path).damage.frames
    first = frames[:3][-1]

    def choose(total, fps):
        return range(first % step, total, step)

    stated = r"is damaged from ([0-9.]+ s) on: (.*?)(?:; |$)"
    with pytest.raises(DecodeError) as caught:
        sample_video(path, choose)
    expected = re.search(stated, str(caught.value)).groups()
    with pytest.warns(PartialVideoWarning):
        before = sample_video(path, choose, on_error="partial")
    for sampled in (before, conceal(path, choose), conceal(path, choose, threads=1)):
        assert re.search(stated, sampled.damage.reason).groups() == expected


def test_a_part_before_the_first_frame(folder, tmp_path):
    spoil(H264.write(folder), tmp_path / "first.mp4", 0)
    message = r"first\.mp4 is damaged from 0\.000 s on: .*; there are no frames before the damage; "
    for on_error in ("raise", "partial"):
        with pytest.raises(DecodeError, match=rf'{message}.* as the decoder .* on_error="conceal"'):
            sample_video(tmp_path / "first.mp4", every, on_error=on_error)


@pytest.mark.parametrize(
    ("on_error", "category"),
    [("partial", PartialVideoWarning), ("conceal", ConcealedDamageWarning)],
)
def test_warnings_point_at_the_caller(on_error, category, folder, tmp_path):
    path = tmp_path / "clip.mp4"
    spoil(H264.write(folder), path)
    part = {"type": "video", "video": str(path), "fps": 25.0, "on_error": on_error}
    messages = [{"role": "user", "content": [part]}]
    for call in (
        lambda: sample_video(path, every, on_error=on_error),
        lambda: preprocess_video(path, fps=25, on_error=on_error),
        lambda: process_vision_info(messages),
    ):
        with pytest.warns(category) as caught:
            call()
        assert [one.filename for one in caught] == [__file__]


def test_the_error_of_a_worker_reaches_its_parent(folder, tmp_path):
    # multiprocessing pickles the error and a DataLoader rebuilds it from its message; a Pool used
    # to hang.
    target = tmp_path / "clip.mp4"
    spoil(H264.write(folder), target)
    with pytest.raises(DecodeError) as caught:
        sample_video(target, every)
    error = caught.value
    for copy in (pickle.loads(pickle.dumps(error)), type(error)(str(error))):
        assert type(copy) is type(error)
        assert str(copy) == str(error)


def test_what_comes_before_the_damage_can_be_had(damaged):
    path, place, whole = damaged
    with pytest.warns(PartialVideoWarning, match=rf"{path.name} is damaged from"):
        sampled = sample_video(path, every, on_error="partial")
    assert place - 3 <= sampled.total_frames <= place
    np.testing.assert_array_equal(pixels(sampled), whole[: sampled.total_frames])
    assert sampled.damage.frames == ()
    assert "is damaged from" in sampled.damage.reason


def test_parts_say_how_much_they_use(folder):
    """Also with "conceal" if the end is missing, where nothing can be concealed."""
    data = Clip("d_cut.mkv", count=COUNT).write(folder).read_bytes()
    cut = data[: len(data) * 6 // 10]
    for on_error in ("partial", "conceal"):
        with pytest.warns(PartialVideoWarning, match="is truncated"):
            made = preprocess_video(cut, on_error=on_error)
        assert isinstance(made.damage, Damage)
        assert "is truncated" in made.damage.reason
        assert made.damage.frames == ()
        assert made.total_frames < COUNT
        assert made.duration == pytest.approx(made.total_frames / 25)


def test_one_call_says_what_is_damaged(folder, tmp_path):
    path = H264.write(folder)
    spoil(path, tmp_path / path.name, 41)
    with pytest.raises(DecodeError, match="is damaged"):
        preprocess_video(tmp_path / path.name, fps=25)
    with pytest.warns(ConcealedDamageWarning):
        inputs = preprocess_video(tmp_path / path.name, fps=25, on_error="conceal")
    assert len(inputs.frame_types) == COUNT
    assert len(inputs.damage.frames) > 10
    assert preprocess_video(path, fps=25).damage is None
    with pytest.warns(PartialVideoWarning):
        partial = preprocess_video(tmp_path / path.name, fps=25, on_error="partial")
    clean = preprocess_video(path, fps=25, video_end=(len(partial.frame_types) - 1) / 25)
    assert torch.equal(partial.pixel_values_videos, clean.pixel_values_videos)


def test_messages_say_what_becomes_of_damage(folder, tmp_path):
    path = H264.write(folder)
    spoil(path, tmp_path / path.name, 41)
    ele = {"type": "video", "video": str(tmp_path / path.name), "fps": 25.0}
    messages = [{"role": "user", "content": [ele]}]
    with pytest.raises(DecodeError, match="is damaged"):
        process_vision_info(messages)
    ele["on_error"] = "conceal"
    with pytest.warns(
        ConcealedDamageWarning, match="sampled frames are damaged, and shown as the decoder"
    ):
        _, videos, _ = process_vision_info(messages)
    assert len(videos[0]) == COUNT


def test_other_values_of_on_error(folder):
    with pytest.raises(InvalidArgumentError, match="expected 'raise', 'partial' or 'conceal'"):
        sample_video(H264.write(folder), every, on_error="ignore")
