"""Test loading many images concurrently: the same results, errors and order as one by one."""

from __future__ import annotations

import io
import threading

import pytest
from PIL import Image

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import InvalidArgumentError, MediaNotFoundError, UnreadableMediaError
from support.images import opened, picture, saved
from support.vision_process import assert_same, data_url, reference

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("one_thread_of_torch")]


@pytest.fixture(params=["1", "2", "5"], autouse=True)
def threads(request, monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", request.param)
    return int(request.param)


@pytest.fixture
def sources(tmp_path):
    images = [picture(100 + 40 * i, 300 - 20 * i, seed=i) for i in range(9)]
    paths = [tmp_path / f"{i}.png" for i in range(len(images))]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    given = [str(path) for path in paths[:6]]
    return [*given, images[6], opened(images[7]), data_url(images[8])]


def messages(sources):
    content = [{"type": "image", "image": source} for source in sources]
    return [{"role": "user", "content": content}]


def test_many_images(sources, tmp_path, short_name):
    content = messages(sources)[0]["content"]
    mixed = [*content[:4], {"type": "video", "video": short_name}, *content[4:]]
    actual = ours.process_vision_info([{"role": "user", "content": mixed}])
    images, videos, _ = actual
    expected = [reference.fetch_image({"image": source}) for source in sources]
    assert_same(images, expected)
    assert len(videos) == 1


def test_frames_of_a_list(tmp_path):
    frames = [picture(200, 300, seed=seed) for seed in range(8)]
    ele = {"video": frames, "fps": 2.0}
    frames_of = [ours.fetch_video(dict(ele))[0], reference.fetch_video(dict(ele))[0]]
    assert_same(*frames_of)


def test_the_first_error_in_order_is_raised(sources, tmp_path):
    damaged = str(tmp_path / "damaged.png")
    (tmp_path / "damaged.png").write_bytes(saved(picture(300, 300))[:2000])
    missing = str(tmp_path / "missing.png")
    for first, second, error in (
        (damaged, missing, UnreadableMediaError),
        (missing, damaged, MediaNotFoundError),
    ):
        for at in (0, 3, 8):
            given = [*sources[:at], first, second, *sources[at:]]
            with pytest.raises(error):
                ours.process_vision_info(messages(given))
    # A part that is not a medium is found before anything is loaded.
    infos = [{"image": missing}, {"type": "sound"}]
    for given in (infos, infos[::-1]):
        with pytest.raises(InvalidArgumentError, match="sound"):
            ours.process_vision_info(vision_infos=given)


def test_images_that_read_from_one_file():
    pages = [picture(300, 400, "P", seed) for seed in range(3)]
    file = io.BytesIO()
    pages[0].save(file, "GIF", save_all=True, append_images=pages[1:])
    same = opened(pages[0])
    actual, _, _ = ours.process_vision_info(messages([same] * 8))
    assert_same(actual, [ours.fetch_image({"image": opened(pages[0])})] * 8)
    shared = [Image.open(file) for _ in range(6)]
    actual, _, _ = ours.process_vision_info(messages(shared))
    assert_same(actual, [ours.fetch_image({"image": Image.open(file)})] * 6)


def test_no_more_images_at_a_time_than_threads(threads, monkeypatch):
    most, now, lock = 0, 0, threading.Lock()
    all_there = threading.Event()
    fetch = ours.fetch_image

    def spy(*arguments):
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        if most >= threads:
            all_there.set()
        assert all_there.wait(20)
        try:
            return fetch(*arguments)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(ours, "fetch_image", spy)
    ours.process_vision_info(messages([picture(90, 90)] * 12))
    assert most == threads
