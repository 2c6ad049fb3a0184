"""Test that an inspection says what ``preprocess_video`` does, for files and lists of frames."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import threading
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import Limits, VideoInspection, inspect_video, preprocess_video
from keye_vl_rs.errors import (
    CancelledError,
    ConcealedDamageWarning,
    DecodeError,
    InvalidArgumentError,
    KeyeVLError,
    LimitError,
    MediaNotFoundError,
    MediaTimeoutError,
    PartialVideoWarning,
    SourceNotAllowedError,
)
from keye_vl_rs.inspection import comparisons
from keye_vl_rs.inspection import video as inspection_video
from keye_vl_rs.inspection.explanation import explain_frame
from keye_vl_rs.inspection.page_data import page_data
from support import clips
from support.clips import BUNNY, VP9, Clip

OPTIONS = {
    "default": {},
    "threshold": {"min_frame_similarity": 0.5},
    "stricter": {"min_frame_similarity": 0.97, "fps": 5},
    "all slow": {"min_frame_similarity": 1.5},
    "budget": {"fps": 8, "total_pixels": 40 * 784 * 20},
    "sizes": {"min_pixels": 60 * 784, "max_pixels": 200 * 784},
    "range": {"fps": 6, "video_start": 1, "video_end": 3.3},
    "count": {"num_frames": 7},
    "at most": {"fps": 10, "max_frames": 5},
    "presentation": {"timestamps": "presentation"},
}


def assert_like_preprocessing(source, **options):
    """Assert that the inspection has the types, times, sizes and tokens of ``preprocess_video``."""
    inputs = preprocess_video(source, **options)
    found = inspect_video(source, **options)
    assert list(found.frame_types) == inputs.frame_types.tolist()
    assert list(found.timestamps) == inputs.timestamps.tolist()
    assert found.timestamp_kind == inputs.timestamp_kind
    assert (found.slow_size, found.fast_size) == (inputs.slow_size, inputs.fast_size)
    assert (found.size, found.fps) == (inputs.size, inputs.fps)
    assert (found.total_frames, found.duration) == (inputs.total_frames, inputs.duration)
    assert found.tokens == inputs.tokens == found.token_counts.vision
    assert found.slow_frames == inputs.slow_frames
    assert found.damage == inputs.damage
    return found


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_results_are_those_of_preprocessing(options):
    found = assert_like_preprocessing(BUNNY, **options)
    assert len(found.thumbnails) == len(found.frame_types)


def test_other_files(tmp_path, short):
    assert_like_preprocessing(short)
    assert_like_preprocessing(short.read_bytes())
    assert_like_preprocessing(Clip("a.webm", count=30, **VP9).write(tmp_path), fps=9)
    irregular = Clip("b.mp4", count=40, pts=clips.irregular(40)).write(tmp_path)
    assert_like_preprocessing(irregular, fps=9)
    tall = Clip("c.mp4", count=12, width=64, height=640).write(tmp_path)
    assert_like_preprocessing(tall, fps=9)


@pytest.mark.parametrize("fps", [2.0, 1])
def test_lists_of_frames(fps):
    frames = [Image.fromarray(clips.picture(300, 200, 9 * (i // 2))) for i in range(8)]
    found = assert_like_preprocessing(frames, fps=fps)
    assert found.facts is None
    assert found.name == "8 frames"
    assert "Packets" not in found.to_html().partition('id="data"')[0]


def test_the_comparison_behind_each_frame():
    found = inspect_video(BUNNY, fps=4)
    last = 0
    rows, columns = found.patch_grid
    assert (found.compared_with[0], found.similarities[0], found.changes[0]) == (None, None, None)
    for frame in range(1, len(found.frame_types)):
        assert found.compared_with[frame] == last
        changes, similarity = found.changes[frame], found.similarities[frame]
        assert len(changes) == rows * columns
        counted = len(changes) - changes.count(2)
        assert math.isclose(similarity, changes.count(0) / counted, rel_tol=1e-6)
        assert (similarity < 0.9) == (found.frame_types[frame] == 0)
        last = frame if found.frame_types[frame] == 0 else last
    assert last > 0, "there is a slow frame after the first"


def test_explanations():
    found = inspect_video(BUNNY, fps=4)
    slow = found.frame_types.index(0, 1)
    changes = found.changes[slow]
    percent = round(100 * changes.count(1) / (len(changes) - changes.count(2)))
    assert found.explain(slow) == (
        f"Frame {slow} is slow because {percent}% of its patches differ from frame "
        f"{found.compared_with[slow]}, more than the 10% allowed."
    )
    fast = found.frame_types.index(1)
    assert found.explain(fast).endswith(", not more than the 10% allowed.")
    assert "it is the first" in found.explain(0)
    # A patch of 252 is less than half a percent, but not none.
    sentence = explain_frame(3, 0, 251 / 252, bytes([1] + [0] * 251), 0.9)
    assert sentence.startswith("Frame 3 is fast because less than 1% of its patches differ")
    sentence = explain_frame(3, 0, 1.0, bytes(252), 0.9)
    assert sentence.startswith("Frame 3 is fast because 0% of its patches differ")
    for wrong in (-1, len(found.frame_types), 1.5, "3", None):
        with pytest.raises(InvalidArgumentError, match="frame is"):
            found.explain(wrong)


def test_json_holds_the_same_data():
    found = inspect_video(BUNNY, fps=4)
    data = json.loads(found.to_json())
    for name in ("frame_types", "timestamps", "similarities", "compared_with", "frame_indices"):
        assert data[name] == list(getattr(found, name)), name
    assert data["tokens"] == found.tokens
    assert data["slow_size"] == list(found.slow_size)
    assert data["facts"]["codec"] == "h264"
    assert data["options"]["fps"] == 4
    assert data["changes"][1] == "".join(map(str, found.changes[1]))
    assert data["explanations"][3] == found.explain(3)
    assert "thumbnails" not in data
    infinite = inspect_video(BUNNY, num_frames=2, min_frame_similarity=math.inf)
    assert json.loads(infinite.to_json())["options"]["min_frame_similarity"] is None
    assert "Infinity" not in infinite.to_html()


def test_it_is_frozen_and_plain():
    found = inspect_video(BUNNY, num_frames=3)
    assert isinstance(found, VideoInspection)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.tokens = 0
    plain = dataclasses.asdict(found)
    assert type(plain["timestamps"][1]) is float
    assert type(plain["frame_types"][1]) is int


def test_black_frames_are_alike():
    frames = [Image.new("RGB", (160, 120))] * 3
    found = assert_like_preprocessing(frames, fps=1)
    assert math.isnan(found.similarities[1])
    assert json.loads(found.to_json())["similarities"][1] is None
    assert "it is black" in found.explain(1)
    assert found.to_html()


def test_errors_are_those_of_preprocessing(tmp_path, monkeypatch):
    with pytest.raises(MediaNotFoundError):
        inspect_video(tmp_path / "none.mp4")
    for options, name in (
        ({"fps": 0}, "fps"),
        ({"max_frames": 2.5}, "max_frames"),
        ({"num_frames": -1}, "num_frames"),
        ({"min_frame_similarity": math.nan}, "min_frame_similarity"),
        ({"total_pixels": 0}, "pixels"),
        ({"on_error": "ignore"}, "on_error"),
        ({"timestamps": "other"}, "timestamps"),
        ({"video_start": 3, "video_end": 2}, "video_start"),
        ({"threads": -1}, "threads"),
    ):
        with pytest.raises(InvalidArgumentError, match=name):
            inspect_video(BUNNY, **options)
    with pytest.raises(LimitError):
        inspect_video(BUNNY, limits=Limits(frame_pixels=1000))
    with pytest.raises(LimitError):
        inspect_video(BUNNY, limits=Limits(resized_video_pixels=1000))
    with pytest.raises(MediaTimeoutError):
        inspect_video(BUNNY, timeout=1e-9)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        inspect_video(BUNNY, cancel=cancel)
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", os.fspath(tmp_path))
    with pytest.raises(SourceNotAllowedError):
        inspect_video(BUNNY)


def test_damage(tmp_path):
    data = BUNNY.read_bytes()
    cut = tmp_path / "cut.mp4"
    clip = Clip("whole.mkv", count=60).write(tmp_path)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    with pytest.raises(DecodeError, match="truncated"):
        inspect_video(cut)
    with pytest.warns(PartialVideoWarning):
        found = assert_like_preprocessing(cut, on_error="partial", fps=9)
    assert "truncated" in found.to_html()
    at = data.index(b"mdat") + 90_000
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data[:at] + bytes(4000) + data[at + 4000 :])
    with pytest.raises(DecodeError, match="damaged"):
        inspect_video(damaged, fps=25)
    with pytest.warns(ConcealedDamageWarning):
        found = assert_like_preprocessing(damaged, on_error="conceal", fps=25)
    assert found.damage.frames
    assert found.damage.reason in json.loads(found.to_json())["damage"]["reason"]


def test_progress():
    told = []
    inspect_video(BUNNY, fps=4, progress=told.append)
    assert [one.frames_done for one in told if one.stage == "decode"][-1] == 21
    inspect_video([Image.new("RGB", (60, 50))] * 4, fps=1, progress=told.append)
    assert told[-1].frames_done == 4


def test_too_many_frames_for_a_report(monkeypatch):
    monkeypatch.setattr(inspection_video, "MAX_FRAMES", 20)
    with pytest.raises(InvalidArgumentError, match=r"sample 21 frames.*set max_frames"):
        inspect_video(BUNNY, fps=4)
    assert len(inspect_video(BUNNY, fps=4, max_frames=20).frame_types) == 20


def test_numbers_of_other_types():
    plain = inspect_video(BUNNY, num_frames=5, total_pixels=10**6, video_start=0.5)
    found = inspect_video(
        BUNNY,
        fps=Fraction(5, 2),
        num_frames=np.int64(5),
        total_pixels=np.float32(10**6),
        min_frame_similarity=torch.tensor(0.9, dtype=torch.float64),
        video_start=np.float32(0.5),
    )
    assert json.loads(found.to_json())["options"]["fps"] == 2.5
    assert (found.frame_types, found.slow_size) == (plain.frame_types, plain.slow_size)
    assert "<iframe" in found._repr_html_()


def test_a_list_with_a_fraction_for_its_frame_rate():
    frames = [Image.new("RGB", (64, 64), (9 * one, 0, 0)) for one in range(4)]
    found = assert_like_preprocessing(frames, fps=Fraction(5, 2))
    inputs = preprocess_video(frames, fps=Fraction(5, 2))
    assert type(found.duration) is type(inputs.duration) is float
    assert json.loads(found.to_json())["duration"] == 1.6
    for one in (found, inputs):
        assert "1.6" in one._repr_html_()


def refusal(call, **options):
    try:
        call(BUNNY, **options)
    except KeyeVLError as error:
        return type(error)
    return None


def test_limits_refuse_what_preprocessing_refuses():
    """It refuses any size that the number of slow frames could lead to, before it decodes."""
    refused = set()
    for pixels in range(20_000, 400_000, 20_000):
        options = {"fps": 4, "limits": Limits(resized_pixels=pixels)}
        expected = refusal(preprocess_video, total_pixels=10**6, **options)
        assert refusal(inspect_video, total_pixels=10**6, **options) == expected, pixels
        refused.add(expected)
    assert refused == {None, LimitError}


def test_wrong_pixels_are_refused_before_decoding():
    for options in ({"max_pixels": math.inf}, {"total_pixels": 10**30}):
        seen = []
        with pytest.raises(InvalidArgumentError, match="pixels"):
            inspect_video(BUNNY, progress=seen.append, **options)
        assert seen == []


@pytest.mark.parametrize("threshold", [math.inf, -math.inf])
def test_an_infinite_threshold_of_a_long_video(monkeypatch, threshold):
    monkeypatch.setattr(comparisons, "_MAX_HELD", 4)
    found = inspect_video(BUNNY, fps=4, min_frame_similarity=threshold)
    assert json.loads(found.to_json())["thresholds"] == list(found.thresholds)
    assert math.copysign(2, threshold) in found.thresholds
    assert found.slow_frames == (21 if threshold > 0 else 1)
    found.to_html()


def test_the_page_has_the_limits_of_the_call():
    found = inspect_video(BUNNY, num_frames=2, limits=Limits(resized_video_pixels=700_000))
    assert page_data(found)["limits"]["resizedVideoPixels"] == 700_000
    assert "limits" not in json.loads(found.to_json())
