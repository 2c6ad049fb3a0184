"""Test estimates, damaged files, limits, and that errors are those of preprocess_video."""

from __future__ import annotations

import threading

import av
import pytest
from PIL import Image

import keye_vl_rs
from keye_vl_rs import Limits, VideoProbe, count_tokens, preprocess_video, probe_video
from keye_vl_rs._media import deadline
from keye_vl_rs.errors import (
    CancelledError,
    ConcealedDamageWarning,
    DecodeError,
    EmptyMediaError,
    InvalidArgumentError,
    LimitError,
    MediaError,
    MediaTimeoutError,
    NoVideoStreamError,
    PartialVideoWarning,
    UnreadableMediaError,
)
from support.clips import Clip
from support.probe import assert_like_preprocess

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_without_timestamps_numbers_are_estimates(codec, folder):
    path = Clip(
        f"bare.{codec}", codec=codec, count=60, format={"libx264": "h264", "libx265": "hevc"}[codec]
    ).write(folder)
    probe = probe_video(path)
    assert {"total_frames", "fps", "max_tokens", "indices", "packets_needed"} <= {*probe.estimated}
    assert probe.tokens is None
    inputs = preprocess_video(path)
    assert probe.size == inputs.size
    assert abs(probe.total_frames - inputs.total_frames) <= 2


def test_rotations_inside_frames(folder):
    """No description of the file shows them."""
    from av.bitstream import BitStreamFilterContext

    source = Clip("turn.h264", b_frames=0, format="h264").write(folder)
    path = folder / "inside.ts"
    with av.open(str(source)) as read, av.open(str(path), "w") as written:
        stream = read.streams.video[0]
        turn = BitStreamFilterContext("h264_metadata=display_orientation=insert:rotate=90", stream)
        target = written.add_stream_from_template(stream)
        for packet in read.demux(stream):
            for turned in turn.filter(packet if packet.size else None):
                turned.stream = target
                turned.pts = turned.dts
                written.mux(turned)
    assert preprocess_video(path).size == (160, 120)
    probe = probe_video(path)
    assert {"size", "rotation", "max_tokens"} <= {*probe.estimated}
    assert probe.tokens is None
    assert count_tokens(path) == preprocess_video(path).tokens


def test_avi_with_b_frames(folder):
    """Its timestamps are those of another order, which only decoding shows."""
    path = Clip("order.avi", b_frames=2, count=60).write(folder)
    assert assert_like_preprocess(path).estimated == ("packets_needed",)


def test_fields_that_are_estimates_exist():
    from keye_vl_rs.probe import probing

    fields = set(VideoProbe.__dataclass_fields__)
    assert {*probing._OF_FRAMES, *probing._OF_SIZE} <= fields


def test_truncated_files(folder):
    path = folder / "cut.mkv"
    data = Clip("whole.mkv", count=60).write(folder).read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DecodeError, match="is truncated") as raised:
        preprocess_video(path)
    with pytest.raises(DecodeError) as probed:
        probe_video(path)
    assert str(probed.value) == str(raised.value)
    with pytest.warns(PartialVideoWarning):
        probe = assert_like_preprocess(path, on_error="partial")
    assert probe.total_frames < 60
    assert "is truncated" in probe.damage.reason


def test_lost_packets(folder):
    data = bytearray(Clip("lost.ts", count=100).write(folder).read_bytes())
    # Half a second of packets is missing.
    start = len(data) // 2 // 188 * 188
    path = folder / "gap.ts"
    path.write_bytes(data[:start] + data[start + 188 * 20 :])
    with pytest.raises(DecodeError, match="frames are missing"):
        preprocess_video(path)
    with pytest.raises(DecodeError, match="frames are missing"):
        probe_video(path)
    with pytest.warns(ConcealedDamageWarning):
        probe = probe_video(path, on_error="conceal")
    assert "frames are missing" in probe.damage.reason
    assert "packets_needed" in probe.estimated


def test_files_that_are_no_videos(tmp_path, folder):
    sound = folder / "sound.m4a"
    clips_with_audio(sound)
    with pytest.raises(NoVideoStreamError):
        probe_video(sound)
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(EmptyMediaError):
        probe_video(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("not a video, only some text")
    with pytest.raises(UnreadableMediaError):
        probe_video(tmp_path / "text.mp4")
    with pytest.raises(MediaError):
        probe_video(tmp_path)


def test_images_are_videos_of_one_frame(png):
    assert assert_like_preprocess(png).total_frames == 1


@pytest.mark.parametrize(
    "options",
    [
        {"fps": 0},
        {"fps": float("nan")},
        {"num_frames": 10_000},
        {"num_frames": 2.0},
        {"max_frames": 0},
        {"video_start": 100},
        {"video_start": 2, "video_end": 1},
        {"min_frame_similarity": "often"},
        {"on_error": "ignore"},
        {"timestamps": "never"},
        {"timeout": -1},
        {"cancel": 3},
        {"max_pixels": -5},
        {"limits": 5},
    ],
    ids=str,
)
def test_errors_are_those_of_preprocess(options, short):
    with pytest.raises(InvalidArgumentError) as expected:
        preprocess_video(short, **options)
    with pytest.raises(InvalidArgumentError) as raised:
        probe_video(short, **options)
    assert str(raised.value) == str(expected.value)


@pytest.mark.parametrize(
    "limits",
    [
        {"frames": 10},
        {"duration": 1},
        {"frame_pixels": 100},
        {"sampled_pixels": 100},
        {"resized_pixels": 100},
        {"resized_video_pixels": 100},
        {"file_bytes": 100},
    ],
    ids=str,
)
def test_limits_are_those_of_preprocess(limits, short):
    with pytest.raises(LimitError) as expected:
        preprocess_video(short, limits=Limits(**limits))
    with pytest.raises(LimitError) as raised:
        probe_video(short, limits=Limits(**limits))
    assert str(raised.value) == str(expected.value)


def test_timeouts_and_cancelled_calls(short, monkeypatch):
    flag = threading.Event()
    flag.set()
    with pytest.raises(CancelledError):
        probe_video(short, cancel=flag)
    monkeypatch.setattr(deadline.time, "monotonic", iter(range(0, 10_000, 10)).__next__)
    with pytest.raises(MediaTimeoutError):
        probe_video(short, timeout=5)


def test_lists_of_frames_are_for_count_tokens(png):
    with pytest.raises(InvalidArgumentError, match="count_tokens"):
        probe_video([Image.open(png)] * 3)


def test_exports():
    assert {"probe_video", "count_tokens", "VideoProbe"} <= {*keye_vl_rs.__all__}


def clips_with_audio(path):
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), "fltp", "mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
