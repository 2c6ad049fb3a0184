"""Compare keye_vl_rs.preview with keye-vl-utils 1.0.0: every bit of every result."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys

import pytest
import torch
from keye_vl_utils import vision_process as published
from PIL import Image

from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.preview import vision_process as ours
from support.clips import picture

TOKEN = 28 * 28


def assert_same(actual, expected):
    assert type(actual) is type(expected)
    if isinstance(expected, torch.Tensor):
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        assert torch.equal(actual, expected)
    elif isinstance(expected, Image.Image):
        assert (actual.mode, actual.size) == (expected.mode, expected.size)
        assert actual.tobytes() == expected.tobytes()
    elif isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for key in expected:
            assert_same(actual[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    else:
        assert actual == expected


def assert_fetches_alike(ele):
    expected = published.fetch_video(dict(ele), return_video_sample_fps=True)
    assert_same(ours.fetch_video(dict(ele), return_video_sample_fps=True), expected)
    return expected


OPTIONS = [
    {},
    {"fps": 1.0},
    {"fps": 7.5},
    {"fps": 100},
    {"nframes": 5},
    {"nframes": 8},
    {"min_frames": 10},
    {"max_frames": 3},
    {"fps": 4.0, "max_frames": 5},
    {"fps": 0.1, "min_frames": 6, "max_frames": 9},
    {"video_start": 0.5},
    {"video_end": 0.9},
    {"video_start": 0.33, "video_end": 1.01, "fps": 5},
    {"video_start": -1.0, "video_end": 100.0},
    {"min_pixels": 200 * TOKEN},
    {"max_pixels": 150 * TOKEN},
    {"min_pixels": 20 * TOKEN, "max_pixels": 30 * TOKEN},
    {"max_pixels": 5000 * TOKEN},
    {"total_pixels": 300 * TOKEN, "min_pixels": 40 * TOKEN},
    {"resized_height": 200, "resized_width": 300},
    {"resized_height": 10, "resized_width": 1000},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["landscape", "portrait", "whole tokens"])
def test_files(name, options, clips):
    video, fps = assert_fetches_alike({"video": str(clips[name]), **options})
    assert video.dtype == torch.float32
    assert fps > 0
    assert len(video) % 2 == 0


@pytest.mark.parametrize("name", ["landscape", "portrait"])
def test_many_sizes(name, clips):
    for height in range(28, 700, 84):
        for width in (56, 140, 392, 644):
            size = {"resized_height": height, "resized_width": width}
            assert_fetches_alike({"video": str(clips[name]), "nframes": 2, **size})


def test_frames_are_those_of_the_published_resize_to_the_last_bit():
    """On noise, from strong reduction to strong enlargement."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as torchvision

    from keye_vl_rs._patches.float_frames import resize_frames

    generator = torch.Generator().manual_seed(0)
    for height, width in [(31, 57), (112, 112), (360, 640), (720, 404)]:
        frames = torch.randint(
            0, 256, (3, height, width, 3), dtype=torch.uint8, generator=generator
        ).permute(0, 3, 1, 2)
        for size in [(28, 28), (56, 224), (112, 112), (252, 448), (700, 392)]:
            expected = torchvision.resize(
                frames, list(size), interpolation=InterpolationMode.BICUBIC, antialias=True
            ).float()
            assert_same(resize_frames(frames, size), expected)
            assert_same(resize_frames(frames.contiguous(), size), expected)


@pytest.mark.parametrize(
    "options",
    [
        {"nframes": 500},
        {"nframes": 0.5},
        {"fps": 2.0, "nframes": 4},
        {"video_start": 1.0, "video_end": 0.5},
        {"video_start": 50.0},
        {"max_frames": 1},
    ],
    ids=str,
)
def test_what_both_refuse(options, clips):
    ele = {"video": str(clips["landscape"]), **options}
    with pytest.raises((ValueError, AssertionError)):
        published._read_video_decord(dict(ele))
    with pytest.raises(InvalidArgumentError):
        ours.fetch_video(dict(ele))


@pytest.mark.parametrize("total", [*range(1, 12), 100, 1535, 1536, 5000])
def test_frame_counts(total):
    for fps in (0.5, 1, 23.976, 25.0, 59.94):
        for options in ({}, {"fps": 3}, {"nframes": 6}, {"max_frames": 7}, {"min_frames": 0}):
            try:
                expected = published.smart_nframes(options, total, fps)
            except ValueError:
                if total == 1 and "nframes" not in options:
                    assert ours.smart_nframes(options, total, fps) == 2
                    continue
                with pytest.raises(InvalidArgumentError):
                    ours.smart_nframes(options, total, fps)
            else:
                assert ours.smart_nframes(options, total, fps) == expected


def test_constants_are_read_when_a_function_runs(clips, monkeypatch):
    for name, value in {
        "VIDEO_MIN_PIXELS": 30 * TOKEN,
        "VIDEO_MAX_PIXELS": 60 * TOKEN,
        "VIDEO_TOTAL_PIXELS": 100 * TOKEN,
        "FPS": 5.0,
        "FPS_MAX_FRAMES": 6,
        "MIN_PIXELS": 30 * TOKEN,
    }.items():
        monkeypatch.setattr(published, name, value)
        monkeypatch.setattr(ours, name, value)
        assert_fetches_alike({"video": str(clips["landscape"])})
        image = {"image": Image.fromarray(picture(60, 50, 1))}
        assert_same(ours.fetch_image(image), published.fetch_image(image))


def test_a_wrapped_reader(clips, monkeypatch):
    """As ms-swift wraps it, by the name of the backend."""
    asked = []
    read = ours._read_video_decord

    def wrapped(ele):
        asked.append(ele["video"])
        ele["video"] = io.BytesIO(clips["landscape"].read_bytes())
        return read(ele)

    monkeypatch.setitem(ours.VIDEO_READER_BACKENDS, "decord", wrapped)
    expected = published.fetch_video({"video": str(clips["landscape"])})
    assert_same(ours.fetch_video({"video": "base64"}), expected)
    assert asked == ["base64"]


def test_the_total_in_the_environment(clips):
    code = """
import sys, torch
from keye_vl_utils import vision_process as published
from keye_vl_rs.preview import vision_process as ours
assert ours.VIDEO_TOTAL_PIXELS == published.VIDEO_TOTAL_PIXELS == 1_234_567
ele = {"video": sys.argv[1], "nframes": 20}
assert torch.equal(ours.fetch_video(ele), published.fetch_video(ele))
"""
    environment = {**os.environ, "VIDEO_MAX_PIXELS": "1234567.8"}
    command = [sys.executable, "-c", code, str(clips["landscape"])]
    subprocess.run(command, env=environment, check=True)


def images():
    made = {
        "RGB": Image.fromarray(picture(300, 200, 1)),
        "L": Image.fromarray(picture(90, 70, 2)).convert("L"),
        "P": Image.fromarray(picture(90, 70, 3)).convert("P"),
        "CMYK": Image.fromarray(picture(90, 70, 4)).convert("CMYK"),
        "LA": Image.fromarray(picture(90, 70, 5)).convert("LA"),
    }
    transparent = Image.fromarray(picture(90, 70, 6)).convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize((90, 70)))
    return {**made, "RGBA": transparent}


IMAGES = images()


@pytest.mark.parametrize("mode", IMAGES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"min_pixels": 50 * TOKEN},
        {"max_pixels": 9 * TOKEN},
        {"resized_height": 100, "resized_width": 50},
    ],
    ids=str,
)
def test_images(mode, options):
    ele = {"image": IMAGES[mode], **options}
    assert_same(ours.fetch_image(dict(ele)), published.fetch_image(dict(ele)))


def test_sources_of_images(tmp_path):
    IMAGES["RGBA"].save(tmp_path / "image.png")
    data = base64.b64encode((tmp_path / "image.png").read_bytes()).decode()
    for source in (
        str(tmp_path / "image.png"),
        f"file://{tmp_path}/image.png",
        f"data:image/png;base64,{data}",
    ):
        for key in ("image", "image_url"):
            assert_same(ours.fetch_image({key: source}), published.fetch_image({key: source}))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("options", [{}, {"fps": 3.0}, {"max_pixels": 9 * TOKEN}], ids=str)
def test_lists_of_frames(count, options):
    frames = [Image.fromarray(picture(90, 70, seed)) for seed in range(count)]
    video, _ = assert_fetches_alike({"video": frames, **options})
    assert len(video) % 2 == 0


def test_conversations(clips):
    talks = [
        [
            {"role": "system", "content": "You are brief."},
            {
                "role": "user",
                "content": [
                    {"type": "image", "image": IMAGES["RGB"]},
                    {"type": "video", "video": str(clips["landscape"]), "fps": 5.0},
                    {"type": "text", "text": "x"},
                ],
            },
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "video", "video": [IMAGES["RGB"]] * 3, "fps": 1.0},
                    {"type": "video", "video": str(clips["portrait"]), "nframes": 4},
                    {"type": "image_url", "image_url": IMAGES["RGBA"]},
                ],
            }
        ],
    ]
    for given in (talks, talks[0], [{"role": "user", "content": "text"}]):
        for wanted in (False, True):
            assert_same(
                ours.process_vision_info(given, return_video_kwargs=wanted),
                published.process_vision_info(given, return_video_kwargs=wanted),
            )
