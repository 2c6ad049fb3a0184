"""Test colours: decord's bytes where possible, otherwise closer to the picture than those."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from PIL import Image

from keye_vl_rs import preprocess_video
from keye_vl_rs._sampling.video import sample_video
from support import clips
from support.clips import (
    VP9,
    Clip,
    assert_clip_is_decords,
    assert_like_decord,
    every,
    pixels,
    third,
)

pytestmark = pytest.mark.one_level

CLIPS = [
    Clip("full_range_format.mp4", pix_fmt="yuvj420p"),
    Clip("full_range_tag.mp4", color_range=2),
    Clip("bt709.mp4", colorspace=1),
    Clip("bt709_full_range.mp4", colorspace=1, color_range=2),
    Clip("smpte170m.mp4", colorspace=6),
    Clip("smpte240m.mp4", colorspace=7),
    Clip("bt2020.mp4", colorspace=9),
    Clip("yuv444p.mp4", pix_fmt="yuv444p"),
    Clip("yuv422p.mp4", pix_fmt="yuv422p"),
    Clip("gray.mp4", pix_fmt="gray"),
    Clip("interlaced.mp4", options={"x264-params": "tff=1"}),
    Clip("interlaced_bt709.mp4", colorspace=1, options={"x264-params": "tff=1"}),
    Clip("odd_width.webm", width=161, **VP9),
    Clip("odd_height.webm", height=121, **VP9),
    Clip("odd_height_bt709.webm", height=121, colorspace=1, **VP9),
    Clip("odd_height_full_range.webm", height=121, color_range=2, **VP9),
    Clip("odd_height_tall.webm", width=64, height=1079, count=3, **VP9),
    Clip("odd_height_422.mp4", height=121, pix_fmt="yuv422p"),
    Clip("odd_both_444.mp4", width=161, height=121, pix_fmt="yuv444p"),
    Clip("odd_width_jpeg.avi", codec="mjpeg", width=161, pix_fmt="yuvj420p"),
    Clip("ten_bits_422.mp4", pix_fmt="yuv422p10le"),
    Clip("ten_bits_422_odd_height.mp4", height=121, pix_fmt="yuv422p10le"),
    Clip("ten_bits_422_prores.mov", codec="prores_ks", pix_fmt="yuv422p10le"),
    Clip("ten_bits_444.mp4", pix_fmt="yuv444p10le"),
]
# For these, later releases of FFmpeg return other bytes than decord, whatever the options.
INEXACT_CLIPS = [
    Clip("ten_bits.mkv", codec="ffv1", pix_fmt="yuv420p10le"),
    Clip("ten_bits_odd_width.mkv", codec="ffv1", width=161, pix_fmt="yuv420p10le"),
    Clip("ten_bits_odd_height.mkv", codec="ffv1", height=121, pix_fmt="yuv420p10le"),
    Clip("odd_both.mkv", codec="ffv1", width=161, height=121),
    Clip("odd_both_jpeg.avi", codec="mjpeg", width=161, height=121, pix_fmt="yuvj420p"),
    Clip("yuv440p.mkv", codec="ffv1", pix_fmt="yuv440p"),
    Clip("yuv411p.mkv", codec="ffv1", pix_fmt="yuv411p"),
]
BEST = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_colours_are_decords(clip, folder):
    assert_clip_is_decords(clip, folder)


@pytest.mark.parametrize("clip", INEXACT_CLIPS, ids=lambda clip: clip.name)
def test_colours_that_cannot_be_decords_are_converted_best(clip, folder):
    path = clip.write(folder)
    sampled = sample_video(path, third)
    expected = clips.decode_all(path, interpolation=int(BEST))
    np.testing.assert_array_equal(pixels(sampled), expected[sampled.indices.numpy()])


@pytest.mark.parametrize("clip", INEXACT_CLIPS, ids=lambda clip: clip.name)
def test_colours_that_cannot_be_decords_are_nearer_to_the_picture(clip, folder):
    path = clip.write(folder)
    sampled = sample_video(path, clips.every)
    meant = np.stack([clips.picture(clip.width, clip.height, i) for i in range(clip.count)])

    def error(frames):
        return np.abs(frames.astype(int) - meant).mean()

    decords = clips.decode_all_with_decord(path)
    assert error(pixels(sampled)) < error(decords)


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("full_range", [False, True])
def test_rotation_is_decords(degrees, full_range, folder):
    clip = Clip(f"turn{full_range}.mp4", pix_fmt="yuvj420p" if full_range else "yuv420p")
    plain = clip.write(folder)
    path = clips.rotate(plain, folder / f"turned{degrees}{full_range}.mp4", degrees)
    sampled = sample_video(path, third)
    assert sampled.frames.shape[2:] == ((120, 160) if degrees == 180 else (160, 120))
    assert_like_decord(path, sampled)
    turned = np.rot90(pixels(sample_video(plain, third)), -degrees // 90, axes=(1, 2))
    np.testing.assert_array_equal(pixels(sampled), turned)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("name", clips.MIRRORED)
def test_mirrored_clips(name, codec, folder):
    plain = Clip(f"plain_{codec}.mp4", codec=codec, count=4).write(folder)
    matrix, present = clips.MIRRORED[name]
    path = clips.orient(plain, folder / f"{codec}_{name.replace(' ', '_')}.mp4", matrix)
    expected = np.stack([present(image) for image in pixels(sample_video(plain, every))])
    sampled = sample_video(path, every)
    np.testing.assert_array_equal(pixels(sampled), expected)
    inputs = preprocess_video(path, fps=25)
    assert inputs.size == expected.shape[1:3]


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_turned_clips_of_codecs_that_are_decoded_with_one_thread(codec, folder):
    plain = Clip(f"plain_{codec}.mp4", codec=codec, count=4).write(folder)
    path = clips.rotate(plain, folder / f"{codec}_90.mp4", 90)
    expected = np.rot90(pixels(sample_video(plain, every)), -1, axes=(1, 2))
    np.testing.assert_array_equal(pixels(sample_video(path, every)), expected)


@pytest.mark.parametrize("orientation", [None, 1, 6])
def test_exif_of_frames_is_not_applied(orientation, folder, caplog):
    """decord ignores it; PyAV cannot read it, and raises a ValueError for all side data."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    path = folder / f"exif_{orientation}.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 40, "yuvj420p"
        for index in range(5):
            file = io.BytesIO()
            Image.fromarray(clips.picture(64, 40, index)).save(file, "JPEG", exif=exif.tobytes())
            packet = av.Packet(file.getvalue())
            packet.pts = packet.dts = index
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 10), stream, True
            container.mux(packet)
    sampled = sample_video(path, every)
    assert sampled.frames.shape == (5, 3, 40, 64)
    assert_like_decord(path, sampled)
    assert ("is not applied" in caplog.text) == (orientation == 6)
