"""Test that a bad video raises an exception that names it, and that nothing stays open."""

from __future__ import annotations

import io
import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    DecodeError,
    InvalidArgumentError,
    MediaError,
    NoFramesError,
    NoVideoStreamError,
    PartialVideoWarning,
    UnreadableMediaError,
)
from support import clips
from support.clips import Clip, every, pixels, third
from support.ffmpeg_reports import reported_times

pytestmark = pytest.mark.without_pixels

BAD_BYTES = {
    "zeros": bytes(5000),
    "noise": np.random.default_rng(0).bytes(5000),
    "text": b"not a video\n" * 400,
    "one byte": b"x",
}


@pytest.mark.parametrize("kind", BAD_BYTES)
def test_bytes_that_are_no_video(kind):
    with pytest.raises(UnreadableMediaError, match=r"<\d+ bytes>"):
        sample_video(BAD_BYTES[kind], every)


@pytest.mark.parametrize("suffix", ["mp4", "txt", "nfo"])
def test_a_text_is_no_video(suffix, tmp_path):
    path = tmp_path / f"text.{suffix}"
    path.write_text("not a video\n" * 400)
    with pytest.raises(UnreadableMediaError, match=str(path)):
        sample_video(path, every)


def test_no_header(h264):
    # The index of an mp4 is at its end.
    data = h264.read_bytes()
    with pytest.raises(UnreadableMediaError):
        sample_video(data[: len(data) // 2], every)


def add_silence(container):
    stream = container.add_stream("aac", rate=16000, layout="mono")
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
    frame.rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def test_audio_only(tmp_path):
    path = tmp_path / "sound.m4a"
    with clips.open_output(path) as container:
        add_silence(container)
    with pytest.raises(NoVideoStreamError, match=r"sound\.m4a"):
        sample_video(path, every)


def test_a_cover_is_no_video(tmp_path):
    path = tmp_path / "cover.m4a"
    file = io.BytesIO()
    Image.fromarray(clips.picture(160, 120, 0)).save(file, "JPEG")
    with clips.open_output(path, "mp4") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 160, 120, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        add_silence(container)
        packet = av.Packet(file.getvalue())
        packet.stream, packet.pts, packet.dts, packet.time_base = cover, 0, 0, Fraction(1, 1)
        container.mux(packet)
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(NoVideoStreamError, match=r"cover\.m4a"):
        sample_video(path, every)


def test_no_frames(tmp_path):
    # A video stream with a header but without packets.
    plain = Clip("one.mkv", codec="mpeg4", count=1).write(tmp_path)
    path = tmp_path / "bare.mkv"
    with av.open(str(plain)) as source, clips.open_output(path) as target:
        target.add_stream_from_template(source.streams.video[0])
        add_silence(target)
    with pytest.raises(NoFramesError, match=r"bare\.mkv"):
        sample_video(path, every)


@pytest.fixture(scope="session")
def faststart(folder):
    clip = Clip(
        "front.mp4",
        options={"x264-params": "keyint=15"},
        format_options={"movflags": "faststart"},
    )
    return clip.write(folder).read_bytes()


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated(threads, share, faststart):
    cut = faststart[: int(len(faststart) * share)]
    message = rf"<{len(cut)} bytes> is truncated: its mdat box .* presented at [0-9.]+ s"
    with pytest.raises(DecodeError, match=message):
        sample_video(cut, third, threads=threads)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_what_is_there_of_a_truncated_file(share, faststart):
    cut = faststart[: int(len(faststart) * share)]
    with pytest.warns(PartialVideoWarning, match=r"is truncated.* up to [0-9.]+ s$"):
        sampled = sample_video(cut, every, on_error="partial")
    whole = pixels(sample_video(faststart, every))
    assert 10 < sampled.total_frames < 40
    np.testing.assert_array_equal(pixels(sampled), whole[: sampled.total_frames])


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_damaged(threads, faststart):
    damaged = bytearray(faststart)
    middle = len(damaged) // 2
    damaged[middle : middle + 3000] = bytes(3000)
    with pytest.raises(
        DecodeError, match=r'is damaged from [0-9.]+ s on: FFmpeg reports "error wh'
    ):
        sample_video(bytes(damaged), every, threads=threads)


def test_a_damage_of_which_the_decoder_reports_nothing(faststart):
    whole = sample_video(faststart, every)
    for place in range(len(faststart) // 4, len(faststart), 200):
        damaged = faststart[:place] + bytes(4) + faststart[place + 4 :]
        if not reported_times(damaged):
            sampled = sample_video(damaged, every)
            if not np.array_equal(pixels(sampled), pixels(whole)):
                break
    # This cannot be detected, as SECURITY.md says.
    assert sampled.total_frames == 40
    assert sampled.damage is None


def test_what_is_there_of_a_damaged_file(faststart):
    damaged = bytearray(faststart)
    middle = len(damaged) // 2
    damaged[middle : middle + 3000] = bytes(3000)
    with pytest.warns(PartialVideoWarning, match="is damaged from"):
        sampled = sample_video(bytes(damaged), every, on_error="partial")
    whole = pixels(sample_video(faststart, every))
    assert 5 < sampled.total_frames < 40
    np.testing.assert_array_equal(pixels(sampled), whole[: sampled.total_frames])


def test_a_damage_after_the_sampled_frames_is_not_met(faststart):
    damaged = bytearray(faststart)
    middle = len(damaged) * 3 // 4
    damaged[middle : middle + 3000] = bytes(3000)
    sampled = sample_video(bytes(damaged), lambda total, fps: [0, 3])
    whole = sample_video(faststart, lambda total, fps: [0, 3])
    np.testing.assert_array_equal(pixels(sampled), pixels(whole))


def test_on_error_is_one_of_two(h264):
    with pytest.raises(InvalidArgumentError, match="on_error is 'ignore'"):
        sample_video(h264, every, on_error="ignore")


@pytest.mark.parametrize("bad", [[], [[0]], [1, 0], [-1, 0], [40], [0.5]])
def test_bad_choices(bad, h264):
    with pytest.raises(InvalidArgumentError, match="choose"):
        sample_video(h264, lambda total, fps: bad)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_nothing_stays_open(h264, faststart, tmp_path):
    def open_files():
        names = []
        for number in os.listdir("/proc/self/fd"):
            try:
                names.append(os.readlink(f"/proc/self/fd/{number}"))
            except FileNotFoundError:
                continue
        return sorted(names)

    text = tmp_path / "text.mp4"
    text.write_text("no video")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(faststart[: len(faststart) // 2])
    sample_video(h264, third)
    before, threads = open_files(), threading.active_count()
    for source in (h264, text, cut, h264.read_bytes(), faststart[:3000]):
        for _ in range(3):
            try:
                sample_video(source, third)
            except MediaError:
                continue
    assert open_files() == before
    assert threading.active_count() == threads
