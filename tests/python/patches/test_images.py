"""Test batches of images in parallel: the published bits, in order, with any number of threads."""

from __future__ import annotations

import io
import os
import threading

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from keye_vl_rs import _core
from keye_vl_rs._patches import images, pillow_compat
from keye_vl_rs.errors import AspectRatioError, FramesShapeError, UnreadableMediaError
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from oracle import published_processor as published
from support.images import noise, opened, picture, saved
from support.processor import assert_bits
from support.program import run_program

# As of a program that creates its own.
PICTURES = """
import numpy as np
from PIL import Image
x = np.random.default_rng(0).integers(0, 256, (12, 113, 170, 3), dtype=np.uint8)
"""
MODES = ["RGB", "RGBA", "L", "P", "LA", "CMYK", "1", "YCbCr"]


def mixed():
    """Return images of many sizes and modes, decoded or not, and arrays."""
    images = [picture(100 + 57 * i, 400 - 31 * i, mode, i) for i, mode in enumerate(MODES)]
    images += [opened(picture(333, 222, seed=9)), opened(noise(350, 470), "JPEG")]
    images += [np.asarray(noise(90, 130)), np.asarray(noise(56, 28)).transpose(2, 0, 1)]
    return [*images, picture(700, 90), noise(56, 84), picture(5, 300)]


def processed(images, **kwargs):
    return KeyeVL1_5ImageProcessor()(images, return_tensors="pt", **kwargs)


@pytest.fixture(params=["1", "2", "5"])
def threads(request, monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", request.param)
    return int(request.param)


@pytest.mark.usefixtures("threads")
def test_mixed_images():
    assert_bits(processed(mixed()), published.preprocess(mixed(), "image"))


@pytest.mark.parametrize("size", [(2400, 2400), (2900, 1900), (1080, 1920), (3600, 1560)])
@pytest.mark.usefixtures("threads")
def test_photos(size):
    """Pillow stores images beyond 16 MB in several blocks."""
    image = noise(*size)
    assert_bits(processed(image), published.preprocess([image], "image"))


@pytest.mark.parametrize("resample", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
def test_any_size_to_any_size(resample):
    kwargs = {"resample": resample, "min_pixels": 60 * 60, "max_pixels": 200 * 200}
    sides = np.random.default_rng(1).integers(1, 400, (60, 2)).tolist()
    images = [
        noise(height, width, height)
        for height, width in sides
        if max(height, width) < 200 * min(height, width)
    ]
    assert_bits(processed(images, **kwargs), published.preprocess(images, "image", **kwargs))


def test_the_core_resizes_as_pillow_does():
    for kernel in ("pillow-bilinear", "pillow-bicubic"):
        assert pillow_compat.resize_matches(kernel)


@pytest.mark.parametrize("name", ["resize_matches", "exports_raw_memory"])
def test_where_pillow_is_not_as_known(name, monkeypatch):
    monkeypatch.setattr(images, name, lambda *_: False)
    assert_bits(processed(mixed()), published.preprocess(mixed(), "image"))


def test_an_unpillow_compat_is_not_trusted(monkeypatch):
    monkeypatch.setattr(pillow_compat.PIL, "__version__", "99.1.0")
    pillow_compat.resize_matches.cache_clear()
    try:
        assert not pillow_compat.resize_matches("pillow-bilinear")
    finally:
        pillow_compat.resize_matches.cache_clear()


@pytest.mark.one_level
def test_aligned_rows_of_pillow():
    code = (
        PICTURES
        + """
x = x[:, :, :169]
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
def same(alignment):
    Image.core.set_alignment(alignment)
    image = Image.fromarray(x[0])
    pixels = [KeyeVL1_5ImageProcessor()(one, return_tensors="np")["pixel_values"]
              for one in (image, x[0])]
    return [Image.core.get_alignment(), np.array_equal(*pixels)]
result = [same(8), same(64)]
"""
    )
    assert run_program(code, ("result",))["result"] == [[8, True], [64, True]]


def test_frames_of_a_video_that_are_images(threads):
    frames = [picture(75, 120, seed=seed) for seed in range(7)]
    arrays = np.stack([np.asarray(frame) for frame in frames]).transpose(0, 3, 1, 2)
    expected = published.preprocess([torch.from_numpy(arrays).float()], "video")
    processor = KeyeVL1_5ImageProcessor()
    assert_bits(processor(videos=[frames], return_tensors="pt"), expected)


def test_a_colour_key_is_left_alone_without_conversion():
    plain, keyed = picture(64, 80), picture(64, 80)
    keyed.info["transparency"] = keyed.getpixel((5, 5))
    assert_bits(processed(keyed, do_convert_rgb=False), processed(plain))


@pytest.mark.usefixtures("threads")
def test_one_file_that_several_images_read_from():
    file = io.BytesIO()
    pages = [picture(300, 400, "P", seed) for seed in range(6)]
    pages[0].save(file, "GIF", save_all=True, append_images=pages[1:])
    expected = processed([one.convert("RGB") for one in ImageSequence.Iterator(Image.open(file))])
    same = opened(picture(300, 400))
    copies = [one.copy() for one in ImageSequence.Iterator(Image.open(file))]
    assert_bits(processed(copies), expected)
    assert_bits(processed([same] * 9), processed([picture(300, 400)] * 9))


@pytest.mark.usefixtures("threads")
def test_the_first_error_in_order_is_raised_and_names_the_image():
    good, damaged = picture(60, 60), noise(600, 600)
    later = [opened(damaged, "JPEG", 0.5), good, opened(damaged, "PNG", 0.1), good]
    for before in (0, 1, 5):
        with pytest.raises(UnreadableMediaError, match=rf"^image {before}: .*truncated"):
            processed([good] * before + later)
    with pytest.raises(AspectRatioError, match=r"^image 2: .*999"):
        processed([good, good, np.zeros((2, 999, 3), np.uint8)])
    with pytest.raises(FramesShapeError, match=r"^image 1: .*empty"):
        processed([good, np.zeros((0, 56, 56, 3), np.uint8)])


def test_no_more_threads_than_asked_for_and_none_left(threads, monkeypatch):
    before = set(threading.enumerate())
    seen, write = set(), images._write_bands
    all_there = threading.Event()

    def spy(*arguments):
        seen.add(threading.get_ident())
        if len(seen) >= threads:
            all_there.set()
        assert all_there.wait(20)
        write(*arguments)

    monkeypatch.setattr(images, "_write_bands", spy)
    processed([picture(300, 300)] * 12)
    assert len(seen) == threads
    assert set(threading.enumerate()) == before


@pytest.mark.one_level
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are POSIX's")
def test_a_forked_worker():
    code = (
        PICTURES
        + """
import multiprocessing
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
images = [Image.fromarray(one) for one in x]
def work(_):
    return KeyeVL1_5ImageProcessor()(images, return_tensors="np")["pixel_values"].tobytes()
# Where processes look for it.
__import__("__main__").work = work
before = work(0)
with multiprocessing.get_context("fork").Pool(3) as pool:
    result = [one == before for one in pool.map(work, range(6))]
"""
    )
    made = run_program(code, ("result",), KEYE_VL_UTILS_PARALLEL_NUM="2")
    assert made["result"] == [True] * 6


def test_images_beside_other_work_in_threads():
    images = [noise(500, 700, seed) for seed in range(3)]
    expected = processed(images)
    results = []
    workers = [threading.Thread(target=lambda: results.append(processed(images))) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 6
    for result in results:
        assert_bits(result, expected)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((1, 2), "PyCapsule"),
        (Image.new("RGB", (10, 56)).__arrow_c_array__(), "RGB image of 56x28"),
        (Image.new("L", (28, 56)).__arrow_c_array__(), "RGB image of 56x28"),
        (np.zeros((3, 55, 28), np.uint8), "55"),
    ],
)
def test_other_rows_are_refused(rows, words):
    bands = _core.ImageBands((56, 28), (56, 28), patch_size=14, kernel="bilinear")
    assert (len(bands), bands.source_rows(1, 3)) == (4, (14, 42))
    out = np.zeros(56 * 28 * 3, np.float32)
    same = {"rescale_factor": 1.0, "image_mean": (0.0,) * 3, "image_std": (1.0,) * 3}
    with pytest.raises((TypeError, FramesShapeError), match=words):
        bands.write_patches(rows, 0, 4, out, **same)
    assert saved(Image.new("RGB", (2, 2)))
