"""Compare images with keye_vl_utils 1.5.2: the same arguments give the same bits."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    AspectRatioError,
    InvalidArgumentError,
    SizeError,
)
from support.vision_process import (
    TOKEN,
    assert_same,
    data_url,
    pictures,
    reference,
)

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "YCbCr", "I", "F"])
def test_images_of_every_mode(mode):
    image = pictures(1)[0].convert(mode)
    assert_same(ours.fetch_image({"image": image}), reference.fetch_image({"image": image}))


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (30, 40), (99, 1001), (1500, 900), (28, 28)])
@pytest.mark.parametrize("is_video", [False, True])
@pytest.mark.parametrize("factor", [28, 14, 32])
def test_images_of_every_size(size, is_video, factor):
    (image,) = pictures(1, *size)
    expected = reference.fetch_image({"image": image}, factor, is_video)
    assert_same(ours.fetch_image({"image": image}, factor, is_video), expected)


@pytest.mark.parametrize(
    "options",
    [
        {"min_pixels": 300 * TOKEN},
        {"max_pixels": 5 * TOKEN},
        {"min_pixels": 100.5, "max_pixels": 9999.9},
        {"resized_height": 99, "resized_width": 1001},
        {"resized_height": 99},
        {"resized_width": 99, "max_pixels": 5 * TOKEN},
        {"resized_height": 280, "resized_width": 280, "max_pixels": TOKEN},
    ],
    ids=str,
)
def test_options_of_images(options):
    ele = {"image": pictures(1, 500, 300)[0], **options}
    assert_same(ours.fetch_image(dict(ele)), reference.fetch_image(dict(ele)))


def test_sources_of_images(tmp_path):
    (image,) = pictures(1)
    path = tmp_path / "a b%20é.png"
    image.save(path)
    for source in (image, str(path), f"file://{path}", data_url(image)):
        for key in ("image", "image_url"):
            expected = reference.fetch_image({key: source})
            assert_same(ours.fetch_image({key: source}), expected)
            assert expected.tobytes() == image.resize((84, 56)).tobytes()


def test_an_image_goes_before_an_image_url():
    first, second = pictures(2)
    ele = {"image_url": second, "image": first}
    assert_same(ours.fetch_image(ele), reference.fetch_image(ele))


def test_an_image_that_is_too_thin():
    (image,) = pictures(1, 300, 1)
    with pytest.raises(AspectRatioError, match="300"):
        ours.fetch_image({"image": image})


def test_an_image_of_no_pixels():
    with pytest.raises(SizeError):
        ours.fetch_image({"image": Image.new("RGB", (0, 10))})


@pytest.mark.parametrize("options", [{"min_pixels": None}, {"max_pixels": None}], ids=str)
def test_no_limit_is_the_default_limit_for_images_as_for_videos(options, short_name):
    (image,) = pictures(1)
    assert_same(ours.fetch_image({"image": image, **options}), ours.fetch_image({"image": image}))
    assert_same(
        ours.fetch_video({"video": short_name, **options}), ours.fetch_video({"video": short_name})
    )


@pytest.mark.parametrize("key", ["min_pixels", "max_pixels"])
@pytest.mark.parametrize("value", [-1, math.nan])
def test_impossible_limits_of_images_are_named(key, value):
    with pytest.raises(InvalidArgumentError, match=key):
        ours.fetch_image({"image": pictures(1)[0], key: value})
