"""Videos as lists of frames: the same arguments, the same bits as from keye_vl_utils 1.5.2."""

from __future__ import annotations

import pytest

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    FramesShapeError,
    InvalidArgumentError,
    MediaNotFoundError,
)
from vision_process_for_tests import (
    TOKEN,
    assert_fetches_alike,
    data_url,
    pictures,
    reference,
)

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")


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
