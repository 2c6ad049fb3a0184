"""Test that count_tokens counts what preprocess_video returns, and decodes only if necessary."""

from __future__ import annotations

import io
import threading
import warnings

import pytest
from PIL import Image

from keye_vl_rs import Limits, count_tokens, preprocess_video, probe_video, to_openai_messages
from keye_vl_rs._decoding.indexed_frames import IndexedFrames
from keye_vl_rs.errors import (
    CancelledError,
    DecodeError,
    InvalidArgumentError,
    LimitError,
    PartialVideoWarning,
)
from support import clips
from support.clips import Clip

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.9, 0.99, 1.1])
def test_tokens_of_files(threshold):
    options = {"fps": 4, "min_frame_similarity": threshold}
    expected = preprocess_video(clips.BUNNY, **options).tokens
    assert count_tokens(clips.BUNNY, **options) == expected
    assert count_tokens(clips.BUNNY, threads=1, **options) == expected


def test_known_tokens_are_not_decoded(short, monkeypatch):
    expected = preprocess_video(short).tokens
    monkeypatch.setattr(IndexedFrames, "read_fast", lambda *_: pytest.fail("decodes"))
    assert probe_video(short).tokens == expected
    assert count_tokens(short) == expected


def test_sources(short):
    expected = preprocess_video(short).tokens
    data = short.read_bytes()
    assert count_tokens(data) == count_tokens(io.BytesIO(data)) == expected
    with open(clips.BUNNY, "rb") as file:
        assert count_tokens(file) == preprocess_video(clips.BUNNY).tokens


def test_pipes_are_read_once():
    class Pipe(io.RawIOBase):
        def __init__(self, data):
            self._left = io.BytesIO(data)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self._left.readinto(buffer)

    pipe = Pipe(clips.BUNNY.read_bytes())
    assert count_tokens(pipe) == preprocess_video(clips.BUNNY).tokens


@pytest.mark.parametrize("options", [{}, {"max_frames": 3}, {"num_frames": 2}], ids=str)
def test_lists_of_frames(options):
    frames = [Image.fromarray(clips.picture(300, 200, 9 * i)) for i in range(6)]
    assert count_tokens(frames, **options) == preprocess_video(frames, **options).tokens
    with pytest.raises(InvalidArgumentError, match="video_start"):
        count_tokens(frames, video_start=1)


def test_frames_in_an_address():
    frames = [Image.fromarray(clips.picture(56, 56, 9 * i)) for i in range(3)]
    content = [{"type": "video", "video": frames, "fps": 2.0}]
    messages = to_openai_messages([{"role": "user", "content": content}]).messages
    (part,) = [one for one in messages[0]["content"] if one["type"] == "video_url"]
    assert count_tokens(part["video_url"]["url"]) > 0


def test_without_timestamps_frames_are_decoded(folder):
    path = Clip("counted.h264", count=60, b_frames=2, format="h264").write(folder)
    assert probe_video(path).tokens is None
    assert count_tokens(path) == preprocess_video(path).tokens


def test_damage_is_warned_about_once(folder):
    data = Clip("counted.mkv", width=320, height=240, count=60).write(folder).read_bytes()
    path = folder / "counted_cut.mkv"
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DecodeError, match="is truncated"):
        count_tokens(path)
    for threshold in (0.9, 1.1):
        with pytest.warns(PartialVideoWarning) as caught:
            count_tokens(path, fps=25, on_error="partial", min_frame_similarity=threshold)
        assert len(caught) == 1


@pytest.mark.parametrize(
    "options",
    [{"fps": 0}, {"num_frames": 10_000}, {"threads": -1}, {"min_frame_similarity": "often"}],
    ids=str,
)
def test_errors_are_those_of_preprocess(options, short):
    with pytest.raises(InvalidArgumentError) as expected:
        preprocess_video(short, **options)
    with pytest.raises(InvalidArgumentError) as raised:
        count_tokens(short, **options)
    assert str(raised.value) == str(expected.value)


def test_limits_and_cancelled_calls(short):
    flag = threading.Event()
    flag.set()
    with pytest.raises(CancelledError):
        count_tokens(short, cancel=flag)
    with pytest.raises(LimitError):
        count_tokens(short, limits=Limits(frames=10))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        count_tokens(short, timeout=60)
