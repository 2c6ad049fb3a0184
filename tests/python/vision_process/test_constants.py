"""Test constants and readers that hosts replace at run time, in both packages."""

from __future__ import annotations

import pytest
import torch

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    AspectRatioError,
)
from support import clips
from support.vision_process import (
    CUTS,
    TOKEN,
    assert_fetches_alike,
    assert_same,
    pictures,
    reference,
)

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("one_thread_of_torch")]


@pytest.fixture
def both(monkeypatch):
    """Set a module constant in both packages."""

    def set_both(**constants):
        for name, value in constants.items():
            monkeypatch.setattr(reference, name, value)
            monkeypatch.setattr(ours, name, value)

    return set_both


@pytest.fixture(scope="module")
def plain():
    """Return the result for a video with the default constants."""
    return ours.fetch_video({"video": str(clips.BUNNY)})[1]


@pytest.mark.parametrize(
    "constants",
    [
        {"VIDEO_MAX_PIXELS": 100 * TOKEN},
        {"VIDEO_MIN_PIXELS": 128 * TOKEN},
        {"VIDEO_MIN_PIXELS": 16 * TOKEN, "VIDEO_MAX_PIXELS": 20 * TOKEN},
        {"VIDEO_TOTAL_PIXELS": 500 * TOKEN},
        {"VIDEO_TOTAL_PIXELS": 500 * TOKEN, "FAST_TOKEN_RATIO": 0.8},
        {"FPS": 6.0},
        {"FPS": 1},
        {"FAST_TOKEN_RATIO": 1.0},
        {"FAST_TOKEN_RATIO": 0.05},
        {"MIN_FRAME_SIMILARITY": 0.2},
        {"MIN_FRAME_SIMILARITY": 1.1},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["file", "list"])
def test_constants_are_read_when_a_function_runs(constants, kind, plain, both):
    video = str(clips.BUNNY) if kind == "file" else pictures(6, 400, 300)
    both(**constants)
    changed = assert_fetches_alike({"video": video})
    if "MIN_FRAME_SIMILARITY" in constants or kind == "list":
        return
    different = {
        name
        for name, value in changed[1].items()
        if not torch.equal(torch.as_tensor(value), torch.as_tensor(plain[name]))
    }
    assert different


@pytest.mark.parametrize("constants", [{"MIN_PIXELS": 400 * TOKEN}, {"MAX_PIXELS": 20 * TOKEN}])
def test_image_limits_are_read_when_a_function_runs(constants, both):
    (image,) = pictures(1, 300, 200)
    both(**constants)
    expected = reference.fetch_image({"image": image})
    assert_same(ours.fetch_image({"image": image}), expected)
    assert expected.size not in {(300, 200), (308, 196)}


def test_defaults_of_arguments_are_not_read_again(both):
    """In both packages they are bound when the module is imported."""
    both(MIN_PIXELS=10**6, MAX_PIXELS=10**6, MIN_FRAME_SIMILARITY=5.0)
    assert_same(ours.smart_resize(300, 200), reference.smart_resize(300, 200))
    frames = CUTS
    expected = reference.extract_slow_fast_frames(frames)
    assert_same(ours.extract_slow_fast_frames(frames), expected)


def test_another_image_factor_leaves_the_compared_patches_at_28(both):
    both(IMAGE_FACTOR=56)
    red = torch.zeros(3, 560, 560, dtype=torch.uint8)
    red[0] = 255
    quarters = red.reshape(3, 10, 56, 10, 56).clone()
    quarters[:, :, :28, :, :28] = 0
    frames = torch.stack([red, quarters.reshape(3, 560, 560)])
    expected = reference.extract_slow_fast_frames(frames)
    assert expected.tolist() == [0, 0]
    assert_same(ours.extract_slow_fast_frames(frames), expected)


def test_another_image_factor_sizes_frames(both, short_name):
    both(IMAGE_FACTOR=56)
    assert_fetches_alike({"video": short_name, "fps": 4})


@pytest.mark.parametrize("limit", [50, 400])
def test_another_aspect_ratio_is_the_limit(limit, both):
    both(MAX_RATIO=limit)
    for width in (28 * 40, 28 * 100, 28 * 300):
        try:
            expected = reference.smart_resize(28, width)
        except ValueError:
            with pytest.raises(AspectRatioError):
                ours.smart_resize(28, width)
        else:
            assert ours.smart_resize(28, width) == expected


def test_a_wrapped_reader_is_called(monkeypatch, short_name):
    """ms-swift wraps it to learn the frame rate."""
    seen = []
    read = ours._read_video_decord

    def wrapped(ele):
        seen.append(ele["video"])
        frames, times, types = read(ele)
        return frames[1:], times[1:] + 10, types[1:]

    monkeypatch.setattr(ours, "_read_video_decord", wrapped)
    _, videos, kwargs = ours.process_vision_info(None, [{"video": short_name}])
    assert seen == [short_name]
    assert len(videos[0]) == 3
    assert kwargs["timestamps"][0].min() > 10
    monkeypatch.undo()
    whole = ours.fetch_video({"video": short_name})
    assert torch.equal(videos[0], whole[0][1:])


def test_the_reader_gives_what_the_published_one_gives(short_name):
    assert_same(
        ours._read_video_decord({"video": short_name, "fps": 3.0, "min_frame_similarity": 0.95}),
        reference._read_video_decord(
            {"video": short_name, "fps": 3.0, "min_frame_similarity": 0.95}
        ),
    )
