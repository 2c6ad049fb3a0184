"""Compare lists of frames with keye_vl_utils 1.5.2: the same arguments give the same bits."""

from __future__ import annotations

import pytest

from keye_vl_rs import preview
from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    FramesShapeError,
    InvalidArgumentError,
    MediaNotFoundError,
    MediaTimeoutError,
)
from support.vision_process import (
    TOKEN,
    assert_fetches_alike,
    assert_same,
    data_url,
    pictures,
    reference,
)

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("one_thread_of_torch")]


@pytest.mark.parametrize("fps", [None, 1, 2.0, 0.7, 29.97, 1 / 3])
@pytest.mark.parametrize("count", [1, 2, 7, 33])
def test_lists_of_images(fps, count):
    ele = {"video": pictures(count)} | ({} if fps is None else {"fps": fps})
    expected = reference.smart_nframes(ele, count, ele.get("fps", 2.0))
    if expected == 0:
        # 1 / 29.97 * 29.97 is less than 1.
        assert len(ours.fetch_video(ele)[0]) == 1
        return
    _, kwargs = assert_fetches_alike(ele)
    assert ("timestamps" in kwargs) == (fps is not None)


@pytest.mark.parametrize(
    "options",
    [
        {"max_frames": 3},
        {"max_frames": 3, "fps": 4.0},
        {"min_pixels": 60 * TOKEN, "max_pixels": 80 * TOKEN},
        {"max_pixels": 50 * TOKEN, "fps": 2},
        {"video_total_pixels": 150 * TOKEN, "fps": 2},
        {"resized_height": 100, "resized_width": 300},
        {"min_frame_similarity": 0.99},
    ],
    ids=str,
)
def test_options_of_lists(options):
    assert_fetches_alike({"type": "video", "video": pictures(8, 300, 200), **options})


def test_lists_of_paths_addresses_and_dictionaries(tmp_path):
    images = pictures(5)
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    video = [
        images[0],
        str(paths[1]),
        f"file://{paths[2]}",
        {"image": str(paths[3])},
        {"type": "image_url", "image_url": images[4], "min_pixels": 48 * TOKEN},
        data_url(images[0]),
    ]
    for fps in ({}, {"fps": 2}):
        assert_fetches_alike({"video": video, **fps})
        assert_fetches_alike({"video": tuple(video), **fps})


def test_options_of_one_frame_are_not_those_of_the_others():
    (image,) = pictures(1, 200, 200)
    video = [{"image": image, "resized_height": 280, "resized_width": 280}] * 3
    assert_fetches_alike({"video": video, "resized_height": 56, "resized_width": 56})


def test_frames_that_come_out_in_two_sizes_are_refused():
    with pytest.raises(RuntimeError):
        reference.fetch_video({"video": [*pictures(1, 90, 70), *pictures(1, 300, 70)]})
    with pytest.raises(FramesShapeError, match="different sizes"):
        ours.fetch_video({"video": [*pictures(1, 90, 70), *pictures(1, 300, 70)]})


def test_frames_that_are_not_sampled_are_not_opened():
    frames = pictures(9)
    expected = assert_fetches_alike({"video": frames, "max_frames": 3, "fps": 1.0})
    listed = ["/nowhere.png" if place % 4 else frames[place] for place in range(9)]
    assert_same(ours.fetch_video({"video": listed, "max_frames": 3, "fps": 1.0}), expected)


@pytest.mark.parametrize("module", [ours, preview])
def test_options_of_files_are_checked_in_lists_too(module):
    for options, message in (
        ({"timeout": "x"}, "timeout is 'x': expected a positive number"),
        ({"on_error": "x"}, "on_error is 'x': expected 'raise'"),
        ({"timestamps": "x"}, "timestamps is 'x': expected 'published'"),
        ({"video_start": "x"}, "video_start is 'x': expected a non-negative number"),
        ({"video_end": -1}, "video_end is -1: expected a non-negative number"),
        ({"fps": "2"}, "fps is '2': expected a positive number"),
        ({"fps": float("nan")}, "fps is nan: expected a positive number"),
        ({"fps": 0}, "fps is 0: expected a positive number"),
        ({"max_frames": -3}, "max_frames is -3: expected a positive number"),
    ):
        talk = [{"role": "user", "content": [{"video": pictures(4), **options}]}]
        with pytest.raises(InvalidArgumentError, match=message):
            module.process_vision_info(talk)


@pytest.mark.parametrize("module", [ours, preview])
def test_the_timeout_of_a_list(module):
    with pytest.raises(MediaTimeoutError, match="4 frames: timed out after 1e-06 s"):
        module.fetch_video({"video": pictures(4), "timeout": 1e-6})
    assert module.fetch_video({"video": pictures(4), "timeout": 600}) is not None


def test_frames_of_preview_in_two_sizes_are_refused():
    frames = [*pictures(1, 64, 64), *pictures(1, 300, 64)]
    with pytest.raises(
        FramesShapeError, match="frame 1 has 308x56 pixels, frame 0 has 56x56: expected"
    ):
        preview.fetch_video({"video": frames})
    # As a whole they may still have one size.
    sized = {"video": frames, "resized_height": 56, "resized_width": 84}
    assert [frame.size for frame in preview.fetch_video(sized)] == [(84, 56)] * 2


def test_a_list_of_frames_with_another_factor():
    assert_fetches_alike({"video": pictures(3, 300, 200)}, image_factor=14)
    assert_fetches_alike({"video": pictures(3, 300, 200), "fps": 1.5}, image_factor=32)


@pytest.mark.parametrize("video", [[], ()])
def test_an_empty_list_is_refused(video):
    with pytest.raises(InvalidArgumentError, match="empty"):
        ours.fetch_video({"video": video})


def test_a_missing_frame_is_named():
    with pytest.raises(MediaNotFoundError, match="nowhere"):
        ours.fetch_video({"video": [*pictures(1), "/nowhere.png"]})
